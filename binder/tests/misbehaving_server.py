"""A misbehaving model server: strict about requests, and bad at answers.

A notebook that asks it runs live. The server takes the script's reply to the most similar question, and
changes it:

- every answer begins with thinking in tags, with a draft that must not be taken for the answer;
- code in an answer is an edit of the code in the question, if there is some;
- every third answer is cut at its limit, every other time within the thinking;
- every other tool call is written in the text;
- some requests fail (see `FAULTS` and `IN_TURN`), and so does the first stream.

A request that the protocol's reference (platform.openai.com/docs/api-reference/chat/create, 2026) does not
allow gets a 400, and is kept in `objections`. So does a prompt that contains what no prompt may contain.
"""

import difflib
import itertools
import json
import re
import threading
import tomllib
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from checks import NOTEBOOKS

KEY = "a-key-of-the-test"
DRAFT = "fn draft_in_thinking() -> u8 { 0 }"
MARK = "<|im_end|>"
THINKING = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<Thought>", "</Thought>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
)
USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
# No prompt may contain these: thinking, markers, the markers of edits, an empty block instead of code.
LEAKS = re.compile(
    rf"{re.escape(DRAFT)}|{re.escape(MARK)}|^<<<<<<< SEARCH|<tool_call>"
    r"|</?think(ing)?>|</?thought>|\[/?THINK\]|</?seed:think>|^```(rust)?\n\s*```$",
    re.IGNORECASE | re.MULTILINE,
)
BLOCK = re.compile(r"```rust\n(.*?)```", re.DOTALL)


def refusal(status, message, code, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"error": {"message": message, "type": "error", "code": code}}, names


# Each is a status, a body and headers; "cut" disconnects in the middle of a body.
FAULTS = {
    "slip": refusal(
        400, "Failed to call a function. Please adjust your prompt.", "tool_use_failed"
    ),
    "minute": refusal(
        429,
        "Rate limit reached: requests per minute (RPM): Limit 30",
        "rate_limit_exceeded",
        retry_after="1",
    ),
    "day": refusal(
        429,
        "Rate limit reached: requests per day (RPD): Limit 150",
        "rate_limit_exceeded",
        retry_after="7200",
    ),
    "cut": None,
}
# The faults of successive requests. The daily quota is used up only once.
IN_TURN = (None, "slip", None, "minute", None, None, "cut", None, "day", *[None] * 5)


class MisbehavingServer(ThreadingHTTPServer):
    """Serves within a `with` block. `requests` is the number of requests for each fault."""

    daemon_threads = True

    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), Handler)
        text = (NOTEBOOKS / "cassettes" / f"{script}.toml").read_text(encoding="utf-8")
        self.exchanges = tomllib.loads(text)["exchange"]
        self.given = Counter()
        self.requests = Counter()
        self.objections = []
        self.answers = 0
        again = [fault for fault in IN_TURN if fault != "day"]
        self.turns = itertools.chain(IN_TURN, itertools.cycle(again))
        self.lock = threading.Lock()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return super().__enter__()

    def __exit__(self, *error):
        self.shutdown()
        super().__exit__(*error)

    def environment(self):
        """Returns the variables that make a lab ask this server."""
        return {
            "LLM_MODE": "live",
            "LLM_PROVIDER": "groq",
            "LLM_BASE_URL": f"http://127.0.0.1:{self.server_port}/v1",
            "LLM_API_KEY": KEY,
            "LLM_MODEL": "of-the-test",
        }

    def respond(self, key, request):
        """Returns a fault's name or None, and (status, body, headers)."""
        with self.lock:
            if objection := objection_to(key, request):
                self.requests["objection"] += 1
                self.objections.append(objection)
                return None, refusal(400, objection, "invalid_request_error")
            # The first stream breaks off, whenever it comes.
            first = request.get("stream", False) and not self.requests["stream"]
            self.requests["stream"] += request.get("stream", False)
            fault = "cut" if first else next(self.turns)
            self.requests[fault] += 1
            if FAULTS.get(fault):
                return fault, FAULTS[fault]
            return fault, (200, self.completion(request, is_lost=bool(fault)), {})

    def completion(self, request, is_lost):
        number, self.answers = self.answers, self.answers + (not is_lost)
        reply = self.reply(request)
        calls = reply.get("tool_calls", [])
        opened, closed = THINKING[number % len(THINKING)]
        thought = f"{opened}\nFirst:\n```rust\n{DRAFT}\n```\nNo, that says nothing.\n"
        said = as_edit(reply.get("text", ""), request["messages"][-1]["content"])
        if calls and number % 2:
            said += "".join(
                f'\n<tool_call>{{"name": "{call["name"]}", "arguments": {call["arguments"]}}}</tool_call>'
                for call in calls
            )
            calls = []
        text, reason = f"{thought}{closed}\n\n{said}{MARK}", "tool_calls" if calls else "stop"
        # One answer of each three, but not always the same one: a loop of three attempts can succeed.
        if not calls and number % 3 == number // 3 % 3:
            self.requests["at the limit"] += not is_lost
            whole = thought if number % 2 else f"{thought}{closed}\n\n{said[: len(said) // 2]}"
            text, reason = whole, "length"
        message = {"role": "assistant", "content": None if calls else text}
        if calls:
            message["reasoning"] = thought.partition("\n")[2]
            message["tool_calls"] = [
                {
                    "id": f"call_{number}_{place}",
                    "type": "function",
                    "function": {"name": call["name"], "arguments": call["arguments"]},
                }
                for place, call in enumerate(calls)
            ]
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return {
            "object": "chat.completion",
            "model": "of-the-test",
            "choices": [choice],
            "usage": USAGE,
        }

    def reply(self, request):
        """Returns the next reply of the script's exchange for the most similar question."""
        asked = request["messages"][-1]
        matcher = difflib.SequenceMatcher(b=asked["content"] or "", autojunk=False)

        def likeness(place):
            exchange = self.exchanges[place]
            history = exchange.get("history", [])
            matcher.set_seq1(exchange.get("prompt") or history[-1]["content"])
            role = "user" if "prompt" in exchange else history[-1]["role"]
            # Quick to compute, and enough to tell questions apart.
            return role == asked["role"], matcher.quick_ratio()

        place = max(range(len(self.exchanges)), key=likeness)
        replies = self.exchanges[place]["replies"]
        reply = replies[self.given[place] % len(replies)]
        self.given[place] += 1
        reply = {"text": reply} if isinstance(reply, str) else reply
        offered = {tool["function"]["name"] for tool in request.get("tools", [])}
        if any(call["name"] not in offered for call in reply.get("tool_calls", [])):
            return {"text": "NO TOOL: it is not offered."}
        return reply


class UselessServer(MisbehavingServer):
    """Answers each request at once, and never with what was asked for."""

    ANSWERS = (
        "I am sorry, but I cannot help with that today.",
        "",
        "```rust\nfn nothing() {}\n```",
        "```rust\nfn (((\n```",
        "1.",
        '{"points": 500}',
        "<think>",
    )

    def __init__(self, script):
        super().__init__(script)
        self.turns = itertools.repeat(None)

    def reply(self, request):
        return {"text": self.ANSWERS[self.answers % len(self.ANSWERS)]}


def as_edit(text, question):
    """Returns a reply with its code as an edit of the code in the question, if there is any."""
    code, asked = BLOCK.search(text), BLOCK.search(question)
    if not (code and asked and asked[1].strip()):
        return text
    edit = f"<<<<<<< SEARCH\n{asked[1]}=======\n{code[1]}>>>>>>> REPLACE\n"
    return text.replace(code[1], edit)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path != "/v1/chat/completions":
            fault, (status, body, headers) = None, refusal(404, f"no {self.path}", "not_found")
        else:
            key = self.headers.get("authorization", "")
            fault, (status, body, headers) = self.server.respond(key, request)
        is_stream = status == 200 and request.get("stream", False)
        sent = (events(body) if is_stream else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent[: len(sent) // 2] if fault == "cut" else sent)
        self.close_connection = fault == "cut"

    def log_message(self, *_):
        pass


def events(body):
    """Returns a completion as a stream: the text in pieces, then why it ended, then the usage."""
    choice = body["choices"][0]
    text = choice["message"]["content"] or ""
    deltas = [{"content": text[at : at + 40]} for at in range(0, len(text), 40)]
    calls = choice["message"].get("tool_calls", [])
    deltas += [{"tool_calls": [call | {"index": n}]} for n, call in enumerate(calls)]
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    last = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    chunks += [{"choices": [last]}, {"choices": [], "usage": body["usage"]}]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


FIELDS = {
    *("model", "messages", "temperature", "max_tokens", "max_completion_tokens", "tools"),
    *("response_format", "reasoning_effort", "stream", "stream_options"),
}
OF_A_MESSAGE = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}


def objection_to(key, request):
    """Returns what is wrong with a request or with its prompts; `None` for a good one."""
    if key != f"Bearer {KEY}":
        return "Incorrect API key provided"
    if unknown := request.keys() - FIELDS:
        return f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}"
    if not 0 <= request.get("temperature", 1) <= 2:
        return "temperature is not between 0 and 2"
    if "stream_options" in request and not request.get("stream"):
        return "stream_options is allowed only when stream is true"
    for tool in request.get("tools", []):
        function = tool["function"]
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", function["name"]):
            return f"invalid tool name: {function['name']}"
        if function["parameters"].get("type") != "object":
            return "the parameters of a tool are not an object"
    return objection_to_messages(request["messages"])


def objection_to_messages(messages):
    seen, open_calls = set(), []
    for number, message in enumerate(messages):
        role, content = message["role"], message.get("content")
        where = f"messages[{number}]"
        if unknown := message.keys() - OF_A_MESSAGE[role]:
            return f"{where}: unknown fields {', '.join(sorted(unknown))}"
        if role == "tool":
            if message["tool_call_id"] not in open_calls:
                return f"{where}: no call has this id, or it has its result"
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            return f"{where}: tool calls before it have no result"
        for call in message.get("tool_calls", []):
            if call["id"] in seen or not isinstance(
                json.loads(call["function"]["arguments"]), dict
            ):
                return f"{where}: an id comes twice, or arguments are not an object"
            seen.add(call["id"])
            open_calls.append(call["id"])
        if not isinstance(content, str) and not (content is None and message.get("tool_calls")):
            return f"{where}: content is not a text"
        if leak := LEAKS.search(content or ""):
            return f"{where}: a prompt shows {leak.group()!r}:\n{content}"
    return None if messages else "messages is empty"
