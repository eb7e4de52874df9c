"""The image's files agree with the rest; slides need no network."""

import json
import re
import subprocess
import unittest

import nbformat

from .support import ROOT, ScriptTest, notebook

DOCKERFILE = (ROOT / "binder" / "Dockerfile").read_text(encoding="utf-8")


class TheImage(unittest.TestCase):
    def test_it_is_linted(self):
        done = subprocess.run(
            ["hadolint", ROOT / "binder" / "Dockerfile"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_what_is_copied_is_there(self):
        copied = re.findall(r"^COPY --chown=\S+ (.*) \S+$", DOCKERFILE, re.MULTILINE)
        self.assertGreater(len(copied), 5)
        for source in " ".join(copied).split():
            self.assertTrue((ROOT / source).exists(), source)

    def test_what_git_ignores_is_not_sent(self):
        ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
        left_out = (ROOT / "binder" / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
        self.assertGreater(len(ignored), 3)
        for line in ignored:  # one without a folder before it counts anywhere
            name = line.rstrip("/")
            self.assertIn(name.lstrip("/") if "/" in name else f"**/{name}", left_out)

    def test_its_rust_is_the_one_that_is_needed(self):
        setup = (ROOT / "binder" / "setup").read_text(encoding="utf-8")
        needed = re.search(r"^needed_rust=(.*)$", setup, re.MULTILINE)[1]
        self.assertRegex(DOCKERFILE, rf"(?m)^FROM rust:{re.escape(needed)}\.\d+-slim-\w+ ")

    def test_it_ends_as_an_unprivileged_user(self):
        users = re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)
        self.assertEqual(users, ["${NB_USER}"])
        for name in ("NB_USER", "NB_UID"):  # BinderHub's
            self.assertRegex(DOCKERFILE, rf"(?m)^ARG {name}=")

    def test_it_opens_the_copies(self):
        """Its own command makes them; Binder and a hub find them made."""
        copied = DOCKERFILE.index("notebooks notebooks\n")
        self.assertGreater(DOCKERFILE.find("\nRUN python binder/work.py\n"), copied)
        self.assertIn('\nCMD ["binder/lab", ', DOCKERFILE)
        hub = (ROOT / "binder" / "TEACHING.md").read_text(encoding="utf-8")
        self.assertRegex(hub, r"(?m)^ *defaultUrl: /lab/tree/work/01_")

    def test_the_codespace_builds_a_stage_of_it(self):
        path = ROOT / ".devcontainer" / "devcontainer.json"
        build = json.loads(path.read_text(encoding="utf-8"))["build"]
        self.assertEqual((path.parent / build["context"]).resolve(), ROOT)
        dockerfile = (path.parent / build["dockerfile"]).resolve()
        self.assertEqual(dockerfile, ROOT / "binder" / "Dockerfile")
        self.assertRegex(DOCKERFILE, rf"(?m)^FROM .* AS {build['target']}$")


class Slides(ScriptTest):
    def test_a_talk_asks_nothing_of_the_network(self):
        talk = notebook('println!("✅");')
        badge = "[![Binder](https://example.org/b.svg)](https://example.org/)\n\n# A title"
        talk.cells[0].source = badge
        path = self.folder / "talk.ipynb"
        nbformat.write(talk, path)
        self.run_script(ROOT / "binder" / "slides", path, status=0)
        slides = ROOT / "target" / "slides"
        page = slides / "talk.slides.html"
        self.addCleanup(page.unlink)
        text = page.read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"<(?:script|link|img)[^>]*https?:[^>]*>", text), [])
        files = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', text)
        self.assertIn("reveal.js/dist/reveal.js", files)
        for file in files:
            self.assertTrue((slides / file).is_file(), file)
            self.assertNotIn("@import url(http", (slides / file).read_text(encoding="utf-8"))

    def test_text_after_code_begins_a_page(self):
        talk = notebook("1", "2", "3")
        slide_types = [None, None, "-", "-", "-", "skip", "-"]
        for cell, slide_type in zip(talk.cells, slide_types, strict=True):
            if slide_type:
                cell.metadata["slideshow"] = {"slide_type": slide_type}
        path = self.folder / "talk.ipynb"
        nbformat.write(talk, path)
        self.run_script(ROOT / "binder" / "slides", path, status=0)
        page = ROOT / "target" / "slides" / "talk.slides.html"
        self.addCleanup(page.unlink)
        text = page.read_text(encoding="utf-8")
        # The title's, the first words', and that of the second words.
        self.assertEqual(len(re.findall(r"<section>\s*<section>", text)), 2)
        self.assertEqual(len(re.findall(r"<section", text)), 2 + 3)
