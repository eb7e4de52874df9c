"""Tests that each suggested tweak, made without a key, changes more than the label."""

import re
import unittest

import nbformat

from checks import NOTEBOOKS, cells, notebooks

from .support import BrowserTest
from .tweaks import edited, tweaks


class TheList(unittest.TestCase):
    """`tweaks.toml` and the notebooks agree."""

    def test_each_suggestion_is_listed(self):
        listed = {(tweak.notebook, tweak.told_in) for tweak in tweaks()}
        told = {
            (path.relative_to(NOTEBOOKS).as_posix(), cell.id)
            for path in notebooks()
            for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "markdown" and "**Tweak it" in cell.source
        }
        self.assertEqual(listed, told)

    def test_each_fits_its_notebook(self):
        for tweak in tweaks():
            with self.subTest(tweak.by, notebook=tweak.notebook):
                notebook = nbformat.read(NOTEBOOKS / tweak.notebook, as_version=4)
                order = [cell.id for cell in notebook.cells]
                self.assertLessEqual(order.index(tweak.cell), order.index(tweak.watch))
                found = {cell.id: cell for cell in notebook.cells}
                edited(found[tweak.cell].source, tweak)
                self.assertNotRegex(shown(found[tweak.watch]), tweak.shows, "without the edit")


class EachTweak(BrowserTest):
    def test_each_tweak_shows(self):
        """Goes from a notebook's end to its start, because a later cell needs the earlier ones unchanged."""
        for name in {tweak.notebook: None for tweak in tweaks()}:
            notebook = self.open(name)
            notebook.wait_for_kernel()
            notebook.restart_and_run_all()
            notebook.finish()
            order = [cell.id for cell in notebook.cells()]
            suggested = [tweak for tweak in tweaks() if tweak.notebook == name]
            for tweak in sorted(suggested, key=lambda tweak: -order.index(tweak.cell)):
                with self.subTest(tweak.by, notebook=name):
                    self.make(notebook, tweak)
            notebook.page.close()
            self.end_kernels()

    def make(self, notebook, tweak):
        before = notebook.cell(tweak.cell).source
        notebook.write(tweak.cell, edited(before, tweak))
        told = shown(notebook.run_through(tweak.cell, tweak.watch))
        notebook.write(tweak.cell, before)
        self.assertTrue(re.search(tweak.shows, told), f"no {tweak.shows!r} in:\n{told}")


def shown(cell):
    """Returns what a cell shows, without the lines that only say who answered and what that has cost."""
    text = "\n".join(text for _, text in cells.texts(cell))
    return "\n".join(line for line in text.splitlines() if not SAYS_WHO.search(line))


SAYS_WHO = re.compile(r"\[scripted\b|replies scripted|this cell asked")
