"""Each question is asked once, by all threads and processes, and its reply kept."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from doubles.scripted_endpoint import Answer, completion

from t2sampler.exceptions import ChatError, GeneratorError, ReplayError
from t2sampler.llm import _sqlite
from t2sampler.llm._base import ChatReply, Usage
from t2sampler.llm._cache import CachedClient, ReplyStore
from t2sampler.llm._session import open_session

ASKER = """
import sys, threading
from t2sampler.llm import ChatModel
from t2sampler.llm._base import ChatRequest
from t2sampler.llm._session import open_session

url, path, n_threads, n_questions = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
chat = ChatModel("tiny", base_url=url)
session = open_session(store=path)

def work():
    for i in range(n_questions):
        session.complete(ChatRequest(chat, "worker", (("user", f"question {i}"),)))

threads = [threading.Thread(target=work) for _ in range(n_threads)]
for thread in threads:
    thread.start()
print("ready", flush=True)
for thread in threads:
    thread.join()
session.close()
"""
REPLY = ChatReply("{}", "length", Usage(4, 3, 2), "served", "fp", 1.5)


class Clock:
    """A clock that a test moves."""

    now = 1e9

    def __call__(self):
        return self.now


class Counting:
    """A client that answers or fails as told, and counts."""

    def __init__(self, outcome=REPLY):
        self.outcome = outcome
        self.n_calls = 0

    def complete(self, request):
        self.n_calls += 1
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@pytest.fixture
def path(tmp_path):
    """Return where a store may be made."""
    return tmp_path / "cache" / "store.sqlite"


@pytest.fixture
def store(path):
    """Return a store."""
    store = ReplyStore(path)
    yield store
    store.close()


def start_asker(endpoint, path, n_threads, n_questions):
    """Start a process that asks questions through a session."""
    arguments = [endpoint.url, path, n_threads, n_questions]
    process = subprocess.Popen(
        [sys.executable, "-c", ASKER, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    return process


def test_reply_comes_back_as_it_was(store, ask):
    client = Counting()
    cached = CachedClient(client, store)

    first, second = cached.complete(ask()), cached.complete(ask())

    assert client.n_calls == 1
    assert first == REPLY
    assert second.is_stored
    assert (second.text, second.finish_reason) == ("{}", "length")
    assert (second.usage, second.fingerprint) == (REPLY.usage, "fp")


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Other."},
        {"schema": None},
        {"schema": {"type": "object"}},
        {"max_tokens": 51},
        {"seed": 8},
        {"seed": None},
        {"attempt": 1},
    ],
)
def test_another_question_is_another_key(store, ask, change):
    cached = CachedClient(Counting(), store)

    assert cached.key(ask()) != cached.key(ask(**change))


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"temperature": 0.6}, False),
        ({"model": "other"}, False),
        ({"base_url": "http://localhost:1/v1"}, False),
        ({"extra_body": {"a": 1}}, False),
        ({"timeout": 9.0, "max_retries": 0, "max_concurrency": 2}, True),
        ({"prices": {"input": 1.0, "output": 1.0}}, True),
    ],
)
def test_what_makes_the_answer_is_in_the_key(store, ask, chat, change, is_same):
    cached = CachedClient(Counting(), store)
    other = type(chat)(**(chat.get_params() | change))

    assert (cached.key(ask()) == cached.key(ask(chat=other))) is is_same


def test_role_is_not_in_the_key(store, ask):
    cached = CachedClient(Counting(), store)

    assert cached.key(ask()) == cached.key(ask(role="label"))


def test_failures_are_not_stored(store, ask):
    client = Counting(ChatError("no"))
    cached = CachedClient(client, store)
    for _ in range(2):
        with pytest.raises(ChatError, match=r"^no$"):
            cached.complete(ask())
    client.outcome = REPLY

    cached.complete(ask())

    assert client.n_calls == 3
    assert store.describe()["replies"] == 1


def test_interrupt_keeps_replies_and_releases_the_claim(store, ask):
    client = Counting()
    cached = CachedClient(client, store)
    cached.complete(ask(seed=8))
    client.outcome = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        cached.complete(ask())

    assert CachedClient(Counting(), store, "replay").complete(ask(seed=8)).is_stored
    assert CachedClient(Counting(), store).complete(ask()) == REPLY


def test_replay_calls_nobody_and_says_what_to_do(store, ask):
    client = Counting()
    CachedClient(client, store).complete(ask())
    replay = CachedClient(client, store, "replay")

    assert replay.complete(ask()).is_stored
    with pytest.raises(ReplayError, match=r"does not hold.*Run once with mode='live'"):
        replay.complete(ask(seed=8))
    assert client.n_calls == 1


NO_ANSWERS = [
    ChatReply(" "),
    ChatReply("", "length"),
    ChatReply("half", "content_filter"),
    ChatReply("I cannot.", "refusal"),
    ChatReply("half", "error"),
]


@pytest.mark.parametrize("reply", NO_ANSWERS)
def test_reply_that_answers_nothing_is_asked_for_by_the_next_run(store, ask, reply):
    first, later = Counting(reply), Counting(REPLY)
    run = CachedClient(first, store)
    given = [run.complete(ask()).text for _ in range(2)]  # one reply per run

    replayed = CachedClient(later, store, "replay").complete(ask())
    asked_again = CachedClient(later, store).complete(ask())
    kept = CachedClient(Counting(), store, "replay").complete(ask())

    assert given == [reply.text, reply.text]
    assert first.n_calls == 1
    assert (replayed.text, replayed.finish_reason) == (reply.text, reply.finish_reason)
    assert asked_again == REPLY
    assert kept.text == REPLY.text


def test_failure_to_ask_again_keeps_the_old_reply_for_replays(store, ask):
    CachedClient(Counting(ChatReply("")), store).complete(ask())
    with pytest.raises(ChatError):
        CachedClient(Counting(ChatError("no")), store).complete(ask())

    assert CachedClient(Counting(), store, "replay").complete(ask()).text == ""


@pytest.mark.parametrize("n_runs", [1, 2])  # 2: as in two processes
def test_those_who_ask_at_once_share_a_reply_that_answers_nothing(
    *, store, ask, in_threads, n_runs, wait_until, monkeypatch
):
    CachedClient(Counting(ChatReply("")), store).complete(ask())  # of an earlier run
    begun, claims, claim = [], [], store.claim

    def note_claim(*args):
        claims.append(claim(*args))
        return claims[-1]

    class Slow(Counting):
        def complete(self, request):
            wait_until(lambda: len(begun) == 6 and claims.count(False) >= n_runs - 1)
            return super().complete(request)

    monkeypatch.setattr(store, "claim", note_claim)
    client = Slow(ChatReply("", "content_filter"))
    runs = [CachedClient(client, store) for _ in range(n_runs)]

    def complete(i):
        begun.append(i)
        return runs[i % n_runs].complete(ask())

    replies = in_threads(6, complete)

    assert client.n_calls == 1
    assert {reply.finish_reason for reply in replies} == {"content_filter"}


def test_threads_of_one_process_share_one_answer(endpoint, chat, path, ask, in_threads):
    endpoint.answer = lambda body, n: Answer(delay=0.1)
    session = open_session(store=path)

    replies = in_threads(12, lambda i: session.complete(ask(seed=i % 3)))

    (counts,) = session.usage()
    session.close()
    assert len(endpoint.bodies) == 3
    assert sum(reply.is_stored for reply in replies) == 9
    assert (counts["calls"], counts["stored"]) == (3, 9)


def test_two_processes_ask_each_question_once(endpoint, path):
    endpoint.answer = lambda body, n: Answer(delay=0.01)

    processes = [start_asker(endpoint, path, 8, 50) for _ in range(2)]

    assert [process.wait() for process in processes] == [0, 0]
    asked = [body["messages"][0]["content"] for body in endpoint.bodies]
    assert sorted(asked) == sorted(f"question {i}" for i in range(50))
    for process in processes:
        process.stdout.close()


def test_killed_owners_question_is_taken_over(
    *, endpoint, chat, path, ask, wait_until, monkeypatch
):
    monkeypatch.setattr(_sqlite, "MAX_SILENCE_S", 0.5)
    endpoint.answer = lambda body, n: Answer(delay=0 if n > 1 else 30)
    process = start_asker(endpoint, path, 1, 1)
    wait_until(lambda: endpoint.bodies)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    session = open_session(store=path)
    request = ask(schema=None, seed=None, max_tokens=1024)
    request = type(request)(
        type(chat)("tiny", base_url=endpoint.url), "worker", (("user", "question 0"),)
    )
    session.complete(request)

    session.close()
    assert len(endpoint.bodies) == 2


def test_living_owner_is_waited_for_however_long(path, ask, wait_until, monkeypatch):
    """A claim is good for as long as its owner's heart beats."""
    monkeypatch.setattr(_sqlite, "HEARTBEAT_S", 0.01)
    clock = Clock()
    store, other = ReplyStore(path, clock=clock), ReplyStore(path, clock=clock)
    key = CachedClient(Counting(), store).key(ask())
    assert store.claim(key) is True

    clock.now += 1000
    wait_until(lambda: find_beats(other) == [clock.now])

    assert other.claim(key) is False
    store.save(key, REPLY)
    assert other.claim(key).text == "{}"
    other.close()
    store.close()


def find_beats(store):
    """Return when each owner of claims beat last."""
    with store.file.read() as connection:
        return [beat for (beat,) in connection.execute("SELECT beat FROM owners")]


def test_claim_of_an_owner_that_beats_no_more_is_free(path, ask):
    clock = Clock()
    store, other = ReplyStore(path, clock=clock), ReplyStore(path, clock=clock)
    key = CachedClient(Counting(), store).key(ask())
    store.claim(key)

    clock.now += _sqlite.MAX_SILENCE_S
    assert other.claim(key) is False
    clock.now += 0.1
    assert other.claim(key) is True

    other.release(key)
    other.close()
    store.close()


def test_killed_run_keeps_what_was_answered(endpoint, path, wait_until):
    endpoint.answer = lambda body, n: Answer(delay=0 if n <= 3 else 30)
    process = start_asker(endpoint, path, 1, 10)
    wait_until(lambda: len(endpoint.bodies) == 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    store = ReplyStore(path)
    n_kept = store.describe()["replies"]
    store.close()

    assert n_kept == 3


def test_closed_line_keeps_answers_of_calls_in_flight(endpoint, path, ask, wait_until):
    endpoint.answer = lambda body, n: Answer(delay=0.4)
    session = open_session(store=path)
    thread = threading.Thread(target=session.complete, args=(ask(),))
    thread.start()
    wait_until(lambda: endpoint.bodies)

    session.close()
    thread.join()

    with closing(open_session(store=path, mode="replay")) as replay:
        assert replay.complete(ask()).is_stored
    with pytest.raises(ChatError, match="was closed"):
        session.complete(ask(seed=8))
    session.close()


def test_files_are_the_users_own(store, path, ask):
    CachedClient(Counting(), store).complete(ask())

    files = sorted(path.parent.iterdir())

    assert [file.name for file in files] == [
        "store.sqlite",
        "store.sqlite-shm",
        "store.sqlite-wal",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_mode_of_an_older_file_is_put_right(path, ask):
    ReplyStore(path).find("x")
    path.chmod(0o644)

    store = ReplyStore(path)
    store.save_capabilities("a", "b")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.close()


def foreign_database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b"hello, world\n" * 100),
        foreign_database,
        lambda path: path.mkdir(),
    ],
)
def test_file_that_is_no_store_is_left_alone(path, ask, make):
    path.parent.mkdir()
    make(path)
    before = None if path.is_dir() else path.read_bytes()
    store = ReplyStore(path)

    with pytest.raises(GeneratorError, match="Give another path as `store`") as caught:
        store.find("x")

    assert str(path) in str(caught.value)
    assert path.is_dir() or path.read_bytes() == before


def test_broken_file_is_one_clear_sentence(path, ask):
    store = ReplyStore(path)
    for i in range(200):
        store.save(f"{i}", ChatReply("x" * 500))
    store.close()
    raw = bytearray(path.read_bytes())
    raw[8192:] = os.urandom(len(raw) - 8192)
    path.write_bytes(raw)

    with pytest.raises(GeneratorError, match="delete the file if it is broken"):
        [store.find(f"{i}") for i in range(200)]

    store.close()


def test_store_can_be_cleared(store, ask):
    cached = CachedClient(Counting(ChatReply("a very telling text")), store)
    cached.complete(ask())
    store.save_capabilities("endpoint", "capabilities")

    assert store.clear() == 1

    assert store.describe()["replies"] == 0
    assert store.find_capabilities("endpoint") is None
    assert b"telling" not in store.file.path.read_bytes()


def test_description_counts(store, ask):
    CachedClient(Counting(), store).complete(ask())

    facts = store.describe()

    assert facts["replies"] == 1
    assert (facts["input_tokens"], facts["output_tokens"]) == (4, 3)
    assert facts["bytes"] > 0


def test_capabilities_are_forgotten_after_a_week(path):
    now = [0.0]
    store = ReplyStore(path, clock=lambda: now[0])
    store.save_capabilities("endpoint", "capabilities")
    now[0] = 6 * 86_400
    assert store.find_capabilities("endpoint") == "capabilities"

    now[0] = 8 * 86_400

    assert store.find_capabilities("endpoint") is None
    store.close()


def test_no_prompt_and_no_key_is_kept(endpoint, path, ask, key):
    endpoint.say(Answer(body=completion('{"rows": [17]}')))
    session = open_session(store=path)
    session.complete(ask("The patient is called Rumpelstilzchen."))

    raw = b"".join(file.read_bytes() for file in path.parent.iterdir())
    session.close()

    assert b"[17]" in raw
    assert b"Rumpelstilzchen" not in raw
    assert key.encode() not in raw
