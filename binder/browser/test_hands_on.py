"""Tests what a participant does by keyboard: edit a prompt, stop a program, give a key, answer, look up."""

import contextlib
import os
import time
from pathlib import Path

import psutil

from . import look
from .page import PATIENCE_SECONDS
from .support import ROOT, BrowserTest, names

REPAIR, TOOLMAKER = names()[0], names()[2]
HOST = ("code_evolution_host", "code_evolution_host"[:15])  # the system keeps 15 letters of a name
CANARY = "gsk_" + "canary" * 8

ENDLESS = """
let patience = Limits { cpu_ms: 120_000, wall_ms: 120_000, case_wall_ms: 120_000, ..Limits::default() };
let stuck = Task::new("fn spin(n: u32) -> u32").case((1,), 1).limits(patience);
lab.judge("fn spin(n: u32) -> u32 { loop { std::hint::black_box(n); } }", &stuck)?
"""
GOES_ON = """
let fine = Task::new("fn twice(n: u32) -> u32").case((2,), 4);
check!(lab.judge("fn twice(n: u32) -> u32 { 2 * n }", &fine)?.is_success(), "it goes on");
"""


class HandsOn(BrowserTest):
    def test_an_edited_prompt(self):
        """The nearest reply answers, and its label says how near it is."""
        notebook = self.open(REPAIR)
        notebook.wait_for_kernel()
        ask = notebook.find(lambda cell: "= llm.ask(" in cell.source)
        prompt = notebook.find(lambda cell: "Answer with" in cell.source)
        notebook.run_above(ask)
        self.assertIn("[scripted · no model]", shown(notebook.run(ask)))

        before = notebook.cell(prompt).source
        notebook.write(prompt, before.replace('= "', '= "Think twice. ', 1))
        told = shown(notebook.run_through(prompt, ask))
        self.assertRegex(told, r"\[scripted · no model · nearest scripted reply, \d\d % alike")

        notebook.write(prompt, before)
        told = shown(notebook.run_through(prompt, ask))
        self.assertIn("[scripted · no model]", told)

    def test_stopping_an_endless_candidate(self):
        """The candidate and its jail end at once; after the setup cell everything works again."""
        notebook = self.open(REPAIR)
        notebook.wait_for_kernel()
        setup = notebook.find(is_setup)
        notebook.run(setup)
        endless = notebook.add_below(setup, ENDLESS)
        notebook.start(endless)
        spinning = self.wait_for_spinning(notebook)

        notebook.menu("Kernel", "Interrupt Kernel")
        notebook.finish()
        _, alive = psutil.wait_procs([spinning], timeout=10)
        self.assertEqual(alive, [], "the candidate still runs")

        self.assertIn("sandbox", shown(notebook.run(setup)))
        quick = notebook.add_below(endless, GOES_ON)
        self.assertIn("✅ it goes on", shown(notebook.run(quick)))

    def processes(self):
        """Returns JupyterLab, its kernels and all processes that they started."""
        server = psutil.Process(self.lab.server.pid)
        return [server, *server.children(recursive=True)]

    def files_with(self, text, since):
        """Returns the files with this text that were written since then, wherever the workshop writes."""
        log = Path(self.lab.log.name)
        return [
            path
            for place in (self.lab.folder, ROOT / "target" / "kernel")
            for folder, _, names in os.walk(place)
            for path in (Path(folder, name) for name in names)
            if wrote(path, text, since)
        ] + ([log] if text in log.read_text(encoding="utf-8") else [])

    def wait_for_spinning(self, notebook):
        """Returns the process of the candidate, once it has used a second of CPU."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for process in self.processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    of_host = (parent := process.parent()) and parent.name() in HOST
                    if of_host and process.name() != "rustc" and process.cpu_times().user > 1:
                        return process
            notebook.page.wait_for_timeout(200)
        self.fail(f"no candidate runs among {self.processes()}")

    def test_a_key(self):
        """A typed key is hidden and works; no file, argument or page contains it."""
        notebook = self.open(REPAIR)
        notebook.wait_for_kernel()
        began = time.time()
        setup = notebook.find(is_setup)
        source = notebook.cell(setup).source
        notebook.write(setup, source.replace(".start()", '.ask_for_key("groq").start()'))
        notebook.start(setup)
        field = notebook.page.locator(".jp-Stdin-input")
        field.wait_for()
        self.assertEqual(field.get_attribute("type"), "password")
        field.fill(CANARY)
        field.press("Enter")
        notebook.wait_for_run(setup)
        told = shown(notebook.cell(setup))
        self.assertRegex(told, r"(?m)^replies +live from groq")
        self.assertRegex(told, r"(?m)^key +from prompt$")
        notebook.save()

        host = [process for process in self.processes() if CANARY in process.environ().values()]
        self.assertEqual(
            [process.name() in HOST for process in host], [True], f"who has it: {host}"
        )
        for process in psutil.process_iter(["cmdline"]):
            self.assertNotIn(CANARY, " ".join(process.info["cmdline"] or ()))
        self.assertIn(self.lab.work / REPAIR, self.files_with("ask_for_key", began))
        self.assertEqual(self.files_with(CANARY, began), [])
        self.assertNotIn(CANARY, notebook.page.content())
        self.assertNotIn(CANARY, notebook.page.evaluate("JSON.stringify(localStorage)"))

    def test_an_interrupted_question(self):
        """Interrupt ends a cell that waits for a key, and the notebook goes on."""
        notebook = self.open(REPAIR)
        notebook.wait_for_kernel()
        setup = notebook.find(is_setup)
        source = notebook.cell(setup).source
        notebook.write(setup, source.replace(".start()", '.ask_for_key("groq").start()'))
        notebook.start(setup)
        field = notebook.page.locator(".jp-Stdin-input")
        field.wait_for()
        self.assertIn("the field waits for your groq key", shown(notebook.cell(setup)))
        notebook.menu("Kernel", "Interrupt Kernel")
        notebook.wait_for_run(setup)
        [told] = [o.evalue for o in notebook.cell(setup).outputs if o.output_type == "error"]
        self.assertRegex(told, "(?s)^Interrupted: .*Run All Above")
        # JupyterLab leaves the field there until the cell runs again; an answer would be dropped.
        notebook.write(setup, source)
        self.assertIn("sandbox", shown(notebook.run(setup)))
        self.assertEqual(field.count(), 0)

    def test_a_review(self):
        """A person rejects a tool, then admits it. After an unclear answer, the question comes again."""
        notebook = self.open(TOOLMAKER)
        notebook.wait_for_kernel()
        submit = notebook.find(lambda cell: "\ntoolbox.submit(" in cell.source)
        notebook.run_above(submit)
        for answers, outcome in ((("well", "n"), "✗ rejected"), (("y",), "✓ admitted")):
            notebook.start(submit)
            notebook.page.locator(".jp-Stdin-input").wait_for()
            panel = notebook.node(submit).locator(".jp-OutputArea-output table")
            self.assertIn("✓ passed", panel.first.inner_text().replace("\xa0", " "))
            self.assertEqual(look.problems(notebook.page), [], "while the question is open")
            field = notebook.page.locator(".jp-Stdin-input:visible")
            for number, answer in enumerate(answers):
                answered = field.element_handle()
                self.assertTrue(notebook.answer(answer))
                if number + 1 < len(answers):
                    notebook.node(submit).locator("text=neither y nor n").wait_for()
                    answered.wait_for_element_state("hidden")  # it stays for a moment
                    field.wait_for()
            notebook.wait_for_run(submit)
            told = shown(notebook.cell(submit))
            self.assertIn(outcome, told)
            self.assertIn("a person", told)

    def test_completion_and_inspection(self):
        """Tab and Shift+Tab know the workshop's own types."""
        notebook = self.open(REPAIR)
        notebook.wait_for_kernel()
        setup = notebook.find(is_setup)
        notebook.run(setup)
        notebook.add_below(setup, "lab.")
        notebook.page.keyboard.press("Tab")
        notebook.page.locator(".jp-Completer-item", has_text="judge_all").wait_for()
        first = notebook.page.locator(".jp-Completer-item").first
        self.assertIn("judge(", first.inner_text())
        notebook.page.keyboard.press("Escape")
        notebook.page.keyboard.type("judge")
        notebook.page.keyboard.press("Shift+Tab")
        notebook.page.locator(".jp-Tooltip").wait_for()


def is_setup(cell):
    return cell.source.startswith(":dep")


def wrote(path, text, since):
    """Returns whether the file was written since then and has this text."""
    # A compiler's files come and go meanwhile.
    with contextlib.suppress(FileNotFoundError):
        return (
            path.is_file() and path.stat().st_mtime >= since and text.encode() in path.read_bytes()
        )
    return False


def shown(cell):
    """Returns what a cell shows, as text."""
    return "".join(
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )
