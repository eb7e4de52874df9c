"""Reads, writes and signs Jupyter's messages (jupyter-client.readthedocs.io, "Messaging")."""

import hashlib
import hmac
import json
import uuid
from datetime import UTC, datetime

DELIMITER = b"<IDS|MSG>"


class Message:
    """One message, with its frames as they came: a message passed on unchanged keeps its signature."""

    def __init__(self, frames):
        at = frames.index(DELIMITER)
        self.frames, self.to = frames, frames[:at]
        self.signature, *self.parts = frames[at + 1 : at + 6]
        header, parent, _, self.raw_content = self.parts
        self.header, self.parent = json.loads(header), json.loads(parent)

    @property
    def kind(self):
        return self.header.get("msg_type")

    @property
    def id(self):
        return self.header.get("msg_id")

    @property
    def parent_id(self):
        return self.parent.get("msg_id")

    @property
    def content(self):
        return json.loads(self.raw_content)


class Codec:
    """Reads and writes messages with the connection's key."""

    def __init__(self, key):
        self.key = key.encode()

    def changed(self, message, content, kind=None):
        """Returns the frames of a message with another content, and with another type if one is given."""
        header = message.header | ({"msg_type": kind} if kind else {})
        return message.to + self.signed(header, message.parent, content)

    def answer(self, message, kind, content):
        """Returns the frames of a new message about this one, for its sender."""
        return message.to + self.about(message.header, kind, content)

    def about(self, parent, kind, content):
        """Returns the frames of a new message about the request with this header, for everybody."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": parent.get("session"),
            "username": "kernel",
            "date": datetime.now(UTC).isoformat(),
            "version": "5.3",
        }
        return self.signed(header, parent, content)

    def signed(self, header, parent, content):
        parts = [json.dumps(part).encode() for part in (header, parent, {}, content)]
        return [DELIMITER, self.signature(parts), *parts]

    def read(self, frames):
        """Returns the message in these frames; None if there is none, or if another key signed it."""
        try:
            message = Message(frames)
        except (ValueError, UnicodeDecodeError):
            return None
        genuine = hmac.compare_digest(self.signature(message.parts), message.signature)
        return message if genuine else None

    def signature(self, parts):
        if not self.key:
            return b""
        return hmac.new(self.key, b"".join(parts), hashlib.sha256).hexdigest().encode()
