"""Tests that an unstamped figure or table in a cell that asked is found."""

import unittest

import nbformat

from checks import stamps

COST = "this cell asked 1 question; no model was paid"
FIGURE = '<img width="9" alt="Line plot “Best”: score.{}" src="data:x">'
TABLE = "<table><thead><tr><th>{}</th></tr></thead></table>"


def cell(source, html="", text=""):
    made = nbformat.v4.new_code_cell(source)
    data = {"text/html": html, "text/plain": text}
    made.outputs = [nbformat.v4.new_output("display_data", data=data)]
    return made


def found(*cells):
    return stamps.problems(nbformat.v4.new_notebook(cells=list(cells)))


class Stamps(unittest.TestCase):
    def test_stamped_panels_pass(self):
        figure = FIGURE.format(" Who answered: 1 of 1 reply scripted.")
        table = TABLE.format("name") + "<p><small>[1 of 1 reply scripted]</small></p>"
        for html in (figure, table, TABLE.format("result")):
            self.assertEqual(found(cell("lab.llm().ask(&prompt)?", html, COST)), [])

    def test_an_unstamped_figure_or_table_is_found(self):
        dots = FIGURE.format("").replace("Line plot", "Paired dots")
        for html in (FIGURE.format(""), dots, TABLE.format("name")):
            [problem] = found(cell("lab.llm().ask(&prompt)?", html, COST))
            self.assertIn("does not say who answered", problem)

    def test_measurements_need_no_stamp(self):
        self.assertEqual(found(cell("lab.judge(&code, &task)?", FIGURE.format(""))), [])

    def test_a_cell_that_asks_through_a_function_shows_its_cost(self):
        define = cell(
            'fn breed(lab: &Lab) {\n    lab.llm().ask_many(&["x"]);\n}\nfn run(lab: &Lab) {\n    breed(lab);\n}'
        )
        [problem] = found(define, cell("run(&lab);"))
        self.assertIn("lab.cost()", problem)
        self.assertEqual(found(define, cell("run(&lab); lab.cost()", text=COST)), [])

    def test_an_unedited_notebook_shows_no_reply_to_another_prompt(self):
        for told in (
            "[7 of 7 replies scripted, 1 of them only the nearest]",
            "[scripted · no model · nearest scripted reply, 77 % alike: ...]",
            "the script has nothing for this prompt; a key, a local model or your own chat has",
        ):
            table = TABLE.format("name") + "<p><small>[stamped]</small></p>"
            asked = cell("lab.llm().ask(&prompt)?", table, f"{told}\n{COST}")
            asked.id = "ward"
            [problem] = found(asked)
            self.assertIn("ward", problem)
            self.assertEqual(len(stamps.not_exact(nbformat.v4.new_notebook(cells=[asked]))), 1)


if __name__ == "__main__":
    unittest.main()
