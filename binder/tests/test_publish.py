"""Tests `binder/publish` in a scratch clone: everything names the new address, and the checks hold."""

import json
import re
import subprocess
import tomllib

import work

from .support import ROOT, ScriptTest

OLD = re.compile(r"\bOWNER/code-evolution-rust\b")


class Publish(ScriptTest):
    def setUp(self):
        super().setUp()
        self.clone = self.copy_of_workshop()
        for command in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", "-C", self.clone, *command], check=True)

    def publish(self, *name, status=0):
        return self.run_script(self.clone / "binder" / "publish", *name, status=status)

    def text(self, path):
        return (self.clone / path).read_text(encoding="utf-8")

    def first_cell(self, name):
        return "".join(json.loads(self.text(f"notebooks/{name}"))["cells"][0]["source"])

    def assert_named(self, name):
        """Asserts that the manifest, README's badges and each notebook have this address."""
        manifest = tomllib.loads(self.text("Cargo.toml"))
        repository = manifest["workspace"]["package"]["repository"]
        self.assertEqual(repository, f"https://github.com/{name}")
        readme = self.text("README.md")
        binder = f"(https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/work/01_"
        self.assertEqual(readme.count(binder), 1)
        self.assertEqual(readme.count(f"(https://codespaces.new/{name})"), 1)
        self.assertNotIn("No public address", readme)
        for notebook in work.notebooks(self.clone / "notebooks"):
            links = re.findall(r"\[Open in Binder\]\((.*)\)", self.first_cell(notebook))
            self.assertEqual(
                links, [f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/work/{notebook}"]
            )

    def test_everything_names_the_address(self):
        before = self.text("README.md")
        shown = self.publish("ada/evolution.rs")
        self.assertIn("publish: README.md", shown)
        self.assert_named("ada/evolution.rs")
        files = work_files(self.clone)
        self.assertEqual([path for path in files if OLD.search(self.text(path))], [])
        kept = before.split("\n## ", 1)[1].replace("OWNER/code-evolution-rust", "ada/evolution.rs")
        self.assertEqual(self.text("README.md").split("\n## ", 1)[1], kept)

        self.assertIn("publish: 0 files", self.publish("ada/evolution.rs"))
        self.publish("bob/fork")
        self.assert_named("bob/fork")

    def test_the_checks_hold_afterwards(self):
        self.publish("ada/evolution.rs")
        for module in ("checks.hygiene",):
            self.run_script(
                ROOT / ".venv" / "bin" / "python",
                *("-m", module),
                status=0,
                PYTHONPATH=self.clone / "binder",
            )

    def test_an_invalid_name_changes_nothing(self):
        for arguments in ([], ["ada"], ["https://github.com/ada/evolution"], ["ada/x", "y"]):
            self.assertIn("usage: binder/publish OWNER/NAME", self.publish(*arguments, status=1))
        changed = subprocess.check_output(["git", "-C", self.clone, "diff", "--name-only"])
        self.assertEqual(changed, b"")


def work_files(clone):
    """Returns the tracked text files, except the tests."""
    names = subprocess.check_output(["git", "-C", clone, "ls-files", "-z"], text=True).split("\0")
    return [
        name
        for name in names
        if name
        and not name.startswith("binder/tests/")
        and b"\0" not in (clone / name).read_bytes()
    ]
