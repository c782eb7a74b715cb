"""How many calls may be in flight: more while all goes well, half after a refusal."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

FIRST_LIMIT = 16


class Gate:
    """Let calls through, at most as many at a time as the endpoint seems to bear.

    The limit grows by one per success until the first refusal, so that it doubles with
    every round trip; from then on by one per round trip. A refusal halves it, once for
    all calls that were in flight together.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.limit = float(min(FIRST_LIMIT, ceiling))
        self._n_inside = 0
        self.epoch = 0  # refusals of calls from before the last halving are old news
        self._is_slow_start = True
        self.is_closed = False
        self._has_room = threading.Condition()

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Wait for room, or until it is closed, and give the room back in the end."""
        with self._has_room:
            self._has_room.wait_for(
                lambda: self.is_closed or self._n_inside < int(self.limit)
            )
            self._n_inside += 1
        try:
            yield
        finally:
            with self._has_room:
                self._n_inside -= 1
                self._has_room.notify()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._has_room:
            self.is_closed = True
            self._has_room.notify_all()

    def report_success(self) -> None:
        """Let more in."""
        with self._has_room:
            step = 1.0 if self._is_slow_start else 1.0 / self.limit
            room = int(self.limit)
            self.limit = min(self.limit + step, float(self.ceiling))
            self._has_room.notify(int(self.limit) - room)

    def report_refusal(self, epoch: int) -> bool:
        """Let fewer in; False if that was done for calls that began in that epoch."""
        with self._has_room:
            if epoch != self.epoch:
                return False
            self.epoch += 1
            self._is_slow_start = False
            self.limit = max(1.0, self.limit / 2)
            return True
