"""Client of an OpenAI-compatible endpoint: retries, the fields to send, exceptions."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from t2sampler.llm._base import ChatReply, ChatRequest
from t2sampler.llm._cache import ReplyStore
from t2sampler.llm._capabilities import Capabilities, CapabilityProbe
from t2sampler.llm._connection import (
    Connection,
    open_client,
    parse_exception,
    read_body,
    run_with_deadline,
)
from t2sampler.llm._endpoint import Endpoint
from t2sampler.llm._responses import (
    Failure,
    FailureKind,
    Response,
    parse_response,
    to_exception,
)

FIRST_DELAY_S, MAX_DELAY_S = 0.5, 60.0
MIN_KEY_LENGTH = 8  # shorter keys are placeholders for local servers: "none", "ollama"
RETRIED = (FailureKind.TRANSIENT, FailureKind.UNREACHABLE)


@dataclass(frozen=True)
class _ProcessState:
    """What a forked process must not share: connections, and locks that may be held."""

    connection: Connection
    probe: CapabilityProbe


class OpenAIClient:
    """Answer requests by calling an OpenAI-compatible endpoint.

    Transient failures are retried here and not by the openai package, which would also
    retry 429s one by one. Rate limits and timeouts are not retried here: they are
    raised for `RateLimitedClient`, which knows the other calls in flight.

    Parameters
    ----------
    model, base_url, temperature, timeout, max_retries, extra_body
        As in `ChatModel`.
    api_key_env : str or None
        None: no key is sent.
    clock, sleep : callable
        Replacements of `time.monotonic` and `time.sleep`, for tests.
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
        self._store: ReplyStore | None = None
        self._states: dict[int, _ProcessState] = {}  # by process id

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the connection, which holds the key, and what belongs to it."""
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._disconnect()

    def use_store(self, store: ReplyStore) -> None:
        """Read the model's capabilities from a store, and write new ones to it."""
        self._store = store

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request.

        Raises
        ------
        ContextOverflowError
            The request does not fit the model's context.
        RateLimitError, ChatTimeoutError
            There may be too many calls in flight.
        ChatError
            Any other failure.
        """
        start = self.clock()
        state = self._state()
        response = state.probe.call(
            request, lambda capabilities: self._call_with_retries(request, capabilities)
        )
        if isinstance(response, ChatReply):
            return replace(response, seconds=self.clock() - start)
        if response.kind is FailureKind.FILTERED:
            return ChatReply("", "content_filter", model=self.model)
        raise to_exception(
            replace(response, message=_redact(self._key(), response.message)),
            subject=f"{self.model!r} at {self.base_url}",
            variable=self.api_key_env,
            timeout=self.timeout,
            max_tokens=request.max_tokens,
            n_tries=self.max_retries + 1,
            has_answered=state.probe.has_answered,
        )

    def note(self) -> str:
        """Return a sentence on fields that the endpoint refuses; "": none so far."""
        state = self._states.get(os.getpid())
        missing = state.probe.describe_missing() if state is not None else []
        if not missing:
            return ""
        return (
            f"{self.model!r} at {self.base_url} does not accept: {', '.join(missing)}. "
            "Its replies are read all the same."
        )

    def close(self) -> None:
        """Close the connection, as soon as no call is in flight.

        The next request opens another.
        """
        state = self._states.get(os.getpid())
        if state is not None:
            state.connection.close()

    def _state(self) -> _ProcessState:
        """Return this process's connection and probe, made when first needed.

        No lock guards them: a process may be forked while another thread holds it.
        """
        pid = os.getpid()
        if pid not in self._states:
            endpoint = Endpoint.from_address(self.base_url)
            probe = CapabilityProbe(
                f"{self.base_url} {self.model}",
                Capabilities.for_endpoint(endpoint),
                self.temperature,
                self._store,
            )
            connection = Connection(
                lambda: open_client(endpoint, self._key(), self.timeout)
            )
            self._states.setdefault(pid, _ProcessState(connection, probe))
        return self._states[pid]

    def _key(self) -> str:
        """Read the key from the environment; "": there is none."""
        return os.environ.get(self.api_key_env or "", "").strip()

    def _call_with_retries(
        self, request: ChatRequest, capabilities: Capabilities
    ) -> Response:
        """Call until a reply comes, or a failure that a retry does not cure."""
        n_retries = 0
        while True:
            response = self._call_once(request, capabilities)
            if isinstance(response, ChatReply):
                return replace(response, n_retries=n_retries)
            is_last = response.kind not in RETRIED or n_retries == self.max_retries
            probe = self._state().probe
            if is_last or probe.drop_named_field(response, request, capabilities):
                return response
            self.sleep(_choose_delay(n_retries, response.retry_after))
            n_retries += 1

    def _call_once(self, request: ChatRequest, capabilities: Capabilities) -> Response:
        """Make one call, within the time."""
        try:
            with self._state().connection.use() as sdk:
                create = sdk.chat.completions.with_streaming_response.create
                return run_with_deadline(
                    self.timeout, lambda: self._send(create, request, capabilities)
                )
        except TimeoutError:
            return Failure(FailureKind.TIMEOUT, "no complete reply in time")

    def _send(
        self,
        create: Callable[..., Any],
        request: ChatRequest,
        capabilities: Capabilities,
    ) -> Response:
        """Send a request and read the response."""
        failure: Failure | None = None
        try:
            with create(
                model=self.model,
                extra_body=self.extra_body,
                **capabilities.make_fields(request, self.temperature),
            ) as response:
                raw = read_body(response.iter_bytes())
        except Exception as error:  # while reading, the transport's own come through
            failure = parse_exception(error)
        return parse_response(raw, request) if failure is None else failure


def _redact(key: str, message: str) -> str:
    """Remove the key from a message: some endpoints echo it."""
    return message.replace(key, "…") if len(key) >= MIN_KEY_LENGTH else message


def _choose_delay(n_retries: int, retry_after: float | None) -> float:
    """Return seconds until the next try: twice as many each time, with jitter."""
    if retry_after is not None:
        return min(retry_after, MAX_DELAY_S)
    longest = min(FIRST_DELAY_S * 2.0**n_retries, MAX_DELAY_S)
    # Not from a seeded generator: clients that failed together must not retry together.
    return longest * random.SystemRandom().uniform(0.75, 1.0)
