"""A loopback server that answers each call as a test tells it to."""

import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from t2sampler.testing import answer_competently


@dataclass
class Answer:
    """What the server does with one call."""

    status: int = 200
    body: object = None  # None: a good completion; bytes go out as they are
    headers: dict = field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0  # seconds between two bytes of the body
    is_reset: bool = False


def completion(text="{}", **message):
    """Return a body as OpenAI writes it."""
    reason = message.pop("finish_reason", "stop")
    usage = message.pop("usage", {"prompt_tokens": 40, "completion_tokens": 5})
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "served",
        "system_fingerprint": "fp",
        "choices": [
            {
                "index": 0,
                "finish_reason": reason,
                "message": {"role": "assistant", "content": text, **message},
            }
        ],
        **({} if usage is None else {"usage": usage}),
    }


def refusal(message, status=400, **more):
    """Return an answer that refuses the call in OpenAI's form."""
    headers = more.pop("headers", {})
    return Answer(status, {"error": {"message": message, **more}}, headers)


def answer_well(body, n):
    """Return the answer of a competent team to a question about any table."""
    form = body.get("response_format", {}).get("json_schema")  # none of free text
    request = SimpleNamespace(
        messages=[(part["role"], part["content"]) for part in body["messages"]],
        schema=form and form["schema"],
        seed=body["seed"],
        attempt=0,
    )
    return Answer(body=completion(answer_competently(request)))


class Endpoint:
    """A server on the loopback whose ``answer(body, n)`` decides, and what it saw."""

    def __init__(self):
        self.answer = lambda body, n: Answer()
        self.bodies, self.keys = [], []
        self.n_inside = self.most_inside = 0
        self.lock = threading.Lock()
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        server.endpoint = self
        self.server = server
        self.url = f"http://127.0.0.1:{server.server_port}/v1"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, body, key):
        """Note a call; return what to do with it."""
        with self.lock:
            self.bodies.append(body)
            self.keys.append(key)
            self.n_inside += 1
            self.most_inside = max(self.most_inside, self.n_inside)
            return self.answer(body, len(self.bodies))

    def leave(self):
        """Note that a call was answered."""
        with self.lock:
            self.n_inside -= 1

    def say(self, *answers):
        """Give these answers one after the other, the last one for ever."""
        self.answer = lambda body, n: answers[min(n, len(answers)) - 1]

    def close(self):
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Ask the endpoint what to do with each call, and do it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        endpoint = self.server.endpoint
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size))
        answer = endpoint.take(body, self.headers.get("Authorization"))
        try:
            time.sleep(answer.delay)
            self.give(answer)
        except OSError:
            self.close_connection = True
        finally:
            endpoint.leave()

    def give(self, answer):
        if answer.is_reset:
            self.reset()
            return
        body = completion() if answer.body is None else answer.body
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Length": len(raw), **answer.headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        step = 1 if answer.drip else max(1, len(raw))
        for i in range(0, len(raw), step):
            self.wfile.write(raw[i : i + step])
            time.sleep(answer.drip)

    def reset(self):
        linger = b"\1\0\0\0\0\0\0\0"  # on, no seconds: closing resets
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def log_message(self, *args):
        pass
