"""The model on this machine, in a browser, where there is no network. `test_without_network` runs this."""

import re
import socket
import subprocess
import unittest
from typing import ClassVar

from .support import BrowserTest
from .test_hands_on import shown

TEAM = "04_evolving_team.ipynb"
EDITED = "a-mine"  # a prompt of the participant's own is scored here
# No recording holds these, so only the model can score them.
INSTRUCTIONS = ("Would this customer buy it again?", "Does somebody complain?")


def setUpModule():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    names = [name for _, name in socket.if_nameindex()]
    if names != ["lo"]:
        raise AssertionError(f"this wants no network, and there is {names}")


class WithoutNetwork(BrowserTest):
    variables: ClassVar = {"LLM_PROVIDER": "local"}

    def test_the_model_scores_an_edited_prompt(self):
        notebook = self.open(TEAM)
        notebook.wait_for_kernel()
        told = shown(notebook.run("setup"))
        self.assertRegex(told, r"(?m)^replies +local from SmolLM2-135M on this machine \(tiny")
        before = notebook.cell(EDITED).source
        for instruction in INSTRUCTIONS:
            edited = re.sub(r'(mine\.instruction = )"[^"]*"', rf'\1"{instruction}"', before)
            notebook.write(EDITED, edited)
            first = "a-task" if instruction == INSTRUCTIONS[0] else EDITED
            told = shown(notebook.run_through(first, EDITED))
            self.assertRegex(told, rf"{re.escape(instruction)}[^%]* \d+ %")


if __name__ == "__main__":
    unittest.main()
