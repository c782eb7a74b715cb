"""How many calls may be in flight: more while that pays, half where it is too many."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from t2sampler.exceptions import ChatError
from t2sampler.llm._base import ChatClient, ChatReply, ChatRequest
from t2sampler.llm._responses import RateLimited, TimedOut

FIRST_LIMIT = 4  # a server that works on one call at a time bears so many
GROWTH = 4  # of the limit on trial: 64 calls are reached in two rounds
MIN_GAIN = 0.25  # of throughput, for each time the old limit that the new one has more
N_TRIAL_ROUNDS = 2  # the first may pay for opening connections
FIRST_PAUSE, LONGEST_PAUSE = 2, 64  # rounds until the next try after one that failed


@dataclass(eq=False)
class Call:
    """A call in flight, and what was the case when it began.

    Attributes
    ----------
    epoch, n_answers, limit : int
        Those of the gate.
    has_company : bool
        Whether another was in flight at any time beside it.
    """

    epoch: int
    n_answers: int
    limit: int
    has_company: bool


class Gate:
    """Let calls through, at most as many at a time as the endpoint seems to bear.

    The limit starts low. A round is as many answers as the limit, counted from when so
    many calls are in flight. After a round the limit is raised on trial. It is kept if
    the answers per second grew clearly in one of two rounds; else the next trial waits
    for some rounds, twice as many each time. A refusal halves the limit, once for all
    calls that were in flight together.

    Parameters
    ----------
    ceiling : int
    clock : callable
        Stand-in for `time.monotonic`.
    """

    def __init__(
        self, ceiling: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.ceiling = ceiling
        self.limit = min(FIRST_LIMIT, ceiling)
        self.epoch = 0  # refusals of calls from before the last halving are old news
        self.n_answers = 0
        self.is_closed = False
        self._clock = clock
        self._calls: set[Call] = set()
        self._n_waiting = 0
        self._round_start: float | None = None
        self._n_in_round = 0
        self._before: tuple[int, float] | None = None  # limit and rate before the trial
        self._n_trial_rounds = 0
        self._pause = FIRST_PAUSE
        self._n_rounds_to_wait = 0
        self._has_room = threading.Condition()

    @contextmanager
    def enter(self) -> Iterator[Call]:
        """Wait for room, or until it is closed, and give the room back in the end."""
        with self._has_room:
            self._n_waiting += 1
            try:
                self._has_room.wait_for(
                    lambda: self.is_closed or len(self._calls) < self.limit
                )
            finally:
                self._n_waiting -= 1
            call = self._begin()
        try:
            yield call
        finally:
            with self._has_room:
                self._calls.discard(call)
                self._has_room.notify()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._has_room:
            self.is_closed = True
            self._has_room.notify_all()

    def report_answer(self) -> None:
        """Count an answer; at the end of a round, think about the limit."""
        with self._has_room:
            self.n_answers += 1
            if self._round_start is None:
                return
            self._n_in_round += 1
            if self._n_in_round < self.limit:
                return
            seconds = max(self._clock() - self._round_start, 1e-9)
            rate = self._n_in_round / seconds
            self._start_over()
            if self._is_on_trial(rate):
                return
            if self._n_rounds_to_wait:
                self._n_rounds_to_wait -= 1
            elif self._n_waiting and self.limit < self.ceiling:
                self._before, self._n_trial_rounds = (self.limit, rate), 0
                self.limit = min(GROWTH * self.limit, self.ceiling)
                self._has_room.notify(self.limit)

    def report_refusal(self, epoch: int) -> bool:
        """Let fewer in; False if that was done for calls that began in that epoch."""
        with self._has_room:
            if epoch != self.epoch:
                return False
            self.epoch += 1
            self._go_back(max(1, self.limit // 2))
            return True

    def report_timeout(self, call: Call) -> bool:
        """Let fewer in if there were too many; tell whether there were.

        A call that waits behind others is answered after them. Where far more calls
        were answered meanwhile than there are at a time, it is itself too slow.
        """
        n_answered = self.n_answers - call.n_answers
        is_crowded = call.has_company and n_answered <= 2 * call.limit
        if is_crowded:
            self.report_refusal(call.epoch)
        return is_crowded

    def _begin(self) -> Call:
        call = Call(self.epoch, self.n_answers, self.limit, bool(self._calls))
        for other in self._calls:
            other.has_company = True
        self._calls.add(call)
        if self._round_start is None and len(self._calls) >= self.limit:
            self._round_start = self._clock()
        return call

    def _is_on_trial(self, rate: float) -> bool:
        """Judge the trial, if there is one; tell whether the limit is not proven."""
        if self._before is None:
            return False
        limit, rate_before = self._before
        if rate >= (1 + MIN_GAIN * (self.limit / limit - 1)) * rate_before:
            self._before, self._pause = None, FIRST_PAUSE
            return False
        self._n_trial_rounds += 1
        if self._n_trial_rounds == N_TRIAL_ROUNDS:
            self._go_back(limit)
        return True

    def _go_back(self, limit: int) -> None:
        """Set a lower limit, and leave it for some rounds."""
        self.limit, self._before = limit, None
        self._n_rounds_to_wait = self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._start_over()

    def _start_over(self) -> None:
        self._round_start, self._n_in_round = None, 0


PATIENCE_S = 1800.0  # of refusals without any answer
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0  # where the endpoint does not say how long
LONGEST_ORDER_S = 3600.0  # where it does; beyond it, another day is better
NOTICE_S = 10.0
LONGEST_NAP_S = 1.0  # so that a closed pool is noticed
PAUSE_PER_TRY = 0.25  # after a timeout, of the time that the call took
MAX_DOUBLINGS = 10
MIN_SILENT = 4  # calls in a row, each alone, until an endpoint counts as dead

log = logging.getLogger(__name__)


class Pool:
    """Keep as many calls in flight as an endpoint bears, up to a ceiling.

    After a 429, or a 503 that says when to come back, no call starts before the time
    the endpoint names has passed, or, if it names none, one second, doubled with each
    refusal in a row. A call that timed out beside others is asked again, with fewer
    beside it. Any number of threads may call; each waits for its turn.

    Parameters
    ----------
    client : ChatClient
        Raises `RateLimited` and `TimedOut`.
    ceiling : int >= 1
    max_retries : int >= 0
        Times a call is asked again that timed out by its own fault.
    clock, sleep : callable
        Stand-ins for those of `time`.
    """

    def __init__(
        self,
        client: ChatClient,
        ceiling: int,
        *,
        max_retries: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.gate = Gate(ceiling, clock)
        self._max_retries = max_retries
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._n_in_a_row = 0  # refusals
        self._refused_since: float | None = None
        self._silent: list[int] = []  # requests that timed out alone, in a row

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, in its turn.

        Raises
        ------
        ChatError
            The client's, or too many refusals or timeouts in a row.
        """
        n_tries = n_counted = 0
        while True:
            with self.gate.enter() as call:
                self._wait()
                call.epoch, start = self.gate.epoch, self._clock()
                pause = 0.0
                try:
                    return self._report(self.client.complete(request), n_tries)
                except RateLimited as refusal:
                    self._cool_down(refusal, call.epoch)
                except TimedOut as timeout:
                    pause = PAUSE_PER_TRY * (self._clock() - start)
                    pause = min(pause * _double(n_tries), LONGEST_WAIT_S)
                    if not self._is_overloaded(call, pause):
                        n_counted += 1
                        self._check_alive(request, timeout, n_counted)
            n_tries += 1
            self._nap(self._clock() + pause)

    def close(self) -> None:
        """Make no more calls; those in flight are answered."""
        self.gate.close()

    def _report(self, reply: ChatReply, n_tries: int) -> ChatReply:
        """Take note of an answer."""
        with self._lock:
            self._n_in_a_row, self._refused_since = 0, None
            self._silent.clear()
        self.gate.report_answer()
        return replace(reply, n_retries=reply.n_retries + n_tries)

    def _wait(self) -> None:
        """Wait until the endpoint may be asked again."""
        while self._nap(self._not_before):
            pass
        if self.gate.is_closed:
            raise ChatError("The line to the model was closed.", is_fatal=True)

    def _nap(self, until: float) -> bool:
        """Sleep until then, unless it is closed; tell whether there was need to."""
        is_needed = False
        while not self.gate.is_closed and (left := until - self._clock()) > 0:
            self._sleep(min(left, LONGEST_NAP_S))
            is_needed = True
        return is_needed

    def _cool_down(self, refusal: RateLimited, epoch: int) -> None:
        """Make all calls wait; raise if that has no end in sight."""
        is_news = self.gate.report_refusal(epoch)
        now = self._clock()
        with self._lock:
            self._n_in_a_row += is_news
            if self._refused_since is None:
                self._refused_since = now
            wait = refusal.retry_after or min(
                FIRST_WAIT_S * _double(self._n_in_a_row - 1), LONGEST_WAIT_S
            )
            if is_news or refusal.retry_after:
                self._not_before = max(self._not_before, now + wait)
            is_over = wait > LONGEST_ORDER_S or now - self._refused_since > PATIENCE_S
        if is_over:
            raise ChatError(
                f"{refusal} Run again later, or with a lower `max_concurrency`: what "
                "is in the store is not asked again.",
                is_fatal=True,
            ) from None
        if is_news and wait >= NOTICE_S:
            log.warning("The endpoint takes no more calls; waiting %.0f s.", wait)

    def _is_overloaded(self, call: Call, pause: float) -> bool:
        """Tell whether a call timed out because of those beside it.

        All calls wait then, and after one that was alone, since a server may go on
        with what nobody waits for any longer.
        """
        is_crowded = self.gate.report_timeout(call)
        if is_crowded or not call.has_company:
            with self._lock:
                then = self._clock() + pause
                self._not_before = max(self._not_before, then)
        return is_crowded

    def _check_alive(
        self, request: ChatRequest, timeout: TimedOut, n_counted: int
    ) -> None:
        """Raise if a call timed out too often, or if all calls do."""
        with self._lock:
            self._silent.append(id(request))
            is_own_fault = self.gate.n_answers > 0 and len(set(self._silent)) == 1
            n_enough = max(MIN_SILENT, self._max_retries + 1)
            is_dead = len(self._silent) >= n_enough and not is_own_fault
            n_times = len(self._silent) if is_dead else n_counted
        if is_dead or n_counted > self._max_retries:
            times = "once" if n_times == 1 else f"{n_times} times in a row"
            raise ChatError(
                f"{timeout} It failed {times}. Raise `timeout` "
                "if it is slow, or run again later: what is in the store is not "
                "asked again.",
                is_fatal=is_dead,
            ) from None


def _double(n_times: int) -> float:
    return 2.0 ** min(n_times, MAX_DOUBLINGS)
