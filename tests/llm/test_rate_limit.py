"""Calls in flight are limited to what the endpoint can handle, and wait together."""

import contextlib
import threading
import time

import pytest
from doubles.scripted_endpoint import Answer, refusal

from t2sampler.exceptions import ChatError
from t2sampler.llm._base import ChatReply
from t2sampler.llm._rate_limit import ConcurrencyLimit, RateLimitedClient
from t2sampler.llm._responses import ChatTimeoutError, RateLimitError


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
    return RateLimitError("too many (429).", seconds)


def too_late():
    return ChatTimeoutError("no answer.")


def play_round(concurrency, clock, seconds):
    """Fill all slots of a server that takes so long for a round, and answer all."""
    with contextlib.ExitStack() as calls:
        for _ in range(concurrency.limit):
            calls.enter_context(concurrency.slot())
        concurrency._n_waiting = 1  # somebody else would like to
        clock.sleep(seconds)
        for _ in range(concurrency.limit):
            concurrency.record_answer()
        concurrency._n_waiting = 0


def test_limit_grows_while_that_brings_more_answers(clock):
    concurrency, limits = ConcurrencyLimit(64, clock), []
    for _ in range(6):
        limits.append(concurrency.limit)
        play_round(concurrency, clock, 1.0)  # however many

    assert limits == [4, 16, 64, 64, 64, 64]


def test_limit_goes_back_where_that_does_not_pay(clock):
    """A server that works on one call at a time takes a second for each."""
    concurrency, limits = ConcurrencyLimit(64, clock), []
    for _ in range(14):
        limits.append(concurrency.limit)
        play_round(concurrency, clock, concurrency.limit)

    assert limits == [4, 16, 16, 4, 4, 4, 16, 16, 4, 4, 4, 4, 4, 16]


def test_limit_does_not_grow_when_nobody_waits(clock):
    concurrency = ConcurrencyLimit(64, clock)
    for _ in range(9):
        with concurrency.slot():
            clock.sleep(1)
            concurrency.record_answer()

    assert concurrency.limit == 4


def test_limit_halves_once_per_burst(clock):
    concurrency = ConcurrencyLimit(16, clock)
    concurrency.limit = 16

    assert [concurrency.record_refusal(0) for _ in range(5)] == [True] + 4 * [False]

    assert concurrency.limit == 8
    play_round(concurrency, clock, 1.0)
    assert concurrency.limit == 8  # and stays for a while
    for epoch in range(1, 9):
        concurrency.record_refusal(epoch)
    assert concurrency.limit == 1


def test_ceiling_below_the_first_limit_is_kept():
    assert ConcurrencyLimit(3).limit == 3


def test_timeout_beside_others_halves_the_limit_and_is_not_counted(clock):
    concurrency = ConcurrencyLimit(16, clock)
    with concurrency.slot() as first, concurrency.slot() as second:
        assert concurrency.record_timeout(first)
        assert concurrency.record_timeout(second)  # of the same burst

    assert concurrency.limit == 2


def test_timeout_of_a_call_alone_is_its_own_fault(clock):
    concurrency = ConcurrencyLimit(16, clock)
    with concurrency.slot() as call:
        assert not concurrency.record_timeout(call)

    assert concurrency.limit == 4


def test_timeout_while_all_others_are_answered_is_its_own_fault(clock):
    concurrency = ConcurrencyLimit(16, clock)
    with concurrency.slot() as slow:
        for _ in range(9):
            with concurrency.slot():
                concurrency.record_answer()
        assert not concurrency.record_timeout(slow)

    assert concurrency.limit == 4


@pytest.mark.parametrize("seconds", [3.0, 300.0])
def test_retry_after_is_obeyed(ask, clock, seconds):
    client = Script(slow_down(seconds), ChatReply("{}"))
    limited = RateLimitedClient(client, 16, clock=clock, sleep=clock.sleep)

    reply = limited.complete(ask())

    assert clock.now == pytest.approx(seconds)
    assert reply.n_retries == 1


def test_waits_double_where_no_time_is_named(ask, clock):
    client = Script(*3 * [slow_down()], ChatReply("{}"))
    limited = RateLimitedClient(client, 16, clock=clock, sleep=clock.sleep)

    limited.complete(ask())

    assert clock.now == pytest.approx(1 + 2 + 4)
    assert limited.concurrency.limit == 1  # 4, halved three times


def test_lasting_refusals_end(ask, clock):
    client = Script(slow_down())
    limited = RateLimitedClient(client, 16, clock=clock, sleep=clock.sleep)

    with pytest.raises(ChatError, match=r"too many \(429\).*Run again later") as caught:
        limited.complete(ask())

    assert caught.value.is_fatal
    assert 1800 < clock.now < 1900


def test_named_times_are_waited_for_however_many(ask, clock):
    client = Script(*20 * [slow_down(80.0)], ChatReply("{}"))
    limited = RateLimitedClient(client, 16, clock=clock, sleep=clock.sleep)

    reply = limited.complete(ask())

    assert reply.n_retries == 20
    assert clock.now == pytest.approx(1600)


def test_time_of_refusals_is_counted_anew_after_each_answer(ask, clock):
    script = 2 * [*15 * [slow_down(100.0)], ChatReply("{}")]
    limited = RateLimitedClient(Script(*script), 16, clock=clock, sleep=clock.sleep)

    assert [limited.complete(ask()).n_retries for _ in range(2)] == [15, 15]


def test_call_that_times_out_alone_is_retried_so_often(ask, clock):
    client = Script(ChatReply("{}"), too_late())
    limited = RateLimitedClient(
        client, 16, max_retries=2, clock=clock, sleep=clock.sleep
    )
    limited.complete(ask())

    with pytest.raises(
        ChatError, match=r"no answer.*3 times in a row.*Raise `timeout`"
    ) as e:
        limited.complete(ask())

    assert client.n_calls == 4
    assert not e.value.is_fatal


def test_endpoint_that_never_answers_is_dead(ask, clock):
    limited = RateLimitedClient(
        Script(too_late()), 16, max_retries=3, clock=clock, sleep=clock.sleep
    )

    with pytest.raises(ChatError, match="failed 4 times in a row") as caught:
        limited.complete(ask())

    assert caught.value.is_fatal


class TwoSlots:
    """A server at which a call times out that comes beside two others."""

    def __init__(self):
        self.n_inside = self.n_late = 0
        self.lock = threading.Lock()

    def complete(self, request):
        with self.lock:
            self.n_inside += 1
            is_late = self.n_inside > 2
            self.n_late += is_late
        time.sleep(0.02)
        with self.lock:
            self.n_inside -= 1
        if is_late:
            raise too_late()
        return ChatReply("{}")


@pytest.mark.parametrize("max_retries", [0, 3])
def test_server_with_few_slots_answers_all(ask, in_threads, max_retries):
    server = TwoSlots()
    limited = RateLimitedClient(server, 16, max_retries=max_retries)

    replies = in_threads(16, lambda i: limited.complete(ask(seed=i)))

    assert len(replies) == 16
    assert server.n_late < 16


def test_retry_after_of_hours_ends_at_once(ask, clock):
    client = Script(slow_down(8 * 3600.0))
    limited = RateLimitedClient(client, 16, clock=clock, sleep=clock.sleep)

    with pytest.raises(ChatError, match="Run again later") as caught:
        limited.complete(ask())

    assert caught.value.is_fatal
    assert clock.now == 0


def test_other_errors_pass(ask):
    limited = RateLimitedClient(Script(ChatError("no")), 16)

    with pytest.raises(ChatError, match=r"^no$"):
        limited.complete(ask())


def test_all_calls_wait_together(ask, clock):
    """One refusal holds back calls that were not refused themselves."""
    client = Script(slow_down(50.0), ChatReply("{}"))
    limited = RateLimitedClient(client, 16, clock=clock, sleep=clock.sleep)
    limited.complete(ask())
    start = clock.now
    limited._not_before = start + 5

    limited.complete(ask())

    assert clock.now == pytest.approx(start + 5)


def test_closed_client_calls_nobody(ask):
    client = Script(ChatReply("{}"))
    limited = RateLimitedClient(client, 16)

    limited.close()

    with pytest.raises(ChatError, match="closed"):
        limited.complete(ask())
    assert client.n_calls == 0


@pytest.mark.parametrize("limit", [4, 64])
def test_as_many_calls_are_in_flight_as_the_limit_lets_in(ask, in_threads, limit):
    """Each of them waits for all others."""
    all_inside = threading.Barrier(limit, timeout=60)

    class Crowd:
        def complete(self, request):
            all_inside.wait()
            return ChatReply("{}")

    limited = RateLimitedClient(Crowd(), 64)
    limited.concurrency.limit = limit

    assert len(in_threads(limit, lambda i: limited.complete(ask(seed=i)))) == limit


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
    limited = RateLimitedClient(client, 16)

    replies = in_threads(30, lambda i: limited.complete(ask(seed=i)))

    client.close()
    assert len(replies) == 30
    assert limited.concurrency.limit < 16
