"""Count what calls took, per role that asked."""

import threading
from typing import Any

from t2sampler.llm._base import ChatClient, ChatReply, ChatRequest
from t2sampler.llm._budget import cost_of

COUNTS = ("calls", "stored", "input_tokens", "output_tokens", "cached_tokens")


class Booked:
    """Answer as the client does, and keep books."""

    def __init__(self, client: ChatClient) -> None:
        self.client = client
        self._books: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request."""
        reply = self.client.complete(request)
        with self._lock:
            book = self._books.get(request.role)
            if book is None:
                book = self._books[request.role] = _new_book(request)
            _enter(book, request, reply)
        return reply

    def usage(self) -> list[dict[str, Any]]:
        """Return a copy of the books, a dict per role."""
        with self._lock:
            return [dict(book) for book in self._books.values()]


def _new_book(request: ChatRequest) -> dict[str, Any]:
    cost = None if request.chat.prices is None else 0.0
    start = {"role": request.role, **dict.fromkeys(COUNTS, 0)}
    return start | {"cost": cost, "seconds": 0.0}


def _enter(book: dict[str, Any], request: ChatRequest, reply: ChatReply) -> None:
    """Enter a reply; a role whose models are not all priced has no cost."""
    if reply.is_stored:
        book["stored"] += 1
        return
    book["calls"] += 1
    for name in COUNTS[2:]:
        book[name] += getattr(reply.usage, name)
    book["seconds"] += reply.seconds
    cost = cost_of(request.chat.prices, reply.usage)
    is_priced = cost is not None and book["cost"] is not None
    book["cost"] = book["cost"] + cost if is_priced else None
