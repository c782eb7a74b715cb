"""Time and size of a call are bounded, whatever the server does."""

import multiprocessing
import os
import socket
import socketserver
import threading
import time
from importlib.metadata import version

import pytest
from doubles.scripted_endpoint import Answer, Endpoint

from t2sampler.exceptions import ChatError
from t2sampler.llm import ChatModel
from t2sampler.llm._connection import MAX_BYTES
from t2sampler.llm._responses import ChatTimeoutError

OK, BAD = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 401 No\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


class Trickle:
    """A server that sends a start, and then the same piece for ever."""

    def __init__(self, start, piece, seconds):
        trickle = self
        self.is_cut = threading.Event()  # by the client

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.recv(65536)
                try:
                    self.request.sendall(start)
                    while True:
                        self.request.sendall(piece)
                        time.sleep(seconds)
                except OSError:
                    trickle.is_cut.set()

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def connect():
    """Return a function that makes clients whose naps take no time."""
    clients = []

    def make(url, **settings):
        clients.append(ChatModel("tiny", base_url=url, **settings).connect())
        clients[-1].sleep = lambda seconds: None
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_silence_is_a_timeout(endpoint, connect, ask):
    endpoint.say(Answer(delay=30))
    client = connect(endpoint.url, timeout=0.2)

    with pytest.raises(ChatTimeoutError, match=r"gave no complete reply within 0\.2 s"):
        client.complete(ask())

    assert len(endpoint.bodies) == 1  # `RateLimitedClient` asks again


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (OK, b"X"),
        (OK, b"X-Header: 1\r\n"),
        (OK + CHUNKED, b"1\r\n{\r\n"),
        (BAD + CHUNKED, b"1\r\n{\r\n"),
        (b"HTTP/1.1 307 T\r\nLocation: /v2\r\n" + CHUNKED, b"1\r\n{\r\n"),
    ],
)
def test_bytes_that_keep_coming_are_no_answer(connect, ask, start, piece):
    with Trickle(start, piece, 0.02) as server:
        client = connect(server.url, timeout=0.3)

        with pytest.raises(ChatTimeoutError):
            client.complete(ask())

        assert server.is_cut.wait(60)  # what was given up does not go on


def test_looking_up_the_host_takes_its_time_too(connect, ask, monkeypatch):
    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: is_over.wait())

    with pytest.raises(ChatTimeoutError):
        connect("http://model.invalid/v1", timeout=0.2).complete(ask())

    is_over.set()


def test_call_that_is_given_up_cuts_no_other(endpoint, connect, ask, in_threads):
    endpoint.answer = lambda body, n: Answer(delay=30 if body["seed"] else 0.05)
    client = connect(endpoint.url, timeout=2.0)
    is_cut = threading.Event()

    def be_cut():
        try:
            with pytest.raises(ChatTimeoutError):
                client.complete(ask(seed=1))
        finally:
            is_cut.set()

    def go_on():
        while not is_cut.is_set():
            assert client.complete(ask(seed=0)).text == "{}"
        assert client.complete(ask(seed=0)).text == "{}"

    in_threads(2, lambda i: go_on() if i else be_cut())


@pytest.mark.parametrize("status", [200, 500])
def test_reply_without_end_is_cut_off(connect, ask, status):
    start = b"HTTP/1.1 %d X\r\n" % status + CHUNKED
    piece = b"%x\r\n" % 2**20 + b"x" * 2**20 + b"\r\n"
    with Trickle(start, piece, 0) as server:
        client = connect(server.url, timeout=60, max_retries=0)

        with pytest.raises(ChatError, match="more than 8 MiB"):
            client.complete(ask())

        assert server.is_cut.wait(60)


def test_reply_of_many_bytes_is_read(endpoint, connect, ask):
    endpoint.say(Answer(body=b" " * (MAX_BYTES - 10) + b'"no"'))

    with pytest.raises(ChatError, match="expected a chat completion"):
        connect(endpoint.url, max_retries=0).complete(ask())


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_to_another_host_is_not_followed(endpoint, connect, ask, status):
    other = Endpoint()
    place = {"Location": f"{other.url}/chat/completions"}
    endpoint.say(Answer(status, b"", headers=place))

    with pytest.raises(ChatError, match="redirects the call") as caught:
        connect(endpoint.url).complete(ask())

    other.close()
    assert other.url.split("/")[2] in str(caught.value)
    assert caught.value.is_fatal
    assert other.bodies == []
    assert len(endpoint.bodies) == 1


@pytest.mark.parametrize("place", ["/v2/chat/completions", "{}/v2/chat/completions"])
def test_redirect_on_the_same_host_is_followed(endpoint, connect, ask, place):
    host = endpoint.url.removesuffix("/v1")
    moved = Answer(307, b"", headers={"Location": place.format(host)})
    endpoint.say(moved, Answer())

    reply = connect(endpoint.url, api_key_env="OPENAI_API_KEY").complete(ask())

    assert reply.text == "{}"
    assert endpoint.keys[0] == endpoint.keys[1] != "Bearer none"


def test_proxy_of_the_environment_is_used(endpoint, connect, ask, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", endpoint.url.removesuffix("/v1"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert connect("http://model.invalid/v1").complete(ask()).text == "{}"


@pytest.fixture
def connections(endpoint, monkeypatch):
    """Return the list of connections that the endpoint accepts."""
    accepted, process = [], endpoint.server.process_request

    def count(request, address):
        accepted.append(address)
        process(request, address)

    monkeypatch.setattr(endpoint.server, "process_request", count)
    return accepted


def test_connection_is_kept_between_calls(endpoint, connections, connect, ask):
    client = connect(endpoint.url)
    for _ in range(3):
        client.complete(ask())

    assert len(connections) == 1


def test_connection_is_left_after_a_timeout(endpoint, connections, connect, ask):
    endpoint.answer = lambda body, n: Answer(delay=30 if n == 1 else 0)
    client = connect(endpoint.url, timeout=2.0)
    with pytest.raises(ChatTimeoutError):
        client.complete(ask())

    client.complete(ask())
    client.complete(ask())

    assert len(connections) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")  # Python 3.12
def test_forked_process_opens_its_own_connection(endpoint, connections, connect, ask):
    client = connect(endpoint.url)
    client.complete(ask())
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    locks = [client._state().connection._lock, client._state().probe._lock]
    for lock in locks:  # as another thread may, at the time of the fork
        lock.acquire()

    child = context.Process(target=lambda: answers.put(client.complete(ask()).text))
    child.start()
    for lock in locks:
        lock.release()
    child.join(60)

    assert child.exitcode == 0
    assert answers.get() == "{}"
    assert len(connections) == 2
    client.complete(ask())
    assert len(connections) == 2  # ours still works


@pytest.mark.parametrize("path", ["/openai/deployments/d", "/openai/deployments/d/"])
def test_azures_version_and_key_go_with_each_call(endpoint, ask, key, path):
    seen = []

    class Handler(endpoint.server.RequestHandlerClass):
        def do_POST(self):
            seen.append((self.path, self.headers["api-key"]))
            super().do_POST()

    endpoint.server.RequestHandlerClass = Handler
    url = endpoint.url.removesuffix("/v1") + f"{path}?api-version=2024-10-21"
    chat = ChatModel("m", base_url=url, api_key_env="OPENAI_API_KEY")
    client = chat.connect()

    client.complete(ask())
    client.close()

    wanted = "/openai/deployments/d/chat/completions?api-version=2024-10-21"
    assert seen == [(wanted, key)]
    assert endpoint.keys == [f"Bearer {key}"]
    assert chat.describe()["endpoint"].endswith("/d?api-version=2024-10-21")


def test_organization_of_the_environment_is_for_openai(
    endpoint, connect, ask, monkeypatch
):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    seen = []

    class Handler(endpoint.server.RequestHandlerClass):
        def do_POST(self):
            seen.append(self.headers["OpenAI-Organization"])
            super().do_POST()

    endpoint.server.RequestHandlerClass = Handler

    connect(endpoint.url).complete(ask())

    assert seen == [None]


@pytest.mark.parametrize("is_named", [False, True])
def test_custom_headers_of_the_environment_go_where_it_points(
    endpoint, connect, ask, monkeypatch, is_named
):
    """They may hold a key; another endpoint gets neither them nor the key."""
    headers = "authorization: Bearer sk-SECRET\nX-Gateway: secret"
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", headers)
    if is_named:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    seen = []

    class Handler(endpoint.server.RequestHandlerClass):
        def do_POST(self):
            seen.append(self.headers["X-Gateway"])
            super().do_POST()

    endpoint.server.RequestHandlerClass = Handler

    connect(endpoint.url).complete(ask())

    is_read = tuple(map(int, version("openai").split(".")[:2])) >= (2, 34)
    assert seen == ["secret" if is_named and is_read else None]
    assert "Bearer sk-SECRET" not in endpoint.keys
