"""Count what calls took, per role that asked."""

import math
import threading
from collections.abc import Sequence
from os import PathLike
from typing import Any

from t2sampler.llm._base import Chat, ChatClient, ChatReply, ChatRequest
from t2sampler.llm._budget import Budget, Budgeted, cost_of
from t2sampler.llm._cache import Store, Stored
from t2sampler.llm._ledger import Ledger, MemoryLedger, StoredLedger
from t2sampler.llm._openai_client import OpenAIClient
from t2sampler.llm._rate_limit import Pool

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


MODES = ("live", "replay")


class Exchange:
    """Pass each request to the client of its own chat, made when first asked.

    Chats with equal settings have one client: a cloned team has a copy of its chat for
    each role, and the ceiling of calls in flight is that of the endpoint.
    """

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._pools: list[tuple[Chat, Pool]] = []
        self._lock = threading.Lock()

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request."""
        return self._pool(request.chat).complete(request)

    def close(self) -> None:
        """Make no more calls, and close the connections that are idle."""
        with self._lock:
            for _, pool in self._pools:
                pool.close()
                if isinstance(pool.client, OpenAIClient):
                    pool.client.close()

    def notes(self) -> tuple[str, ...]:
        """Return a sentence per model that does not take all that was wanted."""
        with self._lock:
            clients = [pool.client for _, pool in self._pools]
        notes = [c.note() for c in clients if isinstance(c, OpenAIClient)]
        return tuple(dict.fromkeys(note for note in notes if note))

    def _pool(self, chat: Chat) -> Pool:
        with self._lock:
            for other, pool in self._pools:
                if _are_alike(chat, other):
                    return pool
            client = chat.connect()
            if self._store is not None and isinstance(client, OpenAIClient):
                client.use_memory(self._store)
            pool = Pool(
                client,
                chat.max_concurrency,
                max_retries=getattr(client, "max_retries", 0),
            )
            self._pools.append((chat, pool))
            return pool


def _are_alike(chat: Chat, other: Chat) -> bool:
    is_same = type(chat) is type(other) and vars(chat) == vars(other)
    return chat is other or is_same


class Line:
    """Answer requests of any model; made by `open_line`, one per fit.

    Any number of threads may use it. It cannot be pickled: its holder drops it.

    Parameters
    ----------
    store : Store or None
    budget : Budget or None
    mode : "live" or "replay"
    """

    def __init__(self, store: Store | None, budget: Budget | None, mode: str) -> None:
        self.store = store
        self._exchange = Exchange(store)
        client: ChatClient = self._exchange
        self._budgeted: Budgeted | None = None
        if budget is not None:
            self._budgeted = Budgeted(client, budget, _open_ledger(budget, store))
            client = self._budgeted
        self._stored = None if store is None else Stored(client, store, mode)
        self._booked = Booked(client if self._stored is None else self._stored)

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer a request, from the store if it holds the reply.

        Raises
        ------
        ChatError, BudgetError, ReplayError
            There is no answer; see `t2sampler.exceptions`.
        """
        return self._booked.complete(request)

    def is_stored(self, request: ChatRequest) -> bool:
        """Tell whether the reply is in the store, so that it costs nothing."""
        return self._stored is not None and self._stored.holds(request)

    def usage(self) -> list[dict[str, Any]]:
        """Return the books, a dict per role that asked, in order of first answer.

        Keys: "role", "calls" (paid answers), "stored" (free ones), "input_tokens",
        "output_tokens", "cached_tokens" (part of the input), "cost" (None without
        prices) and "seconds" (sum over the calls). Tokens are those of paid answers.
        """
        return self._booked.usage()

    def notes(self) -> tuple[str, ...]:
        """Return notes for the report: what was wanted and is not sent, and why.

        A sentence per model that was asked and refused something; where all replies
        came from the store, nothing is known and nothing is said.
        """
        return self._exchange.notes()

    def room(self) -> float:
        """Return about how many calls the budget holds, those in flight among them."""
        return math.inf if self._budgeted is None else self._budgeted.room()

    def close(self) -> None:
        """Make no more calls; those in flight are answered, and kept in the store."""
        self._exchange.close()
        if self.store is not None:
            self.store.close()


def open_line(
    *,
    store: bool | str | PathLike[str] = True,
    budget: Budget | None = None,
    mode: str = "live",
    chats: Sequence[Chat] = (),
) -> Line:
    """Return a line to the models of a team; nothing is sent.

    Parameters
    ----------
    store : bool, str or path, default=True
        True: the file in the user's cache directory; a path; False: none.
    budget : Budget, default=None
    mode : "live" or "replay", default="live"
        "replay": answer from the store only.
    chats : sequence of Chat, default=()
        Whom it will be used for. Checked here, before any work: keys and settings in
        live mode, prices if the budget limits cost.

    Raises
    ------
    ValueError
        The settings contradict each other.
    ChatError
        A key is missing.
    """
    if mode not in MODES:
        raise ValueError(f"`mode` must be 'live' or 'replay', got {mode!r}.")
    if store is False and mode == "replay":
        raise ValueError("`mode='replay'` answers from the store. Give one as `store`.")
    if store is False and budget is not None and budget.shared:
        raise ValueError(
            "`Budget(shared=True)` is kept in the store. Give one as `store`, or leave "
            "`shared` out."
        )
    for chat in chats:
        if budget is not None:
            budget.check(chat)
        if mode == "live":
            chat.connect()
    return Line(find_store(store), budget, mode)


def find_store(store: bool | str | PathLike[str]) -> Store | None:
    """Return the store that a setting names; True: the one in the cache directory."""
    if store is False:
        return None
    return Store(None if store is True else store)


def _open_ledger(budget: Budget, store: Store | None) -> Ledger:
    if budget.shared and store is not None:
        return StoredLedger(store, budget.name)
    return MemoryLedger()
