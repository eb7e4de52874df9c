"""Tests that the bench runs and prints every section. No test measures speed."""

import re

from .support import ROOT, ScriptTest

SECTIONS = [
    "Candidates",
    "Notebook",
    "Model client",
    "Tools",
    "Published figures and baselines",
    "Plots",
    "Beyond one machine",
]


class Bench(ScriptTest):
    def test_every_section_prints_whole_tables(self):
        shown = self.run_script(ROOT / "binder" / "bench", "--quick", status=0)
        self.assertIn("--quick: do not quote", shown)
        parts = re.split(r"^## (.*)$", shown, flags=re.MULTILINE)
        self.assertEqual(parts[1::2], SECTIONS)
        for title, text in zip(parts[1::2], parts[2::2], strict=True):
            lines = [line for line in text.splitlines() if line.startswith("|")]
            head = next(i for i, line in enumerate(lines) if line.startswith("|---"))
            self.assertGreater(len(lines), head + 1, f"no row in {title}:\n{text}")
            tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
            for table in tables:
                widths = {row.count("|") for row in table.splitlines()}
                self.assertEqual(len(widths), 1, f"rows of different widths in {title}:\n{table}")
        self.assertIn("40, each once", shown)

    def test_an_unknown_section_is_named(self):
        shown = self.run_script(ROOT / "binder" / "bench", "plost", status=2)
        self.assertIn("there is no section plost", shown)
