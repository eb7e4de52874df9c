"""Ends what a kernel leaves running, and removes its folder, once the kernel is gone."""

import os
import shutil
import signal
import time


def has_ended(kernel, jupyter):
    """Returns whether the kernel, which started this process, is gone. Ends it if its Jupyter is gone.

    Without that Jupyter nobody could reach or stop the kernel.
    """
    if parent_of(kernel) not in (jupyter, None):
        kill(kernel)
    return os.getppid() != kernel  # changes at once, even if nobody has reaped the kernel


def end_group(group):
    """Ends the processes that are left of a process group.

    The host goes last: once the cells' process is gone, it ends the jailed programs, which are
    in sessions of their own, and then itself.
    """
    for process in members(group):
        if not name_of(process).startswith("code_evolution"):
            kill(process)
    deadline = time.monotonic() + 1
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in members(group):
        kill(process)


def members(group):
    """Returns the living processes of a process group."""
    processes = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    states = [(process, state_of(process)) for process in processes]
    return [process for process, state in states if state and state[2] == group and state[0] != "Z"]


def parent_of(process):
    state = state_of(process)
    return state[1] if state else None


def state_of(process):
    """Returns a process's state, parent and process group; None if it has just ended."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as stat:
            state, parent, group = stat.read().rpartition(")")[2].split()[:3]
    except OSError:
        return None
    return state, int(parent), int(group)


def name_of(process):
    try:
        with open(f"/proc/{process}/comm", encoding="utf-8", errors="replace") as comm:
            return comm.read()
    except OSError:
        return ""


def kill(process):
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass


def lock_of(session):
    """Returns the file whose lock says that a kernel lives."""
    return session + ".lock"


def remove_session(session):
    """Removes a kernel's folder, and then its lock."""
    shutil.rmtree(session, ignore_errors=True)
    if not os.path.exists(session):
        try:
            os.unlink(lock_of(session))
        except FileNotFoundError:
            pass
