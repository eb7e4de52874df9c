"""Keeps the participant's own notebooks: `work/`, copies of `notebooks/` without outputs.

    python binder/work.py                renews the copies (binder/lab does it at each start)
    python binder/work.py --fresh 02     starts notebook 02 over; the old copy stays beside it

Git ignores `work/`, so a `git pull` never conflicts with a participant's changes. The folder is beside
`notebooks/`, so `../lib` is the same folder from both. The other files that a notebook reads
(`cassettes/`) are links.

A copy that the participant changed or ran is never written to: when its original changes, the new
version is put beside it, as `NAME.newer.ipynb`. An untouched copy is replaced. To tell the two apart,
`work/.copies.json` holds a fingerprint of the version that each copy was made from.

This file uses only Python's own library: an image makes the copies without JupyterLab's packages.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What notebooks write beside themselves when they run in notebooks/ (see .gitignore).
WRITTEN = ("my_fizzbuzz", "my_tools", "my_tools.previous", "tools", "tools.previous")


def main():
    parser = argparse.ArgumentParser(
        prog="binder/work.py", description="Copies the notebooks into work/, without outputs."
    )
    parser.add_argument(
        "--fresh",
        action="append",
        default=[],
        metavar="NOTEBOOK",
        help="start this notebook over (02 is enough); the old copy is kept beside it",
    )
    options = parser.parse_args()
    try:
        copies = Copies(ROOT)
        for name in options.fresh:
            copies.start_over(copies.find(name))
        copies.refresh()
    except LookupError as error:
        sys.exit(f"lab: {error.args[0]}")
    except OSError as error:
        sys.exit(
            f"lab: cannot write the notebooks' copies: {error.filename}: {error.strerror};"
            " clone the workshop into a folder that is yours"
        )


class Copies:
    """The copies of one clone's notebooks."""

    def __init__(self, root):
        self.originals, self.work = root / "notebooks", root / "work"
        if not self.work.is_dir():
            self.work.mkdir()
            say("your copies of the notebooks are in work/, which git leaves alone")
        self.list = self.work / ".copies.json"
        # Maps a copy's path in work/ to the original's path in notebooks/ and its fingerprint at that time.
        self.made = read_json(self.list) or {}

    def refresh(self):
        """Makes the copies that are missing, and offers new versions."""
        for path in sorted(self.originals.rglob("*")):
            name = path.relative_to(self.originals)
            if not is_original(name):
                continue
            if path.suffix == ".ipynb":
                self.offer(name)
            elif not holds_notebooks(path) and holds_notebooks(path.parent):
                self.link(name)
        write(self.list, as_text(self.made))

    def find(self, wanted):
        """Finds the original that a participant means: `02`, `02_code_evolution.ipynb`, `further/2b`."""
        names = notebooks(self.originals)
        wanted = wanted.removeprefix("notebooks/").removeprefix("work/").removesuffix(".ipynb")
        wanted = wanted.zfill(2) if wanted.isdigit() else wanted
        exact = [name for name in names if str(name.with_suffix("")) == wanted]
        found = exact or [name for name in names if wanted and str(name).startswith(wanted)]
        if len(found) != 1:
            which = "no notebook" if not found else "more than one notebook"
            listed = ", ".join(str(name.with_suffix("")) for name in found or names)
            raise LookupError(f"{which} is called {wanted}: choose from {listed}")
        return found[0]

    def start_over(self, name):
        """Puts a fresh copy in place of the participant's, which is kept beside it."""
        if self.is_as_it_came(name):
            self.work.joinpath(name).unlink()
        elif self.work.joinpath(name).exists():
            kept = self.free_name(name, "kept")
            self.work.joinpath(name).rename(self.work / kept)
            say(f"work/{name} is started over; the one that you had is work/{kept}")
        self.made.pop(str(name), None)
        for copy in self.copies_of(name):  # an untouched offer is replaced by the fresh copy
            if self.is_as_it_came(copy):
                self.work.joinpath(copy).unlink()
                del self.made[str(copy)]
        self.put(name, name)

    def offer(self, name):
        """Makes the copy of a notebook, or puts its new version where it overwrites nothing."""
        now = fingerprint(read_json(self.originals / name))
        copies = self.copies_of(name)
        for copy in copies:
            if fingerprint(read_json(self.work / copy)) == now:
                self.made[str(copy)] = {"of": str(name), "was": now}
            if self.made.get(str(copy), {}).get("was") == now:
                return
        renewed = next((copy for copy in copies if self.is_as_it_came(copy)), None)
        if renewed or not self.work.joinpath(name).exists():
            self.put(name, renewed or name)
            return
        offered = self.free_name(name, "newer")
        self.put(name, offered)
        say(
            f"notebook {name} has a new version: it is work/{offered}, beside yours"
            f" (binder/lab --fresh {name.with_suffix('')} starts yours over, and keeps it)"
        )

    def put(self, name, copy):
        notebook = without_outputs(read_json(self.originals / name))
        self.work.joinpath(copy).parent.mkdir(parents=True, exist_ok=True)
        write(self.work / copy, as_text(notebook))
        self.made[str(copy)] = {"of": str(name), "was": fingerprint(notebook)}

    def copies_of(self, name):
        """Returns the copies of a notebook that exist: the participant's first, then the offered ones."""
        made = [Path(copy) for copy, of in self.made.items() if of["of"] == str(name)]
        every = [name, *(copy for copy in made if copy != name)]
        return [copy for copy in every if self.work.joinpath(copy).exists()]

    def is_as_it_came(self, copy):
        """Returns whether a copy was neither changed nor run since it was put there."""
        notebook = read_json(self.work / copy)
        was = self.made.get(str(copy), {}).get("was")
        return notebook is not None and fingerprint(notebook) == was and not has_outputs(notebook)

    def free_name(self, name, what):
        """Returns `NAME.what.ipynb`, with a number added if that name is taken."""
        number = 1
        while True:
            ending = what if number == 1 else f"{what}-{number}"
            free = name.with_name(f"{name.stem}.{ending}.ipynb")
            if not self.work.joinpath(free).exists():
                return free
            number += 1

    def link(self, name):
        link = self.work / name
        if not os.path.lexists(link):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(self.originals / name, link.parent))


def notebooks(folder):
    """Returns the notebooks in a folder and below it, by their paths from there."""
    names = [path.relative_to(folder) for path in folder.rglob("*.ipynb")]
    return sorted(name for name in names if is_original(name))


def binder_link(repository, name):
    """Returns the address of a notebook's copy on mybinder.org, for OWNER/NAME and a path from notebooks/."""
    place = f"lab/tree/work/{Path(name).as_posix()}"
    return f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath={place}"


def is_original(name):
    """Returns whether a path in notebooks/ is the workshop's own, and was not left there by a run."""
    return name.parts[0] not in WRITTEN and not any(part.startswith(".") for part in name.parts)


def holds_notebooks(folder):
    return next(folder.rglob("*.ipynb"), None) is not None if folder.is_dir() else False


def without_outputs(notebook):
    """Returns a copy of a notebook as if it had never been run."""
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell = cell | {"outputs": [], "execution_count": None}
        cells.append(cell)
    return notebook | {"cells": cells}


def has_outputs(notebook):
    return any(cell.get("outputs") for cell in notebook["cells"])


def fingerprint(notebook):
    """Returns a hash of what a reader can change: the cells' texts. None if this is not a notebook."""
    try:
        cells = [[cell["cell_type"], "".join(cell["source"])] for cell in notebook["cells"]]
    except (KeyError, TypeError):
        return None
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def read_json(path):
    """Returns a file's JSON, or None without any: a damaged copy then counts as changed by its participant."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def as_text(value):
    """Returns JSON as nbformat writes it."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write(path, text):
    """Writes a file as a whole or not at all."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def say(text):
    print(f"lab: {text}", flush=True)


if __name__ == "__main__":
    main()
