"""The one file that talks to an endpoint."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from t2sampler.llm._abilities import Abilities
from t2sampler.llm._base import ChatReply, ChatRequest
from t2sampler.llm._errors import to_error
from t2sampler.llm._faults import Fault, Kind, read_fault
from t2sampler.llm._learner import Learner, Memory, Outcome
from t2sampler.llm._replies import clean, read_reply

if TYPE_CHECKING:
    import openai

CONNECT_S = 10.0  # a host that answers at all answers sooner
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
MIN_KEY = 8  # characters; what is shorter is no secret but "none" or "ollama"
RETRIED = (Kind.TRANSIENT, Kind.UNREACHABLE)


class OpenAIClient:
    """Ask an OpenAI-compatible endpoint; opened when first used.

    Failures that may pass are tried again here, and not by the openai package: that
    would hide 429s from the pool, and bounds each wait for a byte but not the time of
    a reply that trickles in.

    Parameters
    ----------
    model, base_url, api_key_env, temperature, timeout, max_retries, extra_body
        As in `ChatModel`.
    clock, sleep : callable
        Stand-ins for those of `time`.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str,
        api_key_env: str,
        temperature: float | None = None,
        timeout: float = 120.0,
        max_retries: int = 3,
        extra_body: dict[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.model = model
        self.base_url = base_url
        self.api_key_env = api_key_env
        self.temperature = temperature
        self.timeout = timeout
        self.max_retries = max_retries
        self.extra_body = extra_body
        self.clock = clock
        self.sleep = sleep
        self._disconnect()

    def _disconnect(self) -> None:
        self._lock = threading.Lock()
        self._sdk: openai.OpenAI | None = None
        self._n_busy = 0
        self._is_closing = False
        self._learner: Learner | None = None
        self._memory: Memory | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the connection, which holds the key, and what hangs on it."""
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._disconnect()

    def use_memory(self, memory: Memory) -> None:
        """Start from what earlier clients learnt about this model, and add to it."""
        self._memory = memory

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request.

        Raises
        ------
        ContextOverflowError
            The request does not fit the model's context.
        RateLimited
            Too many calls; the pool waits and asks again.
        ChatError
            All else that went wrong.
        """
        start = self.clock()
        with self._opened() as (sdk, learner):
            outcome = learner.ask(request, lambda can: self._try(sdk, request, can))
        if isinstance(outcome, ChatReply):
            return replace(outcome, seconds=self.clock() - start)
        if outcome.kind is Kind.FILTERED:
            return ChatReply("", "content_filter", model=self.model)
        raise to_error(
            replace(outcome, words=_hide(sdk.api_key, outcome.words)),
            who=f"{self.model!r} at {self.base_url}",
            variable=self.api_key_env,
            n_tries=self.max_retries + 1,
            has_answered=learner.has_answered,
        )

    def close(self) -> None:
        """Close the connection, as soon as no call is in flight.

        The next request opens another.
        """
        with self._lock:
            self._is_closing = True
            self._close_if_idle()

    @contextmanager
    def _opened(self) -> "Iterator[tuple[openai.OpenAI, Learner]]":
        """Give the connection, and what is known of the endpoint."""
        with self._lock:
            opened = self._open()
            self._is_closing = False
            self._n_busy += 1
        try:
            yield opened
        finally:
            with self._lock:
                self._n_busy -= 1
                self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._is_closing and not self._n_busy and self._sdk is not None:
            self._sdk.close()
            self._sdk = None

    def _open(self) -> "tuple[openai.OpenAI, Learner]":
        """Open the connection, once."""
        import openai

        if self._learner is None:
            name = f"{self.base_url} {self.model}"
            self._learner = Learner(name, self.temperature, self._memory)
        if self._sdk is None:
            connect = min(CONNECT_S, self.timeout)
            self._sdk = openai.OpenAI(
                api_key=os.environ.get(self.api_key_env, "").strip(),
                base_url=self.base_url,
                timeout=openai.Timeout(self.timeout, connect=connect),
                max_retries=0,
            )
        return self._sdk, self._learner

    def _try(
        self, sdk: "openai.OpenAI", request: ChatRequest, can: Abilities
    ) -> Outcome:
        """Ask until an answer comes, or a fault that will not pass."""
        n_retries = 0
        while True:
            outcome = self._ask(sdk, request, can)
            if isinstance(outcome, ChatReply):
                return replace(outcome, n_retries=n_retries)
            if not self._may_pass(outcome, request, can):
                return outcome
            if n_retries == self.max_retries:
                return outcome
            self.sleep(_pause(n_retries, outcome.retry_after))
            n_retries += 1

    def _may_pass(self, fault: Fault, request: ChatRequest, can: Abilities) -> bool:
        """Tell whether the very same call may succeed later."""
        learner = self._learner
        is_refusal = learner is not None and learner.next_try(fault, request, can)
        return fault.kind in RETRIED and not is_refusal

    def _ask(
        self, sdk: "openai.OpenAI", request: ChatRequest, can: Abilities
    ) -> Outcome:
        """Make one call."""
        fields = can.fields(request, self.temperature)
        messages = [
            {"role": role, "content": clean(text)} for role, text in request.messages
        ]
        call = sdk.chat.completions.with_streaming_response.create
        deadline = self.clock() + self.timeout
        fault: Fault | None = None
        try:
            with call(
                model=self.model,
                messages=messages,  # type: ignore[arg-type]  # plain dicts
                extra_body=self.extra_body,
                **fields,
            ) as response:
                raw = self._read(response.iter_bytes(), deadline)
        except Exception as error:  # the transport's own come through while reading
            fault = _read_error(error)
        return read_reply(raw, request) if fault is None else fault

    def _read(self, chunks: Iterable[bytes], deadline: float) -> bytes:
        """Read a body within the time, however slowly it comes."""
        parts = []
        for chunk in chunks:
            parts.append(chunk)
            if self.clock() > deadline:
                raise TimeoutError(f"no whole answer within {self.timeout:g} s")
        return b"".join(parts)


def _read_error(error: Exception) -> Fault:
    """Tell what an exception of the client or its transport means.

    Nothing holds on to the exception: it has the request, hence the key.
    """
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        response: Any = getattr(error, "response", None)
        body = getattr(error, "body", None) or response.text
        headers = {name.lower(): value for name, value in response.headers.items()}
        return read_fault(status, body, headers)
    chain = _chain(error)
    names = {type(link).__name__ for link in chain}
    is_away = bool(names & {"ConnectError", "ConnectTimeout"})
    words = next((str(link) for link in reversed(chain) if str(link)), "no connection")
    kind = Kind.UNREACHABLE if is_away else Kind.TRANSIENT
    return Fault(kind, words.rstrip("."))


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and what caused it, outermost first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _hide(key: str, words: str) -> str:
    """Blot the key out, which some endpoints echo; a stand-in for one may be a word."""
    return words.replace(key, "…") if len(key) >= MIN_KEY else words


def _pause(n_retries: int, retry_after: float | None) -> float:
    """Return seconds to wait: twice as long each time, and not all at once."""
    if retry_after is not None:
        return min(retry_after, LONGEST_PAUSE_S)
    longest = min(FIRST_PAUSE_S * 2.0**n_retries, LONGEST_PAUSE_S)
    return longest * random.SystemRandom().uniform(0.75, 1.0)
