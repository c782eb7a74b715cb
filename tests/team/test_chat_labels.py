"""A model writes free labels, new ones included, and agrees to wanted ones or not."""

import json

import numpy as np
import pandas as pd
import pytest

from t2sampler.team import Component, Plan
from t2sampler.team._chat_labels import VETO, ChatLabels


@pytest.fixture
def ask(chat, make_task):
    """Return a function from a briefing and a model to its answer."""

    def run(briefing, complete, *, wanted, rows=range(4)):
        names = briefing.schema.names
        worker = ChatLabels(briefing, Plan([Component("a", names)]), chat, complete)
        task = make_task(briefing, [], names, rows=rows, wanted=wanted, width=1)
        return worker.write(task)

    return run


def test_free_labels_are_codes(ask, mixed, echo, script):
    answer = ask(mixed, script(echo(mixed)), wanted=False)

    assert answer.codes.ravel().tolist() == mixed.labels[:4].tolist()
    assert not answer.faults


def test_free_labels_may_be_new_classes(ask, make_briefing, mixed_table, script):
    briefing = make_briefing(*mixed_table, new_labels=["maybe"])
    model = script(json.dumps({"rows": [{"i": i, "y": "maybe"} for i in range(1, 5)]}))

    answer = ask(briefing, model, wanted=False)

    assert set(answer.codes.ravel()) == {briefing.label.levels.index("maybe")}
    row = model.requests[0].schema["properties"]["rows"]["items"]
    assert row["properties"]["y"]["enum"] == ["no", "yes", "maybe"]


def test_wanted_labels_are_agreed_to_or_vetoed(ask, mixed, script):
    oks = [True, False, "yes", 0]
    rows = [{"i": i, "ok": ok} for i, ok in enumerate(oks, start=1)]

    answer = ask(mixed, script(json.dumps({"rows": rows})), wanted=True)

    assert answer.faults == {1: VETO, 3: VETO}
    assert answer.codes[[0, 2], 0].tolist() == mixed.labels[[0, 2]].tolist()
    assert np.isnan(answer.codes[[1, 3]]).all()


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("value", [None, "perhaps", 7, {}, [], float("nan")])
def test_no_other_answer_counts(ask, mixed, script, wanted, value):
    rows = [{"i": i, "ok" if wanted else "y": value} for i in range(1, 5)]
    model = script(json.dumps({"rows": rows}))

    answer = ask(mixed, model, wanted=wanted)

    assert len(answer.faults) == 4
    assert len(model.requests) == 3


@pytest.mark.parametrize(
    ("labels", "sent"),
    [([0, 1], [0, "1"]), ([False, True], [False, "true"]), ([1.0, 2.0], [1, 2.0])],
)
def test_labels_of_any_type(ask, make_briefing, script, labels, sent):
    X = pd.DataFrame({"x": np.arange(60) % 7})
    briefing = make_briefing(X, np.array(labels * 30))
    rows = [{"i": i, "y": sent[i % 2]} for i in range(1, 5)]

    answer = ask(briefing, script(json.dumps({"rows": rows})), wanted=False)

    assert answer.codes.ravel().tolist() == [1, 0, 1, 0]


def test_no_rows_nothing_asked(ask, mixed, chat, make_task, script):
    model = script(AssertionError("asked"))

    assert ask(mixed, model, wanted=True, rows=[]).codes.shape == (0, 1)
    worker = ChatLabels(mixed, Plan([Component("a", mixed.schema.names)]), chat, model)
    assert worker.question(make_task(mixed, [], rows=[])) is None
    assert not model.requests
