"""`python -m relay KERNEL JUPYTER SESSION OUTSIDE INSIDE`: `binder/kernel` starts it beside each kernel.

KERNEL and JUPYTER are processes, SESSION is the kernel's folder, OUTSIDE and INSIDE are the connection files
of Jupyter and of evcxr. It runs in a session of its own, because a killed kernel cannot clean up itself.
"""

import json
import os
import signal
import sys

from . import watch
from .relay import Relay

LOOK_MS = 100  # between two checks whether the kernel still lives


def main():
    kernel, jupyter = (int(argument) for argument in sys.argv[1:3])
    session, *connections = sys.argv[3:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        outside, inside = (read(connection) for connection in connections)
        relay = Relay(outside, inside, os.environ["CODE_EVOLUTION_SHOW"])
        while not watch.has_ended(kernel, jupyter):
            relay.pass_on(LOOK_MS)
        relay.close()
    finally:  # nobody can reach a kernel without its relay
        watch.end_group(kernel)
        watch.remove_session(session)


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


if __name__ == "__main__":
    main()
