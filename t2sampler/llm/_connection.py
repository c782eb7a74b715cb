"""Connections of the openai package, which is imported here only, when first used."""

import json
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from t2sampler.llm._endpoint import Endpoint
from t2sampler.llm._responses import Failure, FailureKind, parse_failure

if TYPE_CHECKING:
    import openai

CONNECT_S = 10.0  # a host that answers at all answers sooner
MAX_BYTES = 8 * 2**20  # of a response; far above any limit of tokens in use
KINDS = {  # by the exception's name, since the transport is httpx or httpx2
    "ConnectError": FailureKind.UNREACHABLE,
    "ConnectTimeout": FailureKind.UNREACHABLE,
    "ReadTimeout": FailureKind.TIMEOUT,
    "WriteTimeout": FailureKind.TIMEOUT,
    "PoolTimeout": FailureKind.TIMEOUT,
}

T = TypeVar("T")


class ResponseError(Exception):
    """Carries a failure through the openai package, which wraps it.

    Its own message stays short: a response may echo the key, and tracebacks show it.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.kind.name)
        self.failure = failure


class Connection:
    """A client of the openai package that calls share; opened at the first call.

    After `close`, or after a call that timed out, the next call opens a new client.
    The old one is closed when its last call ends. That also cuts off calls that were
    given up, however slowly their bytes come.

    Parameters
    ----------
    make_client : callable
        Returns a client of the openai package.
    """

    def __init__(self, make_client: "Callable[[], openai.OpenAI]") -> None:
        self._make_client = make_client
        self._lock = threading.Lock()
        self._current: _OpenClient | None = None

    @contextmanager
    def use(self) -> "Iterator[openai.OpenAI]":
        """Lend the client to one call."""
        with self._lock:
            if self._current is None:
                self._current = _OpenClient(self._make_client())
            client = self._current
            client.n_calls += 1
        try:
            yield client.sdk
        except TimeoutError:
            self._abandon(client)
            raise
        finally:
            with self._lock:
                client.n_calls -= 1
                self._close_if_idle(client)

    def close(self) -> None:
        """Close the client as soon as no call uses it."""
        client = self._current
        if client is not None:
            self._abandon(client)
            with self._lock:
                self._close_if_idle(client)

    def _abandon(self, client: "_OpenClient") -> None:
        """Let the next call open a new client."""
        with self._lock:
            if self._current is client:
                self._current = None

    def _close_if_idle(self, client: "_OpenClient") -> None:
        if client is not self._current and not client.n_calls:
            client.sdk.close()


@dataclass(eq=False)
class _OpenClient:
    sdk: "openai.OpenAI"
    n_calls: int = 0  # in flight


def open_client(endpoint: Endpoint, key: str, timeout: float) -> "openai.OpenAI":
    """Return a client of the openai package; it sends nothing yet.

    Parameters
    ----------
    endpoint : Endpoint
    key : str
        "": the endpoint needs none.
    timeout : float
        Seconds until a silent connection is closed.
    """
    import openai

    headers: dict[str, Any] = {}
    if not endpoint.is_openai:
        # The package reads these from the environment, where they are meant for OpenAI.
        names = ["OpenAI-Organization", "OpenAI-Project", *_custom_headers(endpoint)]
        headers = dict.fromkeys(names, openai.Omit())
        headers["Authorization"] = f"Bearer {key or 'none'}"
    query = None
    if endpoint.api_version:
        query = {"api-version": endpoint.api_version}
        headers |= {"api-key": key} if key else {}
    transport = openai.DefaultHttpxClient(event_hooks={"response": [_check_response]})
    client = openai.OpenAI(
        api_key=key or "none",  # the package insists on a key
        base_url=endpoint.url,
        default_headers=headers,
        default_query=query,
        timeout=openai.Timeout(timeout, connect=min(CONNECT_S, timeout / 2)),
        max_retries=0,  # `RateLimitedClient` must see each 429
        http_client=transport,
    )
    weakref.finalize(client, transport.close).atexit = False  # if not closed before
    return client


def _custom_headers(endpoint: Endpoint) -> list[str]:
    """Return names of headers in the environment that this endpoint must not get.

    They may hold a key, and are meant for OpenAI or the endpoint that the environment
    names.
    """
    address = os.environ.get("OPENAI_BASE_URL", "")
    if address and Endpoint.from_address(address) == endpoint:
        return []
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
    names = [line.partition(":")[0].strip() for line in lines if ":" in line]
    return [name for name in names if name.lower() != "authorization"]


def run_with_deadline(seconds: float, call: Callable[[], T]) -> T:
    """Return what a call returns.

    It runs in a thread of its own, since the transport's timeouts do not bound all of
    it: looking up the host, or headers that come byte by byte.

    Raises
    ------
    TimeoutError
        The call takes longer. Its thread goes on, and its result is dropped.
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future.result(min(seconds, threading.TIMEOUT_MAX))


def read_body(chunks: Iterable[bytes]) -> bytes:
    """Read a response's body, of at most `MAX_BYTES`."""
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_BYTES:
            message = f"the response has more than {MAX_BYTES >> 20} MiB"
            raise ResponseError(Failure(FailureKind.TRANSIENT, message, 200))
    return body


def parse_exception(error: Exception) -> Failure:
    """Return the failure that an exception of the package or its transport means.

    No reference to the exception is kept: it holds the request, hence the key.
    """
    chain = _list_causes(error)
    for link in chain:
        if isinstance(link, ResponseError):
            return link.failure
    kinds = [KINDS[name] for link in chain if (name := type(link).__name__) in KINDS]
    message = next((str(x) for x in reversed(chain) if str(x)), "no connection")
    return Failure(kinds[0] if kinds else FailureKind.TRANSIENT, message.rstrip("."))


def _check_response(response: Any) -> None:
    """Raise for a redirect to another host, and for an error status."""
    if response.has_redirect_location:
        _check_redirect(response.request.url, response)
    elif not response.is_success:
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = _decode(read_body(response.iter_bytes()))
        raise ResponseError(parse_failure(response.status_code, body, headers))


def _check_redirect(source: Any, response: Any) -> None:
    """Raise unless a redirect stays at the same host and port, or upgrades to https.

    The next request would carry the key to wherever the redirect points.
    """
    target = source.join(response.headers["location"])
    is_upgrade = (source.scheme, target.scheme) == ("http", "https")
    is_same = is_upgrade or source.scheme == target.scheme
    if not is_same or (source.host, source.port) != (target.host, target.port):
        host = target.netloc.decode("ascii", "replace")
        message = (
            f"{response.status_code}: to the other host {host}, which is not followed"
        )
        raise ResponseError(Failure(FailureKind.REDIRECTED, message))


def _decode(body: bytes) -> Any:
    """Return a body as JSON, or else as text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _list_causes(error: BaseException | None) -> list[BaseException]:
    """Return an exception and its causes, outermost first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain
