"""Checks the notebooks' files, without running them: `python -m checks.hygiene [notebook ...]`.

Prints one line per finding; with any finding the exit status is 1. The checks cover what a reader, a
browser on an untrusted clone, a talk and a diff need; each function below is one group of checks.
"""

import json
import re
import statistics
import sys
import tomllib
from pathlib import Path

import nbformat

import work
from checks import NOTEBOOKS, ROOT, cells, minutes, normal_form, notebooks, picture, stamps
from checks.cells import code_lines, without_code

MOST_CELLS = 60
MOST_CODE_LINES = 20
MEDIAN_CODE_LINES = 7
LONGEST_CODE_LINE = 100  # what a projector shows at 1280 pixels without a scroll bar
LEAST_WORDS = 5
MOST_PREDICTIONS = 5
GLOSSARY = "](../binder/GLOSSARY.md)"

SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}

# The form of keys of model providers and code hosts.
KEYS = re.compile(
    r"sk-[A-Za-z0-9_-]{20,}|gsk_[A-Za-z0-9]{20,}|AIza[A-Za-z0-9_-]{30,}|gh[pousr]_[A-Za-z0-9]{30,}"
    r"|xox[abp]-[A-Za-z0-9-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY"
)
MACHINE_PATHS = re.compile(r"/home/\w+/|/Users/\w+/|C:\\\\?Users|/root/|/tmp/\w+")


def main():
    paths = [Path(name).resolve() for name in sys.argv[1:]] or notebooks()
    if not paths:
        sys.exit(f"hygiene: there is no notebook in {NOTEBOOKS}")
    findings = [f"{path.name}: {finding}" for path in paths for finding in check(path)]
    print("\n".join(findings) or f"hygiene: {len(paths)} notebook(s), nothing found")
    sys.exit(1 if findings else 0)


def check(path):
    """Returns all findings about one notebook."""
    text = path.read_text(encoding="utf-8")
    try:
        notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
    except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        return [f"is not a valid notebook: {error!r:.200}"]
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        return [f"has format {notebook.nbformat}.{notebook.nbformat_minor}, not 4.5"]
    return [
        finding
        for group in (
            file_form,
            headings,
            code_cells,
            prose,
            predictions,
            images,
            exercises,
            outputs,
            stamps.problems,
            minutes.problems,
        )
        for finding in group(notebook)
    ] + text_form(text, notebook, path)


def text_form(text, notebook, path):
    found = []
    # Reads the text, because nbformat silently gives another id to a second cell with the same id.
    ids = [cell["id"] for cell in json.loads(text)["cells"]]
    found += [f"has two cells with the id {name}" for name in sorted({*ids}) if ids.count(name) > 1]
    if text != normal_form.text(normal_form.of(notebook)):
        found.append("is not in its normal form: run binder/run --update")
    found += [f"holds what looks like a key: {key[:6]}..." for key in KEYS.findall(text)]
    if str(ROOT) in text:
        found.append("names the folder of this clone")
    found += binder_problems(notebook.cells[0].source, path)
    if path.parent == NOTEBOOKS:
        found += of_the_workshop(notebook)
    found += picture.problems(path, notebook)
    for link in re.findall(r"\]\((?!https?:|#|data:|attachment:)([^)#\s]+)", prose_of(notebook)):
        if not (path.parent / link).exists():
            found.append(f"links to {link}, which does not exist")
    return found


def binder_problems(first_cell, path):
    """Checks the Binder link: there is one if, and only if, the repository has a public address."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    repository = manifest["workspace"]["package"]["repository"].removeprefix("https://github.com/")
    name = path.relative_to(NOTEBOOKS) if path.is_relative_to(NOTEBOOKS) else path.name
    link = f"[Open in Binder]({work.binder_link(repository, name)})"
    if repository.startswith("OWNER/"):
        told = "links to Binder, but the workshop has no address yet: binder/publish writes one"
        return [told] if "mybinder.org" in first_cell else []
    return [] if link in first_cell else [f"its first cell lacks {link}: run binder/publish"]


def of_the_workshop(notebook):
    """Checks what the four have in common: the loop at the start, and a link to the glossary."""
    found = []
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    if not any("Loop::new(" in source for source in code[:2]):
        found.append("does not draw the loop (`Loop::new(..)`) in its first or second code cell")
    if not any(GLOSSARY in cell.source for cell in notebook.cells):
        found.append(f"does not link the glossary: [glossary{GLOSSARY}")
    return found


def file_form(notebook):
    found = []
    if notebook.metadata.get("kernelspec", {}).get("name") != "rust":
        found.append("its kernelspec is not `rust`")
    for cell in notebook.cells:
        if not cell.source.strip():
            found.append(f"cell {cell.id} is empty")
        if cell.metadata.get("slideshow", {}).get("slide_type") not in SLIDE_TYPES:
            found.append(
                f"cell {cell.id} has no slideshow metadata (slide_type: one of {SLIDE_TYPES})"
            )
    return found


def headings(notebook):
    found, last, titles = [], 0, 0
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for marks, title in re.findall(r"^(#+) +(.+)$", without_code(cell.source), re.MULTILINE):
            level = len(marks)
            titles += level == 1
            if level > last + 1:
                found.append(f"heading `{title}` skips from level {last} to {level}")
            last = level
    if titles != 1 or not notebook.cells[0].source.startswith("# "):
        found.append(f"has {titles} H1 headings; it needs one, at the top")
    return found


def code_cells(notebook):
    found = []
    if len(notebook.cells) > MOST_CELLS:
        found.append(f"has {len(notebook.cells)} cells; at most {MOST_CELLS}")
    lengths = {c.id: code_lines(c.source) for c in notebook.cells if c.cell_type == "code"}
    for name, length in lengths.items():
        if length > MOST_CODE_LINES:
            found.append(f"cell {name} has {length} code lines; at most {MOST_CODE_LINES}")
    for name, source in sources(notebook):
        found += [
            f"cell {name} has a code line of {len(line)} characters; at most {LONGEST_CODE_LINE}"
            for line in source.splitlines()
            if len(line) > LONGEST_CODE_LINE
        ]
    median = statistics.median(lengths.values()) if lengths else 0
    if median > MEDIAN_CODE_LINES:
        found.append(f"the median cell has {median} code lines; at most {MEDIAN_CODE_LINES}")
    return found


def sources(notebook):
    """Yields the code of each code cell and of each solution, with the cell's id."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield cell.id, cell.source
        elif "solution_for" in cell.metadata:
            for _, code in cells.SOLUTION_BLOCK.findall(cell.source):
                yield cell.id, code


def prose(notebook):
    """Checks that there are words before every code cell: say it, then type it."""
    found, previous = [], None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            words = without_code(previous.source).split() if previous else []
            if previous is None or previous.cell_type != "markdown" or len(words) < LEAST_WORDS:
                found.append(
                    f"cell {cell.id} has no prose before it (at least {LEAST_WORDS} words)"
                )
        previous = cell
    return found


def predictions(notebook):
    """Checks that there are only a few predictions, and that each has its answer behind a click."""
    asking = [cell for cell in notebook.cells if "**Predict" in cell.source]
    found = [
        f"cell {cell.id} has no answer behind a click after **Predict**"
        for cell in asking
        if "<summary>Answer</summary>" not in cell.source.split("**Predict", 1)[1]
    ]
    if len(asking) > MOST_PREDICTIONS:
        found.append(f"asks for {len(asking)} predictions; at most {MOST_PREDICTIONS}")
    return found


def images(notebook):
    found = []
    for cell in notebook.cells:
        shown = [without_code(cell.source)] if cell.cell_type == "markdown" else []
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                shown.append(data["text/html"])
            if data and not data.get("text/plain", "").strip():
                found.append(f"cell {cell.id} has an output without a text form")
        for part in shown:
            if re.search(r"<svg\b", part):
                found.append(
                    f"cell {cell.id} has an inline <svg>, which an untrusted notebook loses"
                )
            for tag in re.findall(r"<img\b[^>]*>", part):
                if not re.search(r"""\balt=(["'])\s*\S.*?\1""", tag, re.DOTALL):
                    found.append(f"cell {cell.id} has an image without alt text")
            if re.search(r"!\[\s*\]\(", part):
                found.append(f"cell {cell.id} has an image without alt text")
    return found


def exercises(notebook):
    found = []
    tagged = {c.id for c in notebook.cells if "exercise" in c.metadata.get("tags", [])}
    try:
        solved = set(cells.solutions(notebook))
    except ValueError as error:
        return [str(error)]
    found += [f"exercise {name} has no solution" for name in sorted(tagged - solved)]
    found += [
        f"a solution is for {name}, which is not an exercise" for name in sorted(solved - tagged)
    ]
    for cell in notebook.cells:
        if "solution_for" in cell.metadata and "<details>" not in cell.source:
            found.append(f"cell {cell.id} shows a solution without <details>")
    return found


def outputs(notebook):
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if cell.execution_count is None:
            found.append(f"cell {cell.id} was not run: run binder/run --update")
            continue
        found += [f"cell {cell.id}: {problem}" for problem in cells.unexpected(cell)]
        if any(lost_panel(output) for output in cell.outputs):
            found.append(
                f"cell {cell.id} shows a panel as text only: its last line moves a variable; "
                "put the panel into a variable, and the variable on the last line"
            )
        for kind, text in cells.texts(cell):
            for path in MACHINE_PATHS.findall(text):
                found.append(f"cell {cell.id} shows a path of a machine in its {kind}: {path}")
    return found


def lost_panel(output):
    """Returns whether an output is one of our panels (lines, or a quote's bar) without its HTML."""
    data = output.get("data", {})
    text = data.get("text/plain", "").strip()
    return "text/html" not in data and ("\n" in text or "│" in text)


def prose_of(notebook):
    return "\n".join(without_code(c.source) for c in notebook.cells if c.cell_type == "markdown")


if __name__ == "__main__":
    main()
