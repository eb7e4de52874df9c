"""What the workshop adds to a bare evcxr kernel: `.venv/bin/python binder/measure.py [rounds]`.

Both kernels run in turn, in one run, so that a busy machine slows both. The bare one gets a fresh
folder, evcxr's own settings and a first cell without a crate; ours runs notebook 1's setup cell.
Memory is that of the kernel and of all that it started (proportional set size).
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

import notebooks

LATER_CELLS = [f'let n{i} = {i};\nprintln!("{{n{i}}}");' for i in range(8)]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    ours, bare = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            bare.append(measure(bare_kernel(Path(folder)), "#![allow(unused)]", TMPDIR=folder))
        ours.append(measure(KernelManager(kernel_name="rust"), setup_cell()))
    print(f"\nMedians of {rounds} round(s) on {os.cpu_count()} cores\n")
    print("| | bare evcxr | this workshop | ratio |\n|---|---|---|---|")
    for name in ours[0]:
        a, b = (statistics.median(run[name] for run in runs) for runs in (bare, ours))
        print(f"| {name} | {a:.2f} | {b:.2f} | {b / a:.2f} |")


def setup_cell():
    first = min(notebooks.NOTEBOOKS.glob("*.ipynb"))
    cells = nbformat.read(first, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def bare_kernel(folder):
    """A kernel as evcxr installs it."""
    spec = {
        "argv": [
            str(notebooks.ROOT / ".venv/bin/evcxr_jupyter"),
            "--control_file",
            "{connection_file}",
        ]
    }
    (folder / "bare").mkdir()
    (folder / "bare" / "kernel.json").write_text(
        json.dumps(spec | {"display_name": "bare", "language": "rust"})
    )
    specs = KernelSpecManager(kernel_dirs=[str(folder)], ensure_native_kernel=False)
    return KernelManager(kernel_name="bare", kernel_spec_manager=specs)


def measure(kernel, first_cell, **variables):
    """The figures of one kernel, in seconds and MiB."""
    own_settings = {"EVCXR_CONFIG_DIR": variables["TMPDIR"]} if variables else {}
    began = time.monotonic()
    kernel.start_kernel(
        env=notebooks.environment() | variables | own_settings,
        cwd=str(notebooks.NOTEBOOKS),
        **{stream: open(os.devnull, "w") for stream in ("stdout", "stderr")},  # noqa: SIM115
    )
    client = kernel.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        started = time.monotonic() - began
        setup = seconds_of(client, first_cell)
        memory = notebooks.memory_of_all(psutil.Process(kernel.provisioner.pid))
        first_let = seconds_of(client, "let first = 1;")
        later = statistics.median(seconds_of(client, cell) for cell in LATER_CELLS)
    finally:
        client.stop_channels()
        kernel.shutdown_kernel()
    return {
        "kernel start, s": started,
        "setup cell, s": setup,
        "start to end of the setup cell, s": started + setup,
        "memory after the setup cell, MiB": memory / 2**20,
        "the first `let` after it, s": first_let,
        "a later cell, s (median of 8)": later,
    }


def seconds_of(client, cell):
    began = time.monotonic()
    reply = client.execute_interactive(cell, timeout=120, output_hook=lambda message: None)
    if reply["content"]["status"] != "ok":
        sys.exit(f"this cell failed: {cell}")
    return time.monotonic() - began


if __name__ == "__main__":
    main()
