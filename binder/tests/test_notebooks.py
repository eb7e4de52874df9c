"""Tests that the runner, the normal form and the hygiene checks find what they look for."""

import copy
import sys
import unittest
from unittest import mock

import nbformat

from checks import cells, hygiene, normal_form, picture

from .support import ROOT, RUNNER, ScriptTest, notebook, solution

EXPECTED_ERROR = {"tags": ["expect-error"]}


class Runner(ScriptTest):
    def run_notebook(self, content, *options, status, **variables):
        path = self.folder / "tried.ipynb"
        nbformat.write(content, path)
        shown = self.run_script(
            *RUNNER, path, *options, status=status, PYTHONPATH=ROOT / "binder", **variables
        )
        return shown, nbformat.read(path, as_version=4)

    def test_failures_that_jupyter_takes_for_successes(self):
        cells = {
            'panic!("lost");': "lost",
            "assert_eq!(1, 2);": "left",
            'let n: u8 = "x".parse::<u8>()?;': "invalid digit",
            'eprintln!("whisper");': "stderr: whisper",
            'println!("❌ wrong");': "❌ wrong",
            'let n: u8 = "x";': "mismatched types",
            "std::process::exit(3);": "exit status: 3",
        }
        shown, _ = self.run_notebook(notebook(*cells), status=1)
        problems = shown[shown.index("result") :]
        for number, (cell, expected) in enumerate(cells.items(), start=1):
            self.assertRegex(problems, rf"(?s)cell +{number}/{len(cells)}: .*{expected}", cell)
        self.assertRegex(shown, rf"tried +{len(cells)} .* 0 +1 .* {len(cells)} problem\(s\)")

    def test_expected_errors(self):
        fails = ('panic!("meant");', EXPECTED_ERROR)
        works = ("let n = 1;", EXPECTED_ERROR)
        shown, _ = self.run_notebook(notebook(fails, works), status=1)
        self.assertIn("cell  2/2: tagged expect-error, but there is none", shown)
        self.assertNotIn("cell  1/2:", shown)

    def test_two_notebooks_at_once(self):
        paths = [self.folder / "good.ipynb", self.folder / "bad.ipynb"]
        nbformat.write(notebook("let n = 1;", 'println!("✅ {n}");'), paths[0])
        nbformat.write(notebook('panic!("lost");'), paths[1])
        command = (*RUNNER, *paths, "--jobs", "2")
        shown = self.run_script(*command, status=1, PYTHONPATH=ROOT / "binder")
        self.assertRegex(shown, r"good: cell  2/2 .*✅")
        self.assertRegex(shown, r"bad: cell  1/1 ")
        self.assertRegex(shown, r"(?s)result\ngood .* ok\nbad .* 1 problem\(s\)\n")

    def test_a_failed_run_is_not_written_back(self):
        content = notebook("let n = 1;", "std::process::exit(3);", "n")
        shown, written = self.run_notebook(content, "--update", status=1)
        self.assertIn("not updated", shown)
        self.assertEqual(written, content)

    def test_options_that_exclude_each_other(self):
        for pair, word in {
            ("--adopt", "--live"): "scripts",
            ("--adopt", "--update"): "own",
            ("--record-local", "--check"): "own",
            ("--record-local", "--live"): "on this machine",
        }.items():
            shown, _ = self.run_notebook(notebook("1"), *pair, status=2)
            self.assertIn(word, shown.splitlines()[-1])

    def test_no_key_reaches_a_notebook(self):
        cell = 'for (name, value) in std::env::vars() { println!("{name}={value}") }'
        shown, written = self.run_notebook(
            notebook((cell, {"tags": ["varies"]})),
            "--update",
            status=0,
            OPENAI_API_KEY="canary",
            LLM_API_KEY="canary",
            LLM_BASE_URL="canary",
            LLM_MODE="live",
        )
        text = written.cells[-1].outputs[0].text
        self.assertNotIn("canary", text + shown)
        self.assertIn("LLM_MODE=scripted\n", text)
        shown, written = self.run_notebook(
            written, "--update", "--live", status=0, OPENAI_API_KEY="canary"
        )
        self.assertIn("OPENAI_API_KEY=canary\n", written.cells[-1].outputs[0].text)

    def test_a_run_gives_the_same_bytes_and_a_change_is_seen(self):
        content = notebook(
            "let held = vec![1];",
            'println!("{}", std::env::current_dir()?.display());',
            "held.len()",
            ('println!("{:?}", std::time::SystemTime::now());', {"tags": ["varies"]}),
            ("undefined", EXPECTED_ERROR),
        )
        _, first = self.run_notebook(content, "--update", status=0)
        self.assertNotIn(str(ROOT), nbformat.writes(first))
        _, second = self.run_notebook(first, "--update", "--check", "--twice", status=0)
        varying = first.cells[8]
        self.assertIn("SystemTime", varying.source)
        self.assertNotEqual(varying.outputs, second.cells[8].outputs)
        second.cells[8] = varying
        self.assertEqual(normal_form.text(first), normal_form.text(second))
        second.cells[6].outputs[0].data["text/plain"] = "2"
        shown, _ = self.run_notebook(second, "--check", status=1)
        self.assertIn("-text/plain: 2", shown)
        self.assertIn("+text/plain: 1", shown)

    def test_a_returned_error_may_be_a_models_doing(self):
        """A panic never is, nor a cell that does not compile."""
        returned = "Err::<(), std::fmt::Error>(std::fmt::Error)?"
        self.run_notebook(notebook(returned), status=1)
        shown, _ = self.run_notebook(notebook(returned), "--live", status=0)
        self.assertIn("ok, 1 returned error(s)", shown)
        for failing in ('panic!("no")', 'eprintln!("a line before\\npanicked: no");', "undefined"):
            shown, _ = self.run_notebook(notebook(returned, failing), "--live", status=1)
            self.assertIn("1 problem(s), 1 returned error(s)", shown)

    def test_a_cell_that_cannot_run_twice(self):
        content = notebook("struct A;", "impl A { fn new() -> A { A } }")
        self.run_notebook(content, status=0)
        shown, _ = self.run_notebook(content, "--twice", status=1)
        self.assertRegex(shown, r"tried, again: cell +2/2: .*duplicate definitions")

    def test_what_another_order_changes_is_found(self):
        for second, problems in (("n + 1", 0), ("n += 1;\nn", 2)):
            self.run_notebook(notebook("let mut n = 1;", second), "--update", status=0)
            shown = self.run_script(
                *(sys.executable, "-m", "checks.orders", self.folder / "tried.ipynb"),
                status=min(problems, 1),
                PYTHONPATH=ROOT / "binder",
            )
            self.assertIn(f"1 notebook(s), {problems} problem(s)", shown)
            self.assertEqual("code-2, run again: shows something else" in shown, problems > 0)

    def test_exercises(self):
        exercise = ("fn double(n: u32) -> u32 { 0 }", {"tags": ["exercise"]})
        grader = 'println!("{}", if double(2) == 4 { "✅" } else { "not yet" });'
        content = notebook(exercise, grader)
        content.cells.append(solution("fn double(n: u32) -> u32 { 2 * n }", "code-1"))
        shown, _ = self.run_notebook(content, "--solutions", status=0)
        self.assertRegex(shown, r"tried, solved +2 .* 1 +0 .* ok")

        changed = copy.deepcopy(content)
        line = "fn double(n: u32) -> u32 {{ {} }}".format
        changed.cells[-1] = solution(f"- {line('0')}\n+ {line('2 * n')}", "code-1", "diff")
        shown, _ = self.run_notebook(changed, "--solutions", status=0)
        self.assertRegex(shown, r"tried, solved +2 .* 1 +0 .* ok")

        wrong = copy.deepcopy(content)
        wrong.cells[-1] = solution("fn double(n: u32) -> u32 { n }", "code-1")
        shown, _ = self.run_notebook(wrong, "--solutions", status=1)
        self.assertIn("tried, solved: exercise code-1: its solution gets no ✅", shown)

        generous = copy.deepcopy(content)
        generous.cells[4].source = 'println!("✅");'
        shown, _ = self.run_notebook(generous, status=1)
        self.assertIn("exercise code-1: its grader shows ✅ or ❌ before anything is solved", shown)


def executed(*cells):
    """Returns a notebook without faults, whose cells count as executed."""
    result = notebook(*cells)
    result.cells[0].source += "\n\nAbout 0 minutes."
    for cell in result.cells:
        if cell.cell_type == "code":
            cell.execution_count = 1
    return normal_form.of(result)


class Hygiene(unittest.TestCase):
    def setUp(self):
        folder = ROOT / "target" / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "hygiene.ipynb"
        self.addCleanup(self.path.unlink, missing_ok=True)

    def findings(self, content):
        self.path.write_text(normal_form.text(content), encoding="utf-8")
        return hygiene.check(self.path)

    def test_a_good_notebook(self):
        self.assertEqual(self.findings(executed("let a = 1;", "a")), [])

    def test_each_fault_is_found(self):
        def display(**data):
            return nbformat.v4.new_output("execute_result", data, execution_count=2)

        def stream(text, name="stdout"):
            return nbformat.v4.new_output("stream", name=name, text=text)

        def shows(output):
            return lambda cells: cells[4].outputs.append(output)

        def becomes(index, source):
            return lambda cells: cells[index].update(source=source)

        faults = {
            "skips from level 1 to 3": becomes(1, "### Deep\n\nfive words are in here"),
            "has 2 H1": becomes(1, "# Another\n\nfive words are in here"),
            "has 0 H1": becomes(0, "no heading at all"),
            "21 code lines": becomes(2, "1;\n" * 21),
            "code-1 has a code line of 101": becomes(2, "x" * 101),
            "solution-code-1 has a code line of 101": lambda cells: cells.append(
                solution("1;\n" + "x" * 101, "code-1")
            ),
            "the median cell has 8": lambda cells: [
                c.update(source="1;\n" * 8) for c in cells[2::2]
            ],
            "is empty": becomes(2, "  "),
            "no prose before": becomes(3, "Look:"),
            "kernelspec": lambda cells: None,
            "two cells with the id": lambda cells: cells[3].update(id="title"),
            "no slideshow": lambda cells: cells[2].metadata.pop("slideshow"),
            "was not run": lambda cells: cells[2].update(execution_count=None),
            "what looks like a key": becomes(2, 'let key = "sk-' + "a1" * 12 + '";'),
            "shows a path of a machine": shows(stream("in /home/someone/x\n")),
            "names the folder": becomes(1, f"five words are in {ROOT} here"),
            "stderr: trouble": shows(stream("trouble\n", "stderr")),
            "❌ bad": shows(stream("❌ bad\n")),
            "without alt text": becomes(1, "![](data:image/png;base64,xx) and some more words"),
            "has an image without": shows(
                display(**{"text/html": "<img src='x'>", "text/plain": "x"})
            ),
            "inline <svg>": shows(display(**{"text/html": "<svg></svg>", "text/plain": "x"})),
            "shows a panel as text only": shows(display(**{"text/plain": "title\n1 │ x"})),
            "as text only: its last line moves": shows(display(**{"text/plain": "│ a quote"})),
            "without a text form": shows(display(**{"text/html": "<b>x</b>"})),
            "links to Binder, but the workshop has no address": becomes(
                0, "# A title\n\nAbout 0 minutes.\n\n[Open in Binder](https://mybinder.org/x)"
            ),
            "does not say `About N minutes`": becomes(0, "# A title"),
            "has 68 cells": lambda cells: cells.extend(
                notebook(*["1"] * 30).cells[1:] + [cells[1].copy()] * 3
            ),
            "has no answer behind a click": becomes(1, "**Predict:** what comes of it, then?"),
            "asks for 6 predictions": lambda cells: cells.extend(
                nbformat.v4.new_markdown_cell(f"**Predict:** what comes of {n} here?")
                for n in range(6)
            ),
            "links to nowhere.md": becomes(1, "five words and [a link](nowhere.md) too"),
            "has no solution": lambda cells: cells[2].metadata.update(tags=["exercise"]),
            "is not an exercise": lambda cells: cells.append(solution("1", "code-1")),
            "that the exercise has 0 times: - let b = 1;": lambda cells: cells.append(
                solution("- let b = 1;\n+ let a = 2;", "code-1", "diff")
            ),
        }
        for expected, break_it in faults.items():
            with self.subTest(expected):
                content = executed("let a = 1;", "a")
                break_it(content.cells)
                if expected == "kernelspec":
                    content.metadata.kernelspec.name = "python3"
                findings = self.findings(content)
                self.assertTrue(any(expected in line for line in findings), findings)

    def test_the_four_have_the_loop_and_the_glossary(self):
        content = executed("let a = 1;", "a")
        self.assertEqual(len(hygiene.of_the_workshop(content)), 2)
        content.cells[2].source = 'Loop::new(["a", "b", "c", "d", "e"])'
        content.cells[1].source += " [glossary](../binder/GLOSSARY.md)"
        self.assertEqual(hygiene.of_the_workshop(content), [])

    def test_a_value_that_is_no_panel_may_be_text_only(self):
        content = executed("let a = 1;", "a")
        data = {"text/plain": '"one line"'}
        content.cells[4].outputs = [
            nbformat.v4.new_output("execute_result", data, execution_count=2)
        ]
        self.assertEqual(self.findings(content), [])

    def test_a_form_that_is_not_the_normal_one(self):
        content = executed("let a = 1;")
        content.cells[2].metadata.execution = {"iopub.status.busy": "2026-01-01"}
        self.assertEqual(
            self.findings(content), ["is not in its normal form: run binder/run --update"]
        )

    def test_a_file_that_is_no_notebook(self):
        content = executed("let a = 1;")
        content.cells[2].pop("source")
        self.assertRegex(self.findings(content)[0], "is not a valid notebook: .*source")
        self.path.write_text("{}", encoding="utf-8")
        self.assertRegex(hygiene.check(self.path)[0], "is not a valid notebook")


class Picture(unittest.TestCase):
    """The README's picture is the one that notebook 1 draws."""

    def setUp(self):
        folder = ROOT / "target" / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "picture.svg"
        self.addCleanup(self.file.unlink, missing_ok=True)
        self.content = nbformat.read(picture.NOTEBOOK, as_version=4)

    def problems(self):
        return picture.problems(picture.NOTEBOOK, self.content, self.file)

    def test_another_picture_is_found_and_renewed(self):
        self.file.write_text("<svg></svg>")
        self.assertRegex(self.problems()[0], "another picture .* binder/run --update 01")
        with mock.patch.object(picture, "FILE", self.file):
            picture.renew(ROOT / "notebooks" / "02_code_evolution.ipynb", self.content)
            self.assertEqual(self.file.read_text(), "<svg></svg>")
            picture.renew(picture.NOTEBOOK, self.content)
        self.assertEqual(self.problems(), [])

    def test_a_notebook_that_draws_none(self):
        for cell in self.content.cells:
            if cell.id == picture.CELL:
                cell.outputs = []
        self.assertRegex(self.problems()[0], "no cell `plot` that shows one picture")


class Room(ScriptTest):
    def measure(self, *arguments, status):
        command = (sys.executable, "-m", "measures.room", *arguments)
        return self.run_script(*command, status=status, PYTHONPATH=ROOT / "binder")

    def test_an_unknown_notebook_is_named(self):
        shown = self.measure("nope", status=2)
        self.assertIn("there is no notebook nope", shown.splitlines()[-1])

    def test_a_cell_that_does_not_run_gives_no_figure(self):
        path = self.folder / "tried.ipynb"
        nbformat.write(notebook("let n = 1;", "undefined"), path)
        shown = self.measure(path, status=1)
        self.assertIn("cell code-2 does not run", shown)
        self.assertNotIn("| moment |", shown)


class Problems(unittest.TestCase):
    def found(self, text):
        cell = nbformat.v4.new_code_cell("x")
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        return cells.problems(cell)

    def test_a_panic_on_stdout_is_a_problem(self):
        self.assertEqual(
            len(self.found("thread 'main' (7) panicked at src/lib.rs:1:1:\nlost\n")), 1
        )

    def test_a_candidates_panic_in_a_verdict_is_not_a_problem(self):
        self.assertEqual(self.found("case 2: panicked at line 3: attempt to divide by zero\n"), [])


class Patched(unittest.TestCase):
    """Tests solutions that show only the lines that change."""

    SOURCE = "let a = 1; // change me\nfn f() {\n    a();\n}\nfn g() {\n    a();\n}"

    def test_removed_added_and_unchanged_lines(self):
        for diff, expected in {
            "- let a = 1; // change me\n+ let a = 2;\n+ let b = 3;": (
                "let a = 1; // change me",
                "let a = 2;\nlet b = 3;",
            ),
            "  fn g() {\n-     a();\n+     b();\n": (
                "fn g() {\n    a();",
                "fn g() {\n    b();",
            ),
            "- let a = 1; // change me\n\n  fn g() {\n+     b();": (
                "let a = 1; // change me\nfn f() {\n    a();\n}\nfn g() {\n",
                "fn f() {\n    a();\n}\nfn g() {\n    b();\n",
            ),
        }.items():
            self.assertEqual(cells.patched(self.SOURCE, diff), self.SOURCE.replace(*expected))

    def test_a_diff_that_does_not_fit_is_an_error(self):
        for diff, message in {
            "- let a = 1;\n+ let a = 2;": "has 0 times: - let a = 1;",
            "-     a();\n+     b();": "has 2 times",
            "  fn g() {": "changes nothing",
            "+ let c = 1;": "does not say where",
            "let a = 2;": "without `- `",
            "- fn g() {\n+ fn h() {\n\n- fn g() {\n+ fn i() {": "has 0 times",
        }.items():
            with self.subTest(diff), self.assertRaisesRegex(ValueError, message):
                cells.patched(self.SOURCE, diff)
