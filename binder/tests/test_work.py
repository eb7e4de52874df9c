"""Tests the participant's copies: they have no outputs, stay as they are, and new versions are offered."""

import json
import os
import shutil
import unittest

import nbformat

import work
from checks import NOTEBOOKS

from .support import ROOT, ScriptTest, notebook

NAME = "01_first.ipynb"


class WorkingCopy(ScriptTest):
    def setUp(self):
        super().setUp()
        self.originals, self.work = self.folder / "notebooks", self.folder / "work"
        (self.originals / "cassettes").mkdir(parents=True)
        (self.originals / "cassettes" / "01.toml").write_text("a script")
        self.publish("1 + 1")

    def publish(self, *sources, name=NAME):
        """Writes an original, with outputs, as a `git pull` does."""
        made = notebook(*sources)
        for number, cell in enumerate(made.cells, start=1):
            if cell.cell_type == "code":
                cell.execution_count = number
                cell.outputs = [nbformat.v4.new_output("stream", text="the answer")]
        (self.originals / name).parent.mkdir(exist_ok=True)
        nbformat.write(made, self.originals / name)

    def refresh(self, fresh=None):
        copies = work.Copies(self.folder)
        if fresh is not None:
            copies.start_over(copies.find(fresh))
        copies.refresh()

    def edit(self, source, name=NAME):
        """Changes a copy's last cell, as a participant does."""
        copy = nbformat.read(self.work / name, as_version=4)
        copy.cells[-1].source = source
        nbformat.write(copy, self.work / name)

    def run_it(self, name=NAME):
        copy = nbformat.read(self.work / name, as_version=4)
        copy.cells[-1].outputs = [nbformat.v4.new_output("stream", text="mine")]
        nbformat.write(copy, self.work / name)

    def last(self, name=NAME):
        return nbformat.read(self.work / name, as_version=4).cells[-1].source

    def copies(self):
        return sorted(str(path.relative_to(self.work)) for path in self.work.rglob("*.ipynb"))

    def test_a_copy_is_the_notebook_without_outputs(self):
        self.refresh()
        copy = nbformat.read(self.work / NAME, as_version=4)
        nbformat.validate(copy)
        original = nbformat.read(self.originals / NAME, as_version=4)
        self.assertEqual([c.source for c in copy.cells], [c.source for c in original.cells])
        self.assertEqual([c.id for c in copy.cells], [c.id for c in original.cells])
        for cell in copy.cells:
            if cell.cell_type == "code":
                self.assertEqual((cell.outputs, cell.execution_count), ([], None))
        self.assertTrue(original.cells[-1].outputs, "the original has lost its outputs")

    def test_what_a_notebook_reads_is_found_from_its_copy(self):
        self.publish("2", name="further/1b.ipynb")
        (self.originals / "further" / "data.json").write_text("[1]")
        self.refresh()
        self.assertEqual((self.work / "cassettes" / "01.toml").read_text(), "a script")
        self.assertEqual((self.work / "further" / "data.json").read_text(), "[1]")
        self.assertEqual((self.work / "further" / "../cassettes/01.toml").read_text(), "a script")
        self.assertFalse(os.path.isabs(os.readlink(self.work / "cassettes")), "a moved clone")

    def test_what_runs_leave_behind_is_not_copied(self):
        for written in (".ipynb_checkpoints", "tools", "tools.previous"):
            (self.originals / written).mkdir()
            shutil.copy(self.originals / NAME, self.originals / written / NAME)
        self.refresh()
        self.assertEqual(sorted(os.listdir(self.work)), [".copies.json", NAME, "cassettes"])

    def test_nothing_changes_where_nothing_is_new(self):
        self.refresh()
        self.edit("mine")
        before = {path: path.read_bytes() for path in self.work.rglob("*") if path.is_file()}
        self.refresh()
        after = {path: path.read_bytes() for path in self.work.rglob("*") if path.is_file()}
        self.assertEqual(before, after)

    def test_an_edited_copy_stays_and_the_new_version_lies_beside_it(self):
        self.refresh()
        self.edit("mine")
        self.publish("1 + 2")
        self.refresh()
        self.refresh()
        self.assertEqual(self.copies(), [NAME, "01_first.newer.ipynb"])
        self.assertEqual((self.last(), self.last("01_first.newer.ipynb")), ("mine", "1 + 2"))

    def test_a_copy_with_outputs_stays_too(self):
        self.refresh()
        self.run_it()
        before = (self.work / NAME).read_bytes()
        self.publish("1 + 2")
        self.refresh()
        self.assertEqual((self.work / NAME).read_bytes(), before)
        self.assertEqual(self.last("01_first.newer.ipynb"), "1 + 2")

    def test_a_copy_that_nobody_touched_is_renewed(self):
        self.refresh()
        self.publish("1 + 2")
        self.refresh()
        self.assertEqual((self.copies(), self.last()), ([NAME], "1 + 2"))

    def test_an_offer_is_renewed_too_unless_it_was_touched(self):
        self.refresh()
        self.edit("mine")
        self.publish("1 + 2")
        self.refresh()
        self.publish("1 + 3")
        self.refresh()
        self.assertEqual(self.copies(), [NAME, "01_first.newer.ipynb"])
        self.assertEqual(self.last("01_first.newer.ipynb"), "1 + 3")
        self.edit("mine as well", "01_first.newer.ipynb")
        self.publish("1 + 4")
        self.refresh()
        self.assertEqual(self.last("01_first.newer.ipynb"), "mine as well")
        self.assertEqual(self.last("01_first.newer-2.ipynb"), "1 + 4")

    def test_a_deleted_copy_comes_back(self):
        self.refresh()
        (self.work / NAME).unlink()
        self.refresh()
        self.assertEqual(self.last(), "1 + 1")

    def test_a_damaged_notebook_is_left_alone(self):
        self.refresh()
        (self.work / NAME).write_text("half a notebo")
        self.publish("1 + 2")
        self.refresh()
        self.assertEqual((self.work / NAME).read_text(), "half a notebo")
        self.assertEqual(self.last("01_first.newer.ipynb"), "1 + 2")

    def test_without_its_list_everything_counts_as_touched(self):
        self.refresh()
        self.publish("1 + 2")
        (self.work / ".copies.json").unlink()
        self.refresh()
        self.assertEqual((self.last(), self.last("01_first.newer.ipynb")), ("1 + 1", "1 + 2"))

    def test_fresh_starts_over_and_keeps_the_old(self):
        self.refresh()
        (self.work / "tools" / "versions").mkdir(parents=True)
        for number, name in enumerate(["kept", "kept-2"]):
            self.edit(f"mine {number}")
            self.refresh(fresh="1" if number else "notebooks/01_first.ipynb")
            self.assertEqual(self.last(), "1 + 1")
            self.assertEqual(self.last(f"01_first.{name}.ipynb"), f"mine {number}")
        self.refresh(fresh="01")
        self.assertEqual(len(self.copies()), 3, "an untouched copy need not be kept")
        self.assertTrue((self.work / "tools" / "versions").is_dir(), "the toolbox is gone")

    def test_fresh_takes_the_new_version_that_was_offered(self):
        self.refresh()
        self.edit("mine")
        self.publish("1 + 2")
        self.refresh()
        self.refresh(fresh="01")
        self.assertEqual(self.copies(), [NAME, "01_first.kept.ipynb"])
        self.assertEqual((self.last(), self.last("01_first.kept.ipynb")), ("1 + 2", "mine"))
        self.publish("1 + 3")
        self.refresh()
        self.assertEqual((self.last(), self.last("01_first.kept.ipynb")), ("1 + 3", "mine"))

    def test_a_name_that_means_none_or_several_is_an_error(self):
        self.publish("2", name="02_a.ipynb")
        self.publish("2", name="02_b.ipynb")
        for wanted in ("7", "02", ""):
            with self.assertRaisesRegex(LookupError, "notebook is called .*choose from .*02_a"):
                self.refresh(fresh=wanted)

    def test_the_workshops_own_notebooks_are_copied(self):
        clone = self.copy_of_workshop()
        shown = self.run_script("python3", clone / "binder" / "work.py", status=0)
        self.assertIn("work/", shown)
        for name in work.notebooks(NOTEBOOKS):
            copy = json.loads((clone / "work" / name).read_text(encoding="utf-8"))
            self.assertFalse(work.has_outputs(copy), name)
        shown = self.run_script("python3", clone / "binder/work.py", "--fresh", "9", status=1)
        self.assertRegex(shown, r"^lab: no notebook is called 09: choose from 01_")

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_a_folder_that_may_not_be_written_is_named(self):
        clone = self.copy_of_workshop()
        clone.chmod(0o555)
        self.addCleanup(clone.chmod, 0o755)
        shown = self.run_script("python3", clone / "binder" / "work.py", status=1)
        self.assertIn("clone the workshop into a folder that is yours", shown)

    def test_what_it_leaves_out_is_what_git_ignores(self):
        ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
        written = {f"/notebooks/{name}/" for name in work.WRITTEN}
        self.assertEqual({line for line in ignored if line.startswith("/notebooks/")}, written)
        self.assertIn("/work/", ignored)


class Lab(ScriptTest):
    """Tests binder/lab with a fake set-up and a fake Jupyter, which print what they were told."""

    def setUp(self):
        super().setUp()
        self.clone = self.copy_of_workshop()
        bin = self.clone / ".venv" / "bin"
        bin.mkdir(parents=True)
        for script, text in {
            bin / "jupyter": '#!/bin/sh\nprintf "<%s> " "$@"',
            bin / "python": '#!/bin/sh\nexec python3 "$@"',
            self.clone / "binder" / "setup": "#!/bin/sh\necho set up",
        }.items():
            script.write_text(text)
            script.chmod(0o755)

    def lab(self, *options, status=0):
        return self.run_script(self.clone / "binder" / "lab", *options, status=status)

    def test_it_opens_the_copies(self):
        shown = self.lab("--port=80")
        self.assertIn(f"<--ServerApp.root_dir={self.clone}/work>", shown)
        self.assertIn("<--LabApp.default_url=/lab/tree/01_self_reparation.ipynb>", shown)
        self.assertIn("<--port=80>", shown)
        self.assertTrue((self.clone / "work" / "01_self_reparation.ipynb").exists())

    def test_what_a_participant_sets_is_not_set_again(self):
        shown = self.lab("--ServerApp.root_dir=/x", "--allow-root")
        self.assertEqual(shown.count("root_dir"), 1)
        self.assertEqual(shown.count("allow-root"), 1)

    @unittest.skipIf(os.geteuid() != 0, "only root needs to be let in")
    def test_root_is_allowed_without_an_option(self):
        self.assertIn("<--allow-root>", self.lab())

    def test_fresh_is_not_passed_to_jupyter(self):
        self.lab()
        shown = self.lab("--fresh", "02", "--no-browser")
        self.assertNotIn("fresh", shown.split("set up")[1].split("<lab>")[1])
        self.assertIn("<--no-browser>", shown)
        self.assertIn("--fresh needs a notebook", self.lab("--fresh", status=2))
