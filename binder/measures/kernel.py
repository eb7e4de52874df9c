"""Measures what a notebook costs, compared with two others: `binder/bench notebook`.

| column | the notebook |
|---|---|
| bare evcxr | imports nothing: the least that a kernel costs |
| this workshop | runs notebook 1's setup cell |
| direct | imports reqwest, tokio and plotters itself, as a notebook without a host process does |

*Cold*: evcxr as it installs itself, in a fresh folder. *Warm*: again in the same folder; for this workshop,
the kernel that `binder/setup` prepared. The three run in turn, so a busy machine slows all of them. Memory
is that of the kernel and of all processes that it started (proportional set size).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from checks import NOTEBOOKS, ROOT
from checks.run import environment
from measures.memory import memory_of_all

DIRECT = """:dep reqwest = { version = "0.13", features = ["json"] }
:dep tokio = { version = "1", features = ["rt-multi-thread", "time", "sync"] }
:dep plotters = { version = "0.3", default-features = false, features = ["svg_backend", "line_series"] }
#![allow(unused)]
use plotters::prelude::*;
let runtime = tokio::runtime::Runtime::new()?;
let client = reqwest::Client::new();"""

LATER_CELLS = [f'let n{i} = {i};\nprintln!("{{n{i}}}");' for i in range(8)]

# The figures of a warm run, in the table's order.
FIGURES = [
    "start to end of the setup cell, s",
    "kernel start, s",
    "setup cell, s",
    "the first `let` after it, s",
    "a later cell, s",
    "memory after the setup cell, MiB",
]


def main():
    options = argparse.ArgumentParser(description="Measures kernels.")
    options.add_argument("--quick", action="store_true", help="one warm round, of two columns")
    quick = options.parse_args().quick
    columns = [Column("bare evcxr", "#![allow(unused)]"), Column("this workshop", setup_cell())]
    if not quick:
        columns.append(Column("direct", DIRECT))
    with tempfile.TemporaryDirectory() as place:
        for column in columns:
            column.folder = Path(place) / column.name.replace(" ", "_")
            if not (quick and column.name == "this workshop"):
                # The first round builds. With --quick, this workshop's kernel is already built.
                column.cold.append(column.run(own=True))
        for _ in range(1 if quick else 3):
            for column in columns:
                column.warm.append(column.run(own=column.name != "this workshop"))
    print_table(columns)


@dataclass
class Column:
    """A notebook and the figures of its runs."""

    name: str
    first_cell: str

    def __post_init__(self):
        self.folder = None
        self.cold, self.warm = [], []

    def run(self, own):
        """Measures one run, in evcxr's own kernel or in ours."""
        if not own:
            return measure(KernelManager(kernel_name="rust"), self.first_cell)
        self.folder.mkdir(exist_ok=True)
        build = self.folder / "build"
        build.mkdir(exist_ok=True)
        own_settings = {
            "EVCXR_TMPDIR": str(build),
            "EVCXR_CONFIG_DIR": str(self.folder),
            "CARGO_NET_OFFLINE": "false",
        }
        return measure(bare_kernel(self.folder), self.first_cell, **own_settings)


def print_table(columns):
    print(
        f"Medians of {len(columns[0].warm)} warm round(s), lowest and highest in brackets; one cold one\n"
    )
    print("|  |" + "".join(f" {column.name} |" for column in columns) + " ours / bare |")
    print("|---|" + "---|" * (len(columns) + 1))
    row(f"cold: {FIGURES[0]}", [[run[FIGURES[0]] for run in c.cold] for c in columns])
    for name in FIGURES:
        row(f"warm: {name}", [figures_of(column.warm, name) for column in columns])


def figures_of(runs, name):
    return [
        value
        for run in runs
        for value in (run[name] if isinstance(run[name], list) else [run[name]])
    ]


def row(name, samples):
    cells = " | ".join(sample(values) for values in samples)
    ratio = "–"
    if samples[0] and samples[1]:
        ratio = f"{statistics.median(samples[1]) / statistics.median(samples[0]):.2f}"
    print(f"| {name} | {cells} | {ratio} |")


def sample(values):
    """Returns the median, with the lowest and the highest if there are several values."""
    if not values:
        return "–"
    digits = 0 if max(values) >= 100 else 2
    text = f"{statistics.median(values):.{digits}f}"
    if len(values) > 1:
        text += f" ({min(values):.{digits}f}–{max(values):.{digits}f})"
    return text


def setup_cell():
    first = min(NOTEBOOKS.glob("*.ipynb"))
    cells = nbformat.read(first, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def bare_kernel(folder):
    """Returns a kernel as evcxr installs it."""
    evcxr = str(ROOT / ".venv/bin/evcxr_jupyter")
    spec = {"argv": [evcxr, "--control_file", "{connection_file}"]}
    (folder / "bare").mkdir(exist_ok=True)
    (folder / "bare" / "kernel.json").write_text(
        json.dumps(spec | {"display_name": "bare", "language": "rust"})
    )
    specs = KernelSpecManager(kernel_dirs=[str(folder)], ensure_native_kernel=False)
    return KernelManager(kernel_name="bare", kernel_spec_manager=specs)


def measure(kernel, first_cell, **variables):
    """Measures one kernel; returns its figures, in seconds and MiB."""
    began = time.monotonic()
    kernel.start_kernel(
        env=environment() | variables,
        cwd=str(NOTEBOOKS),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client = kernel.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        started = time.monotonic() - began
        setup = seconds_of(client, first_cell)
        memory = memory_of_all(psutil.Process(kernel.provisioner.pid))
        first_let = seconds_of(client, "let first = 1;")
        later = [seconds_of(client, cell) for cell in LATER_CELLS]
    finally:
        client.stop_channels()
        kernel.shutdown_kernel()
    return dict(
        zip(
            FIGURES,
            [started + setup, started, setup, first_let, later, memory / 2**20],
            strict=True,
        )
    )


def seconds_of(client, cell):
    """Returns how many seconds a cell takes; cold, it may compile for minutes."""
    began = time.monotonic()
    reply = client.execute_interactive(cell, timeout=900, output_hook=lambda message: None)
    if reply["content"]["status"] != "ok":
        sys.exit("\n".join([f"this cell failed: {cell}", *reply["content"].get("traceback", [])]))
    return time.monotonic() - began


if __name__ == "__main__":
    main()
