"""Keeps the README's picture: cell `plot` of notebook 1 draws it, `binder/run --update` writes it."""

import base64
import re

from checks import NOTEBOOKS, ROOT

FILE = ROOT / ".github" / "picture.svg"
NOTEBOOK = NOTEBOOKS / "01_self_reparation.ipynb"
CELL = "plot"
IMAGE = re.compile(r'src="data:image/svg\+xml;base64,([^"]+)"')


def renew(path, notebook):
    """Writes the picture, if this is the notebook that draws it."""
    if path == NOTEBOOK and (drawn := drawn_by(notebook)):
        FILE.write_bytes(drawn)


def problems(path, notebook, file=FILE):
    """Returns what is wrong with the picture, if this is the notebook that draws it."""
    if path != NOTEBOOK:
        return []
    drawn = drawn_by(notebook)
    if drawn is None:
        return [f"has no cell `{CELL}` that shows one picture, which {FILE.name} is made of"]
    if not file.is_file() or file.read_bytes() != drawn:
        return [f"draws another picture than {FILE.name}: run binder/run --update {NOTEBOOK.stem}"]
    return []


def drawn_by(notebook):
    """Returns the SVG that the cell shows; None unless it shows exactly one."""
    shown = "".join(
        output.get("data", {}).get("text/html", "")
        for cell in notebook.cells
        if cell.id == CELL
        for output in cell.get("outputs", [])
    )
    pictures = IMAGE.findall(shown)
    return base64.b64decode(pictures[0]) if len(pictures) == 1 else None
