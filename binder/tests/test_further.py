"""Tests that every tool finds every notebook, wherever it is under `notebooks/`."""

import contextlib
import io
from pathlib import Path
from unittest import mock

import nbformat

import checks
import work
from browser import support as browser
from checks import hygiene, run
from measures import room

from .support import ROOT, ScriptTest, notebook

NAMES = ["01_first.ipynb", "02_second.ipynb", "further/deep.ipynb"]


class EveryTool(ScriptTest):
    def setUp(self):
        super().setUp()
        self.notebooks = self.folder / "notebooks"
        for name in [*NAMES, "tools/no.ipynb", ".ipynb_checkpoints/no.ipynb"]:
            (self.notebooks / name).parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook("1"), self.notebooks / name)
        patch = mock.patch.object(checks, "NOTEBOOKS", self.notebooks)
        patch.start()
        self.addCleanup(patch.stop)

    def called(self, main, module, name, *arguments, gives=()):
        """Runs a program; returns the arguments of its calls to one of its functions."""
        seen = []
        with (
            mock.patch.object(module, name, lambda *given: seen.append(given) or gives),
            mock.patch("sys.argv", ["program", *arguments]),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.suppress(SystemExit),
        ):
            main()
        return seen

    def names(self, paths):
        return [str(Path(path).relative_to(self.notebooks)) for path in paths]

    def test_the_runner(self):
        seen = self.called(run.main, run, "run_notebook", gives=[run.Run("one")])
        self.assertEqual(sorted(self.names(path for path, _ in seen)), NAMES)
        self.assertEqual(run.existing_notebook("deep"), self.notebooks / NAMES[2])

    def test_the_hygiene(self):
        seen = self.called(hygiene.main, hygiene, "check")
        self.assertEqual(self.names(path for [path] in seen), NAMES)

    def test_the_browser(self):
        self.assertEqual(browser.names(), NAMES)

    def test_the_room(self):
        with mock.patch.object(room, "Server"):
            [(_, first)] = self.called(room.main, room, "measure")
            [(_, asked)] = self.called(room.main, room, "measure", "deep", "02_second")
        self.assertEqual(self.names(first), NAMES[:2], "the first two, as its help says")
        self.assertEqual(self.names(asked), [NAMES[2], NAMES[1]])

    def test_the_copies(self):
        work.Copies(self.folder).refresh()
        self.assertEqual([str(name) for name in work.notebooks(self.folder / "work")], NAMES)

    def test_the_talk(self):
        clone = self.copy_of_workshop()
        (clone / "notebooks" / "further").mkdir(exist_ok=True)
        nbformat.write(notebook("1"), clone / "notebooks" / "further" / "deep.ipynb")
        (clone / "target" / "slides" / "reveal.js").mkdir(parents=True)
        jupyter = clone / ".venv" / "bin" / "jupyter"
        jupyter.parent.mkdir(parents=True)
        for script, text in {
            jupyter: '#!/bin/sh\nprintf "<%s>\\n" "$@"',
            jupyter.with_name("python"): '#!/bin/sh\nexec python3 "$@"',
            clone / "binder" / "setup": "#!/bin/sh",
        }.items():
            script.write_text(text)
            script.chmod(0o755)
        shown = self.run_script(clone / "binder" / "slides", status=0)
        for name in work.notebooks(clone / "notebooks"):
            self.assertIn(f"<{clone / 'notebooks' / name}>", shown)

    def test_results_have_different_names(self):
        """A run's result, a page of the talk and a screenshot are named after the file only."""
        stems = [name.stem for name in work.notebooks(ROOT / "notebooks")]
        self.assertEqual(sorted(stems), sorted({*stems}))
