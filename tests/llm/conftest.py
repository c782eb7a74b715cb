"""A scripted endpoint, a client of it, and requests."""

import threading

import pytest
from doubles.scripted_endpoint import Endpoint

from t2sampler.llm import ChatModel
from t2sampler.llm._base import ChatRequest

KEY = "sk-a-key-that-must-not-be-seen"
SCHEMA = {
    "type": "object",
    "properties": {"rows": {"type": "array", "items": {"type": "integer"}}},
    "required": ["rows"],
    "additionalProperties": False,
}


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 0.0
        self.naps = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """Put a key into the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return KEY


@pytest.fixture
def endpoint():
    """Return a server that gives good completions until told otherwise."""
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture
def clock():
    """Return a clock that only sleeping moves."""
    return Clock()


@pytest.fixture
def chat(endpoint):
    """Return settings for the server, which gets the key."""
    return ChatModel(
        "tiny",
        base_url=endpoint.url,
        api_key_env="OPENAI_API_KEY",
        temperature=0.5,
        timeout=60.0,
    )


@pytest.fixture
def client(chat, clock):
    """Return a client whose naps take no time."""
    client = chat.connect()
    client.sleep = clock.sleep
    yield client
    client.close()


@pytest.fixture
def ask(chat):
    """Return a maker of requests."""

    def make(text="Give rows.", **changes):
        messages = (("system", "You write JSON."), ("user", text))
        given = {"schema": SCHEMA, "max_tokens": 50, "seed": 7} | changes
        role = given.pop("role", "worker")
        return ChatRequest(given.pop("chat", chat), role, messages, **given)

    return make


@pytest.fixture
def in_threads():
    """Return a function that calls another with 0, 1, … in as many threads."""

    def run(n_threads, do):
        results, errors = [], []

        def work(i):
            try:
                results.append(do(i))
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(n_threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return results

    return run
