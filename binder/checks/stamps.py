"""Checks that a cell that asked shows its cost, and in each figure and table who answered.

In a notebook that nobody has edited, each reply must be one that was made for exactly its prompt.
"""

import re

ASKS = re.compile(r"\.(?:ask|ask_many|ask_json|say|say_with)\(")
FUNCTION = re.compile(r"^fn (\w+)(?:[^\n]*\}$|.*?^\})", re.MULTILINE | re.DOTALL)
COST = re.compile(r"this cell asked \d+ questions?\b")
PICTURE = re.compile(r'<img\b[^>]*\balt="((?:Line plot|Paired dots|Lineage|Map)[^"]*)"')
# The tables of verdicts and toolboxes show measurements. Their first column has one of these titles.
MEASURED = ("result", "version", "line", "tool", "individual", "this session")
# The words in a label, a stamp or an error for a reply to another prompt, or for no reply.
NEAREST = re.compile(
    r"only the nearest|nearest (?:scripted|recorded) reply|the same prompt with another"
    r"|has nothing for this prompt|prompts? without a reply|· no reply\]"
)
TABLE = re.compile(r"<table>.*?<th\b[^>]*>(.*?)</th>.*?</table>(.{0,20})", re.DOTALL)


def problems(notebook):
    """Returns what is missing in a notebook's cells that asked."""
    found = []
    asking = asking_functions(notebook)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        shown = [text(output, "text/html") for output in cell.outputs]
        told = any(COST.search(whole(output)) for output in cell.outputs)
        # An exercise may ask a model only after it is solved.
        exercise = "exercise" in cell.metadata.get("tags", [])
        if asks(cell.source, asking) and not told and not exercise:
            found.append(
                f"cell {cell.id} asks but does not show what that has cost: "
                "end it on a panel, or on lab.cost()"
            )
        if told:
            found += [f"cell {cell.id}: {it}" for html in shown for it in unstamped(html)]
    return found + not_exact(notebook)


def not_exact(notebook):
    """Returns the cells that show a reply to another prompt than theirs, or that got no reply."""
    return [
        f"cell {cell.id}: “{told[0]}”, and nobody has edited its prompt: fix the script, or adopt it"
        for cell in notebook.cells
        for told in [NEAREST.search("".join(map(whole, cell.get("outputs", []))))]
        if told
    ]


def asking_functions(notebook):
    """Returns the names of the notebook's functions that ask, themselves or through others."""
    bodies = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for match in FUNCTION.finditer(cell.source):
                bodies[match[1]] = match[0].split("{", 1)[-1]
    asking = set()
    while more := {n for n, body in bodies.items() if n not in asking and calls(body, asking)}:
        asking |= more
    return asking


def calls(code, asking):
    names = "|".join(sorted(asking))
    return bool(ASKS.search(code) or (names and re.search(rf"(?<![.\w])(?:{names})\(", code)))


def asks(source, asking):
    """Returns whether a cell asks when it runs, outside of the functions that it defines."""
    return calls(FUNCTION.sub("", source), asking)


def unstamped(html):
    """Returns the figures and tables of a panel that do not say who answered."""
    plain = [alt for alt in PICTURE.findall(html) if "Who answered: " not in alt]
    found = [f"the figure “{alt[:40]}...” does not say who answered" for alt in plain]
    # The figure's stamp also covers what is folded away below it.
    open_parts = re.sub(r"<details>.*?</details>", "", html, flags=re.DOTALL)
    for head, after in TABLE.findall(open_parts):
        if head not in MEASURED and not after.startswith("<p><small>["):
            found.append(f"the table “{head} ...” does not say who answered")
    return found


def text(output, kind):
    content = output.get("data", {}).get(kind, "")
    return content if isinstance(content, str) else "".join(content)


def whole(output):
    return text(output, "text/plain") + str(output.get("text", ""))
