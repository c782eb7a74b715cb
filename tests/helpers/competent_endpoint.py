"""An endpoint that answers competently."""

import json
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace

from t2sampler.testing import answer_competently


class Endpoint(BaseHTTPRequestHandler):
    """An endpoint that understands questions; it counts them."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        request = SimpleNamespace(
            messages=[(part["role"], part["content"]) for part in asked["messages"]],
            schema=asked["response_format"]["json_schema"]["schema"],
            seed=asked["seed"],
            attempt=0,
        )
        message = {"role": "assistant", "content": answer_competently(request)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
        reply |= {"choices": [choice], "usage": {"prompt_tokens": 9}}
        reply["usage"] |= {"completion_tokens": 5, "total_tokens": 14}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Keep quiet."""
