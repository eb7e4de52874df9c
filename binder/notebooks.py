"""Runs the workshop's notebooks without a browser, each from top to bottom in a fresh kernel.

A cell that panics, fails an assertion or returns an error counts as a success for Jupyter and
evcxr. So a cell has a problem here where it has an error, writes to stderr, shows a panic or a
❌. Tags on a code cell (its metadata's `tags`) say what is meant otherwise:

| tag | meaning |
|---|---|
| `expect-error` | it must have a problem; none is the problem |
| `varies` | its output may differ from run to run; `--check` does not compare it |
| `exercise` | the participant's turn; a markdown cell below it holds the solution |

A solution is a markdown cell with the metadata `"solution_for": "<id of the exercise's cell>"` and
one ```rust block in it (in `<details>`). `--solutions` puts that code into the exercise's cell.
Then that cell or the next code cell must show a ✅ and neither may have a problem. Unsolved, they
must show neither ✅ nor ❌: the first would be a grader that passes anything.
"""

import argparse
import copy
import itertools
import os
import queue
import re
import sys
import threading
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

import normal_form

ROOT = normal_form.ROOT
NOTEBOOKS = ROOT / "notebooks"
RESULTS = ROOT / "target" / "notebooks"
CELL_TIMEOUT_SECONDS = 300
LATE_SECONDS = 0.1

# As a thread's panic begins; a verdict that tells of a candidate's panic begins otherwise.
PANIC = re.compile(r"^thread '.*' .*panicked at .*$", re.MULTILINE)


def main():
    options = parse_arguments()
    paths = options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        sys.exit(f"run: there is no notebook in {NOTEBOOKS}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(options.jobs or jobs(options.live)) as pool:
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
        "--live", action="store_true", help="ask a real model, with the keys of the environment"
    )
    parser.add_argument(
        "--update", action="store_true", help="write the outputs back into the notebooks"
    )
    parser.add_argument(
        "--adopt",
        action="store_true",
        help="write the prompts that are asked into the scripts, where they are only drafts",
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
        help="run N notebooks at once (default: one a core and 1.5 GiB of memory; 1 with --live)",
    )
    return parser.parse_args()


def jobs(live):
    """How many notebooks this machine or pod runs at once, each with its compilers."""
    if live:
        return 1  # a key's rate limit is shared
    # JupyterHub tells a pod's limit in MEM_LIMIT, in bytes; the kernel would tell the whole node's.
    memory = int(os.environ.get("MEM_LIMIT") or psutil.virtual_memory().available)
    return max(1, min(os.cpu_count() or 1, memory // (3 * 2**29)))


def existing_notebook(text):
    """A notebook by its path, from the current folder or from notebooks/."""
    for path in (Path(text), NOTEBOOKS / text, NOTEBOOKS / f"{text}.ipynb"):
        if path.is_file():
            return path.resolve()
    raise argparse.ArgumentTypeError(f"there is no notebook {text}")


@dataclass
class Run:
    """What one run of one notebook showed."""

    title: str
    cells: int = 0
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    peak_bytes: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, label, cell, seconds):
        """Counts an executed cell and prints its line."""
        cell.outputs = normal_form.outputs(cell)  # late lines join those before them
        passed, failed = marks(cell)
        found = unexpected(cell)
        self.cells += 1
        self.passed += passed
        self.failed += failed
        self.problems += [f"{label}: {problem}" for problem in found]
        self.say(
            f"{label} {seconds:6.2f} s {'✅' * passed}{'❌' * failed} {first_line(cell.source)}"
        )
        for problem in found:
            self.say(f"    problem: {first_line(problem)}")

    def say(self, line):
        """Prints a line with the notebook's name, since several may run at once."""
        print(f"{self.title}: {line}".rstrip(), flush=True)


def run_notebook(path, options):
    """The runs that the options ask for, of one notebook."""
    committed = nbformat.read(path, as_version=4)
    with open(RESULTS / f"{path.stem}.log", "w", encoding="utf-8") as log:
        first, *second = execute(
            path.stem, committed, options, log, passes=2 if options.twice else 1
        )
        runs = [first[0], *(run for run, _ in second)]
        executed = normal_form.of(first[1])
        runs[0].problems += passed_unsolved(executed)
        if options.check:
            runs[0].problems += normal_form.differences(committed, executed)
        (RESULTS / f"{path.stem}.ipynb").write_text(normal_form.text(executed), encoding="utf-8")
        page, _ = HTMLExporter().from_notebook_node(executed, {"metadata": {"name": path.stem}})
        (RESULTS / f"{path.stem}.html").write_text(page, encoding="utf-8")
        if options.update:
            path.write_text(normal_form.text(executed), encoding="utf-8")
        if options.solutions and solutions(committed):
            solved = copy.deepcopy(committed)
            for cell in solved.cells:
                cell.source = solutions(committed).get(cell.id, cell.source)
            [(run, solved)] = execute(path.stem + ", solved", solved, options, log)
            run.problems += failed_solved(solved)
            runs.append(run)
    return runs


class Client(NotebookClient):
    """Runs cells, and waits for what they wrote to stderr.

    evcxr forwards stderr beside its other messages, so it can come after the message that ends the
    cell. nbclient drops what comes late: a panic would go unseen.
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


def execute(title, notebook, options, log, passes=1):
    """Executes a copy of the notebook in a fresh kernel: a (Run, executed notebook) for each pass."""
    results = []
    began = time.monotonic()
    client = Client(
        copy.deepcopy(notebook),
        kernel_name="rust",
        timeout=CELL_TIMEOUT_SECONDS,
        startup_timeout=120,
        allow_errors=True,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    with (
        client.setup_kernel(env=environment(options.live, options.adopt), stdout=log, stderr=log),
        MemoryWatch(client.km.provisioner.pid) as memory,
    ):
        for number in range(1, passes + 1):
            run = Run(title if number == 1 else f"{title}, again")
            client.nb = copy.deepcopy(notebook)
            execute_cells(client, run)
            run.peak_bytes = memory.peak_bytes
            run.seconds = time.monotonic() - began  # of the first pass: with the kernel's start
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


def environment(live=False, adopt=False):
    """The kernel's environment: without `--live`, no key and no setting can reach a provider."""
    if live:
        return dict(os.environ)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_API_KEY") and not name.startswith("LLM_")
    }
    return kept | {"LLM_MODE": "scripted"} | ({"LLM_ADOPT": "1"} if adopt else {})


class MemoryWatch:
    """Samples the memory of a kernel and of all that it started, in bytes."""

    def __init__(self, pid):
        self.kernel = psutil.Process(pid)
        self.peak_bytes = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def sample(self):
        while not self.done.wait(0.2):
            self.peak_bytes = max(self.peak_bytes, memory_of_all(self.kernel))


def memory_of_all(process):
    """The memory of a process and of all that it started, in bytes.

    Shared pages count once (proportional set size), where the system tells.
    """
    try:
        return sum(map(memory_of, [process, *process.children(recursive=True)]))
    except psutil.NoSuchProcess:
        return 0


def memory_of(process):
    try:
        try:
            return process.memory_full_info().pss
        except (psutil.AccessDenied, AttributeError):
            return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def texts(cell):
    """What a cell shows, as (name of the stream or MIME type, text)."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            yield output.name, output.text
        elif output.output_type == "error":
            yield "error", f"{output.ename}: {output.evalue}"
        else:
            # An HTML block repeats its text form.
            kind = "text/plain" if "text/plain" in output.data else "text/html"
            yield kind, output.data.get(kind, "")


def marks(cell):
    """How many ✅ and ❌ a cell shows."""
    shown = "".join(text for _, text in texts(cell))
    return shown.count("✅"), shown.count("❌")


def problems(cell):
    """What a participant would take for a failure, whether it is meant to be one or not."""
    found = []
    for kind, text in texts(cell):
        if kind == "error":
            found.append(text)
        elif kind == "stderr":
            found.append("stderr: " + text.strip())
        elif panic := PANIC.search(text):
            found.append(panic.group())
        found += [line.strip() for line in text.splitlines() if "❌" in line]
    return found


def unexpected(cell):
    """The problems of a cell in the light of its tags."""
    found = problems(cell)
    if "expect-error" not in cell.metadata.get("tags", []):
        return found
    return [] if found else ["tagged expect-error, and there is none"]


def solutions(notebook):
    """The code of each solution, by the id of its exercise's cell."""
    return {
        cell.metadata["solution_for"]: normal_form.rust_block(cell.source)
        for cell in notebook.cells
        if "solution_for" in cell.metadata
    }


def exercises(notebook):
    """Each exercise's cell with the code cell after it, as (id, cells)."""
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ids = solutions(notebook)
    for index, cell in enumerate(code_cells):
        if cell.id in ids:
            yield cell.id, code_cells[index : index + 2]


def passed_unsolved(notebook):
    return [
        f"exercise {name}: its grader shows ✅ or ❌ before anything is solved"
        for name, cells in exercises(notebook)
        if any(sum(marks(cell)) for cell in cells)
    ]


def failed_solved(notebook):
    return [
        f"exercise {name}: its solution gets no ✅"
        for name, cells in exercises(notebook)
        if not any(marks(cell)[0] for cell in cells)
    ]


def first_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[0][:80] if lines else ""


def print_table(runs):
    width = max(len(run.title) for run in runs)
    print(f"\n{'notebook':<{width}}  cells  seconds   ✅   ❌  peak kernel memory  result")
    for run in runs:
        result = f"{len(run.problems)} problem(s)" if run.problems else "ok"
        print(
            f"{run.title:<{width}}  {run.cells:5}  {run.seconds:7.1f}  {run.passed:3}  {run.failed:3}"
            f"  {run.peak_bytes / 2**20:14.0f} MiB  {result}"
        )
    for run in runs:
        for problem in run.problems:
            print(f"\n{run.title}: {problem}")


if __name__ == "__main__":
    main()
