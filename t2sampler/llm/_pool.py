"""Many calls to one endpoint at a time, and one way to wait when it has enough."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from t2sampler.exceptions import ChatError
from t2sampler.llm._base import ChatClient, ChatReply, ChatRequest
from t2sampler.llm._faults import RateLimited
from t2sampler.llm._gate import Gate

MAX_ROUNDS = 8  # refusals in a row: of one call, or of all calls without a success
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0  # where the endpoint does not say how long
LONGEST_ORDER_S = 3600.0  # where it does; beyond it, another day is better
NOTICE_S = 10.0
LONGEST_NAP_S = 1.0  # so that a closed pool is noticed

log = logging.getLogger(__name__)


class Pool:
    """Keep as many calls in flight as an endpoint bears, up to a ceiling.

    After a 429 no call starts before the time the endpoint names has passed, or, if it
    names none, one second, doubled with each refusal in a row. Any number of threads
    may call; each waits for its turn.

    Parameters
    ----------
    client : ChatClient
        Raises `RateLimited`.
    ceiling : int >= 1
    clock, sleep : callable
        Stand-ins for those of `time`.
    """

    def __init__(
        self,
        client: ChatClient,
        ceiling: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.gate = Gate(ceiling)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._n_in_a_row = 0

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, in its turn.

        Raises
        ------
        ChatError
            The client's, or too many refusals in a row.
        """
        words = ""
        for n_refused in range(MAX_ROUNDS):
            with self.gate.enter():
                self._wait()
                epoch = self.gate.epoch
                try:
                    reply = self.client.complete(request)
                except RateLimited as refusal:
                    words = str(refusal)
                    is_over = self._cool_down(refusal.retry_after, epoch)
                else:
                    return self._report(reply, n_refused)
            if is_over:
                break
        raise ChatError(
            f"{words} Run again later, or with a lower `max_concurrency`: what is in "
            "the store is not asked again.",
            is_fatal=is_over,
        )

    def close(self) -> None:
        """Make no more calls; those in flight are answered."""
        self.gate.close()

    def _report(self, reply: ChatReply, n_refused: int) -> ChatReply:
        """Take note of a success; one that needed retries is no sign of strength."""
        with self._lock:
            self._n_in_a_row = 0
        if not reply.n_retries:
            self.gate.report_success()
        return replace(reply, n_retries=reply.n_retries + n_refused)

    def _wait(self) -> None:
        """Wait until the endpoint may be asked again."""
        while not self.gate.is_closed and (
            (left := self._not_before - self._clock()) > 0
        ):
            self._sleep(min(left, LONGEST_NAP_S))
        if self.gate.is_closed:
            raise ChatError("The line to the model was closed.", is_fatal=True)

    def _cool_down(self, retry_after: float | None, epoch: int) -> bool:
        """Make all calls wait; True if that has no end in sight."""
        is_news = self.gate.report_refusal(epoch)
        with self._lock:
            self._n_in_a_row += is_news
            wait = retry_after
            if not wait:
                wait = min(FIRST_WAIT_S * 2 ** (self._n_in_a_row - 1), LONGEST_WAIT_S)
            if is_news or retry_after:
                self._not_before = max(self._not_before, self._clock() + wait)
            is_over = self._n_in_a_row >= MAX_ROUNDS or wait > LONGEST_ORDER_S
        if is_news and wait >= NOTICE_S:
            log.warning("The endpoint takes no more calls; waiting %.0f s.", wait)
        return is_over
