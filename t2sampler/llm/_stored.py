"""Ask only what is not in the store yet, and each thing once."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from t2sampler.exceptions import ReplayError
from t2sampler.llm._base import ChatClient, ChatReply, ChatRequest
from t2sampler.llm._replies import is_answer
from t2sampler.llm._store import Store

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
