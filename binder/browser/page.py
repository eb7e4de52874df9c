"""A notebook open in JupyterLab, as its reader sees and uses it."""

import time
from pathlib import Path

import nbformat
from playwright.sync_api import Error, TimeoutError

PROJECTOR = {"width": 1280, "height": 720}
PATIENCE_SECONDS = 120  # a machine may be busy; no wait is longer than needed

# In JavaScript: the cells, one cell by its id, and whether the kernel waits for work.
CELLS = "window.jupyterapp?.shell?.currentWidget?.content?.widgets"
FIND = f"(name => {CELLS}.find(cell => cell.model.id === name))"
IS_IDLE = "(() => jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle')"


class Notebook:
    """A notebook in a page of JupyterLab."""

    def __init__(self, page, address, token, name):
        self.page, self.name = page, name
        # Each notebook has its own workspace: in a shared one, two windows would disturb each other.
        place = f"lab/workspaces/{Path(name).stem}/tree/{name}"
        page.goto(f"{address}/{place}?reset&token={token}")
        self.wait(f"{CELLS}?.length > 5 && {CELLS}.every(cell => cell.isAttached)", "its cells")

    def wait(self, condition, what, seconds=PATIENCE_SECONDS, argument=None):
        """Waits until a condition in JavaScript holds, and returns its value."""
        try:
            found = self.page.wait_for_function(
                condition, arg=argument, timeout=seconds * 1000, polling=100
            )
        except TimeoutError:
            raise AssertionError(f"{self.name}: no sign of {what} after {seconds} s") from None
        return found.json_value()

    def wait_for_kernel(self):
        self.wait(f"{IS_IDLE}()", "an idle kernel")

    def cells(self):
        """Returns the cells as they are in the browser now."""
        found = self.page.evaluate(f"{CELLS}.map(cell => cell.model.sharedModel.toJSON())")
        return [nbformat.from_dict(cell) for cell in found]

    def cell(self, name):
        return next(cell for cell in self.cells() if cell.id == name)

    def find(self, has):
        """Returns the id of the first code cell for which `has` is true."""
        for cell in self.cells():
            if cell.cell_type == "code" and has(cell):
                return cell.id
        raise AssertionError(f"{self.name}: no cell has what this test needs")

    def node(self, name):
        """Returns the place of a cell in the page."""
        self.page.evaluate(
            f"""name => {{
                const cell = {CELLS}.find(cell => cell.model.id === name);
                cell.node.dataset.cell = name;
                cell.node.scrollIntoView();
            }}""",
            name,
        )
        return self.page.locator(f'[data-cell="{name}"]')

    def click_into(self, name):
        self.node(name).locator(".cm-content").click()

    def write(self, name, source):
        """Replaces a cell's code, by keyboard."""
        self.click_into(name)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)

    def add_below(self, name, source):
        """Adds a code cell below this one; returns its id."""
        self.click_into(name)
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(source)
        return self.page.evaluate("jupyterapp.shell.currentWidget.content.activeCell.model.id")

    def start(self, name):
        """Starts a cell, and does not wait for its end."""
        self.click_into(name)
        self.page.keyboard.press("Control+Enter")

    def run(self, name):
        """Runs a cell and returns it with its outputs."""
        self.page.evaluate(f"name => {FIND}(name).model.clearExecution()", name)
        self.start(name)
        self.wait_for_run(name)
        return self.cell(name)

    def wait_for_run(self, name):
        self.wait(
            f"name => /^\\d+$/.test({FIND}(name).prompt) && {IS_IDLE}()",
            f"the end of cell {name}",
            argument=name,
        )

    def run_above(self, name):
        """Runs every cell above this one."""
        self.click_into(name)
        self.menu("Run", "Run All Above Selected Cell")
        self.finish()

    def run_through(self, first, last):
        """Runs the code cells from one to another, and returns the last with its outputs."""
        names = [cell.id for cell in self.cells() if cell.cell_type == "code"]
        for name in names[names.index(first) : names.index(last) + 1]:
            cell = self.run(name)
        return cell

    def save(self):
        self.page.keyboard.press("Control+s")
        self.wait("!jupyterapp.shell.currentWidget.context.model.dirty", "a saved notebook")

    def menu(self, menu, item):
        self.page.locator("#jp-MainMenu .lm-MenuBar-item", has_text=menu).first.click()
        self.page.locator(".lm-Menu-item", has_text=item).first.click()

    def restart_and_run_all(self):
        """Restarts the kernel and starts every cell."""
        self.menu("Kernel", "Restart Kernel and Run All Cells")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.wait(f"{CELLS}.some(cell => cell.prompt === '*')", "cells that run")

    def answer(self, text):
        """Answers the question that a cell asks; returns whether there was one."""
        field = self.page.locator(".jp-Stdin-input:visible")
        if field.count() != 1:  # an answered field stays for a moment
            return False
        try:
            field.fill(text, timeout=1000)
            field.press("Enter", timeout=1000)
        except Error:  # the field was just closing, or the next one appeared beside it
            return False
        return True

    def is_done(self):
        return self.page.evaluate(
            f"{IS_IDLE}() && {CELLS}.every(cell => cell.prompt !== '*')",
        )

    def finish(self):
        finish([self])

    def show_theme(self, theme):
        self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
        )
        self.wait("theme => document.body.dataset.jpThemeName === theme", theme, argument=theme)

    def keep_screens(self, pattern):
        """Saves the whole notebook as pictures; `pattern` is a path with a {} for the number."""
        self.page.set_viewport_size(PROJECTOR | {"height": 2400})
        outer = self.page.locator(".jp-WindowedPanel-outer")
        outer.evaluate("node => { node.scrollTop = 0; }")
        reached, number = -1, 0
        while reached < (reached := outer.evaluate("node => node.scrollTop")):
            number += 1
            self.page.screenshot(path=str(pattern).format(number))
            outer.evaluate("node => { node.scrollTop += 2200; }")
        self.page.set_viewport_size(PROJECTOR)


def finish(notebooks):
    """Waits until all cells of these notebooks have run; answers their questions with yes."""
    progress, deadline = None, 0
    while not all(notebook.is_done() for notebook in notebooks):
        for notebook in notebooks:
            notebook.answer("y")
        now = [
            notebook.page.evaluate(f"{CELLS}.map(cell => cell.prompt)") for notebook in notebooks
        ]
        if now != progress:
            progress, deadline = now, time.monotonic() + PATIENCE_SECONDS
        elif time.monotonic() > deadline:
            names = ", ".join(notebook.name for notebook in notebooks)
            raise AssertionError(f"{names}: no cell has ended for {PATIENCE_SECONDS} s")
        notebooks[0].page.wait_for_timeout(200)
