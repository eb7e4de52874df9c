"""Runs the notebooks, and checks them and their files.

| module | what |
|---|---|
| `run` | `binder/run`: each notebook from top to bottom in a fresh kernel |
| `cells` | what a cell shows, and whether it should |
| `normal_form` | the form in which a notebook is committed, and the differences from it |
| `picture` | the README's picture, which notebook 1 draws |
| `hygiene` | checks of the notebooks' files, without running them |
| `minutes` | how long a notebook takes |
| `stamps` | whether cells show who answered, and what that has cost |
"""

from pathlib import Path

import work

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = ROOT / "notebooks"


def notebooks():
    """Returns the paths of all notebooks: the workshop's four, then those in `further/`."""
    paths = [NOTEBOOKS / name for name in work.notebooks(NOTEBOOKS)]
    return sorted(paths, key=lambda path: (len(path.parts), path))
