"""Tests the notebooks live on a misbehaving server: each cell ends, and says what really went wrong.

One run of each notebook shows all of it. The checks hold for any cell, so they need no change when a
notebook changes.
"""

import copy
import os
import re
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import nbformat

from checks import NOTEBOOKS, cells, run

from .misbehaving_server import DRAFT, KEY, MisbehavingServer, UselessServer

# Runs at the end of each notebook: a streamed reply, and the meter.
LAST_CELL = """let streamed = lab.llm().streaming().ask("Say it line by line.")?;
let used = lab.llm().meter()?;
println!("METER calls {} retries {}", used.calls, used.retries);
streamed"""
SPENT_DAY = "the day's quota at groq is spent"
# Why a reply gave no candidate. A candidate without code would have no reason, or the judge's.
REASONS = re.compile(
    r"cut|limit|defines|no code|no Rust|edit|holds no|no list|no prompt|no item|no opinion|no line"
    r"|not asked|quota|not an answer|only thinking|empty|differ|another form"
)
# A notebook says this if the replies were too bad to continue.
RUN_AGAIN = "run this cell again"
MOST_RUNS = 5
# A notebook asks some 150 questions (TEACHING.md), each at most four times.
MOST_REQUESTS = 600


class Live(unittest.TestCase):
    def test_each_notebook_ends_and_tells_the_truth(self):
        for name, server, shown in each_live(MisbehavingServer):
            with self.subTest(name):
                self.check_server(server, shown)
                self.check_cells(name, shown)

    def check_server(self, server, shown):
        self.assertEqual(server.objections, [], "a request that breaks the protocol")
        expected = {None, "slip", "minute", "cut", "day", "at the limit"}
        self.assertTrue(expected <= server.requests.keys(), server.requests)
        self.assertLess(server.requests.total(), MOST_REQUESTS, server.requests)
        # The meter counts each answer, and each request that was repeated.
        (calls, retries) = re.findall(r"METER calls (\d+) retries (\d+)", shown[-1][1])[0]
        faults = server.requests["slip"] + server.requests["minute"] + server.requests["cut"]
        self.assertEqual(
            (int(calls), int(retries)), (server.requests[None], faults), server.requests
        )

    def check_cells(self, name, shown):
        for cell, text in shown:
            self.assertEqual(problems(cell, text), [], f"{name}, {cell.id}:\n{cell.source}")
        told = "\n".join(text for _, text in shown)
        self.assertIn("asking once more", told, "the slip")
        self.assertIn("waiting 1.0 s, then attempt 2 of 4", told, "the minute")
        self.assertIn(SPENT_DAY, told)
        self.assertRegex(told, r"whole again at 20\d\d-\d\d-\d\d \d\d:\d\d UTC, in 2 h")
        self.assertIn("cut at ", told)
        # The first stream breaks off.
        self.assertIn("then attempt 2 of 4", shown[-1][1])
        for never in ("running?", KEY, DRAFT, "</think>", "<|im_end|>", "<tool_call>"):
            self.assertNotIn(never, told, name)
        # A table of operators has a column of that name.
        for fate in re.findall(r"not born(?!\)|  )(.*)", told):
            self.assertRegex(fate, REASONS, f"{name}: not born, without a reason")


class Useless(unittest.TestCase):
    def test_each_notebook_ends_if_no_reply_is_of_use(self):
        """Later cells need what earlier ones made. Here that is an empty list, no winner, no tool."""
        for name, server, shown in each_live(UselessServer):
            with self.subTest(name):
                self.assertEqual(server.objections, [], "a request that breaks the protocol")
                self.assertGreater(server.answers, 5)
                for cell, _ in shown:
                    found = cells.unexpected(cell, live=True)
                    found = [it for it in found if not cells.is_returned_error(it)]
                    self.assertEqual(found, [], f"{name}, {cell.id}:\n{cell.source}")


def each_live(kind):
    """Runs the four notebooks, each on a server of this kind; yields what `run_live` returns."""
    names = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    with ThreadPoolExecutor(run.jobs(one_at_a_time=False)) as pool:
        yield from pool.map(run_live, names, [kind] * len(names))


def run_live(name, kind):
    """Runs a notebook; returns its name, its server, and its code cells with the text that each showed."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(LAST_CELL, id="last"))
    shown = []
    with kind(name) as server, tempfile.TemporaryFile("w") as log:
        client = run.client_of(notebook, NOTEBOOKS)
        # Part A of notebook 4 asks the real tiny model.
        client.timeout = run.LIVE_CELL_TIMEOUT_SECONDS
        variables = run.without_keys(os.environ) | server.environment()
        with client.setup_kernel(env=variables, stdout=log, stderr=log):
            for place, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    shown += executed(client, cell, place)
    return name, server, shown


def executed(client, cell, place):
    """Runs a cell, and again if it says so, as a participant does; yields (the cell, its text) each time."""
    for _ in range(MOST_RUNS):
        client.execute_cell(cell, place)
        text = "\n".join(chain.from_iterable(texts(output) for output in cell.outputs))
        yield copy.deepcopy(cell), text
        if SPENT_DAY not in text and RUN_AGAIN not in text:
            return


def problems(cell, text):
    """Returns what went wrong in a cell, without the faults that the server caused."""
    found = cells.problems(cell, live=True)
    if SPENT_DAY in text or RUN_AGAIN in text:
        # The cell ended with an error and runs again. The server cannot cause a panic or a compile error.
        found = [problem for problem in found if not problem.startswith("stderr: ")]
    return found


def texts(output):
    """Yields all texts of an output."""
    yield output.get("text", "")
    yield output.get("data", {}).get("text/plain", "")
    yield output.get("evalue", "")
