"""Whatever the system: killed at any moment, it goes on where it was, for free."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from doubles.chat_systems import MAKE
from doubles.llm_team_runs import make_chat, make_sampler, run_sampler
from doubles.scripted_endpoint import Answer, Endpoint, answer_well

from t2sampler.llm import _sqlite
from t2sampler.llm._cache import ReplyStore

TESTS = Path(__file__).parents[2]
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[3])
from test_resume import resample

resample(*sys.argv[1:3], sys.argv[4])
"""
HOLD = Answer(delay=3600.0)


def resample(url, store, name):
    """Enlarge a table by a system whose model is behind an address."""
    chat = make_chat(url, timeout=3600.0, max_concurrency=2)
    return run_sampler(make_sampler(MAKE[name](chat, store=store), max_batches=4))


def say(body):
    """Return what tells one question from another."""
    return repr((body["messages"], body.get("seed")))


@pytest.fixture
def endpoint(monkeypatch):
    """Serve a competent model that stops answering after some calls."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setattr(_sqlite, "MAX_SILENCE_S", 0.5)  # the dead count as such
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


def kill_in_the_middle(endpoint, store, name, n_answers, wait_until):
    """Run a system elsewhere, and kill it once the endpoint answers no more."""
    endpoint.answer = lambda body, n: answer_well(body, n) if n <= n_answers else HOLD
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            SCRIPT,
            endpoint.url,
            str(store),
            str(Path(__file__).parent),
            name,
        ],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_until(lambda: len(endpoint.bodies) > n_answers)
        wait_until(lambda: count_replies(store) == n_answers)
        process.send_signal(signal.SIGKILL)


def count_replies(store):
    store = ReplyStore(store)
    n_replies = store.describe()["replies"]
    store.close()
    return n_replies


@pytest.mark.parametrize(
    "name",
    [
        "TAGAL",
        *(
            pytest.param(n, marks=pytest.mark.slow)
            for n in sorted(set(MAKE) - {"TAGAL"})
        ),
    ],
)
def test_killed_run_asks_again_only_for_what_was_not_answered(
    name, endpoint, tmp_path, wait_until
):
    endpoint.answer = answer_well
    undisturbed = resample(endpoint.url, str(tmp_path / "other"), name)
    n_questions = len(endpoint.bodies)
    n_answers = n_questions // 2

    endpoint.bodies.clear()
    store = tmp_path / "store"
    kill_in_the_middle(endpoint, store, name, n_answers, wait_until)
    before = [say(body) for body in endpoint.bodies]
    endpoint.answer = answer_well
    endpoint.bodies.clear()
    run = resample(endpoint.url, str(store), name)
    later = [say(body) for body in endpoint.bodies]

    assert len(later) == len(set(later)) == n_questions - n_answers
    assert len(set(before) - set(later)) == n_answers
    pd.testing.assert_frame_equal(run.X_res, undisturbed.X_res)
    pd.testing.assert_series_equal(run.y_res, undisturbed.y_res)


@pytest.mark.usefixtures("few_trees")  # the processes above have all trees
@pytest.mark.parametrize("name", MAKE)
def test_a_run_again_asks_nothing(name, endpoint, tmp_path):
    endpoint.answer = answer_well
    store = str(tmp_path / "store")
    first = resample(endpoint.url, store, name)
    n_questions = len(endpoint.bodies)
    again = resample(endpoint.url, store, name)

    assert n_questions == len(endpoint.bodies) > 0
    assert again.sampler.report_.usage["calls"].sum() == 0
    pd.testing.assert_frame_equal(first.X_res, again.X_res)
