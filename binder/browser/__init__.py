"""Tests what a participant sees: JupyterLab in a browser, on notebooks that nobody has run or trusted."""
