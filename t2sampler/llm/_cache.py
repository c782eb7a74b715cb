"""Replies that were paid for, kept by a hash of what was asked."""

import contextlib
import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from t2sampler.exceptions import ReplayError
from t2sampler.llm._base import ChatClient, ChatReply, ChatRequest, Usage
from t2sampler.llm._responses import is_answer
from t2sampler.llm._sqlite import StoreFile

MEMORY_S = 7 * 86_400.0  # after that an endpoint may have learnt more
FIND = """SELECT text, finish_reason, input_tokens, output_tokens, cached_tokens,
    model, fingerprint, seconds FROM replies WHERE key = ?"""
CLAIM = "SELECT beat FROM claims LEFT JOIN owners USING (owner) WHERE key = ?"


class Store:
    """Keep replies, who is asking for which, and what was learnt about endpoints.

    It holds what models wrote, and no prompt and no key. Many threads and processes may
    use one file at once.

    Parameters
    ----------
    path : str or path, default=None
        None: a file in the user's cache directory.
    clock : callable, default=time.time
    """

    def __init__(
        self,
        path: str | PathLike[str] | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if path is None:
            path = Path(user_cache_dir("t2sampler", appauthor=False), "replies.sqlite")
        self.file = StoreFile(Path(path).expanduser(), clock)

    def find(self, key: str) -> ChatReply | None:
        """Return the reply kept under a key, if there is one."""
        with self.file.read() as connection:
            return _read(connection.execute(FIND, (key,)).fetchone())

    def claim(self, key: str, old: ChatReply | None = None) -> ChatReply | bool:
        """Return the reply; else True if the caller is to ask, False if another does.

        Whoever got True calls `save` or `release`. A reply that equals ``old`` counts
        as none.
        """
        with self.file.write() as connection:
            reply = _read(connection.execute(FIND, (key,)).fetchone())
            if reply is not None and reply != old:
                return reply
            claim = connection.execute(CLAIM, (key,)).fetchone()
            if claim is not None and self.file.is_alive(claim[0]):
                return False
            row = (key, self.file.owner)
            connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?)", row)
            self.file.hold(connection)
            return True

    def save(self, key: str, reply: ChatReply) -> None:
        """Keep a reply, and let go of the claim on it."""
        row = (
            key,
            reply.text,
            reply.finish_reason,
            reply.usage.input_tokens,
            reply.usage.output_tokens,
            reply.usage.cached_tokens,
            reply.model,
            reply.fingerprint,
            reply.seconds,
        )
        places = ", ".join("?" * len(row))
        with self.file.write() as connection:
            connection.execute(f"INSERT OR REPLACE INTO replies VALUES ({places})", row)
            connection.execute("DELETE FROM claims WHERE key = ?", (key,))
        self.file.let_go()

    def release(self, key: str) -> None:
        """Let go of a claim without an answer: another may try."""
        row = (key, self.file.owner)
        self.file.let_go()
        with self.file.write() as connection:
            connection.execute("DELETE FROM claims WHERE key = ? AND owner = ?", row)

    def recall(self, key: str) -> str | None:
        """Return what was remembered about an endpoint, unless it is too old."""
        since = self.file.clock() - MEMORY_S
        ask = "SELECT value FROM memory WHERE key = ? AND made > ?"
        with self.file.read() as connection:
            row = connection.execute(ask, (key, since)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, key: str, value: str) -> None:
        """Keep what was learnt about an endpoint."""
        row = (key, value, self.file.clock())
        with self.file.write() as connection:
            connection.execute("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", row)

    def describe(self) -> dict[str, Any]:
        """Return "path", "replies", their "input_tokens", "output_tokens", "bytes"."""
        ask = "SELECT count(*), sum(input_tokens), sum(output_tokens) FROM replies"
        with self.file.read() as connection:
            count, taken, written = connection.execute(ask).fetchone()
        return {
            "path": str(self.file.path),
            "replies": count,
            "input_tokens": taken or 0,
            "output_tokens": written or 0,
            "bytes": self.file.path.stat().st_size,
        }

    def clear(self) -> int:
        """Delete all replies and all that was learnt; return how many replies."""
        with self.file.read() as connection:
            connection.execute("PRAGMA secure_delete = ON")
        with self.file.write() as connection:
            n_replies = connection.execute("DELETE FROM replies").rowcount
            connection.execute("DELETE FROM memory")
        with self.file.read() as connection:
            with contextlib.suppress(sqlite3.OperationalError):  # others are reading
                connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return int(n_replies)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self.file.close()


def _read(row: tuple[Any, ...] | None) -> ChatReply | None:
    if row is None:
        return None
    text, reason, *tokens, model, fingerprint, seconds = row
    return ChatReply(
        text, reason, Usage(*tokens), model, fingerprint, seconds, is_stored=True
    )


FIRST_LOOK_S, LONGEST_LOOK_S = 0.02, 0.25


class Stored:
    """Answer from the store; ask the client for the rest, and keep what it says.

    Whoever else asks the same at the same time, in this process or another, waits for
    the one answer. Failures are not kept. A reply that answers nothing is kept for a
    replay, and asked for again by a later run.

    Parameters
    ----------
    client : ChatClient
    store : Store
    mode : "live" or "replay", default="live"
        "replay": raise for what the store does not hold.
    sleep : callable
        Stand-in for `time.sleep`.
    """

    def __init__(
        self,
        client: ChatClient,
        store: Store,
        mode: str = "live",
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.store = store
        self.mode = mode
        self._sleep = sleep
        self._given: set[str] = (
            set()
        )  # keys: a run gets one reply to each, whatever it is
        self._flights: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self._descriptions: dict[int, tuple[object, str]] = {}

    def key(self, request: ChatRequest) -> str:
        """Return the hash of all that makes the question; of its role, nothing."""
        parts = [
            self._describe(request),
            request.messages,
            request.schema,  # in its own order, which is that of the answer
            request.max_tokens,
            request.seed,
            request.attempt,
        ]
        text = json.dumps(parts, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request.

        Raises
        ------
        ReplayError
            In replay mode, for what is not in the store.
        """
        key = self.key(request)
        found = self.store.find(key)
        if found is not None and self._is_good(key, found):
            return found
        if self.mode == "replay":
            raise ReplayError(
                f"The store {str(self.store.file.path)!r} does not hold the answer to "
                f"question {key[:12]} of the {request.role}, and mode='replay' asks "
                "nobody. Run once with mode='live' and the same data, settings and "
                "random_state, or give the store of that run."
            )
        with self._alone(key):
            return self._fetch(key, request, found)

    def holds(self, request: ChatRequest) -> bool:
        """Tell whether the reply is in the store."""
        key = self.key(request)
        found = self.store.find(key)
        return found is not None and self._is_good(key, found)

    def _is_good(self, key: str, reply: ChatReply) -> bool:
        """Tell whether a kept reply is given again."""
        return self.mode == "replay" or key in self._given or is_answer(reply)

    def _fetch(
        self, key: str, request: ChatRequest, old: ChatReply | None
    ) -> ChatReply:
        """Ask, unless another does: then wait for it. What was kept before is old."""
        pause = FIRST_LOOK_S
        if key in self._given:  # by now, by another thread
            old = None
        while True:
            found = self.store.claim(key, old)
            if isinstance(found, ChatReply):
                self._given.add(key)
                return found
            if found:
                break
            self._sleep(pause)
            pause = min(1.5 * pause, LONGEST_LOOK_S)
        try:
            reply = self.client.complete(request)
            self.store.save(key, reply)
            self._given.add(key)
        except BaseException:
            self.store.release(key)
            raise
        return reply

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Let one thread at a time see to a question."""
        while True:
            with self._lock:
                other = self._flights.get(key)
                if other is None:
                    landed = self._flights[key] = threading.Event()
                    break
            other.wait()
        try:
            yield
        finally:
            with self._lock:
                del self._flights[key]
            landed.set()

    def _describe(self, request: ChatRequest) -> str:
        """Return a chat's description as JSON, made once per chat."""
        chat = request.chat
        known = self._descriptions.get(id(chat))
        if known is None:  # kept beside the chat, so that its id stays its own
            text = json.dumps(chat.describe(), sort_keys=True, default=str)
            known = self._descriptions[id(chat)] = (chat, text)
        return known[1]
