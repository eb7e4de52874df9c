"""Reads what a cell shows, and checks whether it should.

Jupyter and evcxr count a cell as a success even if it panics, fails an assertion or returns an
error. So here a cell has a problem if it has an error, writes to stderr, or shows a panic or a
❌. Tags on a code cell (its metadata's `tags`) change this:

| tag | meaning |
|---|---|
| `expect-error` | it must have a problem; without one, the run fails |
| `varies` | its output may differ from run to run; `--check` does not compare it |
| `exercise` | the participant's turn; a markdown cell below it holds the solution |
| `optional` | not counted in the notebook's minutes (see `minutes`); any cell may have it |

A solution is a markdown cell with the metadata `"solution_for": "<id of the exercise's cell>"` and
one block of code in it (in `<details>`). A ```diff block shows only the lines that change: `-` marks
a removed line, `+` an added one, two spaces an unchanged one, and an empty line separates places. A
```rust block is the whole cell. `--solutions` solves the exercise's cell with it. Then that cell or the
next code cell must show a ✅ and neither may have a problem. Unsolved, they must show neither ✅ nor
❌: a ✅ would mean that the grader passes anything.
"""

import re

# The first line of a thread's panic. A verdict reports a candidate's panic in another form.
PANIC = re.compile(r"^thread '.*' .*panicked at .*$", re.MULTILINE)
# The line on stderr that the workshop's crate shows instead (`lib/src/show/check.rs`).
TOLD_PANIC = re.compile(r"^panicked: ", re.MULTILINE)
SOLUTION_BLOCK = re.compile(r"^```(rust|diff)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def code_lines(source):
    """Counts the lines that are neither blank nor only a comment."""
    lines = [line.strip() for line in source.splitlines()]
    return sum(1 for line in lines if line and not line.startswith("//"))


def without_code(markdown):
    """Returns Markdown without its fenced blocks; a code span becomes one word."""
    markdown = re.sub(r"^(```|~~~).*?^\1", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "code", markdown)


def texts(cell):
    """Yields what a cell shows, as (name of the stream or MIME type, text)."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            yield output.name, output.text
        elif output.output_type == "error":
            yield "error", f"{output.ename}: {output.evalue}"
        else:
            # An HTML output repeats its text form.
            kind = "text/plain" if "text/plain" in output.data else "text/html"
            yield kind, output.data.get(kind, "")


def marks(cell):
    """Counts the ✅ and the ❌ that a cell shows."""
    shown = "".join(text for _, text in texts(cell))
    return shown.count("✅"), shown.count("❌")


def problems(cell, live=False):
    """Returns what a participant would take for a failure, also where a failure is expected.

    With a real model (`live`), a ❌ is no failure: whether a check passes depends on the model.
    """
    found = []
    for kind, text in texts(cell):
        if kind == "error":
            found.append(text)
        elif kind == "stderr":
            found.append("stderr: " + text.strip())
        elif panic := PANIC.search(text):
            found.append(panic.group())
        if not live:
            found += [line.strip() for line in text.splitlines() if "❌" in line]
    return found


def is_returned_error(problem):
    """Whether the cell ended with an error that it returned, and not with a panic or a compile error."""
    text = problem.removeprefix("stderr: ")
    return text != problem and not PANIC.search(text) and not TOLD_PANIC.search(text)


def unexpected(cell, live=False):
    """Returns the problems of a cell that its tags do not allow, or a missing one that they demand."""
    found = problems(cell, live)
    if "expect-error" not in cell.metadata.get("tags", []):
        return found
    return [] if found else ["tagged expect-error, but there is none"]


def solutions(notebook):
    """Returns the solved code of each exercise, by the id of its cell."""
    sources = {cell.id: cell.source for cell in notebook.cells}
    return {
        cell.metadata["solution_for"]: solved(sources.get(cell.metadata["solution_for"], ""), cell)
        for cell in notebook.cells
        if "solution_for" in cell.metadata
    }


def solved(source, cell):
    """Returns an exercise's code, solved with the solution in this cell."""
    blocks = SOLUTION_BLOCK.findall(cell.source)
    if len(blocks) != 1:
        raise ValueError(
            f"a solution has one ```rust or ```diff block, but {cell.id} has {len(blocks)}"
        )
    [(kind, text)] = blocks
    try:
        return text.rstrip("\n") if kind == "rust" else patched(source, text)
    except ValueError as error:
        raise ValueError(f"the solution {cell.id} {error}") from error


def patched(source, diff):
    """Returns the source with each place of the diff changed; it must hold each place exactly once."""
    result = f"\n{source}\n"
    for place in re.split(r"\n\s*\n", diff.strip("\n")):
        lines = place.splitlines()
        if odd := [line for line in lines if line[:2] not in ("- ", "+ ", "  ", "-", "+")]:
            raise ValueError(f"has a line without `- `, `+ ` or two spaces: {odd[0]}")
        before, after = (
            "\n" + "".join(line[2:] + "\n" for line in lines if line[0] != sign) for sign in "+-"
        )
        if before == after:
            raise ValueError(f"changes nothing at: {lines[0]}")
        if before == "\n":
            raise ValueError(f"does not say where this line goes: {lines[0]}")
        if (times := result.count(before)) != 1:
            raise ValueError(f"changes a place that the exercise has {times} times: {lines[0]}")
        result = result.replace(before, after)
    return result.strip("\n")


def exercises(notebook):
    """Yields each exercise's cell with the code cell after it, as (id, cells)."""
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    # Not from `solutions`: the notebook may be solved already.
    ids = {cell.metadata.get("solution_for") for cell in notebook.cells}
    for index, cell in enumerate(code_cells):
        if cell.id in ids:
            yield cell.id, code_cells[index : index + 2]


def passed_unsolved(notebook):
    return [
        f"exercise {name}: its grader shows ✅ or ❌ before anything is solved"
        for name, cells in exercises(notebook)
        if any(sum(marks(cell)) for cell in cells)
    ]


def failed_solved(notebook):
    return [
        f"exercise {name}: its solution gets no ✅"
        for name, cells in exercises(notebook)
        if not any(marks(cell)[0] for cell in cells)
    ]
