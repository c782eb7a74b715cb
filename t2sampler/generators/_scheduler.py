"""The schedule of a call of `draw`: which job on which thread, and when it stops."""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Condition, Lock, Thread

from t2sampler.exceptions import ChatError, GeneratorError

TICK_S = 0.2  # the caller wakes so often, so that Ctrl-C is heard on every platform
GRACE_S = 30.0  # after an error, what is in flight has so long to reach the store


class StoppedError(GeneratorError):
    """The drawing is over: no more calls are made."""


class CallCounter:
    """Pass requests on while the drawing goes on, and count replies and failures.

    Parameters
    ----------
    complete : callable
        Answers a request.
    is_open : callable
        Tells whether calls may still be made.

    Attributes
    ----------
    n_answers : int
    failures : list of ChatError
        Of calls that failed since the last reply.
    """

    def __init__(self, complete, is_open):
        self.n_answers, self.failures = 0, []
        self._complete, self._is_open = complete, is_open
        self._lock = Lock()

    def complete(self, request):
        """Answer a request, or raise."""
        if not self._is_open():
            raise StoppedError("The drawing is over.")
        try:
            reply = self._complete(request)
        except ChatError as error:
            with self._lock:
                self.failures.append(error)
            raise
        with self._lock:
            self.n_answers += 1
            self.failures.clear()
        return reply


@dataclass(frozen=True)
class Stage:
    """A job that is done once per batch.

    Attributes
    ----------
    parents : tuple of int
        Positions of the stages that must be done first.
    lane : int
        Stages of one lane share its threads.
    """

    parents: tuple[int, ...] = ()
    lane: int = 0


class Schedule:
    """Run jobs (batch, stage) on daemon threads, so that no call that hangs blocks.

    Parameters
    ----------
    n_batches : int
    stages : sequence of Stage
    widths : sequence of int
        Threads of each lane.
    work : callable
        ``work(batch, stage)`` does one job, and keeps its result itself.
    ends : type of exception or tuple of them, default=()
        A job that raises one of these ends its batch, and batches not begun are not
        begun; all others go on. Any other exception stops everything.
    jobs_left : callable, default=None
        Returns how many jobs may still be done, as far as is known. A batch is then
        begun only if no thread is free for one that has begun, and if as many jobs are
        left as these and the new one need, so that a drawing which ends early leaves
        whole batches. None: no limit, and the longest chains go first, which takes the
        least time.

    Attributes
    ----------
    is_stopped : bool
        Nothing more should be begun.
    end : Exception or None
        The first that ended a batch.

    Examples
    --------
    >>> stages = [Stage(), Stage(parents=(0,)), Stage(parents=(0,))]
    >>> done = []
    >>> schedule = Schedule(2, stages, [1], lambda *job: done.append(job))
    >>> list(schedule.run())
    [0, 1]
    >>> done
    [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1), (1, 2)]
    """

    def __init__(
        self,
        n_batches: int,
        stages: Sequence[Stage],
        widths: Sequence[int],
        work: Callable[[int, int], None],
        *,
        ends: type[Exception] | tuple[type[Exception], ...] = (),
        jobs_left: Callable[[], float] | None = None,
    ):
        self.is_stopped = False
        self.end: Exception | None = None
        self._stages, self._work, self._ends = stages, work, ends
        self._widths = [
            min(width, n_batches * sum(stage.lane == lane for stage in stages))
            for lane, width in enumerate(widths)
        ]
        self._children = _children_of(stages)
        depths = _depths(stages, self._children)
        self._urgency = [-depth if jobs_left is None else 0 for depth in depths]
        self._jobs_left = jobs_left
        self._n_begun_left = 0  # jobs of batches that have begun
        self._waits_for = [
            [len(stage.parents) for stage in stages] for _ in range(n_batches)
        ]
        self._n_left = [len(stages)] * n_batches
        self._has_begun = [False] * n_batches
        self._is_over = [not stages] * n_batches
        self._has_ended = [False] * n_batches
        self._n_open = n_batches if stages else 0
        self._n_running = 0
        self._error: BaseException | None = None
        lock = Lock()
        self._changed = Condition(lock)  # for the caller
        self._filled = [Condition(lock) for _ in widths]  # for a lane's threads
        self._ready: list[list[tuple[int, int, int]]] = [[] for _ in widths]
        with lock:
            for batch in range(n_batches):
                for stage, n_parents in enumerate(self._waits_for[batch]):
                    if n_parents == 0:
                        self._push(batch, stage)

    def run(self) -> Iterator[int]:
        """Yield the batches that are complete, in their order.

        Raises
        ------
        Exception
            The first that was not among ``ends``, once what was in flight is answered.
        """
        for lane, width in enumerate(self._widths):
            for _ in range(width):
                Thread(target=self._serve, args=(lane,), daemon=True).start()
        try:
            for batch in range(len(self._is_over)):
                self._await(batch)
                if not self._has_ended[batch]:
                    yield batch
        finally:
            self._stop()

    def _await(self, batch: int) -> None:
        with self._changed:
            while not self._is_over[batch] and self._error is None:
                self._changed.wait(TICK_S)
            deadline = time.monotonic() + GRACE_S
            while self._error and self._n_running and time.monotonic() < deadline:
                self._changed.wait(TICK_S)
        if self._error is not None:
            raise self._error

    def _serve(self, lane: int) -> None:
        """Do jobs of one lane until nothing is left."""
        while (job := self._take(lane)) is not None:
            end = error = None
            try:
                self._work(*job)
            except self._ends as problem:
                end = problem
            except BaseException as problem:  # raised again where the rows are awaited
                error = problem
            self._close(*job, end, error)

    def _take(self, lane: int) -> tuple[int, int] | None:
        filled, ready = self._filled[lane], self._ready[lane]
        with filled:
            while not self.is_stopped:
                while ready and self._may_do(ready[0][1]):
                    _, batch, stage = heapq.heappop(ready)
                    if not self._is_over[batch]:
                        self._begin(batch)
                        self._n_running += 1
                        return batch, stage
                filled.wait()
        return None

    def _may_do(self, batch: int) -> bool:
        """Tell whether a job of this batch may be done now."""
        if self._jobs_left is None or self._has_begun[batch] or not self._n_begun_left:
            return True
        return self._jobs_left() >= self._n_begun_left + len(self._stages)

    def _begin(self, batch: int) -> None:
        if not self._has_begun[batch]:
            self._has_begun[batch] = True
            self._n_begun_left += len(self._stages)

    def _close(
        self,
        batch: int,
        stage: int,
        end: Exception | None,
        error: BaseException | None,
    ) -> None:
        with self._changed:
            self._n_running -= 1
            if error is not None:
                if not self.is_stopped:  # else nobody waits for it any more
                    self._error = error
                self._halt()
            elif end is not None:
                self.end = self.end or end
                self._give_up(batch)
            else:
                self._finish(batch, stage)
            if self._n_open == 0:
                self._halt()
            if self._jobs_left is not None:
                self._wake()
            self._changed.notify_all()

    def _finish(self, batch: int, stage: int) -> None:
        """Make the stages ready that waited for this one only."""
        self._n_left[batch] -= 1
        self._n_begun_left -= not self._is_over[batch]
        if self._n_left[batch] == 0:
            self._settle(batch)
        for child in self._children[stage]:
            self._waits_for[batch][child] -= 1
            if self._waits_for[batch][child] == 0:
                self._push(batch, child)

    def _give_up(self, batch: int) -> None:
        """End a batch, and those that have not begun."""
        for other, has_begun in enumerate(self._has_begun):
            if other == batch or not has_begun:
                self._has_ended[other] |= not self._is_over[other]
                self._settle(other)

    def _settle(self, batch: int) -> None:
        if not self._is_over[batch]:
            self._is_over[batch] = True
            self._n_open -= 1
            self._n_begun_left -= self._n_left[batch] * self._has_begun[batch]

    def _push(self, batch: int, stage: int) -> None:
        lane = self._stages[stage].lane
        heapq.heappush(self._ready[lane], (self._urgency[stage], batch, stage))
        self._filled[lane].notify()

    def _stop(self) -> None:
        with self._changed:
            self._halt()

    def _halt(self) -> None:
        self.is_stopped = True
        self._wake()

    def _wake(self) -> None:
        for filled in self._filled:
            filled.notify_all()


def _children_of(stages: Sequence[Stage]) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in stages]
    for place, stage in enumerate(stages):
        for parent in stage.parents:
            children[parent].append(place)
    return children


def _depths(stages: Sequence[Stage], children: list[list[int]]) -> list[int]:
    """Return the length of the longest chain that starts at each stage."""
    depths: dict[int, int] = {}

    def depth(stage: int) -> int:
        if stage not in depths:
            depths[stage] = 1 + max(map(depth, children[stage]), default=0)
        return depths[stage]

    return [depth(stage) for stage in range(len(stages))]
