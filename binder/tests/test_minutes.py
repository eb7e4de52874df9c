"""Tests that a notebook's minutes are computed from its cells, and that it claims these."""

import re
import unittest

import nbformat

from checks import NOTEBOOKS, minutes

from .support import ROOT, notebook, solution


class Minutes(unittest.TestCase):
    def setUp(self):
        self.notebook = notebook("let a = 1;", "a")
        self.before = minutes.reading(self.notebook)

    def added(self):
        """Returns what the last cells added: words, lines of code, exercises."""
        now = minutes.reading(self.notebook)
        return (
            now.words - self.before.words,
            now.lines - self.before.lines,
            now.exercises - self.before.exercises,
        )

    def claims(self, claim):
        self.notebook.cells[0].source = f"# A title\n\n{claim}"
        return minutes.problems(self.notebook)

    def test_words_lines_and_exercises_count(self):
        it = minutes.Reading(words=360, lines=24, exercises=1)
        self.assertEqual(it.minutes, 2 + 2 + 10)
        self.notebook.cells += notebook("// a comment\n\none();\ntwo();").cells[1:]
        self.notebook.cells[-1].metadata["tags"] = ["exercise"]
        words = len(self.notebook.cells[-2].source.split())
        self.assertEqual(self.added(), (words, 2, 1))

    def test_code_in_prose_is_not_read_word_by_word(self):
        self.notebook.cells[1].source += "\n\n`let a = 1;` it is\n\n```text\none two\n```\n"
        self.assertEqual(self.added(), (3, 0, 0))

    def test_optional_cells_and_solutions_do_not_count(self):
        self.notebook.cells.append(solution("one();", "code-1"))
        optional = notebook("one();").cells[1:]
        for cell in optional:
            cell.metadata["tags"] = ["optional", "exercise"]
        self.notebook.cells += optional
        self.assertEqual(self.added(), (0, 0, 0))

    def test_a_claim_is_rounded_to_five_minutes(self):
        self.notebook.cells[1].source = "word " * 180 * 38
        self.assertEqual(self.claims("About 40 minutes."), [])
        [finding] = self.claims("About 30 minutes.")
        self.assertRegex(finding, r"claims 30 minutes but takes 38\.\d: say 40, or cut")
        [finding] = self.claims("About 38 minutes.")
        self.assertIn("say 40", finding)
        [finding] = self.claims("Not long.")
        self.assertIn("About N minutes", finding)

    def test_optional_cells_are_at_the_end(self):
        self.notebook.cells[1].source = "word " * 180 * 5
        self.assertEqual(self.claims("About 5 minutes."), [])
        self.notebook.cells[-1].metadata["tags"] = ["optional"]
        self.assertEqual(self.claims("About 5 minutes."), [])
        self.notebook.cells[2].metadata["tags"] = ["optional"]
        [finding] = self.claims("About 5 minutes.")
        self.assertIn("move the optional ones to the end", finding)


class LessonPlans(unittest.TestCase):
    """The plans in TEACHING add up, and give each notebook the minutes that it claims."""

    def setUp(self):
        page = (ROOT / "binder" / "TEACHING.md").read_text(encoding="utf-8")
        plans = re.findall(
            r"^### ([^:\n]+): (\d+) minutes\n(.*?)(?=^#)|\Z", page, re.MULTILINE | re.DOTALL
        )
        self.plans = {name: (int(total), rows) for name, total, rows in plans if name}

    def test_the_sums(self):
        self.assertEqual([total for total, _ in self.plans.values()][:2], [180, 90])
        for name, (total, rows) in self.plans.items():
            parts = [int(number) for number in re.findall(r"^\| (\d+) \|", rows, re.MULTILINE)]
            self.assertEqual(sum(parts), total, name)

    def test_each_notebook_has_its_minutes(self):
        for name, (_, rows) in self.plans.items():
            planned = re.findall(
                r"^\| (\d+) \|.*\(\.\./notebooks/(\w+\.ipynb)\)", rows, re.MULTILINE
            )
            self.assertGreaterEqual(len(planned), 2, name)
            for number, file in planned:
                content = nbformat.read(NOTEBOOKS / file, as_version=4)
                # Hygiene reports a wrong claim.
                if not minutes.problems(content):
                    self.assertEqual(int(number), minutes.claimed(content), f"{name}: {file}")
