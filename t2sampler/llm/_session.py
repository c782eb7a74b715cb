"""Session with the models of a team: cache, budget and rate limits in layers; usage."""

import math
import threading
from collections.abc import Sequence
from os import PathLike
from typing import Any

from t2sampler.llm._base import Chat, ChatClient, ChatReply, ChatRequest
from t2sampler.llm._budget import Budget, BudgetedClient, cost_of
from t2sampler.llm._cache import CachedClient, ReplyStore
from t2sampler.llm._ledger import Ledger, MemoryLedger, StoredLedger
from t2sampler.llm._openai_client import OpenAIClient
from t2sampler.llm._rate_limit import RateLimitedClient

MODES = ("live", "replay")
TOKENS = ("input_tokens", "output_tokens", "cached_tokens")


class UsageTracker:
    """Count the calls, tokens and cost of each role."""

    def __init__(self) -> None:
        self._usage: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def record(self, request: ChatRequest, reply: ChatReply) -> None:
        """Count a reply."""
        cost = cost_of(request.chat.prices, reply.usage)
        with self._lock:
            usage = self._usage.setdefault(
                request.role,
                {
                    "role": request.role,
                    **dict.fromkeys(("calls", "stored", *TOKENS), 0),
                    "cost": None if cost is None else 0.0,
                    "seconds": 0.0,
                },
            )
            if reply.is_stored:
                usage["stored"] += 1
                return
            usage["calls"] += 1
            for name in TOKENS:
                usage[name] += getattr(reply.usage, name)
            usage["seconds"] += reply.seconds
            # One model without prices makes the cost of the role unknown.
            is_known = cost is not None and usage["cost"] is not None
            usage["cost"] = usage["cost"] + cost if is_known else None

    def list_usage(self) -> list[dict[str, Any]]:
        """Return a copy of the usage, a dict per role in order of first reply."""
        with self._lock:
            return [dict(usage) for usage in self._usage.values()]


class RoutingClient:
    """Send each request to the rate-limited client of its model, made when first used.

    Chats with equal settings share a client: a cloned team has a copy of its chat for
    each role, but the largest number of calls in flight holds for the endpoint.
    """

    def __init__(self, store: ReplyStore | None) -> None:
        self._store = store
        self._clients: list[tuple[Chat, RateLimitedClient]] = []
        self._lock = threading.Lock()

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request."""
        return self._find_client(request.chat).complete(request)

    def close(self) -> None:
        """Start no more calls, and close idle connections."""
        with self._lock:
            for _, limited in self._clients:
                limited.close()
                if isinstance(limited.client, OpenAIClient):
                    limited.client.close()

    def notes(self) -> tuple[str, ...]:
        """Return a sentence per model that does not accept all wanted fields."""
        with self._lock:
            clients = [limited.client for _, limited in self._clients]
        notes = [c.note() for c in clients if isinstance(c, OpenAIClient)]
        return tuple(dict.fromkeys(note for note in notes if note))

    def _find_client(self, chat: Chat) -> RateLimitedClient:
        with self._lock:
            for other, limited in self._clients:
                is_same = type(chat) is type(other) and vars(chat) == vars(other)
                if chat is other or is_same:
                    return limited
            client = chat.connect()
            if self._store is not None and isinstance(client, OpenAIClient):
                client.use_store(self._store)
            limited = RateLimitedClient(
                client,
                chat.max_concurrency,
                max_retries=getattr(client, "max_retries", 0),
            )
            self._clients.append((chat, limited))
            return limited


class Session:
    """Answer requests of any model; made by `open_session`, one per fit.

    A request passes the layers from the outside in, and each may answer it or raise:
    `CachedClient` (store), `BudgetedClient` (budget), `RoutingClient` (one client per
    model), `RateLimitedClient` (calls in flight), `OpenAIClient` (sends it).

    Threads may share a session. It cannot be pickled; its owner opens a new one.

    Parameters
    ----------
    store : ReplyStore or None
    budget : Budget or None
    mode : "live" or "replay"
    """

    def __init__(
        self, store: ReplyStore | None, budget: Budget | None, mode: str
    ) -> None:
        self.store = store
        self._usage = UsageTracker()
        self._routing = RoutingClient(store)
        self._client: ChatClient = self._routing
        self._budgeted: BudgetedClient | None = None
        if budget is not None:
            ledger: Ledger = MemoryLedger()
            if budget.shared and store is not None:
                ledger = StoredLedger(store, budget.name)
            self._budgeted = BudgetedClient(self._client, budget, ledger)
            self._client = self._budgeted
        if store is not None:  # outermost, so that stored replies cost no budget
            self._client = CachedClient(self._client, store, mode)

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer a request, from the store if it holds the reply.

        Raises
        ------
        ChatError, BudgetError, ReplayError
            There is no reply; see `t2sampler.exceptions`.
        """
        reply = self._client.complete(request)
        self._usage.record(request, reply)
        return reply

    def usage(self) -> list[dict[str, Any]]:
        """Return the usage, a dict per role in order of first reply.

        Keys: "role", "calls" (paid replies), "stored" (free ones), "input_tokens",
        "output_tokens", "cached_tokens" (part of the input), "cost" (None without
        prices) and "seconds" (sum over the calls). Tokens are those of paid replies.
        """
        return self._usage.list_usage()

    def notes(self) -> tuple[str, ...]:
        """Return notes for the report: fields that a model does not accept.

        There is a sentence per model that was called and refused a field.
        """
        return self._routing.notes()

    def calls_left(self) -> float:
        """Return about how many calls the budget allows, those in flight included."""
        return math.inf if self._budgeted is None else self._budgeted.calls_left()

    def close(self) -> None:
        """Start no more calls; those in flight are answered, and stored."""
        self._routing.close()
        if self.store is not None:
            self.store.close()


def open_session(
    *,
    store: bool | str | PathLike[str] = True,
    budget: Budget | None = None,
    mode: str = "live",
    chats: Sequence[Chat] = (),
) -> Session:
    """Return a session with the models of a team; nothing is sent.

    Parameters
    ----------
    store : bool, str or path, default=True
        True: the file in the user's cache directory; a path; False: none.
    budget : Budget, default=None
    mode : "live" or "replay", default="live"
        "replay": answer from the store only.
    chats : sequence of Chat, default=()
        Models that will be used. They are checked before any work: keys and settings
        in live mode, prices if the budget limits cost.

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
        raise ValueError("`mode='replay'` needs a store. Give one as `store`.")
    if store is False and budget is not None and budget.shared:
        raise ValueError(
            "`Budget(shared=True)` is kept in the store. Give one as `store`, or leave "
            "out `shared`."
        )
    for chat in chats:
        if budget is not None:
            budget.check(chat)
        if mode == "live":
            chat.connect()
    reply_store = None
    if store is not False:
        reply_store = ReplyStore(None if store is True else store)
    return Session(reply_store, budget, mode)
