"""The pool asks as much at once as the endpoint bears, and waits as one."""

import threading

import pytest
from scripted_endpoint import Answer, refusal

from t2sampler.exceptions import ChatError
from t2sampler.llm._base import ChatReply
from t2sampler.llm._faults import RateLimited
from t2sampler.llm._gate import Gate
from t2sampler.llm._pool import Pool


class Script:
    """A client that raises or returns what it is given, the last one for ever."""

    def __init__(self, *outcomes):
        self.outcomes = outcomes
        self.n_calls = 0

    def complete(self, request):
        self.n_calls += 1
        outcome = self.outcomes[min(self.n_calls, len(self.outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def slow_down(seconds=None):
    return RateLimited("too many (429).", seconds)


def test_limit_starts_at_sixteen_and_grows_by_one_per_success():
    gate = Gate(64)

    for _ in range(16):
        gate.report_success()

    assert gate.limit == 32  # a round trip of 16 calls doubled it
    for _ in range(99):
        gate.report_success()
    assert gate.limit == 64


def test_limit_halves_once_per_burst_and_then_grows_slowly():
    gate = Gate(16)

    assert [gate.report_refusal(0) for _ in range(5)] == [True] + 4 * [False]

    assert gate.limit == 8
    for _ in range(8):
        gate.report_success()
    assert 8.9 < gate.limit <= 9
    for epoch in range(1, 9):
        gate.report_refusal(epoch)
    assert gate.limit == 1


def test_ceiling_below_sixteen_is_kept():
    assert Gate(3).limit == 3


@pytest.mark.parametrize("seconds", [3.0, 300.0])
def test_order_to_wait_is_obeyed(ask, clock, seconds):
    client = Script(slow_down(seconds), ChatReply("{}"))
    pool = Pool(client, 16, clock=clock, sleep=clock.sleep)

    reply = pool.complete(ask())

    assert clock.now == pytest.approx(seconds)
    assert reply.n_retries == 1


def test_waits_double_where_no_time_is_named(ask, clock):
    client = Script(*3 * [slow_down()], ChatReply("{}"))
    pool = Pool(client, 16, clock=clock, sleep=clock.sleep)

    pool.complete(ask())

    assert clock.now == pytest.approx(1 + 2 + 4)
    assert pool.gate.limit == pytest.approx(2, abs=0.6)  # 16, halved three times


def test_refusals_without_end_end(ask, clock):
    client = Script(slow_down())
    pool = Pool(client, 16, clock=clock, sleep=clock.sleep)

    with pytest.raises(ChatError, match=r"too many \(429\).*Run again later") as caught:
        pool.complete(ask())

    assert caught.value.is_fatal
    assert client.n_calls == 8
    assert clock.now < 200


def test_order_to_wait_for_hours_ends_at_once(ask, clock):
    client = Script(slow_down(8 * 3600.0))
    pool = Pool(client, 16, clock=clock, sleep=clock.sleep)

    with pytest.raises(ChatError, match="Run again later") as caught:
        pool.complete(ask())

    assert caught.value.is_fatal
    assert clock.now == 0


def test_other_errors_pass(ask):
    pool = Pool(Script(ChatError("no")), 16)

    with pytest.raises(ChatError, match=r"^no$"):
        pool.complete(ask())


def test_all_calls_wait_together(ask, clock):
    """One refusal holds back calls that were not refused themselves."""
    client = Script(slow_down(50.0), ChatReply("{}"))
    pool = Pool(client, 16, clock=clock, sleep=clock.sleep)
    pool.complete(ask())
    start = clock.now
    pool._not_before = start + 5

    pool.complete(ask())

    assert clock.now == pytest.approx(start + 5)


def test_closed_pool_asks_nobody(ask):
    client = Script(ChatReply("{}"))
    pool = Pool(client, 16)

    pool.close()

    with pytest.raises(ChatError, match="closed"):
        pool.complete(ask())
    assert client.n_calls == 0


def test_calls_in_flight_grow_to_the_ceiling(endpoint, chat, ask, in_threads):
    endpoint.answer = lambda body, n: Answer(delay=0.3)
    client = chat.connect()
    pool = Pool(client, 64)

    in_threads(112, lambda i: pool.complete(ask(seed=i)))  # 16, 32, 64

    client.close()
    assert pool.gate.limit == 64
    assert 33 <= endpoint.most_inside <= 64


def test_burst_of_refusals_is_one_cool_down(endpoint, chat, ask, in_threads, clock):
    """An endpoint that takes 5 at a time gets all answered in the end."""
    inside = threading.Semaphore(5)

    def answer(body, n):
        if inside.acquire(blocking=False):
            threading.Timer(0.05, inside.release).start()
            return Answer(delay=0.05)
        return refusal("Slow down", 429, headers={"Retry-After": "0.1"})

    endpoint.answer = answer
    client = chat.connect()
    pool = Pool(client, 16)

    replies = in_threads(30, lambda i: pool.complete(ask(seed=i)))

    client.close()
    assert len(replies) == 30
    assert pool.gate.limit < 16
