"""Tests each notebook as it is committed, then run from the menu, two at once."""

import shutil
import unittest
from pathlib import Path

import nbformat

from checks import NOTEBOOKS, cells

from . import look
from .page import finish
from .support import RESULTS, BrowserTest, names

NAMES = names()


class Pairs(unittest.TestCase):
    def test_every_notebook_is_in_a_pair(self):
        self.assertEqual(pairs("abcd"), ["ab", "cd"])
        self.assertEqual(pairs("abcde"), ["ab", "cd", "ea"])


class EveryNotebook(BrowserTest):
    def test_the_first_page(self):
        """The first notebook is open, and nothing pops up in front of it."""
        page = self.context.new_page()
        page.goto(f"{self.lab.address}/?token={self.lab.token}")
        page.get_by_role("tab", name=NAMES[0]).wait_for()
        page.locator(".jp-Notebook h1", has_text="Self-reparation").wait_for()
        page.locator("[data-status=idle]").first.wait_for()
        self.assertEqual(page.locator(".jp-Dialog, .Toastify__toast").count(), 0)

    def test_what_is_hard_to_read_is_found(self):
        """Tries the check itself on a page with both faults, and on one without."""
        page = self.context.new_page()
        page.set_content(OUTPUT.format(color="#999", wrap="nowrap"))
        faint, *wide = look.problems(page)
        self.assertRegex(faint, r"contrast 2\.\d+: 'grey'")
        self.assertRegex(wide[0], r"pixels wide in a place of 200")
        page.set_content(OUTPUT.format(color="#555", wrap="normal"))
        self.assertEqual(look.problems(page), [])

    def test_as_committed(self):
        """Nobody trusts the notebook yet, but its pictures can be seen."""
        for name in NAMES:
            with self.subTest(name):
                shutil.copy(NOTEBOOKS / name, self.lab.work / name)
                notebook = self.open(name)
                notebook.show_theme("JupyterLab Light")
                trusted = notebook.page.evaluate(TRUSTED)
                self.assertEqual(trusted, 0, "a fresh notebook is trusted, so this tests nothing")
                committed = nbformat.read(NOTEBOOKS / name, as_version=4)
                self.assert_readable(notebook, pictures=pictures_in(committed.cells))
                notebook.page.close()

    def test_two_at_once(self):
        """Restart and Run All, in two windows; questions are answered with yes. Git sees no change."""
        for pair in pairs(NAMES):
            opened = [self.open(name) for name in pair]
            for notebook in opened:
                notebook.wait_for_kernel()
                notebook.restart_and_run_all()
                # One start after the other, like two clicks on a slow machine.
                notebook.wait(f"{FIRST}.prompt !== '*'", "the first cell's end")
            finish(opened)
            for notebook in opened:
                with self.subTest(notebook.name):
                    self.assert_all_is_well(notebook)
                    notebook.show_theme("JupyterLab Dark")
                    self.assert_readable(notebook, pictures=pictures_in(notebook.cells()))
                    notebook.keep_screens(RESULTS / f"{Path(notebook.name).stem}-dark-{{}}.png")
                notebook.save()
                notebook.page.close()
            self.end_kernels()
        self.assertTrue((self.lab.work / "tools" / "versions").is_dir(), "no tool was written")
        self.assertEqual(self.lab.git("diff"), "")
        self.assertEqual(self.lab.git("ls-files", "--others", "--exclude-standard"), "")

    def test_again(self):
        """Restart and Run All works again, with everything still on the screen."""
        notebook = self.open(NAMES[0])
        notebook.wait_for_kernel()
        for _ in range(2):
            notebook.restart_and_run_all()
            finish([notebook])
            self.assert_all_is_well(notebook)

    def assert_all_is_well(self, notebook):
        """Asserts that every cell has run, the checks are ✅, and nothing looks like a failure."""
        code_cells = [cell for cell in notebook.cells() if cell.cell_type == "code" and cell.source]
        self.assertEqual(
            [cell.id for cell in code_cells if not cell.execution_count], [], "not run"
        )
        found = {cell.id: problems for cell in code_cells if (problems := cells.unexpected(cell))}
        self.assertEqual(found, {})
        self.assertGreater(sum(cells.marks(cell)[0] for cell in code_cells), 0, "no ✅")

    def assert_readable(self, notebook, pictures):
        """Asserts that each picture is there (notebook 3 has none), and nothing is faint or cut off."""
        # A picture loads after its element is there.
        images = '[...document.querySelectorAll(".jp-OutputArea-output img")]'
        there = f"n => ({look.PICTURES})().length === n && {images}.every(it => it.complete)"
        notebook.wait(there, "its pictures", argument=pictures)
        for words, seen in look.pictures(notebook.page):
            self.assertTrue(seen, f"this picture cannot be seen: {words}")
            self.assertGreater(len(words), 20, f"this alternative text is too short: {words!r}")
        self.assertEqual(look.problems(notebook.page), [])


OUTPUT = """
<div class="jp-Notebook"><div class="jp-Cell">
  <div class="jp-OutputArea-output" style="width: 200px; overflow: auto; white-space: {wrap}">
    <b style="color: {color}">grey</b> and one, two, three, four, five, six, seven, eight, nine, ten
  </div>
</div></div>
"""
FIRST = "jupyterapp.shell.currentWidget.content.widgets.find(cell => cell.model.type === 'code')"
TRUSTED = (
    "jupyterapp.shell.currentWidget.content.widgets"
    ".filter(cell => cell.model.type === 'code' && cell.model.trusted && cell.model.outputs.length).length"
)


def pairs(names):
    """Returns the names in pairs; one that is left over is paired with the first."""
    beside = names if len(names) % 2 == 0 else names + names[:1]
    return [beside[i : i + 2] for i in range(0, len(beside), 2)]


def pictures_in(cells):
    """Counts the pictures in the outputs."""
    return sum(
        output.get("data", {}).get("text/html", "").count("<img ")
        for cell in cells
        for output in cell.get("outputs", [])
    )
