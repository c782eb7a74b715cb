"""A model's rows are matched by number, and asked for again where they are wrong."""

import json

import numpy as np
import pandas as pd
import pytest

from t2sampler.chat._chat_worker import ASKED_AGAIN, CUT_OFF, HALVED, NOT_IN_REPLY
from t2sampler.chat._row_worker import OTHER_LABEL, ChatRowWorker
from t2sampler.exceptions import (
    BudgetError,
    ChatError,
    ContextOverflowError,
    ReplayError,
)
from t2sampler.llm._base import ChatReply
from t2sampler.team import Component, Plan

NOTES = [f"a note on {k} things" for k in range(30)]
NAMES = ["int64", "float64", "category"]


@pytest.fixture
def ask(mixed, chat, make_task):
    """Return a function from a model to its answer to a task of some real rows."""

    def run(complete, names=NAMES, rows=range(1, 5), planned=None):
        part = Component("a", planned or names)
        plan = Plan([part])
        worker = ChatRowWorker(mixed, plan, part, chat, complete)
        task = make_task(mixed, names, rows=rows, width=worker.n_uniforms)
        return worker.write(task)

    return run


def codes_of(context, names, rows):
    places = [context.schema.names.index(name) for name in names]
    return context.codes[np.ix_(list(rows), places)]


def test_rows_come_back_as_codes(ask, mixed, echo, script):
    model = script(echo(mixed))

    answer = ask(model, mixed.schema.names, range(10))

    expected = codes_of(mixed, mixed.schema.names, range(10))
    np.testing.assert_allclose(answer.codes, expected, atol=0.051)
    assert not answer.faults
    assert not answer.repairs
    assert len(model.requests) == 1


def test_rows_are_matched_by_number_in_any_order(ask, mixed, echo, script):
    def shuffled(request):
        rows = json.loads(echo(mixed)(request))["rows"]
        return json.dumps({"rows": rows[::-1]})

    answer = ask(script(shuffled), rows=range(4))

    np.testing.assert_allclose(
        answer.codes, codes_of(mixed, NAMES, range(4)), atol=0.051
    )


def test_missing_and_wrong_rows_are_asked_for_again_alone(
    ask, mixed, echo, script, rows_of
):
    def spoiled(request):
        rows = json.loads(echo(mixed)(request))["rows"]
        rows[0]["category"] = "purple"
        return json.dumps({"rows": [rows[0], rows[2], {**rows[3], "int64": 3.5}]})

    model = script(spoiled, echo(mixed))
    answer = ask(model, rows=range(4))

    assert [row["i"] for row in rows_of(model.requests[1])] == [1, 2, 4]
    assert [request.attempt for request in model.requests] == [0, 1]
    assert not answer.faults
    assert answer.repairs == {ASKED_AGAIN: 3}


def test_rows_are_asked_for_twice_more_then_refused_with_a_reason(ask, script):
    row = {"i": 2, "label": "no", "int64": "many", "float64": 0.5, "category": "a"}
    model = script(json.dumps({"rows": [row]}))

    answer = ask(model, rows=range(2))

    assert len(model.requests) == 3
    assert answer.faults == {
        0: NOT_IN_REPLY,
        1: "column 'int64': \"many\" is not a number",
    }
    assert np.isnan(answer.codes).all()


def test_a_question_too_long_is_halved_down_to_one_row(
    ask, mixed, echo, script, rows_of
):
    def short(request):
        if len(rows_of(request)) > 1:
            raise ContextOverflowError("It does not fit.")
        return echo(mixed)(request)

    model = script(short)
    answer = ask(model, rows=range(4))

    assert not answer.faults
    assert answer.repairs == {HALVED: 3}
    assert len(model.requests) == 7


def test_where_not_even_one_row_fits_no_other_is_tried(ask, script):
    model = script(ContextOverflowError("It does not fit."))

    answer = ask(model, rows=range(16))

    assert len(model.requests) == 5  # 16, 8, 4, 2, 1
    assert answer.faults == dict.fromkeys(range(16), "It does not fit.")


def test_a_row_that_never_fits_is_a_fault(ask, script):
    answer = ask(script(ContextOverflowError("It does not fit.")), rows=range(2))

    assert answer.faults == {0: "It does not fit.", 1: "It does not fit."}


def test_a_cut_off_reply_keeps_whole_rows_and_asks_for_halves(ask, mixed, echo, script):
    def cut(request):
        text = echo(mixed)(request)
        rows = json.loads(text)["rows"]
        if len(rows) == 1:
            return text
        whole = text[: text.index(json.dumps(rows[1])) + 5]
        return ChatReply(whole, finish_reason="length")

    model = script(cut)
    answer = ask(model, rows=range(5))

    np.testing.assert_allclose(
        answer.codes, codes_of(mixed, NAMES, range(5)), atol=0.051
    )
    assert answer.repairs[CUT_OFF] == 3
    assert not answer.faults


@pytest.mark.parametrize("reason", ["refusal", "content_filter"])
def test_an_empty_reply_tells_why(ask, script, reason):
    answer = ask(script(ChatReply("", finish_reason=reason)), rows=range(2))

    assert answer.faults[0] == f"the model returned an empty answer ({reason})"


def test_a_reply_of_reasoning_alone_is_not_asked_for_again(ask, script):
    model = script(ChatReply("", finish_reason="length"))

    answer = ask(model, rows=range(8))

    assert len(model.requests) == 1
    assert all("`max_tokens`" in fault for fault in answer.faults.values())
    assert all("reasoning_effort" in fault for fault in answer.faults.values())
    assert len(answer.faults) == 8


def test_rows_that_a_reply_has_no_room_for_are_asked_for_apart(
    mixed, chat, make_task, echo, script
):
    part = Component("a", NAMES)
    chat.max_tokens = 300
    model = script(echo(mixed))
    worker = ChatRowWorker(mixed, Plan([part]), part, chat, model)
    task = make_task(mixed, NAMES, rows=range(40))

    answer = worker.write(task)

    assert 1 < worker.max_rows < 20
    assert len(model.requests) == -(-40 // worker.max_rows)
    np.testing.assert_allclose(
        answer.codes, codes_of(mixed, NAMES, range(40)), atol=0.051
    )


@pytest.mark.parametrize("seed", range(5))
def test_values_are_placed_by_key(ask, mixed, echo, script, seed):
    """The plan, the task and the reply name the columns in orders of their own."""
    rng = np.random.default_rng(seed)
    names = mixed.schema.names

    def shuffled(request):
        rows = json.loads(echo(mixed)(request))["rows"]
        keys = rng.permutation(list(rows[0])).tolist()
        return json.dumps({"rows": [{key: row[key] for key in keys} for row in rows]})

    asked, planned = rng.permutation(names).tolist(), rng.permutation(names).tolist()
    answer = ask(script(shuffled), asked, range(6), planned)

    expected = codes_of(mixed, asked, range(6))
    np.testing.assert_allclose(answer.codes, expected, atol=0.051)


def test_an_echo_of_the_question_is_no_row(ask, mixed, script):
    model = script(lambda request: "\n".join(text for _, text in request.messages))

    answer = ask(model, mixed.schema.names, rows=range(4))

    assert len(answer.faults) == 4
    assert np.isnan(answer.codes).all()


def test_an_echo_before_the_answer_does_no_harm(ask, mixed, echo, script):
    model = script(
        lambda request: (
            f"{request.messages}\n{request.messages[1][1]}\n" + echo(mixed)(request)
        )
    )

    answer = ask(model, rows=range(4))

    np.testing.assert_allclose(
        answer.codes, codes_of(mixed, NAMES, range(4)), atol=0.051
    )


def test_a_row_for_another_label_is_a_fault(ask, mixed, echo, script):
    def turned(request):
        rows = json.loads(echo(mixed)(request))["rows"]
        rows[2]["label"] = {"no": "yes", "yes": "no"}[rows[2]["label"]]
        return json.dumps({"rows": rows})

    answer = ask(script(turned), rows=range(4))

    assert answer.faults == {2: OTHER_LABEL}
    assert np.isnan(answer.codes[2]).all()
    assert not np.isnan(answer.codes[:2]).all(axis=1).any()


def test_a_failed_call_costs_its_rows_and_no_more(ask, script):
    model = script(ChatError("The server answered 500."))

    answer = ask(model, rows=range(2))

    assert answer.faults == dict.fromkeys(range(2), "The server answered 500.")
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    "error",
    [ChatError("No key.", is_fatal=True), BudgetError("No."), ReplayError("No.")],
)
def test_an_error_that_other_calls_would_meet_is_raised(ask, script, error):
    with pytest.raises(type(error)):
        ask(script(error))


def test_one_row_of_one_column(make_context, chat, make_task, echo, script):
    context = make_context(pd.DataFrame({"x": [1.5, 2.5, 4.0]}), pd.Series([0, 1, 0]))
    part = Component("all", ["x"])
    model = script(echo(context))
    worker = ChatRowWorker(context, Plan([part]), part, chat, model)
    task = make_task(context, ["x"], rows=[0], wanted=False, width=worker.n_uniforms)

    answer = worker.write(task)

    assert answer.codes.tolist() == [[1.5]]
    assert model.requests[0].messages[1][1].endswith('\nRows:\n1 x {"y":0}')


def test_nothing_to_ask_is_not_asked(make_context, chat, make_task, script):
    X = pd.DataFrame(
        {"name": [f"a note on {k} things" for k in range(30)], "x": np.arange(30) % 7}
    )
    context = make_context(X, pd.Series([0, 1] * 15))
    part = Component("names", ["name"])
    plan = Plan([part, Component("rest", ["x"])])
    model = script(AssertionError("asked"))
    worker = ChatRowWorker(context, plan, part, chat, model)
    task = make_task(context, ["name"], rows=range(3), width=worker.n_uniforms)
    none = make_task(context, ["x"], rows=[], width=3)
    rest = ChatRowWorker(context, plan, plan.components[1], chat, model)

    assert np.isnan(worker.write(task).codes).all()
    assert rest.write(none).codes.shape == (0, 1)
    assert not model.requests


def test_columns_that_are_never_written_stay_missing_beside_others(
    make_context, chat, make_task, echo, script
):
    X = pd.DataFrame(
        {"name": [f"a note on {k} things" for k in range(30)], "x": np.arange(30) % 7}
    )
    context = make_context(X, pd.Series([0, 1] * 15))
    part = Component("all", ["name", "x"])
    worker = ChatRowWorker(context, Plan([part]), part, chat, script(echo(context)))

    task = make_task(context, ["x", "name"], rows=range(3), width=worker.n_uniforms)
    answer = worker.write(task)

    assert answer.codes[:, 0].tolist() == [0, 1, 2]
    assert np.isnan(answer.codes[:, 1]).all()


def test_two_hundred_columns(make_context, chat, make_task, echo, script):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        rng.integers(0, 9, (20, 200)), columns=[f"v{j}" for j in range(200)]
    )
    context = make_context(X, pd.Series([0, 1] * 10))
    part = Component("all", list(X))
    model, chat.max_tokens = script(echo(context)), 20_000
    worker = ChatRowWorker(context, Plan([part]), part, chat, model)
    task = make_task(context, list(X), rows=range(5), width=worker.n_uniforms)

    answer = worker.write(task)

    np.testing.assert_array_equal(answer.codes, X.to_numpy()[:5])
    system, question = (text for _, text in model.requests[0].messages)
    n_shown = len(context.example_rows)
    assert 0 < n_shown < 20  # as many as the bound holds
    assert system.count('"v199":') == 1 + n_shown  # the dictionary has it, too
    assert "Write 5 new rows" in question


def test_rows_without_given_values_may_come_in_any_order(
    mixed, chat, make_task, echo, script
):
    """So many of each label are asked for; each goes where its label is wanted."""

    def turned(request):
        rows = json.loads(echo(mixed)(request))["rows"]
        return json.dumps({"rows": rows[::-1]})

    names = mixed.schema.names
    part = Component("a", names)
    model = script(turned)
    worker = ChatRowWorker(mixed, Plan([part]), part, chat, model)

    answer = worker.write(make_task(mixed, names, rows=range(12)))

    assert "Write 12 new rows" in model.requests[0].messages[1][1]
    for label in (0, 1):
        is_label = mixed.labels[:12] == label
        written = {tuple(row) for row in np.nan_to_num(answer.codes[is_label], nan=-9)}
        real = np.nan_to_num(codes_of(mixed, names, np.flatnonzero(is_label)), nan=-9)
        places = names.index("float32")
        drop = [j for j in range(len(names)) if j != places]
        assert {tuple(np.delete(row, places)) for row in written} == {
            tuple(row[drop]) for row in real
        }


def test_rows_of_a_label_that_are_too_few_are_asked_for_again(
    mixed, chat, make_task, echo, script
):
    def one_label(request):
        rows = json.loads(echo(mixed)(request))["rows"]
        rows = [row for row in rows if row["label"] == "no"] or rows
        more = [{**rows[0], "i": 40 + k} for k in range(3)]  # too many of another
        return json.dumps({"rows": [*rows, *more]})

    names = mixed.schema.names
    part = Component("a", names)
    model = script(one_label)
    worker = ChatRowWorker(mixed, Plan([part]), part, chat, model)
    task = make_task(mixed, names, rows=range(20))
    n_rare = int(task.labels.sum())

    answer = worker.write(task)

    assert 0 < n_rare < 20
    assert len(model.requests) == 2
    lines = model.requests[1].messages[1][1].rpartition("Rows:\n")[2]
    assert lines == f'{n_rare} x {{"label":"yes"}}'
    assert not answer.faults


def test_no_two_questions_of_a_batch_are_the_same(mixed, chat, make_task, script):
    """Parts with the same counts, and the same rows asked for again."""
    names = mixed.schema.names
    part = Component("a", names)
    worker = ChatRowWorker(mixed, Plan([part]), part, chat, None)
    task = make_task(mixed, names, rows=[3] * 12)

    asked = [
        worker.question(task, rows, attempt)
        for rows in (range(6), range(6, 12), range(3))
        for attempt in (0, 1, 2)
    ]

    assert len({(request.messages, request.seed) for request in asked}) == 9
