"""Killed at any moment, a run goes on where it was, and pays nothing twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from doubles.fake_openai import FakeOpenAI
from doubles.llm_team_runs import make_chat, make_sampler, questions, run_sampler

from t2sampler.generators import LLMTeam
from t2sampler.llm import _sqlite
from t2sampler.llm._cache import ReplyStore

TESTS = Path(__file__).parents[2]
SCRIPT = """
import signal
import sys
from doubles.llm_team_runs import make_chat, make_sampler, run_sampler
from t2sampler.generators import LLMTeam

signal.signal(signal.SIGINT, signal.default_int_handler)  # shells may have it ignored
url, store = sys.argv[1:]
chat = make_chat(url, timeout=3600.0)
team = LLMTeam(chat, manager=chat, label=chat, store=store)
run_sampler(make_sampler(team, max_batches=8))
"""


def stop_in_the_middle(server, store, how, wait_until):
    """Run the script elsewhere, and signal it once the server answers no more."""
    n_answers = server.settings.hold_after
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, server.url, str(store)],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_until(lambda: len(server.log()) > n_answers)
        wait_until(lambda: count_replies(store) == n_answers)
        process.send_signal(how)
    return process.returncode


def count_replies(store):
    store = ReplyStore(store)
    n_replies = store.describe()["replies"]
    store.close()
    return n_replies


@pytest.fixture
def go_on(monkeypatch):
    """Return a function that runs here what the script runs; the dead count as such."""
    monkeypatch.setattr(_sqlite, "MAX_SILENCE_S", 0.5)
    return run_here


def run_here(server, store):
    chat = make_chat(server.url, timeout=3600.0)
    team = LLMTeam(chat, manager=chat, label=chat, store=str(store))
    return run_sampler(make_sampler(team, max_batches=8))


def test_killed_run_asks_again_only_for_what_was_not_answered(
    tmp_path, wait_until, go_on
):
    store, hold_after = tmp_path / "store", 7
    with FakeOpenAI(table="visits") as server:
        undisturbed = go_on(server, tmp_path / "other")
        n_questions = len(server.log())

    with FakeOpenAI(table="visits", hold_after=hold_after) as server:
        stop_in_the_middle(server, store, signal.SIGKILL, wait_until)
        n_before = len(server.log())
        answered = set(questions(server.log(), answered=True))
        server.release()
        run = go_on(server, store)
        later = questions(server.log()[n_before:])

    assert len(answered) == hold_after
    assert not answered.intersection(later)
    assert len(later) == len(set(later)) == n_questions - hold_after
    pd.testing.assert_frame_equal(run.X_res, undisturbed.X_res)
    pd.testing.assert_series_equal(run.y_res, undisturbed.y_res)


def test_killed_before_its_first_answer_it_asks_the_same(tmp_path, wait_until, go_on):
    """Claims of a dead process hold nobody up."""
    with FakeOpenAI(table="visits", hold_after=0) as server:
        stop_in_the_middle(server, tmp_path / "store", signal.SIGKILL, wait_until)
        asked = questions(server.log())
        server.release()
        go_on(server, tmp_path / "store")
        later = questions(server.log()[len(asked) :])

    assert set(asked) <= set(later)


def test_interrupt_stops_though_calls_are_in_flight(tmp_path, wait_until):
    """They would be answered in an hour."""
    store = tmp_path / "store"

    with FakeOpenAI(table="visits", hold_after=3) as server:
        assert stop_in_the_middle(server, store, signal.SIGINT, wait_until) != 0
