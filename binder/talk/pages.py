"""How a notebook is cut into a talk's pages."""

import re

from nbconvert.preprocessors import Preprocessor

# A badge that begins a notebook: a picture from the network.
BADGE = re.compile(r"\[!\[[^]]*\]\(https://[^)]*\)\]\([^)]*\)\s*")


class Pages(Preprocessor):
    """Starts a page at each thought: at text after code, where the notebook does not say otherwise.

    A notebook marks its chapters and sections; within one, a page holds some text and the cells
    that show it. A part that a talk skips ends no page.
    """

    def preprocess(self, notebook, resources):
        before = None
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = BADGE.sub("", cell.source)
            slide = cell.metadata.setdefault("slideshow", {})
            if slide.get("slide_type") == "skip":
                continue
            if slide.get("slide_type", "-") == "-" and (before, cell.cell_type) == (
                "code",
                "markdown",
            ):
                slide["slide_type"] = "subslide"
            before = cell.cell_type
        return notebook, resources
