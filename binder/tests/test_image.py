"""Tests the image's files, the conclusions of `binder/image`, and slides, which need no network."""

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

    def test_copied_files_exist(self):
        copied = re.findall(r"^COPY --chown=\S+ (.*) \S+$", DOCKERFILE, re.MULTILINE)
        self.assertGreater(len(copied), 5)
        for source in " ".join(copied).split():
            self.assertTrue((ROOT / source).exists(), source)

    def test_ignored_files_are_not_sent(self):
        ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
        left_out = (ROOT / "binder" / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
        self.assertGreater(len(ignored), 3)
        for line in ignored:  # a name without a folder applies anywhere
            name = line.rstrip("/")
            self.assertIn(name.lstrip("/") if "/" in name else f"**/{name}", left_out)

    def test_it_has_the_needed_rust(self):
        setup = (ROOT / "binder" / "setup").read_text(encoding="utf-8")
        needed = re.search(r"^needed_rust=(.*)$", setup, re.MULTILINE)[1]
        self.assertRegex(DOCKERFILE, rf"(?m)^FROM rust:{re.escape(needed)}\.\d+-slim-\w+ ")

    def test_it_ends_as_an_unprivileged_user(self):
        users = re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)
        self.assertEqual(users, ["${NB_USER}"])
        for name in ("NB_USER", "NB_UID"):  # BinderHub sets them
            self.assertRegex(DOCKERFILE, rf"(?m)^ARG {name}=")

    def test_it_opens_the_copies(self):
        """`binder/lab` would make the copies; Binder and a hub need them in the image."""
        copied = DOCKERFILE.index("notebooks notebooks\n")
        self.assertGreater(DOCKERFILE.find("\nRUN python binder/work.py && "), copied)
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


# A fake engine that has the image. A test can set what its commands print and how they end.
ENGINE = """
case "$1" in
  history) printf '993 MB\\tADD rust\\n25.0MB\\t/bin/sh -c binder/setup kernel\\n' ;;
  run)
    case "$*" in
      *--detach*) echo box ;;
      *doctor*) {doctor} ;;
    esac
    ;;
  logs) {logs} ;;
  inspect) {running} ;;
  exec) echo 200 ;;
esac
"""
ADDRESS = "http://127.0.0.1:8888/lab/tree/01_self_reparation.ipynb?token=ab12"


class BinderImage(ScriptTest):
    """Tests the conclusions of `binder/image`. (GitHub's workflow runs it with a real engine.)"""

    def tried(self, variant, status, doctor="true", logs=f"echo '{ADDRESS}'", running="echo true"):
        """Tries a variant where docker's client has no daemon, and podman works; returns the output."""
        script = ENGINE.format(doctor=doctor, logs=logs, running=running)
        self.fake_command("docker", "exit 1")
        path = self.fake_command("podman", script)
        command = (ROOT / "binder" / "image", "--no-build", variant)
        return self.run_script(*command, status=status, PATH=path)

    def test_a_variant_that_works_is_a_row(self):
        shown = self.tried("plain", 0)
        self.assertIn("| 25.0 | binder/setup kernel |", shown)
        self.assertIn("| 1018 | in all |", shown)
        self.assertRegex(shown, r"\| as it is \| works \| works \| works \| \d+ \|")

    def test_a_refusal_with_advice_is_a_row(self):
        said = "echo 'cannot write to /srv: clone it elsewhere'; exit 1"
        shown = self.tried("read-only", 0, doctor=said, logs=said, running="echo false")
        self.assertIn("| cannot write to /srv: clone it elsewhere | cannot write to /srv:", shown)

    def test_a_refusal_without_advice_fails(self):
        said = "echo 'Permission denied'; exit 1"
        shown = self.tried("read-only", 1, doctor=said, logs=said, running="echo false")
        self.assertIn("read-only: doctor does not say what to do: Permission denied", shown)

    def test_a_doctor_that_passes_where_jupyterlab_does_not_start_fails(self):
        shown = self.tried("plain", 1, logs="echo 'start it elsewhere'", running="echo false")
        self.assertIn("plain: doctor passes, and JupyterLab does not start", shown)

    def test_no_engine(self):
        self.fake_command("docker", "exit 1")
        path = self.fake_command("podman", "exit 1")
        shown = self.run_script(ROOT / "binder" / "image", status=1, PATH=path)
        self.assertEqual(
            shown,
            "image: neither docker nor podman answers: start one, or install podman and runc\n",
        )


class AHomeThatCannotBeWrittenTo(ScriptTest):
    def test_a_temporary_one_replaces_it(self):
        home = self.folder / "nowhere"
        shown = self.run_script(
            "bash",
            "-euc",
            'root="$1"; . "$1/binder/environment"; use_writable_home; touch "$HOME/x"; rm -r "$HOME"; '
            'echo "$CARGO_HOME $XDG_CACHE_HOME"',
            "bash",
            ROOT,
            status=0,
            HOME=home,
            CARGO_HOME="/opt/cargo",
            XDG_CACHE_HOME="",
        )
        self.assertIn(f"cannot write to the home folder {home}: settings", shown)
        self.assertIn(f"/opt/cargo {home}/.cache", shown)

    def test_a_writable_one_is_left_alone(self):
        command = 'root="$1"; . "$1/binder/environment"; use_writable_home; echo "$HOME"'
        shown = self.run_script("bash", "-euc", command, "bash", ROOT, status=0, HOME=self.folder)
        self.assertEqual(shown, f"{self.folder}\n")


class TheGroup(ScriptTest):
    def test_it_gets_the_users_rights(self):
        for name, mode in (
            ("secret", 0o600),
            ("program", 0o700),
            ("shown", 0o664),
            ("kept", 0o444),
        ):
            path = self.folder / name
            path.write_text("x", encoding="utf-8")
            path.chmod(mode)
        (self.folder / "link").symlink_to("nowhere")
        self.run_script(ROOT / "binder" / "group", self.folder, status=0)
        names = ("secret", "program", "shown", "kept")
        modes = [oct(self.folder.joinpath(name).stat().st_mode & 0o777) for name in names]
        self.assertEqual(modes, ["0o660", "0o770", "0o664", "0o444"])

    def test_each_layer_ends_with_it(self):
        steps = re.findall(
            r"^RUN (?:.*\\\n)*.*$", DOCKERFILE.split("USER ${NB_USER}")[1], re.MULTILINE
        )
        self.assertGreater(len(steps), 3)
        for step in steps:
            self.assertRegex(step, r"&& binder/group$")
        self.assertNotRegex(DOCKERFILE, r"--chown=\$\{NB_USER\} ")


class Slides(ScriptTest):
    def test_a_talk_needs_no_network(self):
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
        # Three pages: the title's, that of the first words, that of the second words.
        self.assertEqual(len(re.findall(r"<section>\s*<section>", text)), 2)
        self.assertEqual(len(re.findall(r"<section", text)), 2 + 3)
