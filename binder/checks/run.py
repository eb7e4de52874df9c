"""Runs the workshop's notebooks without a browser, each from top to bottom in a fresh kernel."""

import argparse
import copy
import itertools
import os
import queue
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import psutil
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter

from checks import NOTEBOOKS, ROOT, cells, normal_form, notebooks, picture, stamps
from measures.memory import MemoryWatch

RESULTS = ROOT / "target" / "notebooks"
CELL_TIMEOUT_SECONDS = 300
LIVE_CELL_TIMEOUT_SECONDS = 1200  # a model on a busy machine writes a word a second
LATE_SECONDS = 0.1


def main():
    options = parse_arguments()
    paths = options.notebooks or notebooks()
    if not paths:
        sys.exit(f"run: there is no notebook in {NOTEBOOKS}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    one_at_a_time = options.live or options.record_local
    with ThreadPoolExecutor(options.jobs or jobs(one_at_a_time)) as pool:
        each = pool.map(lambda path: run_notebook(path, options), paths)
        runs = list(itertools.chain.from_iterable(each))
    print_table(runs)
    sys.exit(1 if any(run.problems for run in runs) else 0)


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="binder/run",
        description="Runs the notebooks (default: all) from top to bottom, each in a fresh kernel. "
        "Executed notebooks and HTML pages: target/notebooks/.",
    )
    parser.add_argument("notebooks", nargs="*", type=existing_notebook, metavar="notebook")
    parser.add_argument(
        "--live",
        action="store_true",
        help="ask a real model, with the keys of the environment: it fails where a cell panics or does "
        "not compile, and counts ✅, ❌ and returned errors, which may be the model's doing",
    )
    parser.add_argument(
        "--update", action="store_true", help="write the outputs back into the notebooks"
    )
    parser.add_argument(
        "--adopt",
        action="store_true",
        help="write the prompts that are asked into the scripts, replacing drafts",
    )
    parser.add_argument(
        "--record-local",
        action="store_true",
        help="ask the model on this machine where a lab names it, and record its answers into that "
        "lab's cassette; then renew the outputs, in a separate run, with --update",
    )
    parser.add_argument(
        "--check", action="store_true", help="fail where an output differs from the notebook's"
    )
    parser.add_argument(
        "--twice", action="store_true", help="run all cells again in the same kernel"
    )
    parser.add_argument(
        "--solutions", action="store_true", help="run again with the exercises solved"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        choices=range(1, 33),
        metavar="N",
        help="run N notebooks at once (default: one per core and 1.5 GiB of memory; 1 with --live)",
    )
    parser.add_argument(
        "--room",
        action="store_true",
        help="(first) measure how much memory one participant takes: see --room --help",
    )
    options = parser.parse_args()
    if options.room:
        parser.error("--room comes first: binder/run --room [notebook ...]")
    if options.adopt and options.live:
        parser.error("--adopt writes into scripts, but --live uses none: give one of them")
    for name in ("adopt", "record_local"):
        if getattr(options, name) and (options.update or options.check):
            option = "--" + name.replace("_", "-")
            parser.error(
                f"first {option}, then --update or --check in a run of its own: "
                "the outputs would show that something was written"
            )
    if options.record_local and options.live:
        parser.error("--record-local asks the model on this machine: leave --live out")
    return options


def jobs(one_at_a_time):
    """Returns how many notebooks this machine or pod can run at once, each with its compilers."""
    if one_at_a_time:
        return 1  # all would share a key's rate limit, or the local model's processors
    # JupyterHub sets MEM_LIMIT to a pod's limit, in bytes; the kernel reports the whole node's memory.
    memory = int(os.environ.get("MEM_LIMIT") or psutil.virtual_memory().available)
    return max(1, min(os.cpu_count() or 1, memory // (3 * 2**29)))


def existing_notebook(text):
    """Finds a notebook by its path, from the current folder or from notebooks/, or by its name."""
    named = [path for path in notebooks() if path.stem == text]
    for path in (Path(text), NOTEBOOKS / text, NOTEBOOKS / f"{text}.ipynb", *named):
        if path.is_file():
            return path.resolve()
    raise argparse.ArgumentTypeError(f"there is no notebook {text}")


@dataclass
class Run:
    """The results of one run of one notebook."""

    title: str
    live: bool = False
    cells: int = 0
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    errors: int = 0  # that cells returned, if a real model may be the reason
    peak_bytes: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, label, cell, seconds):
        """Counts an executed cell and prints its line."""
        cell.outputs = normal_form.outputs(cell)  # joins late lines to those before them
        passed, failed = cells.marks(cell)
        found = cells.unexpected(cell, self.live)
        self.cells += 1
        self.passed += passed
        self.failed += failed
        returned = [it for it in found if self.live and cells.is_returned_error(it)]
        found = [it for it in found if it not in returned]
        self.errors += len(returned)
        self.problems += [f"{label}: {problem}" for problem in found]
        self.say(
            f"{label} {seconds:6.2f} s {'✅' * passed}{'❌' * failed} {first_line(cell.source)}"
        )
        for error in returned:
            self.say(f"    returned: {first_line(error.removeprefix('stderr: '))}")
        for problem in found:
            self.say(f"    problem: {first_line(problem)}")

    def say(self, line):
        """Prints a line with the notebook's name, since several may run at once."""
        print(f"{self.title}: {line}".rstrip(), flush=True)


def run_notebook(path, options):
    """Does the runs of one notebook that the options ask for; returns them."""
    committed = nbformat.read(path, as_version=4)
    with open(RESULTS / f"{path.stem}.log", "w", encoding="utf-8") as log:
        first, *second = execute(path, committed, options, log, passes=2 if options.twice else 1)
        runs = [first[0], *(run for run, _ in second)]
        whole = not first[0].problems
        executed = normal_form.of(first[1])
        if not options.live:
            runs[0].problems += cells.passed_unsolved(executed)
        for run, shown in [] if options.live or options.adopt else [first, *second]:
            run.problems += stamps.not_exact(shown)
        if options.check:
            runs[0].problems += normal_form.differences(committed, executed)
        (RESULTS / f"{path.stem}.ipynb").write_text(normal_form.text(executed), encoding="utf-8")
        page, _ = HTMLExporter().from_notebook_node(executed, {"metadata": {"name": path.stem}})
        (RESULTS / f"{path.stem}.html").write_text(page, encoding="utf-8")
        if options.update and whole:
            path.write_text(normal_form.text(executed), encoding="utf-8")
            picture.renew(path, executed)
        elif options.update:
            runs[0].say(f"not updated: target/notebooks/{path.stem}.html shows what went wrong")
        if options.solutions and cells.solutions(committed):
            solved = copy.deepcopy(committed)
            for cell in solved.cells:
                cell.source = cells.solutions(committed).get(cell.id, cell.source)
            [(run, solved)] = execute(path, solved, options, log, suffix=", solved", record="add")
            run.problems += cells.failed_solved(solved)
            runs.append(run)
    return runs


class Client(NotebookClient):
    """Runs cells, and waits for what they wrote to stderr.

    evcxr forwards stderr separately from its other messages, so stderr can come after the message that
    ends the cell. nbclient drops late messages: nobody would see a panic.
    """

    async def async_execute_cell(self, cell, cell_index, **options):
        executed = await super().async_execute_cell(cell, cell_index, **options)
        while True:
            try:
                message = await self.kc.get_iopub_msg(timeout=LATE_SECONDS)
            except queue.Empty:
                return executed
            if message["msg_type"] == "stream":
                self.process_message(message, executed, cell_index)

    execute_cell = run_sync(async_execute_cell)


def client_of(notebook, folder):
    """Returns a client that runs the notebook's cells in this folder, also those after one that fails."""
    return Client(
        notebook,
        kernel_name="rust",
        timeout=CELL_TIMEOUT_SECONDS,
        startup_timeout=120,
        allow_errors=True,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )


def execute(path, notebook, options, log, passes=1, suffix="", record="1"):
    """Executes a copy of the notebook in a fresh kernel; returns a (Run, executed notebook) for each pass.

    If the local model is recorded, this starts a new recording; `record="add"` continues the last one.
    """
    title, results = path.stem + suffix, []
    began = time.monotonic()
    client = client_of(copy.deepcopy(notebook), path.parent)
    if options.live:
        client.timeout = LIVE_CELL_TIMEOUT_SECONDS
    with (
        client.setup_kernel(env=kernel_environment(options, record), stdout=log, stderr=log),
        MemoryWatch(client.km.provisioner.pid) as memory,
    ):
        for number in range(1, passes + 1):
            run = Run(title if number == 1 else f"{title}, again", live=options.live)
            client.nb = copy.deepcopy(notebook)
            execute_cells(client, run)
            run.peak_bytes = memory.peak_bytes
            run.seconds = time.monotonic() - began  # the first pass includes the kernel's start
            began = time.monotonic()
            results.append((run, client.nb))
    return results


def execute_cells(client, run):
    code_cells = [(i, cell) for i, cell in enumerate(client.nb.cells) if cell.cell_type == "code"]
    for number, (index, cell) in enumerate(code_cells, start=1):
        label = f"cell {number:2}/{len(code_cells)}"
        began = time.monotonic()
        try:
            client.execute_cell(cell, index)
        except (CellTimeoutError, DeadKernelError) as error:
            run.problems.append(f"{label}: {first_line(str(error))}; the later cells did not run")
            run.say(f"    problem: {run.problems[-1]}")
            return
        run.add(label, cell, time.monotonic() - began)


def kernel_environment(options, record):
    """Returns the kernel's environment; `record` says how the local model is recorded, if it is."""
    if options.live:
        return dict(os.environ)
    adopt = {"LLM_ADOPT": "1"} if options.adopt else {}
    recorded = {"LLM_RECORD_LOCAL": record} if options.record_local else {}
    return environment() | adopt | recorded


def environment():
    """Returns an environment in which scripts answer, and no key or setting can reach a provider."""
    return without_keys(os.environ) | {"LLM_MODE": "scripted"}


def without_keys(variables):
    """Returns an environment without providers' keys, and without the settings that choose who answers."""
    return {
        name: value
        for name, value in variables.items()
        if not name.endswith(("_API_KEY", "_MODELS_TOKEN")) and not name.startswith("LLM_")
    }


def first_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[0][:80] if lines else ""


def print_table(runs):
    width = max(len(run.title) for run in runs)
    print(f"\n{'notebook':<{width}}  cells  seconds   ✅   ❌  peak kernel memory  result")
    for run in runs:
        result = f"{len(run.problems)} problem(s)" if run.problems else "ok"
        result += f", {run.errors} returned error(s)" if run.errors else ""
        print(
            f"{run.title:<{width}}  {run.cells:5}  {run.seconds:7.1f}  {run.passed:3}  {run.failed:3}"
            f"  {run.peak_bytes / 2**20:14.0f} MiB  {result}"
        )
    for run in runs:
        for problem in run.problems:
            print(f"\n{run.title}: {problem}")


if __name__ == "__main__":
    main()
