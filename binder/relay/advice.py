"""Puts the kernel's errors into words that say what to do.

All errors of a cell come here together. At most one sentence is put before them. Where that sentence explains
other errors too (the setup cell has not run), it replaces them.
"""

import re
from dataclasses import dataclass

RUN_ABOVE = "Run > Run All Above Selected Cell"

ENDED = re.compile(r"Subprocess terminated with status: (?P<how>.*)\Z")
# rustc's errors about a name that is not defined.
MISSING = re.compile(r"(?:cannot find|failed to resolve|unresolved import|use of unresolved)\b")
MISSING_VALUE = re.compile(r"cannot find (?:value|function) `(?P<name>\w+)` in this scope")
NAME = re.compile(r"`([^`]+)`")
# Other errors that rustc reports where names are missing.
FOLLOWS = re.compile(r"type annotations needed|cannot infer type|the size for values of type")
# Errors about a reference that would outlive its value's cell or variable: in evcxr's words, or in rustc's
# if evcxr does not recognise the case.
BORROWED = re.compile(
    r"The variable `(\w+)` contains a reference with a non-static lifetime"
    r"|The variable `(\w+)` has type `&.*` which cannot be persisted"
    r"|`(\w+)` does not live long enough"
    r"|closure may outlive the current function, but it borrows `(\w+)`"
)

MOST_NAMES = 4
FEW = 2  # errors that are shown beside the sentence that explains them


@dataclass
class Kernel:
    """What is known about a kernel when its errors arrive."""

    is_set_up: bool = False  # a cell with `:dep code_evolution` has run
    was_interrupted: bool = False  # since its cell began
    has_lost: bool = False  # it has lost variables since it was set up


@dataclass(frozen=True)
class Error:
    """One error of a cell, as Jupyter shows it."""

    words: str
    lines: tuple[str, ...]

    def after(self, sentence):
        return Error(f"{sentence}\n{self.words}", (sentence, "", *self.lines))


def advised(errors, kernel):
    """Returns the errors of one cell as they are shown, with a sentence that says what to do."""
    if not errors:
        return []
    first = errors[0]
    if ended := ENDED.search(first.words):
        return [
            said(after_the_end(ended["how"], first.words[: ended.start()], kernel)),
            *errors[1:],
        ]
    missing = [error for error in errors if MISSING.match(error.words)]
    if missing and not kernel.is_set_up:
        sentence = not_set_up(missing, kernel)
        if len(errors) <= FEW:
            return [first.after(sentence), *errors[1:]]
        rest = [e for e in errors if e not in missing and not FOLLOWS.match(e.words)]
        return [said(sentence), *rest]
    if any(MISSING_VALUE.match(error.words) for error in missing):
        return [first.after(not_there(missing, kernel)), *errors[1:]]
    for error in errors:
        if borrowed := BORROWED.search(error.words):
            return [first.after(cannot_be_kept(borrowed)), *errors[1:]]
    return errors


def said(sentence):
    return Error(sentence, tuple(sentence.splitlines()))


def after_the_end(how, printed, kernel):
    """Says what to do when the cells' process has ended; `printed` is what it printed last."""
    if kernel.was_interrupted:
        what = "Interrupted: this cell was stopped, and the variables of all cells are gone."
    elif "signal: 9" in how:
        what = (
            "The cells' process was killed, most likely because the memory was full (Kernel > Shut Down"
            " in other notebooks gives some back). The variables of all cells are gone."
        )
    else:
        what = f"The cells' process ended by itself ({how}). The variables of all cells are gone."
    return f"{printed}{what}\n{RUN_ABOVE} makes them again; functions and types are still there."


def not_there(missing, kernel):
    lost = ", since variables were lost" if kernel.has_lost else ""
    return (
        f"Not found: {names(missing)}. Either a cell above has to run first{lost} ({RUN_ABOVE}),"
        " or the name is not spelt like this."
    )


def cannot_be_kept(borrowed):
    name = next(name for name in borrowed.groups() if name)
    return (
        f"Variables outlive their cell, and a reference into another variable cannot (here `{name}`):"
        " keep a value of its own, with `.clone()` or `.to_owned()`, or put the lines into { }."
    )


def not_set_up(missing, kernel):
    if kernel.has_lost:
        why = "This kernel has lost its variables, and its setup cell has not run since"
    else:
        why = "The setup cell has not run in this kernel"
    return f"{why} (not found: {names(missing)}). {RUN_ABOVE}, then run this cell again."


def names(missing):
    """Returns the missing names, such as "`lab`, `Task` and 3 more"."""
    found = list(dict.fromkeys(n[1] for error in missing if (n := NAME.search(error.words))))
    shown = ", ".join(f"`{name}`" for name in found[:MOST_NAMES])
    more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
    return shown + more
