"""Without a key and without a network, the model on this machine answers."""

import os
import subprocess
import sys
import unittest

# Setting up the loopback needs root. Another user becomes root in a new user namespace; root needs none.
UNSHARE = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]


class WithoutNetwork(unittest.TestCase):
    def test_everything_is_on_this_machine(self):
        """JupyterLab, the browser and the model in a network namespace with nothing but loopback."""
        run = subprocess.run(
            [*UNSHARE, sys.executable, "-m", "unittest", "browser.without_network"],
            cwd=os.path.dirname(os.path.dirname(__file__)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.assertEqual(run.returncode, 0, run.stdout)
