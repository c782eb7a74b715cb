"""Killed at any moment, a run goes on where it was, and pays nothing twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from fake_openai import FakeOpenAI
from runs import questions

SERVERS = Path(__file__).parents[1] / "servers"
SCRIPT = """
import signal
import sys
from runs import make_chat, make_sampler, run_sampler
from t2sampler.generators import LLMTeam

signal.signal(signal.SIGINT, signal.default_int_handler)  # shells may have it ignored
url, store, out = sys.argv[1:]
chat = make_chat(url, timeout=60.0)
team = LLMTeam(chat, manager=chat, label=chat, store=store)
print("ready", flush=True)
run = run_sampler(make_sampler(team, max_batches=8))
run.X_res.assign(label=run.y_res).to_csv(out, index=False)
"""


def start(server, store, out):
    """Run the script in a process of its own, up to its first question."""
    arguments = [sys.executable, "-c", SCRIPT, server.url, str(store), str(out)]
    environment = {**os.environ, "PYTHONPATH": str(SERVERS), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process):
    process.communicate()
    return process.returncode


def wait_until(is_so):
    while not is_so():
        time.sleep(0.02)


def stop_in_the_middle(server, process, how):
    """Signal a process once the server holds its questions back; return when."""
    wait_until(lambda: len(server.log()) > server.settings.hold_after)
    time.sleep(0.5)  # what was answered is stored by now
    process.send_signal(how)
    return time.perf_counter()


def test_killed_run_asks_again_only_for_what_was_not_answered(tmp_path):
    hold_after = 7
    with FakeOpenAI(table="visits") as server:
        finish(start(server, tmp_path / "other", tmp_path / "undisturbed.csv"))
        n_questions = len(server.log())

    with FakeOpenAI(table="visits", hold_after=hold_after) as server:
        process = start(server, tmp_path / "store", tmp_path / "out.csv")
        stop_in_the_middle(server, process, signal.SIGKILL)
        finish(process)
        n_before = len(server.log())
        answered = set(questions(server.log(), answered=True))
        server.release()
        again = start(server, tmp_path / "store", tmp_path / "out.csv")
        assert finish(again) == 0
        later = questions(server.log()[n_before:])

    assert len(answered) == hold_after
    assert not answered.intersection(later)
    assert len(later) == len(set(later)) == n_questions - hold_after
    undisturbed = pd.read_csv(tmp_path / "undisturbed.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out.csv"), undisturbed)


def test_killed_before_its_first_answer_it_asks_the_same(tmp_path):
    """Claims of a dead process hold nobody up."""
    with FakeOpenAI(table="visits", hold_after=0) as server:
        process = start(server, tmp_path / "store", tmp_path / "out.csv")
        stop_in_the_middle(server, process, signal.SIGKILL)
        finish(process)
        asked = questions(server.log())
        server.release()
        assert finish(start(server, tmp_path / "store", tmp_path / "out.csv")) == 0
        later = questions(server.log()[len(asked) :])

    assert set(asked) <= set(later)


def test_interrupt_stops_within_a_second(tmp_path):
    with FakeOpenAI(table="visits", hold_after=3) as server:
        process = start(server, tmp_path / "store", tmp_path / "out.csv")
        at = stop_in_the_middle(server, process, signal.SIGINT)

        assert finish(process) != 0
        assert time.perf_counter() - at < 2  # one for us, one for leaving Python
