"""The key is read where it is used, and shows nowhere."""

import io
import logging
import pickle
import traceback
from contextlib import redirect_stderr, redirect_stdout

import joblib
import pytest
from doubles.fake_openai import FakeOpenAI, Fault
from doubles.llm_team_runs import PLANS, make_chat, make_sampler, run_sampler, run_team
from sklearn.base import clone

from t2sampler.exceptions import ChatError
from t2sampler.generators import LLMTeam
from t2sampler.report import render_page


def texts_of(thing):
    """Yield what shows of an object: repr, text, HTML, pickle."""
    yield repr(thing)
    yield str(thing)
    yield getattr(thing, "_repr_html_", str)() or ""
    yield pickle.dumps(thing).decode("latin-1")
    file = io.BytesIO()
    joblib.dump(thing, file)
    yield file.getvalue().decode("latin-1")


def files_in(folder):
    """Yield the content of every file, however deep."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode("latin-1")


@pytest.fixture
def debug_log():
    """Return everything any logger says, at DEBUG."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(before)
    root.removeHandler(handler)


def test_key_shows_nowhere_after_a_run(key, debug_log, tmp_path):
    shown, folder = io.StringIO(), tmp_path / "store"

    with (
        FakeOpenAI(table="visits", faults=(Fault("500", calls=(2,)),)) as server,
        redirect_stdout(shown),
        redirect_stderr(shown),
    ):
        team = LLMTeam(make_chat(server.url), store=str(folder))
        run = run_sampler(make_sampler(team, max_batches=2, verbose=1))
        assert server.log()[0]["authorization"] == f"Bearer {key}"

    shown.write(render_page(run.sampler.report_))
    parts = [run.sampler, run.sampler.generator_, run.sampler.report_, team, team.chat]
    texts = [*files_in(tmp_path), shown.getvalue(), debug_log.getvalue()]
    texts += [text for part in parts for text in texts_of(part)]
    assert debug_log.getvalue()
    assert all(key not in text for text in texts)


@pytest.mark.parametrize(
    "fault",
    [{"key": "another"}, {"faults": (Fault("429", seconds=5000),)}, {"formats": ()}],
)
def test_key_shows_in_no_error(fault, key, debug_log, tmp_path):
    """A server may even say the key it was given in its own message."""
    told = ""

    with FakeOpenAI(table="visits", **fault) as server:
        try:
            run = run_team(
                server,
                chat={"timeout": 0.5, "max_retries": 0},
                team={"store": str(tmp_path / "store")},
                sampler={"max_batches": 1},
            )
            told = str(run.sampler.report_.left_out.to_dict())
        except ChatError as error:
            told = "".join(traceback.format_exception(error))
            told += pickle.dumps(error).decode("latin-1")

    assert key not in told
    assert key not in debug_log.getvalue()
    assert all(key not in text for text in files_in(tmp_path))


def test_fitted_team_travels_without_its_connection(key):
    with FakeOpenAI(table="visits") as server:
        run = run_team(server, sampler={"max_batches": 1})
        copy = pickle.loads(pickle.dumps(run.sampler))
        team = pickle.loads(pickle.dumps(run.sampler.generator_))
        again = run_sampler(clone(copy))

    assert again.X_res.equals(run.X_res)
    assert team.plan_ == PLANS["visits"]
