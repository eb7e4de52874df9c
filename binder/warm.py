"""Builds the folder that every kernel starts from: `target/kernel/warm` (see binder/kernel).

One kernel starts without that folder and builds what the notebooks' first cells build. One rename turns
its build folder into the warm folder, so an aborted build is never taken for a good one.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ROOT / "target" / "kernel"
WARM = FOLDERS / "warm"
# Named after the process: a killed process may have left a kernel that still writes to its folder.
NEXT = FOLDERS / f"warm.{os.getpid()}"

# The notebooks' first cells: the helper crate, without and with its part for evolution. The first
# `let` makes the kernel build the code that keeps variables.
CELLS = [
    ':dep code_evolution = { path = "../lib", default-features = false }',
    ':dep code_evolution = { path = "../lib" }',
    "let warm = 1;",
    'println!("{}", std::env::var("EVCXR_TMPDIR").unwrap());',
]


def main():
    for folder in FOLDERS.glob("warm*"):
        shutil.rmtree(folder, ignore_errors=True)
    kernel, client = start_new_kernel(
        kernel_name="rust",
        startup_timeout=120,
        cwd=str(ROOT / "notebooks"),
        env=os.environ | {"CARGO_NET_OFFLINE": "false"},
    )
    try:
        printed = [execute(client, cell) for cell in CELLS]
        built = printed[-1].strip()
        shutil.copytree(built, NEXT, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    finally:
        client.stop_channels()
        kernel.shutdown_kernel()
    wait_until_removed(Path(built).parent)
    NEXT.rename(WARM)


def wait_until_removed(session):
    """Waits until the relay has removed the kernel's own folder: no layer of an image may keep it."""
    deadline = time.monotonic() + 600
    while any(FOLDERS.glob(f"{session.name}*")):
        if time.monotonic() > deadline:
            sys.exit(f"the kernel has ended, and its folder is still there: remove {session}")
        time.sleep(0.1)


# Files of the cells that ran (crate `ctx`), but not of the crates that they use. Also what rustc keeps for
# its next build of a crate: half of the folder, which each kernel's start would copy without need.
LEFT_OUT = ("ctx-*", "ctx.d", "libctx.*", "libcode_[0-9]*.so", "incremental")


def execute(client, cell):
    """Runs a cell and returns what it printed."""
    printed = []

    def keep(message):
        content = message["content"]
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            printed.append(content["text"])
        elif message["msg_type"] == "error":
            print("\n".join(content["traceback"]))

    reply = client.execute_interactive(cell, output_hook=keep, timeout=1800)
    if reply["content"]["status"] != "ok":
        sys.exit(f"the kernel cannot run this cell: {cell}")
    return "".join(printed)


if __name__ == "__main__":
    main()
