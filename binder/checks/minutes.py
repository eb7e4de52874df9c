"""Computes how long a notebook takes a participant: `python -m checks.minutes` prints a table.

A minute is 180 words or 12 lines of code, and each exercise takes ten minutes. A section whose cells
are tagged `optional` is not counted; it must be at the end, after what everybody does. A solution is
not counted either: participants read it in its exercise's ten minutes.
"""

import math
import re
from dataclasses import dataclass

import nbformat

from checks import notebooks
from checks.cells import code_lines, without_code

WORDS_A_MINUTE = 180
LINES_A_MINUTE = 12
MINUTES_AN_EXERCISE = 10

# The first cell claims the minutes, in steps of five: `About 40 minutes`. They may be rounded up.
CLAIM = re.compile(r"\bAbout (\d+) minutes\b")
STEP = 5


@dataclass
class Reading:
    """How much a participant reads, types and solves in a notebook."""

    words: int = 0
    lines: int = 0
    exercises: int = 0

    @property
    def minutes(self):
        reading = self.words / WORDS_A_MINUTE + self.lines / LINES_A_MINUTE
        return reading + self.exercises * MINUTES_AN_EXERCISE


def reading(notebook):
    """Adds up the cells that count."""
    result = Reading()
    for cell in notebook.cells:
        if is_optional(cell):
            continue
        if cell.cell_type == "code":
            result.lines += code_lines(cell.source)
            result.exercises += "exercise" in cell.metadata.get("tags", [])
        elif "solution_for" not in cell.metadata:
            result.words += len(without_code(cell.source).split())
    return result


def claimed(notebook):
    """Returns the minutes that the first cell claims; None if it claims none."""
    found = CLAIM.search(notebook.cells[0].source)
    return int(found[1]) if found else None


def problems(notebook):
    """Returns what is wrong with the time that a notebook claims."""
    found = []
    counted, claim = reading(notebook).minutes, claimed(notebook)
    if claim is None:
        found.append("its first cell does not say `About N minutes`")
    elif claim % STEP or not -STEP / 2 <= claim - counted < STEP:
        nearest = STEP * math.ceil((counted - STEP / 2) / STEP)
        found.append(f"claims {claim} minutes but takes {counted:.1f}: say {nearest}, or cut")
    optional = [is_optional(cell) for cell in notebook.cells]
    if optional != sorted(optional):
        found.append(
            "has cells that count after a cell tagged `optional`: move the optional ones to the end"
        )
    return found


def is_optional(cell):
    return "optional" in cell.metadata.get("tags", [])


def main():
    print(f"{'notebook':<32} words  lines  exercises  minutes  claimed")
    for path in notebooks():
        notebook = nbformat.read(path, as_version=4)
        it = reading(notebook)
        print(
            f"{path.stem:<32} {it.words:5}  {it.lines:5}  {it.exercises:9}"
            f"  {it.minutes:7.1f}  {claimed(notebook) or 'none':>7}"
        )


if __name__ == "__main__":
    main()
