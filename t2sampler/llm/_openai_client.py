"""The one file that talks to an endpoint."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from t2sampler.llm._base import ChatReply, ChatRequest
from t2sampler.llm._capabilities import Abilities, Learner, Memory, Outcome
from t2sampler.llm._connection import (
    Connection,
    open_client,
    read_body,
    read_exception,
    run_within,
)
from t2sampler.llm._endpoint import Endpoint
from t2sampler.llm._responses import Fault, Kind, read_reply, to_error

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
MIN_KEY = 8  # characters; what is shorter is no secret but "none" or "ollama"
RETRIED = (Kind.TRANSIENT, Kind.UNREACHABLE)


@dataclass(frozen=True)
class _Process:
    """What a forked process must not share: connections, and locks that may be held."""

    connection: Connection
    learner: Learner


class OpenAIClient:
    """Ask an OpenAI-compatible endpoint; opened when first used.

    Failures that may pass are tried again here, and not by the openai package: that
    would hide 429s from the pool. Each try takes ``timeout`` seconds at most; after
    that, the pool tries again, since it knows what was in flight beside it.

    Parameters
    ----------
    model, base_url, temperature, timeout, max_retries, extra_body
        As in `ChatModel`.
    api_key_env : str or None
        None: no key is sent.
    clock, sleep : callable
        Stand-ins for those of `time`.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str,
        api_key_env: str | None = None,
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
        self._memory: Memory | None = None
        self._processes: dict[int, _Process] = {}

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
        RateLimited, TimedOut
            Too many calls, it seems; the pool waits and asks again.
        ChatError
            All else that went wrong.
        """
        start = self.clock()
        process = self._process()
        outcome = process.learner.ask(request, lambda can: self._try(request, can))
        if isinstance(outcome, ChatReply):
            return replace(outcome, seconds=self.clock() - start)
        if outcome.kind is Kind.FILTERED:
            return ChatReply("", "content_filter", model=self.model)
        raise to_error(
            replace(outcome, words=_hide(self._key(), outcome.words)),
            who=f"{self.model!r} at {self.base_url}",
            variable=self.api_key_env,
            max_tokens=request.max_tokens,
            n_tries=self.max_retries + 1,
            has_answered=process.learner.has_answered,
        )

    def note(self) -> str:
        """Say what the endpoint does not take, as far as it was asked; "": nothing."""
        process = self._processes.get(os.getpid())
        dropped = process.learner.dropped() if process is not None else []
        if not dropped:
            return ""
        return (
            f"{self.model!r} at {self.base_url} does not take: {', '.join(dropped)}; "
            "replies are read all the same."
        )

    def close(self) -> None:
        """Close the connection, as soon as no call is in flight.

        The next request opens another.
        """
        process = self._processes.get(os.getpid())
        if process is not None:
            process.connection.close()

    def _process(self) -> _Process:
        """Return what this process works with, made when it is first needed.

        No lock guards it: a process may be forked while another thread holds one.
        """
        pid = os.getpid()
        if pid not in self._processes:
            endpoint = Endpoint.from_address(self.base_url)
            name = f"{self.base_url} {self.model}"
            learner = Learner(
                name, Abilities.of(endpoint), self.temperature, self._memory
            )
            connection = Connection(
                lambda: open_client(endpoint, self._key(), self.timeout)
            )
            self._processes.setdefault(pid, _Process(connection, learner))
        return self._processes[pid]

    def _key(self) -> str:
        """Read the key; "": there is none."""
        return os.environ.get(self.api_key_env or "", "").strip()

    def _try(self, request: ChatRequest, can: Abilities) -> Outcome:
        """Ask until an answer comes, or a fault that will not pass."""
        n_retries = 0
        while True:
            outcome = self._ask(request, can)
            if isinstance(outcome, ChatReply):
                return replace(outcome, n_retries=n_retries)
            is_final = outcome.kind not in RETRIED or n_retries == self.max_retries
            if is_final or self._process().learner.named(outcome, request, can):
                return outcome
            self.sleep(_pause(n_retries, outcome.retry_after))
            n_retries += 1

    def _ask(self, request: ChatRequest, can: Abilities) -> Outcome:
        """Make one call, within the time."""
        timed_out = Fault(Kind.TIMEOUT, f"no whole answer within {self.timeout:g} s")
        try:
            with self._process().connection.use() as sdk:
                create = sdk.chat.completions.with_streaming_response.create
                outcome = run_within(
                    self.timeout, lambda: self._send(create, request, can)
                )
        except TimeoutError:
            return timed_out
        is_late = isinstance(outcome, Fault) and outcome.kind is Kind.TIMEOUT
        return timed_out if is_late else outcome

    def _send(
        self, create: Callable[..., Any], request: ChatRequest, can: Abilities
    ) -> Outcome:
        """Send a call and read the reply."""
        fault: Fault | None = None
        try:
            with create(
                model=self.model,
                extra_body=self.extra_body,
                **can.fields(request, self.temperature),
            ) as response:
                raw = read_body(response.iter_bytes())
        except Exception as error:  # the transport's own come through while reading
            fault = read_exception(error)
        return read_reply(raw, request) if fault is None else fault


def _hide(key: str, words: str) -> str:
    """Blot the key out, which some endpoints echo; a stand-in for one may be a word."""
    return words.replace(key, "…") if len(key) >= MIN_KEY else words


def _pause(n_retries: int, retry_after: float | None) -> float:
    """Return seconds to wait: twice as long each time, and not all at once."""
    if retry_after is not None:
        return min(retry_after, LONGEST_PAUSE_S)
    longest = min(FIRST_PAUSE_S * 2.0**n_retries, LONGEST_PAUSE_S)
    return longest * random.SystemRandom().uniform(0.75, 1.0)
