"""What the fake endpoint does with one request: settings, log, and HTTP handler."""

import json
import socket
import struct
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from doubles.competent_model import answer, read_question, reword
from doubles.faults import LINE, spoil

MODEL = "fake-1"
OVERFLOW = (400, "The maximum context length is 999 tokens.", "context_length_exceeded")
BODIES = {"page": b"<html>Bad gateway</html>", "deep body": b"[" * 200_000}
REFUSALS = {
    "429": (429, "Rate limit reached.", "rate_limit_exceeded"),
    "500": (500, "The server had an error.", None),
    "overflow": OVERFLOW,
}
LEARNABLE = ("seed", "temperature", "max_completion_tokens")


@dataclass(frozen=True)
class Settings:
    """How a server behaves.

    Attributes
    ----------
    table : str
        Which simulator the team knows.
    latency : float
        Seconds until each answer.
    faults : tuple of Fault
        The first that strikes counts.
    plan : dict or None
        What the manager answers; None: three components in a chain.
    formats : tuple of str
        Values of ``response_format`` it takes; others get a 400 that names it.
    knows : tuple of str
        Optional parameters it takes; others get a 400 that names them.
    key : str or None
        The only key it takes; None: any.
    most_rows : int or None
        More rows in a prompt overflow its context.
    hold_after : int or None
        So many answers are given, then none until the server is told to `release`.
    tells_usage : bool
    has_one_slot : bool
        Answer one call after another.
    rewords : bool
        Call columns by other words than their keys, and spell values as text, now and
        then.
    """

    table: str = "diabetes"
    latency: float = 0.0
    faults: tuple = ()
    plan: dict | None = None
    formats: tuple = ("json_schema", "json_object")
    knows: tuple = LEARNABLE
    key: str | None = None
    most_rows: int | None = None
    hold_after: int | None = None
    tells_usage: bool = True
    has_one_slot: bool = False
    rewords: bool = True


@dataclass
class CallLog:
    """What was asked and answered; every entry is plain JSON."""

    entries: list = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0
    n_given: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    slot: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def open(self, body, question):
        """Note a question; return its entry."""
        with self.lock:
            entry = {"number": len(self.entries), "role": question.role, "body": body}
            entry |= {"keys": list(question.keys), "n_rows": len(question.rows)}
            entry |= {"start": time.time(), "status": 0, "answered": False, "text": ""}
            self.entries.append(entry)
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
        return entry


class Refusal(Exception):  # noqa: N818 - an answer of the server's, not an error of ours
    """A status other than 200, with OpenAI's body for it."""

    def __init__(self, status, message, code=None, param=None, headers=()):
        super().__init__(message)
        kind = "invalid_request_error" if status < 500 else "server_error"
        error = {"message": message, "type": kind, "param": param, "code": code}
        self.status, self.body, self.headers = status, {"error": error}, dict(headers)


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one piece

    def log_message(self, *args):
        """Keep quiet."""

    def do_GET(self):
        """Show the log to whoever started the server as a process."""
        calls = self.server.calls
        if self.path == "/release":
            calls.released.set()
        with calls.lock:
            self._send(200, {"entries": calls.entries, "peak": calls.peak})

    def do_POST(self):
        """Answer a chat completion."""
        length = int(self.headers["Content-Length"])
        data = self.rfile.read(length)
        if len(data) < length:  # the client was killed while it asked
            self.close_connection = True
            return
        body = json.loads(data)
        calls, question = self.server.calls, read_question(body)
        entry = calls.open(body, question)
        entry["authorization"] = self.headers.get("Authorization")
        try:
            self._answer(body, question, entry)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with calls.lock:
                calls.in_flight -= 1

    def _answer(self, body, question, entry):
        settings, calls = self.server.settings, self.server.calls
        fault = self._find_fault(entry)
        with calls.slot if settings.has_one_slot else nullcontext():
            calls.closing.wait(settings.latency)
        try:
            self._check(body, question, entry)
            if fault is not None and fault.kind in REFUSALS:
                raise _fail(fault)
        except Refusal as refusal:
            entry["status"] = refusal.status
            self._send(refusal.status, refusal.body, refusal.headers)
            return
        if fault is not None and fault.kind == "reset":
            self._reset()
            return
        if fault is not None and fault.kind in BODIES:
            self._write(200, BODIES[fault.kind])
            return
        reply = answer(body, question, settings.table, settings.plan)
        said = reword(body, reply, settings.table) if settings.rewords else reply
        entry["text"], reason = json.dumps(said, separators=(",", ":")), "stop"
        if fault is not None and fault.kind not in LINE:
            entry["text"], reason = spoil(fault.kind, reply, question)
        if fault is not None and fault.kind == "pause":
            calls.closing.wait(fault.seconds)
        self._hold(settings, calls)
        entry["status"] = 200
        pace = fault.seconds if fault is not None and fault.kind == "trickle" else 0
        self._send(200, self._complete(body, entry, reason), pace=pace)
        entry["answered"] = True

    def _find_fault(self, entry):
        for fault in self.server.settings.faults:
            if fault.strikes(entry["number"], entry["role"]):
                entry["fault"] = fault.kind
                return fault
        return None

    def _check(self, body, question, entry):
        """Refuse what this server does not take."""
        settings = self.server.settings
        if settings.key and entry["authorization"] != f"Bearer {settings.key}":
            text = f"Incorrect API key provided: {entry['authorization'][7:]}."
            raise Refusal(401, text, "invalid_api_key")
        if body["model"] != MODEL:
            text = f"The model `{body['model']}` does not exist."
            raise Refusal(404, text, "model_not_found")
        kind = (body.get("response_format") or {}).get("type", "text")
        if kind not in (*settings.formats, "text"):
            text = f"'response_format' of type '{kind}' is not supported."
            raise Refusal(400, text, "unsupported_value", "response_format")
        for name in set(LEARNABLE).difference(settings.knows).intersection(body):
            text = f"Unsupported parameter: '{name}' is not supported with this model."
            raise Refusal(400, text, "unsupported_parameter", name)
        if settings.most_rows and len(question.rows) > settings.most_rows:
            raise Refusal(*OVERFLOW, "messages")

    def _hold(self, settings, calls):
        if settings.hold_after is None:
            return
        with calls.lock:
            calls.n_given += 1
            is_over = calls.n_given > settings.hold_after
        while is_over and not (calls.released.is_set() or calls.closing.is_set()):
            calls.released.wait(0.1)

    def _complete(self, body, entry, reason):
        text, number = entry["text"], entry["number"]
        message = {"role": "assistant", "content": text}
        if text is None and reason == "stop":
            message["refusal"] = "I cannot help with that."
        choice = {"index": 0, "message": message, "finish_reason": reason}
        reply = {"id": f"chat-{number}", "object": "chat.completion", "created": 0}
        reply |= {"model": body["model"], "choices": [choice]}
        if self.server.settings.tells_usage:
            n_in = sum(len(m["content"]) for m in body["messages"]) // 4
            n_out = len(text or "") // 4
            reply["usage"] = {"prompt_tokens": n_in, "completion_tokens": n_out}
            reply["usage"]["total_tokens"] = n_in + n_out
        return reply

    def _send(self, status, content, headers=(), pace=0.0):
        """Write a reply; with a pace, in pieces over so many seconds."""
        self._write(status, json.dumps(content).encode(), headers, pace)

    def _write(self, status, data, headers=(), pace=0.0):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        step = max(1, len(data) // 20) if pace else len(data)
        for start in range(0, len(data), step):
            self.server.calls.closing.wait(pace / 20)
            self.wfile.write(data[start : start + step])
            self.wfile.flush()

    def _reset(self):
        """Drop the connection as a crashed server does."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()


def _fail(fault):
    headers = {"Retry-After": f"{fault.seconds:g}"} if fault.seconds else {}
    return Refusal(*REFUSALS[fault.kind], None, headers)
