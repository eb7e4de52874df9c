"""Does what binder/Dockerfile says in a folder, where there is no container engine.

    python -m checks.image ROOT [--base NAME=VALUE ...] [--trial NAME=VALUE ...] [--from STEP]

ROOT holds what the image named by FROM holds (`--base` its environment). For `rust:...-slim-trixie`:

    debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev trixie ROOT
    cp -a ~/.rustup/toolchains/1.95.0-* ROOT/usr/local/rustup/toolchains/    # and settings.toml
    cp -a ~/.cargo/bin ROOT/usr/local/cargo/

Each RUN line runs in ROOT as the USER before it, with nothing from outside but `--trial` variables
(a proxy's, say). At the end: what each step added, in MB, which estimates the image's layers. After a
failure, `--from` goes on at the RUN or COPY of that number. Needs root. Only what this Dockerfile uses
is understood; anything else is an error.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from checks import ROOT as PROJECT

ENTER = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$@"'


def main():
    parser = argparse.ArgumentParser(prog="image.py", description="See the file's first lines.")
    parser.add_argument("root", type=Path)
    parser.add_argument("--base", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--trial", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--from", type=int, default=1, dest="first", metavar="STEP")
    options = parser.parse_args()
    image = Image(options.root.resolve(), options.base, options.trial)
    sizes = [("base", image.megabytes(), 0.0)]
    step = 0
    for keyword, rest in instructions(PROJECT / "binder" / "Dockerfile"):
        writes = keyword in ("RUN", "COPY")
        step += writes
        if writes and step < options.first:
            continue
        print(f"== {f'step {step}: ' if writes else ''}{keyword} {rest}", flush=True)
        began = time.monotonic()
        image.do(keyword, rest)
        if writes:
            sizes.append((f"{keyword} {rest}", image.megabytes(), time.monotonic() - began))
    print("\n|  MB added | seconds | step |\n|---:|---:|---|")
    for (_, before, _), (step, after, seconds) in zip([("", 0, 0), *sizes], sizes, strict=False):
        print(f"| {after - before:.0f} | {seconds:.0f} | {step[:72]} |")
    print(f"| {sizes[-1][1]:.0f} | | in all |")


def instructions(path):
    """Each instruction of a Dockerfile, as (keyword, rest) with its lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            keyword, rest = line.split(maxsplit=1)
            yield keyword.upper(), re.sub(r"\s+", " ", rest)


class Image:
    """The folder, with what ENV, USER and WORKDIR have said so far."""

    def __init__(self, root, base, trial):
        self.root, self.trial = root, trial
        self.variables = dict(setting.split("=", 1) for setting in base)
        self.user, self.folder = "root", "/"

    def do(self, keyword, rest):
        if keyword == "RUN":
            self.run(rest)
        elif keyword == "COPY":
            self.copy(rest)
        elif keyword in ("ENV", "ARG"):
            for setting in shlex.split(rest):
                name, value = setting.split("=", 1)
                self.variables[name] = self.expand(value)
        elif keyword == "USER":
            self.user = self.expand(rest)
        elif keyword == "WORKDIR":
            self.folder = self.expand(rest)
            (self.root / self.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif keyword not in ("FROM", "EXPOSE", "CMD"):
            sys.exit(f"image.py does not know {keyword}: teach it")

    def run(self, command, user=None):
        environment = [f"{name}={value}" for name, value in self.variables.items()]
        inner = f"cd {shlex.quote(self.folder)} && {command}"
        chroot = [f"--userspec={user or self.user}", self.root, "/usr/bin/env", "-i"]
        subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, self.root]
            + [*chroot, *environment, *self.trial, "/bin/sh", "-c", inner],
            check=True,
        )

    def copy(self, rest):
        owner, *sources, target = shlex.split(self.expand(rest))
        place = os.path.normpath(os.path.join(self.folder, target))
        inside = self.root / place.lstrip("/")
        inside.mkdir(parents=True, exist_ok=True)
        for source in sources:
            contents = "/." if (PROJECT / source).is_dir() else ""
            subprocess.run(["cp", "-a", f"{PROJECT / source}{contents}", inside], check=True)
        self.run(f"chown -R {owner.removeprefix('--chown=')}: {shlex.quote(place)}", user="root")

    def expand(self, text):
        return re.sub(r"\$\{(\w+)\}", lambda match: self.variables[match[1]], text)

    def megabytes(self):
        return int(subprocess.check_output(["du", "-sxm", self.root]).split()[0])


if __name__ == "__main__":
    main()
