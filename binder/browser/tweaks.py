"""Reads the edits that the notebooks suggest with **Tweak it** from `tweaks.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("tweaks.toml")


@dataclass(frozen=True)
class Tweak:
    """One suggested edit, and where its effect is seen. All three cells are named by their ids."""

    notebook: str  # its path from notebooks/
    told_in: str  # the text that says **Tweak it**
    cell: str  # the code that is edited
    replace: str  # this text occurs once in the cell
    by: str
    watch: str  # the code cell that shows the effect
    shows: str  # a pattern that matches its output only after the edit


def tweaks():
    """Returns all tweaks, in the order of the list."""
    with open(LIST, "rb") as file:
        return [Tweak(**tweak) for tweak in tomllib.load(file)["tweak"]]


def edited(source, tweak):
    """Returns a cell's code after the edit."""
    if source.count(tweak.replace) != 1:
        raise ValueError(f"cell {tweak.cell} does not hold {tweak.replace!r} once")
    return source.replace(tweak.replace, tweak.by)
