"""Cuts a notebook into the pages of a talk."""

import re

from nbconvert.preprocessors import Preprocessor

# A badge that begins a notebook: a picture from the network.
BADGE = re.compile(r"\[!\[[^]]*\]\(https://[^)]*\)\]\([^)]*\)\s*")


class Pages(Preprocessor):
    """Begins a page at each text that follows code, unless the notebook says otherwise.

    A notebook marks its chapters and sections. Within a section, a page holds some text and the cells
    that belong to it. A part that the talk skips does not end a page.
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
