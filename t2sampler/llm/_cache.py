"""Cache of paid replies: each question is asked once, by all threads and processes."""

import contextlib
import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from os import PathLike
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from t2sampler.exceptions import ReplayError
from t2sampler.llm._base import ChatClient, ChatReply, ChatRequest, Usage
from t2sampler.llm._sqlite import SQLiteFile

MAX_AGE_S = 7 * 86_400.0  # of capabilities: the endpoint may have been updated since
NO_ANSWER = ("content_filter", "refusal", "error")  # values of finish_reason
FIRST_POLL_S, MAX_POLL_S = 0.02, 0.25
SELECT_REPLY = """SELECT text, finish_reason, input_tokens, output_tokens,
    cached_tokens, model, fingerprint, seconds FROM replies WHERE key = ?"""
SELECT_CLAIM = "SELECT beat FROM claims LEFT JOIN owners USING (owner) WHERE key = ?"


class ReplyStore:
    """Store replies, claims on questions, and capabilities of endpoints in a file.

    It contains what models wrote, but no prompt and no API key. Many threads and
    processes may use one file at once.

    Parameters
    ----------
    path : str or path, default=None
        None: a file in the user's cache directory.
    clock : callable
        Replacement of `time.time`, for tests.
    """

    def __init__(
        self,
        path: str | PathLike[str] | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if path is None:
            path = Path(user_cache_dir("t2sampler", appauthor=False), "replies.sqlite")
        self.file = SQLiteFile(Path(path).expanduser(), clock)

    def find(self, key: str) -> ChatReply | None:
        """Return the reply stored under a key, if there is one."""
        with self.file.read() as connection:
            return _to_reply(connection.execute(SELECT_REPLY, (key,)).fetchone())

    def claim(self, key: str, outdated: ChatReply | None = None) -> ChatReply | bool:
        """Return the stored reply, or claim the question.

        Parameters
        ----------
        key : str
        outdated : ChatReply or None
            A stored reply that equals it counts as none.

        Returns
        -------
        reply : ChatReply or bool
            True: the caller has the claim; it must ask, and then call `save` or
            `release`. False: another thread or process has it.
        """
        with self.file.write() as connection:
            reply = _to_reply(connection.execute(SELECT_REPLY, (key,)).fetchone())
            if reply is not None and reply != outdated:
                return reply
            claim = connection.execute(SELECT_CLAIM, (key,)).fetchone()
            if claim is not None and self.file.is_alive(claim[0]):
                return False
            row = (key, self.file.owner)
            connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?)", row)
            self.file.acquire(connection)
            return True

    def save(self, key: str, reply: ChatReply) -> None:
        """Store a reply, and give up the claim on its question."""
        row = (key, reply.text, reply.finish_reason, *astuple(reply.usage))
        row += (reply.model, reply.fingerprint, reply.seconds)
        places = ", ".join("?" * len(row))
        with self.file.write() as connection:
            connection.execute(f"INSERT OR REPLACE INTO replies VALUES ({places})", row)
            connection.execute("DELETE FROM claims WHERE key = ?", (key,))
        self.file.release()

    def release(self, key: str) -> None:
        """Give up a claim without a reply, so that another may ask."""
        row = (key, self.file.owner)
        self.file.release()
        with self.file.write() as connection:
            connection.execute("DELETE FROM claims WHERE key = ? AND owner = ?", row)

    def find_capabilities(self, endpoint: str) -> str | None:
        """Return the text stored for an endpoint, unless it is too old."""
        since = self.file.clock() - MAX_AGE_S
        query = "SELECT value FROM memory WHERE key = ? AND made > ?"
        with self.file.read() as connection:
            row = connection.execute(query, (endpoint, since)).fetchone()
        return None if row is None else str(row[0])

    def save_capabilities(self, endpoint: str, text: str) -> None:
        """Store a text for an endpoint."""
        row = (endpoint, text, self.file.clock())
        with self.file.write() as connection:
            connection.execute("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", row)

    def describe(self) -> dict[str, Any]:
        """Return "path", "replies", their "input_tokens", "output_tokens", "bytes"."""
        query = "SELECT count(*), sum(input_tokens), sum(output_tokens) FROM replies"
        with self.file.read() as connection:
            n_replies, n_input, n_output = connection.execute(query).fetchone()
        return {
            "path": str(self.file.path),
            "replies": n_replies,
            "input_tokens": n_input or 0,
            "output_tokens": n_output or 0,
            "bytes": self.file.path.stat().st_size,
        }

    def clear(self) -> int:
        """Delete all replies and capabilities; return the number of replies."""
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


def _to_reply(row: tuple[Any, ...] | None) -> ChatReply | None:
    if row is None:
        return None
    text, reason, *tokens, model, fingerprint, seconds = row
    return ChatReply(
        text, reason, Usage(*tokens), model, fingerprint, seconds, is_stored=True
    )


class CachedClient:
    """Answer from the store; ask the client for the rest, and store its replies.

    Threads and processes that ask the same question at the same time wait for one
    reply. Failures are not stored. A reply without an answer (empty, filtered,
    refused) is stored for a replay, but a later run asks again.

    Parameters
    ----------
    client : ChatClient
    store : ReplyStore
    mode : "live" or "replay", default="live"
        "replay": raise for what is not in the store.
    sleep : callable
        Replacement of `time.sleep`, for tests.
    """

    def __init__(
        self,
        client: ChatClient,
        store: ReplyStore,
        mode: str = "live",
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.store = store
        self.mode = mode
        self._sleep = sleep
        # Keys answered in this run. Each has one reply per run, even an empty one:
        # whether threads ask at once or one after the other changes nothing.
        self._answered_keys: set[str] = set()
        self._in_flight: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self._descriptions: dict[int, tuple[object, str]] = {}

    def key(self, request: ChatRequest) -> str:
        """Return the hash of all that makes the question; the role does not."""
        parts = [
            self._describe(request),
            request.messages,
            request.schema,  # unsorted: replies follow the order of its properties
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
        reply = self.store.find(key)
        if reply is not None and self._is_usable(key, reply):
            return reply
        if self.mode == "replay":
            raise ReplayError(
                f"The store {str(self.store.file.path)!r} does not hold the reply to "
                f"question {key[:12]} of the {request.role}, and mode='replay' calls "
                "no model. Run once with mode='live' and the same data, settings and "
                "random_state, or give the store of that run."
            )
        with self._one_thread_per(key):
            return self._ask(key, request, reply)

    def _is_usable(self, key: str, reply: ChatReply) -> bool:
        """Tell whether a stored reply is returned rather than asked for again."""
        is_answer = bool(reply.text.strip()) and reply.finish_reason not in NO_ANSWER
        return is_answer or self.mode == "replay" or key in self._answered_keys

    def _ask(
        self, key: str, request: ChatRequest, outdated: ChatReply | None
    ) -> ChatReply:
        """Ask the client, unless another process does: then wait for its reply."""
        pause = FIRST_POLL_S
        if key in self._answered_keys:  # meanwhile, by another thread
            outdated = None
        while True:
            claim = self.store.claim(key, outdated)
            if isinstance(claim, ChatReply):
                self._answered_keys.add(key)
                return claim
            if claim:
                break
            self._sleep(pause)
            pause = min(1.5 * pause, MAX_POLL_S)
        try:
            reply = self.client.complete(request)
            self.store.save(key, reply)
            self._answered_keys.add(key)
        except BaseException:  # also Ctrl-C: others must not wait for this claim
            self.store.release(key)
            raise
        return reply

    @contextmanager
    def _one_thread_per(self, key: str) -> Iterator[None]:
        """Let one thread at a time ask a question.

        Claims in the store only tell processes apart.
        """
        while True:
            with self._lock:
                other = self._in_flight.get(key)
                if other is None:
                    is_done = self._in_flight[key] = threading.Event()
                    break
            other.wait()
        try:
            yield
        finally:
            with self._lock:
                del self._in_flight[key]
            is_done.set()

    def _describe(self, request: ChatRequest) -> str:
        """Return a chat's description as JSON, made once per chat."""
        chat = request.chat
        known = self._descriptions.get(id(chat))
        if known is None:
            text = json.dumps(chat.describe(), sort_keys=True, default=str)
            # Keep a reference to `chat`: a freed object's id could be reused.
            known = self._descriptions[id(chat)] = (chat, text)
        return known[1]
