"""Runs llama.cpp's server for all labs of a user, and ends with the last of them.

The lab's host starts it (see mod.rs) as `python -I - FILE NAME CONTEXT`. Standard input is this
text. Standard output is the listening Unix socket that labs connect to. When the model is loaded,
each lab gets one JSON line: `{"address", "key"}`, or `{"error"}`. The lab then keeps its
connection. The kernel closes the connection when the lab's host ends, even if the host is killed.
Without connections, nobody needs the model. There are two processes: this one listens, and its
child holds the model, because Python can do nothing else while llama.cpp loads.
"""

import ctypes
import json
import os
import secrets
import selectors
import signal
import socket
import struct
import sys

KILL_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def main(file, name, context):
    listener = socket.socket(fileno=os.dup(1))
    os.dup2(2, 1)  # llama.cpp may print
    os.setsid()  # a signal to a notebook's processes must not end the shared model
    keeper = os.getpid()
    news, write_news = os.pipe()
    child = os.fork()
    if child == 0:
        listener.close()
        ctypes.CDLL(None).prctl(KILL_WITH_PARENT, signal.SIGKILL)
        if os.getppid() == keeper:
            hold_model(file, name, int(context), write_news)
        os._exit(1)
    os.close(write_news)
    try:
        serve(listener, news)
    finally:
        os.kill(child, signal.SIGKILL)


def hold_model(file, name, context, news):
    """Loads the model, tells the keeper where it answers, and never returns."""
    key = secrets.token_urlsafe(32)  # every user of the machine can reach the port
    try:
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = file
        parameters.model_alias = {name}
        parameters.hostnames = ["127.0.0.1"]
        parameters.port = 0  # any free port
        parameters.api_keys = [key]
        parameters.ui = False
        parameters.endpoint_slots = False
        parameters.n_ctx = context
        # With these two settings, an answer does not depend on earlier or simultaneous questions.
        # With larger steps, the sums depend on how many tokens are left to read after a cached
        # beginning.
        parameters.n_parallel = 1
        parameters.n_ubatch = 4
        parameters.cache_ram_mib = 16  # for prompts that a slot no longer holds
        parameters.cpuparams.n_threads = threads_for(os.path.getsize(file))
        server = xllamacpp.Server(parameters)
        line = {"address": server.listening_address, "key": key}
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        line = {"error": f"{type(error).__name__}: {error}"}
    os.write(news, json.dumps(line).encode() + b"\n")
    while True:
        signal.pause()


def threads_for(size):
    """Returns how many threads a model of `size` bytes gets: one for each half gigabyte.

    After each step, all threads wait for the slowest thread, which takes long on a busy machine.
    With two threads, the tiny model is 1.4 times as fast on two idle cores, but 20 times as slow on
    two busy cores.
    """
    cores = len(os.sched_getaffinity(0))
    return max(1, min(cores // 2, size // 500_000_000))


def serve(listener, news):
    """Greets each new lab; returns when the last lab has gone or the model's process has ended."""
    line, waiting, labs = b"", set(), set()
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(news, selectors.EVENT_READ)
        arrived = False
        while labs or not arrived:
            for event, _ in selector.select():
                if event.fileobj is listener:
                    lab, _ = listener.accept()
                    if is_own(lab):
                        arrived = True
                        labs.add(lab)
                        selector.register(lab, selectors.EVENT_READ)
                        if line.endswith(b"\n"):
                            greet(lab, line)
                        else:
                            waiting.add(lab)
                    else:
                        lab.close()
                elif event.fileobj is news:
                    more = os.read(news, 4096)
                    if not more:
                        return  # the model's process has died; a lab that needs it starts another
                    line += more
                    if line.endswith(b"\n"):
                        for lab in waiting:
                            greet(lab, line)
                        waiting.clear()
                elif has_gone(event.fileobj):
                    selector.unregister(event.fileobj)
                    labs.discard(event.fileobj)
                    waiting.discard(event.fileobj)
                    event.fileobj.close()


def has_gone(lab):
    try:
        return not lab.recv(64)
    except OSError:
        return True


def greet(lab, line):
    try:
        lab.sendall(line)
    except OSError:
        pass  # the lab has gone; `serve` notices that next


def is_own(lab):
    """Returns whether a lab's host runs as this user; nobody else gets the key."""
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", lab.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return user == os.geteuid()


if __name__ == "__main__":
    main(*sys.argv[1:])
