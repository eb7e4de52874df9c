"""Runs cells in the orders in which a beginner runs them: `python -m checks.orders [notebook ...]`.

First, each cell runs twice in a row. Then, with everything defined, all cells run again from the last to
the first. Each must show what the notebook has, so that the prose around it stays true. Only cells tagged
`varies` may differ.
"""

import argparse
import copy
import sys

import nbformat

from checks import cells, normal_form, notebooks
from checks.run import RESULTS, client_of, environment, existing_notebook


def main():
    parser = argparse.ArgumentParser(prog="python -m checks.orders")
    parser.add_argument("notebooks", nargs="*", type=existing_notebook, metavar="notebook")
    paths = parser.parse_args().notebooks or notebooks()
    found = [problem for path in paths for problem in check(path)]
    print(f"orders: {len(paths)} notebook(s), {len(found)} problem(s)")
    sys.exit(1 if found else 0)


def check(path):
    """Returns what one notebook shows in these orders and should not show."""
    committed = normal_form.of(nbformat.read(path, as_version=4))
    code = [i for i, cell in enumerate(committed.cells) if cell.cell_type == "code"]
    found = []
    RESULTS.mkdir(parents=True, exist_ok=True)
    with open(RESULTS / f"{path.stem}.orders.log", "w", encoding="utf-8") as log:
        client = client_of(copy.deepcopy(committed), path.parent)
        with client.setup_kernel(env=environment(), stdout=log, stderr=log):
            twice = [(i, again) for i in code for again in ("", ", run again")]
            backwards = [(i, ", run again from the last to the first") for i in reversed(code)]
            for index, when in twice + backwards:
                cell = copy.deepcopy(committed.cells[index])
                client.execute_cell(cell, index)
                for problem in different(cell, committed.cells[index]):
                    found.append(f"cell {cell.id}{when}: {problem}")
                    print(f"{path.stem}: {found[-1]}", flush=True)
    return found


def different(cell, before):
    """Returns how a cell that was run now differs from what the notebook has."""
    cell.outputs = normal_form.outputs(cell)
    problems = cells.unexpected(cell)
    if problems or "varies" in cell.metadata.get("tags", []):
        return problems
    changed = normal_form.difference(before, cell)
    return ["shows something else\n" + changed] if changed else []


if __name__ == "__main__":
    main()
