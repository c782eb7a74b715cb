"""Replies that were paid for, kept by a hash of what was asked."""

import contextlib
import sqlite3
import time
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from t2sampler.llm._base import ChatReply, Usage
from t2sampler.llm._store_file import StoreFile

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
