"""A model says how likely labels are; the likeliest counts, also of new classes."""

import json

import numpy as np
import pandas as pd
import pytest

from t2sampler.chat._label_worker import ChatLabelWorker
from t2sampler.team import Component, Plan


@pytest.fixture
def ask(chat, make_task):
    """Return a function from a context and a model to its answer."""

    def run(context, complete, *, wanted, rows=range(4)):
        names = context.schema.names
        worker = ChatLabelWorker(context, Plan([Component("a", names)]), chat, complete)
        task = make_task(context, [], names, rows=rows, wanted=wanted, width=1)
        return worker.write(task)

    return run


def test_labels_that_nobody_wanted_are_codes(ask, mixed, echo, script):
    answer = ask(mixed, script(echo(mixed)), wanted=False)

    assert answer.codes.ravel().tolist() == mixed.labels[:4].tolist()
    assert not answer.faults


def test_labels_may_be_new_classes(ask, make_context, mixed_table, script):
    context = make_context(*mixed_table, new_labels=["maybe"])
    row = {"maybe": 0.5, "no": 0.3, "yes": 0.2}
    model = script(json.dumps({"rows": [{"i": i, **row} for i in range(1, 5)]}))

    answer = ask(context, model, wanted=False)

    assert set(answer.codes.ravel()) == {context.label.levels.index("maybe")}
    row = model.requests[0].schema["properties"]["rows"]["items"]
    assert list(row["properties"]) == ["i", "no", "yes", "maybe"]


def test_a_row_likelier_to_have_another_label_is_a_fault(ask, mixed, script):
    wanted = [mixed.label.levels[code] for code in mixed.labels[:4]]
    other = {"no": "yes", "yes": "no"}
    shares = [(0.9, 0.1), (0.2, 0.8), ("60%", "40%"), (0.5, 0.5)]
    rows = [
        {"i": i, wanted[i - 1]: share, other[wanted[i - 1]]: rival}
        for i, (share, rival) in enumerate(shares, start=1)
    ]

    answer = ask(mixed, script(json.dumps({"rows": rows[::-1]})), wanted=True)

    assert list(answer.faults) == [1]
    assert other[wanted[1]] in answer.faults[1]
    assert answer.codes[[0, 2, 3], 0].tolist() == mixed.labels[[0, 2, 3]].tolist()
    assert np.isnan(answer.codes[1])


def test_the_label_is_never_shown(ask, mixed, echo, script, rows_of):
    for wanted in (True, False):
        model = script(echo(mixed))

        ask(mixed, model, wanted=wanted)

        (request,) = model.requests
        assert all("label" not in row and len(row) == 14 for row in rows_of(request))


def test_wanted_labels_may_stay_unchecked(mixed, chat, make_task, script):
    model = script(AssertionError("asked"))
    plan = Plan([Component("a", mixed.schema.names)])
    worker = ChatLabelWorker(mixed, plan, chat, model, checks_wanted=False)

    answer = worker.write(make_task(mixed, [], mixed.schema.names, rows=[3, 1, 2]))

    assert answer.codes[:, 0].tolist() == mixed.labels[[3, 1, 2]].tolist()
    assert not answer.faults


def test_of_many_classes_only_the_likeliest_is_asked_for(
    ask, make_context, script, rows_of
):
    X = pd.DataFrame({"x": np.arange(60) % 7})
    context = make_context(X, np.array([f"k{i % 12}" for i in range(60)]))
    model = script(
        lambda request: json.dumps(
            {"rows": [{"i": row["i"], "y": "k11"} for row in rows_of(request)]}
        )
    )

    answer = ask(context, model, wanted=False)

    assert {context.label.levels[int(k)] for k in answer.codes.ravel()} == {"k11"}


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("value", [None, "perhaps", {}, [], float("nan")])
def test_other_answers_are_faults(ask, mixed, script, wanted, value):
    rows = [{"i": i, "no": 0.5, "yes": value} for i in range(1, 5)]
    model = script(json.dumps({"rows": rows}))

    answer = ask(mixed, model, wanted=wanted)

    assert len(answer.faults) == 4
    assert len(model.requests) == 3


@pytest.mark.parametrize(
    ("labels", "keys"),
    [
        ([0, 1], ["y0", "y1"]),
        ([False, True], ["y1", "y2"]),
        (["1 a", "2 b"], ["y1", "y2"]),
    ],
)
def test_labels_of_any_type(ask, make_context, script, labels, keys):
    X = pd.DataFrame({"x": np.arange(60) % 7})
    context = make_context(X, np.array(labels * 30))
    rows = [{"i": i, keys[0]: i % 2 - 0.5, keys[1]: 0.25} for i in range(1, 5)]
    model = script(json.dumps({"rows": rows}))

    answer = ask(context, model, wanted=False)

    assert answer.codes.ravel().tolist() == [0, 1, 0, 1]
    question = model.requests[0].messages[1][1]
    assert all(f'"{key}" for ' in question for key in keys)


def test_nothing_is_asked_for_no_rows(ask, mixed, chat, make_task, script):
    model = script(AssertionError("asked"))

    assert ask(mixed, model, wanted=True, rows=[]).codes.shape == (0, 1)
    worker = ChatLabelWorker(
        mixed, Plan([Component("a", mixed.schema.names)]), chat, model
    )
    assert worker.question(make_task(mixed, [], rows=[])) is None
    assert not model.requests
