"""Limit of the calls in flight: raised while that pays, halved when there are too many.

The next call also waits as long as an endpoint asks for after a 429.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from t2sampler.exceptions import ChatError
from t2sampler.llm._base import ChatClient, ChatReply, ChatRequest
from t2sampler.llm._responses import ChatTimeoutError, RateLimitError

FIRST_LIMIT = 4  # a server that works on one call at a time still answers so many
GROWTH = 4  # of the limit on trial: 64 calls are reached in two rounds
MIN_GAIN = 0.25  # of throughput: quadrupling the limit must bring 75 % more
N_TRIAL_ROUNDS = 2  # the first round may pay for opening connections
FIRST_PAUSE, MAX_PAUSE = 2, 64  # rounds until the next trial after one that failed

MAX_REFUSED_S = 1800.0  # time of refusals without any reply, until the run stops
FIRST_WAIT_S, MAX_WAIT_S = 1.0, 60.0  # where the endpoint does not say how long
MAX_RETRY_AFTER_S = 3600.0  # where it says longer, the run stops
MIN_WARNING_S = 10.0
MAX_SLEEP_S = 1.0  # wake up so often, to notice that the client was closed
WAIT_PER_TIMEOUT = 0.25  # of the time that the call took
MAX_DOUBLINGS = 10
MIN_LONE_TIMEOUTS = 4  # in a row, until an endpoint counts as dead

log = logging.getLogger(__name__)


@dataclass(eq=False)
class CallInFlight:
    """A call in flight, and the state of the limit when it began.

    Attributes
    ----------
    epoch, n_answers, limit : int
        Those of the `ConcurrencyLimit`.
    has_company : bool
        Whether another call was in flight at any time beside it.
    """

    epoch: int
    n_answers: int
    limit: int
    has_company: bool


class ConcurrencyLimit:
    """Limit the calls in flight to what the endpoint can handle.

    The limit starts low. A round is as many answers as the limit, counted from when
    that many calls are in flight. After a round the limit is raised on trial. The
    higher limit is kept if throughput grew clearly in one of two rounds; otherwise it
    is taken back, and the next trial waits for twice as many rounds as the last. A
    refusal halves the limit, once for all calls that were in flight together.

    The limit falls as in AIMD. It grows on trial, since a server that queues calls
    refuses none of them: only its throughput tells when it is busy.

    Parameters
    ----------
    ceiling : int
        Largest limit.
    clock : callable
        Replacement of `time.monotonic`, for tests.

    Attributes
    ----------
    limit : int
    epoch : int
        Times the limit was halved. A refusal of a call that began in an earlier epoch
        has already had its effect.
    n_answers : int
    is_closed : bool
    """

    def __init__(
        self, ceiling: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.ceiling = ceiling
        self.limit = min(FIRST_LIMIT, ceiling)
        self.epoch = 0
        self.n_answers = 0
        self.is_closed = False
        self._clock = clock
        self._calls: set[CallInFlight] = set()
        self._n_waiting = 0
        self._round_start: float | None = None
        self._n_in_round = 0
        self._before_trial: tuple[int, float] | None = None  # limit, answers per second
        self._n_trial_rounds = 0
        self._pause = FIRST_PAUSE
        self._n_rounds_to_wait = 0
        self._has_changed = threading.Condition()

    @contextmanager
    def slot(self) -> Iterator[CallInFlight]:
        """Wait until another call may start, or until `close`; free the slot after it.

        The caller checks `is_closed`.
        """
        with self._has_changed:
            self._n_waiting += 1
            try:
                self._has_changed.wait_for(
                    lambda: self.is_closed or len(self._calls) < self.limit
                )
            finally:
                self._n_waiting -= 1
            call = self._begin()
        try:
            yield call
        finally:
            with self._has_changed:
                self._calls.discard(call)
                self._has_changed.notify()

    def close(self) -> None:
        """End all waiting for a slot."""
        with self._has_changed:
            self.is_closed = True
            self._has_changed.notify_all()

    def record_answer(self) -> None:
        """Count an answer; at the end of a round, reconsider the limit."""
        with self._has_changed:
            self.n_answers += 1
            if self._round_start is None:
                return
            self._n_in_round += 1
            if self._n_in_round < self.limit:
                return
            seconds = max(self._clock() - self._round_start, 1e-9)
            throughput = self._n_in_round / seconds
            self._start_round()
            if self._is_on_trial(throughput):
                return
            if self._n_rounds_to_wait:
                self._n_rounds_to_wait -= 1
            elif self._n_waiting and self.limit < self.ceiling:
                self._before_trial, self._n_trial_rounds = (self.limit, throughput), 0
                self.limit = min(GROWTH * self.limit, self.ceiling)
                self._has_changed.notify(self.limit)

    def record_refusal(self, epoch: int) -> bool:
        """Halve the limit; return False if that was done for calls of this epoch."""
        with self._has_changed:
            if epoch != self.epoch:
                return False
            self.epoch += 1
            self._take_back(max(1, self.limit // 2))
            return True

    def record_timeout(self, call: CallInFlight) -> bool:
        """Halve the limit if a call timed out because of others; return whether.

        A server that queues calls answers those before it first, about as many as the
        limit. If it answered far more in the meantime, this call itself is too slow.
        """
        n_answered = self.n_answers - call.n_answers
        is_crowded = call.has_company and n_answered <= 2 * call.limit
        if is_crowded:
            self.record_refusal(call.epoch)
        return is_crowded

    def _begin(self) -> CallInFlight:
        call = CallInFlight(self.epoch, self.n_answers, self.limit, bool(self._calls))
        for other in self._calls:
            other.has_company = True
        self._calls.add(call)
        if self._round_start is None and len(self._calls) >= self.limit:
            self._round_start = self._clock()
        return call

    def _is_on_trial(self, throughput: float) -> bool:
        """Tell whether the limit is on trial; keep it or take it back."""
        if self._before_trial is None:
            return False
        limit, before = self._before_trial
        if throughput >= (1 + MIN_GAIN * (self.limit / limit - 1)) * before:
            self._before_trial, self._pause = None, FIRST_PAUSE
            return False
        self._n_trial_rounds += 1
        if self._n_trial_rounds == N_TRIAL_ROUNDS:
            self._take_back(limit)
        return True

    def _take_back(self, limit: int) -> None:
        """Set a lower limit, and keep it for some rounds."""
        self.limit, self._before_trial = limit, None
        self._n_rounds_to_wait = self._pause
        self._pause = min(2 * self._pause, MAX_PAUSE)
        self._start_round()

    def _start_round(self) -> None:
        self._round_start, self._n_in_round = None, 0


class RateLimitedClient:
    """Call as often as an endpoint allows, with retries after refusals and timeouts.

    After a 429, or a 503 with a Retry-After header, no call starts before the time that
    the endpoint names has passed; if it names none, the wait is one second, doubled
    with each refusal in a row. A call that timed out beside others is retried with
    fewer calls in flight. Threads may share a client; each waits for a slot.

    Parameters
    ----------
    client : ChatClient
        Raises `RateLimitError` and `ChatTimeoutError`.
    ceiling : int >= 1
        Largest number of calls in flight.
    max_retries : int >= 0
        Retries of a call that timed out although others did not slow it down.
    clock, sleep : callable
        Replacements of `time.monotonic` and `time.sleep`, for tests.
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
        self.concurrency = ConcurrencyLimit(ceiling, clock)
        self._max_retries = max_retries
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._n_refusals_in_a_row = 0
        self._refused_since: float | None = None
        self._lone_timeouts: list[int] = []  # ids of requests, in a row

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request when its turn comes.

        Raises
        ------
        ChatError
            The client's, or too many refusals or timeouts in a row.
        """
        n_tries = n_lone_timeouts = 0
        while True:
            with self.concurrency.slot() as call:
                self._wait_for_endpoint()
                # The limit may have been halved while this call waited.
                call.epoch, start = self.concurrency.epoch, self._clock()
                wait = 0.0
                try:
                    return self._record_reply(self.client.complete(request), n_tries)
                except RateLimitError as refusal:
                    self._cool_down(refusal, call.epoch)
                except ChatTimeoutError as timeout:
                    wait = WAIT_PER_TIMEOUT * (self._clock() - start)
                    wait = min(wait * _double(n_tries), MAX_WAIT_S)
                    if not self._is_crowded(call, wait):
                        n_lone_timeouts += 1
                        self._check_timeouts(request, timeout, n_lone_timeouts)
            n_tries += 1
            self._sleep_until(self._clock() + wait)

    def close(self) -> None:
        """Start no more calls; those in flight are answered."""
        self.concurrency.close()

    def _record_reply(self, reply: ChatReply, n_tries: int) -> ChatReply:
        with self._lock:
            self._n_refusals_in_a_row, self._refused_since = 0, None
            self._lone_timeouts.clear()
        self.concurrency.record_answer()
        return replace(reply, n_retries=reply.n_retries + n_tries)

    def _wait_for_endpoint(self) -> None:
        """Wait until the endpoint may be called again."""
        while self._sleep_until(self._not_before):
            pass  # another refusal may have moved the time
        if self.concurrency.is_closed:
            raise ChatError("The session with the model was closed.", is_fatal=True)

    def _sleep_until(self, then: float) -> bool:
        """Sleep until then or until the client is closed; return whether it slept."""
        has_slept = False
        while not self.concurrency.is_closed and (left := then - self._clock()) > 0:
            self._sleep(min(left, MAX_SLEEP_S))
            has_slept = True
        return has_slept

    def _cool_down(self, refusal: RateLimitError, epoch: int) -> None:
        """Make all calls wait; raise if the endpoint has refused them for too long."""
        is_first = self.concurrency.record_refusal(epoch)  # of its burst
        now = self._clock()
        with self._lock:
            self._n_refusals_in_a_row += is_first
            if self._refused_since is None:
                self._refused_since = now
            wait = refusal.retry_after or min(
                FIRST_WAIT_S * _double(self._n_refusals_in_a_row - 1), MAX_WAIT_S
            )
            if is_first or refusal.retry_after:
                self._not_before = max(self._not_before, now + wait)
            has_refused_long = now - self._refused_since > MAX_REFUSED_S
        if wait > MAX_RETRY_AFTER_S or has_refused_long:
            raise ChatError(
                f"{refusal} Run again later, or with a lower `max_concurrency`: stored "
                "replies are not requested again.",
                is_fatal=True,
            ) from None
        if is_first and wait >= MIN_WARNING_S:
            log.warning("The endpoint takes no more calls; waiting %.0f s.", wait)

    def _is_crowded(self, call: CallInFlight, wait: float) -> bool:
        """Tell whether a call timed out because of others in flight."""
        is_crowded = self.concurrency.record_timeout(call)
        if is_crowded or not call.has_company:
            # All calls wait: the server may still work on what we have given up.
            with self._lock:
                then = self._clock() + wait
                self._not_before = max(self._not_before, then)
        return is_crowded

    def _check_timeouts(
        self, request: ChatRequest, timeout: ChatTimeoutError, n_timeouts: int
    ) -> None:
        """Raise if this request timed out too often, or if all requests do."""
        with self._lock:
            self._lone_timeouts.append(id(request))
            # One request that is too slow does not prove that the endpoint is dead.
            has_answered = self.concurrency.n_answers > 0
            is_one_request = has_answered and len(set(self._lone_timeouts)) == 1
            n_enough = max(MIN_LONE_TIMEOUTS, self._max_retries + 1)
            is_dead = len(self._lone_timeouts) >= n_enough and not is_one_request
            n_times = len(self._lone_timeouts) if is_dead else n_timeouts
        if is_dead or n_timeouts > self._max_retries:
            times = "once" if n_times == 1 else f"{n_times} times in a row"
            raise ChatError(
                f"{timeout} It failed {times}. Raise `timeout` if the model is slow, "
                "or run again later: stored replies are not requested again.",
                is_fatal=is_dead,
            ) from None


def _double(n_times: int) -> float:
    return 2.0 ** min(n_times, MAX_DOUBLINGS)
