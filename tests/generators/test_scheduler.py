"""Jobs run side by side, in the order of their dependences, and stop when they must."""

import itertools
import math
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from t2sampler.generators import _scheduler
from t2sampler.generators._scheduler import Schedule, Stage

CHAIN = [Stage(), Stage((0,)), Stage((1,)), Stage((2,))]
DIAMOND = [Stage(), Stage((0,)), Stage((0,), lane=1), Stage((1, 2), lane=1)]


class EnoughError(Exception):
    """Ends a batch."""


class Work:
    """Notes who ran when; jobs may be told to fail."""

    def __init__(self, fails=(), seconds=0.0, error=None):
        self.fails, self.seconds, self.error = dict.fromkeys(fails), seconds, error
        self.done, self.running, self.most = [], 0, 0
        self.lock = threading.Lock()

    def __call__(self, batch, stage):
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(self.seconds)
        with self.lock:
            self.running -= 1
            self.done.append((batch, stage))
        if (batch, stage) in self.fails:
            raise self.error


def run(n_batches, stages, widths, work, **kwargs):
    schedule = Schedule(n_batches, stages, widths, work, **kwargs)
    return list(schedule.run()), schedule


@pytest.mark.parametrize("room", [None, lambda: math.inf])
@pytest.mark.parametrize("width", [1, 3, 50])
def test_every_job_runs_once_and_after_its_parents(width, room):
    work = Work(seconds=0.001)

    batches, _ = run(7, DIAMOND, [width, 2], work, jobs_left=room)

    assert batches == list(range(7))
    assert sorted(work.done) == [(b, s) for b in range(7) for s in range(4)]
    places = {job: place for place, job in enumerate(work.done)}
    for batch, stage in work.done:
        for parent in DIAMOND[stage].parents:
            assert places[batch, parent] < places[batch, stage]


def test_no_more_run_side_by_side_than_the_lanes_allow():
    work = Work(seconds=0.005)

    run(20, DIAMOND, [3, 2], work)

    assert work.most <= 5


def test_no_thread_of_a_lane_idles_while_there_is_work():
    """Of 400 jobs, 64 at a time wait for each other, but for the last 16."""
    together, begun = threading.Barrier(64, timeout=60), itertools.count()

    def work(batch, stage):
        if next(begun) < 6 * 64:
            together.wait()

    batches, _ = run(100, CHAIN, [64], work)

    assert batches == list(range(100))


def test_without_stages_every_batch_is_complete():
    assert run(3, [], [1], Work())[0] == [0, 1, 2]
    assert run(0, CHAIN, [1], Work())[0] == []


def test_an_error_stops_what_has_not_begun_and_is_raised():
    work = Work(fails=[(1, 0)], error=ValueError("no"))
    schedule = Schedule(9, CHAIN, [1], work)

    with pytest.raises(ValueError, match="no"):
        list(schedule.run())

    assert work.done == [(0, 0), (1, 0)]
    assert schedule.is_stopped


def test_what_is_in_flight_when_an_error_comes_is_waited_for(wait_until):
    answered, all_begun = [], threading.Barrier(3, timeout=60)

    def work(batch, stage):
        all_begun.wait()
        if batch == 0:
            raise ValueError("no")
        wait_until(lambda: schedule.is_stopped)  # by the error
        answered.append(batch)

    schedule = Schedule(3, [Stage()], [3], work)
    with pytest.raises(ValueError, match="no"):
        list(schedule.run())

    assert sorted(answered) == [1, 2]


def test_nobody_waits_for_a_call_that_hangs(monkeypatch):
    monkeypatch.setattr(_scheduler, "GRACE_S", 0.1)
    hang, all_begun = threading.Event(), threading.Barrier(3, timeout=60)

    def work(batch, stage):
        all_begun.wait()
        if batch == 0:
            raise ValueError("no")
        hang.wait()

    with pytest.raises(ValueError, match="no"):
        run(3, [Stage()], [3], work)  # returns, though two calls do not

    hang.set()


@pytest.mark.parametrize("room", [None, lambda: math.inf])
def test_an_end_leaves_the_batches_that_are_complete(room):
    work = Work(fails=[(2, 3)], error=EnoughError("spent"))

    batches, schedule = run(9, CHAIN, [2], work, ends=EnoughError, jobs_left=room)

    assert str(schedule.end) == "spent"
    assert 2 not in batches
    assert batches == sorted({b for b, s in work.done if s == 3} - {2})
    if room:
        assert set(batches) >= {0, 1}
        assert len({b for b, _ in work.done}) < 6


def test_a_batch_that_ended_goes_no_further():
    work = Work(fails=[(0, 1)], error=EnoughError())

    batches, _ = run(1, CHAIN, [4], work, ends=EnoughError)

    assert batches == []
    assert work.done == [(0, 0), (0, 1)]


def test_a_caller_that_takes_no_more_stops_the_threads(wait_until):
    n_threads = threading.active_count()
    work = Work(seconds=0.01)
    schedule = Schedule(200, CHAIN, [2], work, jobs_left=lambda: math.inf)
    batches = schedule.run()

    assert next(batches) == 0
    batches.close()

    wait_until(lambda: threading.active_count() <= n_threads)
    assert len(work.done) < 4 * 200


def test_interrupt_is_heard_and_the_interpreter_can_exit_while_calls_hang():
    script = textwrap.dedent("""
        import os, signal, threading
        from t2sampler.generators._scheduler import Schedule, Stage

        def hang(batch, stage):
            all_begun.wait()
            if batch == 0:
                os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait()

        signal.signal(signal.SIGINT, signal.default_int_handler)
        all_begun = threading.Barrier(9)
        try:
            list(Schedule(9, [Stage()], [9], hang).run())
        except KeyboardInterrupt:
            print("heard")
    """)

    done = subprocess.run([sys.executable, "-c", script], capture_output=True)

    assert (done.returncode, done.stdout.strip()) == (0, b"heard")
