"""How many calls may be in flight: more while that pays, half where it is too many."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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
