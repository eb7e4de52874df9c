"""What several tests need: a copy of the workshop, a command's whole output, small notebooks."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent.parent
PLACE = ROOT / "target" / "tmp"
# binder/run without the set-up before it; it needs `binder` on PYTHONPATH.
RUNNER = (sys.executable, "-m", "checks.run")
SETUP_CELL = ':dep code_evolution = { path = "../lib" }\n#![allow(unused)]'


class ScriptTest(unittest.TestCase):
    """A test that runs scripts. A failure shows the command and all that it printed."""

    def setUp(self):
        PLACE.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="test ", dir=PLACE))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_script(self, *command, status, cwd=None, **variables):
        """Runs a command that must end with this status; returns all that it printed."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd or self.folder,
            env=os.environ | {name: str(value) for name, value in variables.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != status:
            self.fail(f"{command} ended with {done.returncode}, not {status}:\n{done.stdout}")
        return done.stdout

    def copy_of_workshop(self):
        """Copies what a clone would hold into a folder with a space in its name."""
        clone = self.folder / "a b"
        names = subprocess.check_output(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT
        )
        for name in names.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, clone / name)
        return clone

    def path_without(self, *commands):
        return path_without(commands, self.folder / "bin")

    def fake_command(self, name, script):
        """Makes a command that runs this script; returns a path with its folder at the front."""
        folder = self.folder / "fake"
        folder.mkdir(exist_ok=True)
        command = folder / name
        command.write_text("#!/bin/sh\n" + script)
        command.chmod(0o755)
        return f"{folder}{os.pathsep}{os.environ['PATH']}"


def path_without(commands, folder):
    """Makes a folder with all commands that are on the path, except these."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for command in Path(place).glob("*") if Path(place).is_dir() else ():
            link = folder / command.name
            if command.name not in commands and not link.is_symlink():
                with contextlib.suppress(FileExistsError):
                    link.symlink_to(command)
    return folder


def notebook(*cells):
    """Returns a notebook of code cells, each `source` or `(source, metadata)`, with prose before them."""
    format4 = nbformat.v4
    slide = {"slideshow": {"slide_type": "slide"}}
    result = format4.new_notebook()
    result.cells.append(format4.new_markdown_cell("# A title", id="title", metadata=slide))
    for number, cell in enumerate(cells, start=1):
        source, metadata = cell if isinstance(cell, tuple) else (cell, {})
        words = format4.new_markdown_cell(
            "Here is what the cell below does.", id=f"words-{number}", metadata=slide
        )
        code = format4.new_code_cell(source, id=f"code-{number}", metadata=slide | metadata)
        result.cells += [words, code]
    return result


def solution(code, exercise, kind="rust"):
    """Returns a cell that solves an exercise: with the whole code, or as a `diff` of the lines that change."""
    return nbformat.v4.new_markdown_cell(
        f"<details><summary>Solution</summary>\n\n```{kind}\n{code}\n```\n\n</details>",
        id=f"solution-{exercise}",
        metadata={"slideshow": {"slide_type": "skip"}, "solution_for": exercise},
    )
