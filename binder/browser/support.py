"""Starts a JupyterLab as `binder/lab` does, and a browser."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import ClassVar

from playwright.sync_api import Error, sync_playwright

import checks
import work
from checks import NOTEBOOKS, ROOT
from checks.run import without_keys

from .page import PATIENCE_SECONDS, PROJECTOR, Notebook

RESULTS = ROOT / "target" / "browser"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def names():
    """Returns the notebooks, by their paths from `notebooks/`, which are the same from `work/`."""
    return [path.relative_to(checks.NOTEBOOKS).as_posix() for path in checks.notebooks()]


class Lab:
    """JupyterLab on a participant's copies, in a clone without settings or trusted notebooks.

    The clone has the notebooks and a link to `lib`, so its kernels start warm. (`binder/tests/test_setup.py`
    tests the set-up of a fresh clone, which takes minutes.) `variables` go into its environment, which has
    no key and no setting that chooses who answers.
    """

    def __init__(self, variables=()):
        self.variables = dict(variables)

    def __enter__(self):
        RESULTS.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            place = tempfile.TemporaryDirectory(
                prefix="workshop.", dir=RESULTS, ignore_cleanup_errors=True
            )
            self.folder = Path(stack.enter_context(place))
            (self.folder / "lib").symlink_to(ROOT / "lib")
            shutil.copy(ROOT / ".gitignore", self.folder)
            self.renew_notebooks()
            self.git("init", "--quiet")
            exclude = self.folder / ".git" / "info" / "exclude"  # files that only a test has there
            exclude.write_text("/jupyter_*\n/state\n", encoding="utf-8")
            self.git("add", "--all")
            self.log = stack.enter_context(open(RESULTS / "lab.log", "a", encoding="utf-8"))
            self.server = self.start()
            stack.callback(self.stop)
            self.address, self.token = self.listening()
            browser = stack.enter_context(sync_playwright()).chromium.launch(
                executable_path=browser_path(),
                args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
            )
            stack.callback(browser.close)
            self.browser = browser
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def renew_notebooks(self):
        """Restores the notebooks as they are committed, and makes fresh copies."""
        ignored = shutil.ignore_patterns("*tools*", ".ipynb_checkpoints")
        originals = self.folder / "notebooks"
        shutil.copytree(NOTEBOOKS, originals, ignore=ignored, dirs_exist_ok=True)
        for copy in self.work.rglob("*.ipynb"):
            copy.unlink()
        work.Copies(self.folder).refresh()

    @property
    def work(self):
        return self.folder / "work"

    def git(self, *arguments):
        """Runs git in the clone and returns what it prints."""
        command = ["git", "-C", self.folder, *arguments]
        return subprocess.check_output(command, text=True)

    def start(self):
        command = [ROOT / "binder" / "lab", "--no-browser", "--port=0"]
        command += [f"--ServerApp.root_dir={self.work}"]
        command += ["--LabApp.expose_app_in_browser=True"]  # a test finds a cell by its id
        own = {
            name: str(self.folder / name.lower())
            for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
        }
        kept = {
            name: value
            for name, value in without_keys(os.environ).items()
            if not name.startswith("JUPYTER")
        }
        return subprocess.Popen(
            command,
            env=kept | own | {"XDG_STATE_HOME": str(self.folder / "state")} | self.variables,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def stop(self):
        self.server.terminate()
        try:
            self.server.wait(15)
        except subprocess.TimeoutExpired:  # it can hang if it is told to end while it starts
            self.server.kill()
            self.server.wait()

    def listening(self):
        """Returns the address and token that the server writes down once it listens."""
        # binder/lab becomes the server: the process is the same.
        note = self.folder / "jupyter_runtime_dir" / f"jpserver-{self.server.pid}.json"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self.server.poll() is None:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                told = json.loads(note.read_text(encoding="utf-8"))
                return told["url"].rstrip("/"), told["token"]
            time.sleep(0.1)
        raise AssertionError(f"JupyterLab does not start: see {self.log.name}")


def browser_path():
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    sys.exit(
        f"there is no browser: install one of {', '.join(BROWSERS)} ('sudo apt install chromium')"
    )


class BrowserTest(unittest.TestCase):
    """A test in a browser. Its last screen is saved: target/browser/TEST.png."""

    lab: Lab
    variables: ClassVar = {}  # of the lab's environment

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(cls.variables))

    def setUp(self):
        self.lab.renew_notebooks()
        self.context = self.lab.browser.new_context(viewport=PROJECTOR)
        self.addCleanup(self.context.close)
        self.context.set_default_timeout(PATIENCE_SECONDS * 1000)
        self.addCleanup(self.end_kernels)
        self.addCleanup(self.keep_last_screen)

    def open(self, name):
        """Opens a notebook in a window of its own."""
        return Notebook(self.context.new_page(), self.lab.address, self.lab.token, name)

    def keep_last_screen(self):
        for number, page in enumerate(self.context.pages):
            with contextlib.suppress(Error):  # a page that hangs gives no picture
                page.screenshot(path=RESULTS / f"{self._testMethodName}{number or ''}.png")

    def end_kernels(self):
        """Shuts all kernels down through the server, as a participant does."""
        kernels = f"{self.lab.address}/api/kernels"
        headers = {"Authorization": f"token {self.lab.token}"}
        for kernel in self.context.request.get(kernels, headers=headers).json():
            self.context.request.delete(f"{kernels}/{kernel['id']}", headers=headers)


if __name__ == "__main__":  # binder/test asks whether there is a browser
    browser_path()
