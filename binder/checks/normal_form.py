"""The form in which a notebook is committed: the same run gives the same bytes.

It leaves out when, where and how often a notebook was run: timings, folders, numbers of
processes, the state of a browser's view. Cells count from 1, in order.
"""

import copy
import difflib
import re

import nbformat

from checks import ROOT

KERNELSPEC = {"display_name": "Rust", "language": "rust", "name": "rust"}
LANGUAGE = {
    "codemirror_mode": "rust",
    "file_extension": ".rs",
    "mimetype": "text/rust",
    "name": "Rust",
    "pygment_lexer": "rust",
}

# Metadata that a browser or a run adds to a cell.
OF_A_RUN = ("ExecuteTime", "collapsed", "execution", "scrolled", "trusted", "vscode")

ADDRESSES = [
    # A match begins at the start of a word: trying every letter of a picture's base64 would take minutes.
    (re.compile(r"(?<![^\s\"'])[^\s\"']*/session\.\w{8}/"), "target/kernel/session/"),
    (re.compile(re.escape(str(ROOT)) + "/"), ""),
    (re.compile(re.escape(str(ROOT))), "."),
    (re.compile(r"(thread '[^']*') \(\d+\) panicked"), r"\1 panicked"),
]


def of(notebook):
    """Returns a copy of the notebook in its normal form."""
    result = copy.deepcopy(notebook)
    result.metadata.kernelspec = nbformat.from_dict(KERNELSPEC)
    result.metadata.language_info = nbformat.from_dict(LANGUAGE)
    result.metadata.pop("widgets", None)
    count = 0
    for cell in result.cells:
        for name in OF_A_RUN:
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            count += 1
            if cell.execution_count is not None:
                cell.execution_count = count
            cell.outputs = outputs(cell)
    return result


def outputs(cell):
    """Returns a cell's outputs: those that appeared while it ran, then stderr as a whole, then the rest.

    Printed lines and panels keep their order, since both are lines of stdout. The moment at which a line
    of stderr arrives is random.
    """
    while_it_ran, errors, rest = [], [], []
    for output in cell.outputs:
        output = shorten(output)
        if output.output_type != "stream":
            if "execution_count" in output:
                output.execution_count = cell.execution_count
            (while_it_ran if output.output_type == "display_data" else rest).append(output)
            continue
        place = while_it_ran if output.name == "stdout" else errors
        if place and place[-1].output_type == "stream":
            place[-1].text += output.text
        else:
            place.append(output)
    return while_it_ran + errors + rest


def shorten(value):
    """Replaces what differs between machines, in every text of an output."""
    if isinstance(value, str):
        for pattern, replacement in ADDRESSES:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, dict):
        return nbformat.from_dict({name: shorten(part) for name, part in value.items()})
    if isinstance(value, list):
        return [shorten(part) for part in value]
    return value


def text(notebook):
    """Returns the bytes of a notebook's file, as text."""
    return nbformat.v4.writes_json(notebook).rstrip("\n") + "\n"


def differences(committed, executed):
    """Returns one problem for each code cell whose outputs are not the committed ones."""
    found = []
    for before, after in zip(of(committed).cells, executed.cells, strict=True):
        if before.cell_type != "code" or "varies" in before.metadata.get("tags", []):
            continue
        if changed := difference(before, after):
            found.append(
                f"cell {before.id} shows something else than the committed notebook"
                " (if that is intended, run binder/run --update, or tag the cell `varies`):\n"
                + changed
            )
    return found


def difference(before, after):
    """Returns the lines in which the outputs of two cells in normal form differ, as one text."""
    lines = [readable(cell.outputs) for cell in (before, after)]
    diff = difflib.unified_diff(*lines, "committed", "this run", lineterm="", n=1)
    return "\n".join([line[:200] for line in diff][:40])


def readable(cell_outputs):
    """Returns outputs as lines to compare."""
    lines = []
    for output in cell_outputs:
        if output.output_type == "stream":
            lines += [f"{output.name}: {line}" for line in output.text.splitlines()]
        elif output.output_type == "error":
            lines += ["error: " + line for line in "\n".join(output.traceback).splitlines()]
        else:
            for kind, data in sorted(output.data.items()):
                lines += [f"{kind}: {line}" for line in str(data).splitlines()]
    return lines
