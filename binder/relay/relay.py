"""Passes messages between Jupyter and evcxr. What it changes on the way:

- **An interrupt** of an idle kernel is answered here, and costs nothing. While a cell runs, the interrupt goes
  to evcxr, which ends the cells' process. An open question is then withdrawn, so that evcxr notices, and the
  waiting cells are sent back as not run.
- **An answer** that nobody asked for (from a field left over in the browser) is dropped.
- **A panel in the middle of a cell**: a printed line that begins with this session's secret word is shown
  as a panel. Only code in a cell can know the word; a candidate has no environment.
- **What Tab offers** is sorted (see `completion`).
- **Errors** get a sentence that says what to do (see `advice`).

evcxr answers one request after the other. So the relay passes on one cell at a time; the others wait here.
"""

import json
import time
from collections import deque

import zmq

from .advice import Error, Kernel, advised
from .completion import ordered
from .messages import Codec

CHANNELS = ("shell", "control", "stdin", "hb", "iopub")
SETUP = ":dep code_evolution"
BIND_SECONDS = 30
AT_THE_END_MS = 1000


class Relay:
    """The sockets of both sides: `outside` is Jupyter's connection, `inside` is evcxr's."""

    def __init__(self, outside, inside, secret):
        self.desk, self.secret = Codec(outside["key"]), secret
        self.kernel = Kernel()
        self.waiting = deque()  # cells that evcxr has not received yet
        self.running = None  # the cell that evcxr is running
        self.question = None  # the open question
        self.errors = {}  # by the cell's message, until the cell ends
        self.context = zmq.Context()
        self.poller = zmq.Poller()
        self.outside = {name: self.bind(outside, name) for name in CHANNELS}
        # Connect to evcxr's published messages first, or the first of them would be lost.
        self.inside = {"iopub": self.connect(inside, "iopub", zmq.SUB)}
        self.inside |= {
            name: self.connect(inside, name, zmq.DEALER) for name in ("shell", "control", "stdin")
        }

    def bind(self, connection, name):
        socket = self.context.socket({"iopub": zmq.PUB, "hb": zmq.REP}.get(name, zmq.ROUTER))
        # A client that reconnects (after a page reload) keeps its name.
        if socket.type == zmq.ROUTER:
            socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        socket.set_hwm(0)
        # A restarted kernel reuses the ports of the previous one, whose relay is still closing.
        deadline = time.monotonic() + BIND_SECONDS
        while True:
            try:
                socket.bind(address(connection, name))
                break
            except zmq.ZMQError as error:
                if error.errno != zmq.EADDRINUSE or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        if name != "iopub":
            self.poller.register(socket, zmq.POLLIN)
        return socket

    def connect(self, connection, name, kind):
        socket = self.context.socket(kind)
        socket.set_hwm(0)
        socket.setsockopt(zmq.RECONNECT_IVL, 20)
        if kind == zmq.SUB:
            socket.subscribe(b"")
            monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        else:
            # evcxr asks the client that it knows from another channel, so both need the same identity.
            socket.setsockopt(zmq.IDENTITY, b"relay")
        socket.connect(address(connection, name))
        if kind == zmq.SUB:
            monitor.poll(30_000)
            socket.disable_monitor()
        self.poller.register(socket, zmq.POLLIN)
        return socket

    def pass_on(self, milliseconds):
        """Handles what arrives within this time."""
        ready = dict(self.poller.poll(milliseconds))
        for side, handlers in ((self.outside, self.from_jupyter), (self.inside, self.from_evcxr)):
            for name, socket in side.items():
                if socket in ready:
                    handlers(name, socket.recv_multipart())

    def close(self):
        """Passes on the last messages and closes the sockets."""
        while self.poller.poll(0):
            self.pass_on(0)
        self.context.destroy(linger=AT_THE_END_MS)

    def from_jupyter(self, name, frames):
        if name == "hb":
            self.outside["hb"].send_multipart(frames)
            return
        message = self.desk.read(frames)
        if message is None:
            return
        if name == "shell" and message.kind == "execute_request":
            self.waiting.append(message)
            self.next_cell()
        elif name == "control" and message.kind == "interrupt_request":
            self.interrupt(message)
        elif name == "stdin" and message.kind == "input_reply":
            if self.question is not None:
                self.question = None
                self.inside["stdin"].send_multipart(frames)
        else:
            self.inside[name].send_multipart(frames)

    def from_evcxr(self, name, frames):
        message = self.desk.read(frames)
        if message is None:
            return
        if name == "iopub":
            self.published(message)
            return
        if name == "stdin":
            self.question = message
        elif name == "control" and message.kind == "interrupt_reply":
            self.take_question_back()
        elif message.kind == "complete_reply":
            frames = self.desk.changed(message, ordered(message.content))
        self.outside[name].send_multipart(frames)
        if name == "shell" and message.kind == "execute_reply":
            self.ended(message)

    def next_cell(self):
        if self.running is None and self.waiting:
            self.running = self.waiting.popleft()
            self.kernel.was_interrupted = False
            self.inside["shell"].send_multipart(self.running.frames)

    def ended(self, reply):
        """Notes how a cell ended, and lets the next one begin."""
        cell, self.running, self.question = self.running, None, None
        if cell and SETUP in cell.content.get("code", "") and reply.content.get("status") == "ok":
            self.kernel.is_set_up, self.kernel.has_lost = True, False
        self.next_cell()

    def interrupt(self, request):
        if self.running is None:
            answer = self.desk.answer(request, "interrupt_reply", {"status": "ok"})
            self.outside["control"].send_multipart(answer)
            return
        self.kernel.was_interrupted = True
        while self.waiting:
            self.send_back(self.waiting.popleft())
        self.inside["control"].send_multipart(request.frames)

    def send_back(self, cell):
        """Tells Jupyter that a cell was not run."""
        self.publish(self.desk.about(cell.header, "status", {"execution_state": "busy"}))
        answer = self.desk.answer(cell, "execute_reply", {"status": "aborted"})
        self.outside["shell"].send_multipart(answer)
        self.publish(self.desk.about(cell.header, "status", {"execution_state": "idle"}))

    def take_question_back(self):
        """Answers an open question for the participant. The cells' process is gone: nobody reads the answer."""
        if self.question is not None:
            answer = self.desk.answer(self.question, "input_reply", {"value": ""})
            self.inside["stdin"].send_multipart(answer)
            self.question = None

    def published(self, message):
        if message.kind == "error":
            self.errors.setdefault(message.parent_id, []).append(message)
            return
        if message.kind == "status" and message.content.get("execution_state") == "idle":
            self.publish_errors(self.errors.pop(message.parent_id, []))
        elif message.kind == "stream" and (panel := self.panel_in(message)):
            self.publish(self.desk.changed(message, panel, "display_data"))
            return
        self.publish(message.frames)

    def panel_in(self, message):
        """Returns the panel in a printed line, or None if the line is plain text."""
        text = message.content.get("text", "")
        if message.content.get("name") != "stdout" or not text.startswith(self.secret):
            return None
        return {"data": json.loads(text[len(self.secret) :]), "metadata": {}, "transient": {}}

    def publish_errors(self, messages):
        """Publishes all errors of a cell that has just ended."""
        contents = [message.content for message in messages]
        errors = [Error(c.get("evalue", ""), tuple(c.get("traceback", ()))) for c in contents]
        shown = advised(errors, self.kernel)
        if any("Subprocess terminated" in error.words for error in errors):
            self.kernel.is_set_up, self.kernel.has_lost = False, True
        for error in shown:
            content = {"ename": "Error", "evalue": error.words, "traceback": list(error.lines)}
            self.publish(self.desk.about(messages[0].parent, "error", content))

    def publish(self, frames):
        self.outside["iopub"].send_multipart(frames)


def address(connection, name):
    return f"{connection['transport']}://{connection['ip']}:{connection[f'{name}_port']}"
