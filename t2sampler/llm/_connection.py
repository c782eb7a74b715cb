"""A connection to an endpoint: how long a call may take, and how large its reply."""

import json
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from t2sampler.llm._endpoint import Endpoint
from t2sampler.llm._responses import Fault, Kind, read_fault

if TYPE_CHECKING:
    import openai

CONNECT_S = 10.0  # a host that answers at all answers sooner
MAX_BYTES = 8 * 2**20  # of a reply; no limit of tokens in use comes near
KINDS = {  # of exceptions, by name, since the transport is httpx or httpx2
    "ConnectError": Kind.UNREACHABLE,
    "ConnectTimeout": Kind.UNREACHABLE,
    "ReadTimeout": Kind.TIMEOUT,
    "WriteTimeout": Kind.TIMEOUT,
    "PoolTimeout": Kind.TIMEOUT,
}

T = TypeVar("T")


class StatusError(Exception):
    """An answer with an error status; its text is not part of what is printed."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers
        self.body = body


class RedirectError(Exception):
    """An answer that points to another host, which was not followed."""


class ReplySizeError(Exception):
    """An answer of more bytes than any reply has."""


class Connection:
    """Share a client of the openai package between calls; open it when it is needed.

    After `close`, or after a call that timed out, further calls open another one. The
    old one is closed when its last call ends; that ends the calls that were given up,
    too, however slowly their bytes come.

    Parameters
    ----------
    make : callable
        Returns a client.
    """

    def __init__(self, make: "Callable[[], openai.OpenAI]") -> None:
        self._make = make
        self._lock = threading.Lock()
        self._current: _Client | None = None

    @contextmanager
    def use(self) -> "Iterator[openai.OpenAI]":
        """Give the client to one call."""
        with self._lock:
            if self._current is None:
                self._current = _Client(self._make())
            client = self._current
            client.n_calls += 1
        try:
            yield client.sdk
        except TimeoutError:
            self._leave(client)
            raise
        finally:
            with self._lock:
                client.n_calls -= 1
                self._close_if_idle(client)

    def close(self) -> None:
        """Close the client as soon as no call uses it."""
        client = self._current
        if client is not None:
            self._leave(client)
            with self._lock:
                self._close_if_idle(client)

    def _leave(self, client: "_Client") -> None:
        with self._lock:
            if self._current is client:
                self._current = None

    def _close_if_idle(self, client: "_Client") -> None:
        if client is not self._current and not client.n_calls:
            client.sdk.close()


class _Client:
    def __init__(self, sdk: "openai.OpenAI") -> None:
        self.sdk = sdk
        self.n_calls = 0


def open_client(endpoint: Endpoint, key: str, timeout: float) -> "openai.OpenAI":
    """Return a client of the openai package; nothing is sent.

    Parameters
    ----------
    endpoint : Endpoint
    key : str
        "": the endpoint asks for none.
    timeout : float
        Seconds until a connection that is silent is closed.
    """
    import openai

    headers: dict[str, Any] = {}
    if not endpoint.is_openai:  # the environment names them for OpenAI
        names = ["OpenAI-Organization", "OpenAI-Project", *_list_custom(endpoint)]
        headers = dict.fromkeys(names, openai.Omit())
        headers["Authorization"] = f"Bearer {key or 'none'}"
    query = None
    if endpoint.api_version:
        query = {"api-version": endpoint.api_version}
        headers |= {"api-key": key} if key else {}
    transport = openai.DefaultHttpxClient(event_hooks={"response": [_check_response]})
    client = openai.OpenAI(
        api_key=key or "none",  # the package wants one
        base_url=endpoint.url,
        default_headers=headers,
        default_query=query,
        timeout=openai.Timeout(timeout, connect=min(CONNECT_S, timeout / 2)),
        max_retries=0,
        http_client=transport,
    )
    weakref.finalize(client, transport.close).atexit = False  # if nobody closes it
    return client


def _list_custom(endpoint: Endpoint) -> list[str]:
    """Return the headers that the package would take from the environment.

    They may hold a key; they are for OpenAI, or for the endpoint that is named there.
    """
    address = os.environ.get("OPENAI_BASE_URL", "")
    if address and Endpoint.from_address(address) == endpoint:
        return []
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
    names = [line.partition(":")[0].strip() for line in lines if ":" in line]
    return [name for name in names if name.lower() != "authorization"]


def run_within(seconds: float, call: Callable[[], T]) -> T:
    """Return what a call returns.

    It runs in a thread of its own, since nothing else bounds all of it: looking the
    host up, headers that come byte by byte.

    Raises
    ------
    TimeoutError
        It takes longer; it goes on, and nobody sees what it returns.
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
    """Read a body of at most `MAX_BYTES`."""
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_BYTES:
            raise ReplySizeError(f"the reply has more than {MAX_BYTES >> 20} MiB")
    return body


def read_exception(error: Exception) -> Fault:
    """Tell what an exception of the client or its transport means.

    Nothing holds on to the exception: it has the request, hence the key.
    """
    chain = _chain(error)
    for link in chain:
        if isinstance(link, StatusError):
            return read_fault(link.status, _decode(link.body), link.headers)
        if isinstance(link, RedirectError):
            return Fault(Kind.MOVED, str(link))
        if isinstance(link, ReplySizeError):
            return Fault(Kind.TRANSIENT, str(link), 200)
    kinds = [KINDS[name] for link in chain if (name := type(link).__name__) in KINDS]
    words = next((str(link) for link in reversed(chain) if str(link)), "no connection")
    return Fault(kinds[0] if kinds else Kind.TRANSIENT, words.rstrip("."))


def _check_response(response: Any) -> None:
    """Refuse a redirect to another host; read what an error says, within bounds."""
    if response.has_redirect_location:
        _check_redirect(response.request.url, response)
    elif not response.is_success:
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = read_body(response.iter_bytes())
        raise StatusError(response.status_code, headers, body)


def _check_redirect(here: Any, response: Any) -> None:
    """Let pass what stays at the same host and port, or goes over to https there."""
    there = here.join(response.headers["location"])
    is_upgrade = (here.scheme, there.scheme) == ("http", "https")
    is_same = is_upgrade or here.scheme == there.scheme
    if not is_same or (here.host, here.port) != (there.host, there.port):
        host = there.netloc.decode("ascii", "replace")
        raise RedirectError(
            f"{response.status_code}: to {host}, which is not followed, since it is "
            "another host"
        )


def _decode(body: bytes) -> Any:
    """Return the JSON of a body, or its text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and what caused it, outermost first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain
