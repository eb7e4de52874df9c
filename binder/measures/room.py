"""Measures how much memory one participant needs: `binder/run --room [notebook ...]`.

Starts a server like a pod's and opens the notebooks (default: the first two) as a browser does: first
one, then the others beside it. All cells run; at the end, all notebooks run at once. The memory is that of
the server and of all that it started: kernels, hosts and compilers (proportional set size).

With `LLM_PROVIDER=local binder/run --room`, the model on this machine answers and is counted too.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
from jupyter_client.blocking.client import BlockingKernelClient

from checks import ROOT, notebooks
from checks.run import (
    LIVE_CELL_TIMEOUT_SECONDS,
    environment,
    existing_notebook,
    without_keys,
)
from measures.memory import MemoryWatch

TOKEN = "room"
LIMITS_MIB = {1: 1000, 2: 1600}  # by the number of notebooks at once
LIMITS_WITH_MODEL_MIB = {1: 1144, 2: 1907}  # 1.2 and 2 GB


def main():
    parser = argparse.ArgumentParser(
        prog="binder/run --room",
        description="Measures how much memory one participant takes, with these notebooks open "
        "(default: the first two).",
    )
    parser.add_argument("notebooks", nargs="*", type=existing_notebook, metavar="notebook")
    paths = parser.parse_args().notebooks or notebooks()[:2]
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        rows = measure(server, paths)
    model = ", with the model on this machine" if with_model() else ""
    print(f"\n{os.cpu_count()} cores; peak of server, kernels, hosts and compilers{model}\n")
    print("| moment | memory, MiB | limit, MiB |\n|---|---:|---:|")
    for moment, mib, limit in rows:
        print(f"| {moment} | {mib:.0f} | {limit or ''} |")
    sys.exit(1 if any(limit and mib > limit for _, mib, limit in rows) else 0)


def measure(server, paths):
    """Returns rows of (moment, peak in MiB, limit or None)."""
    rows = [("the server alone", server.peak(lambda: time.sleep(3)), None)]
    limits = LIMITS_WITH_MODEL_MIB if with_model() else LIMITS_MIB
    opened = []
    for path in paths:
        count = len(opened) + 1
        cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
        client = server.open()
        run(client, cells[:1])
        resting = server.peak(lambda: time.sleep(2))
        rows.append((f"and {path.stem}, set up and idle", resting, limits.get(count)))
        peak = server.peak(lambda client=client, cells=cells: run(client, cells[1:]))
        rows.append((f"while {path.stem} runs whole", peak, limits.get(count)))
        opened.append((client, cells))
        if with_model() and not server.has_model():
            sys.exit("room: no model runs here, or another session of yours has it: end that first")
    if len(opened) > 1:
        with ThreadPoolExecutor(len(opened)) as pool:
            peak = server.peak(lambda: list(pool.map(lambda one: run(*one), opened)))
        rows.append(("while all of these run again, at once", peak, limits.get(len(opened))))
    return rows


def run(client, cells):
    """Executes cells in an open notebook; binder/run checks what they show, this does not.

    A cell that does not compile ends the measurement, since the figure would be too low.
    """
    for cell in cells:
        reply = client.execute_interactive(
            cell.source,
            timeout=LIVE_CELL_TIMEOUT_SECONDS,
            allow_stdin=False,
            output_hook=lambda _: None,
        )["content"]
        if reply["status"] != "ok" and "expect-error" not in cell.metadata.get("tags", []):
            why = "\n".join(reply.get("traceback", []))
            sys.exit(f"room: cell {cell.id} does not run, so this measures nothing:\n{why}")


def with_model():
    """Returns whether the model on this machine must answer."""
    return os.environ.get("LLM_PROVIDER") == "local"


def variables():
    """Returns the server's environment: a script answers, or the model on this machine."""
    if not with_model():
        return environment()
    return without_keys(os.environ) | {"LLM_PROVIDER": "local"}


class Server:
    """A JupyterLab without a browser, with a runtime folder of its own."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        command = [ROOT / ".venv/bin/jupyter-lab", "--no-browser", "--allow-root"]
        settings = [f"--ServerApp.root_dir={ROOT}", f"--IdentityProvider.token={TOKEN}"]
        self.process = subprocess.Popen(
            [*command, *settings],
            env=variables() | {"JUPYTER_RUNTIME_DIR": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=open(self.folder / "log", "w"),  # the process keeps it open
        )
        deadline = time.monotonic() + 60
        while not (url := self.announced_url()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the server does not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.1)
        self.url = url
        return self

    def announced_url(self):
        """Returns the server's address once its file is there, whole."""
        for path in self.folder.glob("jpserver-*.json"):
            with contextlib.suppress(json.JSONDecodeError):
                return json.loads(path.read_text())["url"]
        return None

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def open(self):
        """Returns a client of a new Rust kernel, which the server starts in the notebooks' folder."""
        request = urllib.request.Request(
            f"{self.url}api/kernels",
            data=json.dumps({"name": "rust", "path": "notebooks/any.ipynb"}).encode(),
            headers={"Authorization": f"token {TOKEN}"},
        )
        with urllib.request.urlopen(request) as reply:
            kernel = json.load(reply)["id"]
        file = self.folder / f"kernel-{kernel}.json"
        client = BlockingKernelClient(connection_file=str(file))
        client.load_connection_file()
        client.start_channels()
        for _ in range(60):  # a client takes a kernel for dead while it starts
            try:
                client.wait_for_ready(timeout=2)
                return client
            except RuntimeError:
                time.sleep(0.5)
        sys.exit(f"the kernel does not start:\n{(self.folder / 'log').read_text()}")

    def has_model(self):
        """Returns whether a model's process is among those that the server started."""
        started = psutil.Process(self.process.pid).children(recursive=True)
        return any(argument.endswith(".gguf") for one in started for argument in one.cmdline())

    def peak(self, action):
        """Runs `action`; returns the most memory during that time, in MiB."""
        with MemoryWatch(self.process.pid) as memory:
            action()
        return memory.peak_bytes / 2**20


if __name__ == "__main__":
    main()
