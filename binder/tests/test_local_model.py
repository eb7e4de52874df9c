"""Tests the first notebook with the model on this machine: real answers, without a key or a network.

`LLM_PROVIDER=local binder/run --live` does the same with all four, in more time than a test should take.
"""

import nbformat

from checks import cells
from checks.run import RESULTS

from .support import ROOT, RUNNER, ScriptTest

NAME = "01_self_reparation"


class LocalModel(ScriptTest):
    def test_the_first_notebook_ends_whatever_it_answers(self):
        variables = {"LLM_PROVIDER": "local", "LLM_LOCAL_MODEL": "", "LLM_MODE": ""}
        variables["PYTHONPATH"] = ROOT / "binder"
        shown = self.run_script(*RUNNER, "--live", NAME, status=0, **variables)
        self.assertRegex(shown, rf"(?m)^{NAME} .* ok$")
        written = nbformat.read(RESULTS / f"{NAME}.ipynb", as_version=4)
        told = "\n".join(text for cell in written.cells for _, text in cells.texts(cell))
        self.assertRegex(told, r"(?m)^replies +local from SmolLM2-135M on this machine")
        self.assertIn("local · SmolLM2-135M", told)
        self.assertNotIn("scripted", told)
