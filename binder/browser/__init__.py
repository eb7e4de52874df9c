"""What a participant meets: JupyterLab in a browser, on notebooks that nobody has run or trusted."""
