"""CLLM: what a model is shown, what it is asked for, and what becomes of its rows."""

import json
import pickle
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from doubles.sampler_runs import OFF, check_report, may_fall_short
from imblearn.pipeline import make_pipeline
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import OneHotEncoder

from t2sampler import DataMapsFilter, TeamThenTrimSampler
from t2sampler.chat._prompts import AGAIN
from t2sampler.exceptions import ChatError, GeneratorError, ReplayError
from t2sampler.generators import CLLM
from t2sampler.llm import Budget
from t2sampler.llm._base import ChatReply
from t2sampler.testing import (
    ScriptedChat,
    answer_competently,
    check_generator,
    make_requests,
)

LOG = []
ROW = re.compile(r'^\{"size".*\}$', re.M)


@pytest.fixture(autouse=True)
def forget():
    LOG.clear()


def listen(request):
    LOG.append(request)
    return answer_competently(request)


def changed(change):
    """Return a model whose first answer to a question is changed."""

    def answer(request):
        LOG.append(request)
        text = answer_competently(request)
        return text if request.attempt else change(text)

    return answer


def trips(n_late=6, n_early=24):
    """Return a table with the label's rare class first, and some missing values."""
    rng = np.random.default_rng(3)
    n_rows = n_late + n_early
    X = pd.DataFrame(
        {
            "size": rng.normal(50, 20, size=n_rows).round(1),
            "town": rng.choice(["Oslo, east", "Bergen", "Alta"], n_rows),
        }
    )
    X.loc[::9, "size"] = np.nan
    return X, pd.Series(["late"] * n_late + ["early"] * n_early, name="when")


def make(answer=listen, **settings):
    chosen = {"batch_size": 6, "max_batches": 9, "random_state": 1} | OFF
    own = {k: settings.pop(k) for k in [*chosen, "n_batches"] if k in settings}
    own |= {"new_classes": settings.pop("new_classes", None)}
    chat = {k: settings.pop(k) for k in ["prices", "max_tokens"] if k in settings}
    cllm = CLLM(ScriptedChat(answer, **chat), **{"store": False, **settings})
    return TeamThenTrimSampler(cllm, **(chosen | own))


def examples_of(request, place):
    """Return the real rows in a message: 0 the system's, 1 the question."""
    return ROW.findall(request.messages[place][1])


@pytest.mark.parametrize("form", [{}, {"n_examples": 3}, {"published": True}], ids=str)
def test_it_keeps_the_contract(form):
    check_generator(CLLM(ScriptedChat(), store=False, **form))


def test_all_questions_show_the_same_rows_and_ask_for_wanted_labels():
    X, y = trips()
    sampler = make(context="trips by tram", feature_descriptions={"size": "in cm"})

    X_res, y_res = sampler.fit_resample(X, y)

    assert y_res.value_counts().to_dict() == {"early": 24, "late": 24}
    assert [request.role for request in LOG] == ["generator"] * 3
    assert len({request.messages[0] for request in LOG}) == 1
    assert len({request.messages[1] for request in LOG}) == 3
    shown = [json.loads(row) for row in examples_of(LOG[0], 0)]
    assert sorted(map(str, shown)) == sorted(
        str({"size": None if np.isnan(size) else size, "town": town, "when": when})
        for size, town, when in zip(X["size"], X["town"], y, strict=True)
    )
    system, question = (text for _, text in LOG[0].messages)
    assert '"trips by tram"' in system
    assert '"in cm"' in system
    assert "Write 6 new rows" in question
    assert question.endswith('\nRows:\n6 x {"when":"late"}')
    check_report(sampler, X_res)


def test_what_is_asked_does_not_depend_on_the_order_of_rows_and_columns():
    X, y = trips()
    order = np.random.default_rng(0).permutation(len(X))

    make().fit_resample(X, y)
    make().fit_resample(
        X.iloc[order, ::-1].reset_index(drop=True), y.iloc[order].reset_index(drop=True)
    )

    first, second = LOG[0].messages[0][1], LOG[3].messages[0][1]
    rows = [
        Counter(str(sorted(json.loads(row).items(), key=str)) for row in found)
        for found in (ROW.findall(first), re.findall(r'^\{"town".*', second, re.M))
    ]
    assert rows[0] == rows[1]
    assert (
        LOG[0].messages[1][1].splitlines()[-1] == LOG[3].messages[1][1].splitlines()[-1]
    )


def test_the_published_form_draws_rows_for_each_question_and_asks_for_no_label():
    X, y = trips()
    sampler = make(published=True)

    X_res, y_res = sampler.fit_resample(X, y)

    check_report(sampler, X_res)
    assert y_res.value_counts()["late"] > 6
    for request in LOG:
        assert not examples_of(request, 0)
        question = request.messages[1][1]
        assert len(examples_of(request, 1)) == 20
        assert re.search(r"\nRows:\n\d+ x \{\}$", question)
    # The rare class is a fifth of the real rows: 30 rows should hold six of it.
    assert LOG[0].messages[1][1].endswith("30 x {}")
    assert any(max(Counter(examples_of(r, 1)).values()) > 1 for r in LOG)
    (note,) = [note for note in sampler.report_.notes if "beyond those wanted" in note]
    assert re.search(r"left out: \d+", note)


def test_the_published_form_asks_again_without_a_word_on_what_was_lacking():
    X, y = trips()

    make(changed(lambda text: ""), published=True).fit_resample(X, y)

    assert {request.attempt for request in LOG} == {0, 1}
    questions = {request.messages[1][1] for request in LOG}
    assert len(questions) == len(LOG)  # by the real rows that they show
    assert not any(AGAIN in question for question in questions)


def test_drawn_rows_stay_as_diverse_as_the_real_ones():
    """Published code draws from the rows of the question before: few rows are left."""
    X, y = trips()

    list(
        CLLM(ScriptedChat(listen), published=True, store=False)
        .fit(X, y)
        .draw(make_requests(20, 4))
    )

    last = {row for request in LOG[-8:] for row in examples_of(request, 1)}
    assert len(last) > 0.9 * len(X)


def test_rows_may_be_drawn_and_labels_wanted():
    X, y = trips()

    _, y_res = make(n_examples=4).fit_resample(X, y)

    assert y_res.value_counts()["late"] == 24
    assert {len(examples_of(request, 1)) for request in LOG} == {4}
    assert LOG[0].messages[1][1].endswith('6 x {"when":"late"}')


def test_few_tokens_hold_few_rows():
    X, y = trips()

    make(max_example_tokens=60).fit_resample(X, y)
    make(max_example_tokens=60, published=True).fit_resample(X, y)

    n_shown = [len(examples_of(request, 0)) for request in LOG[:3]]
    n_drawn = [len(examples_of(request, 1)) for request in LOG[3:]]
    assert 0 < n_shown[0] == n_shown[2] < 8
    assert 0 < min(n_drawn) <= max(n_drawn) < 8


@pytest.mark.parametrize("form", [{}, {"published": True}], ids=str)
def test_labels_come_as_they_are_written_where_none_is_wanted(form):
    X, y = trips()
    sampler = make(n_batches=4, **form)

    X_res, y_res = sampler.fit_resample(X, y)

    assert len(X_res) == len(X) + 24
    assert set(y_res[30:]) == {"late", "early"}
    assert all(r.messages[1][1].endswith("\nRows:\n6 x {}") for r in LOG)


def test_a_new_class_is_written():
    X, y = trips()

    _, y_res = make(new_classes={"never": 8}).fit_resample(X, y)

    assert y_res.value_counts()["never"] == 8
    asked = "".join(r.messages[1][1].rpartition("Rows:")[2] for r in LOG)
    assert len(re.findall(r"\d x \{\"when\":\"never\"\}", asked)) >= 2


def test_a_new_class_is_refused_by_name_in_the_published_form():
    X, y = trips()

    with pytest.raises(GeneratorError, match="never"):
        make(published=True, new_classes={"never": 8}).fit_resample(X, y)

    assert not LOG


@pytest.mark.parametrize("examples", ["summary", 0])
def test_no_row_leaves_the_machine(examples):
    X, y = trips()

    _, y_res = make(examples=examples).fit_resample(X, y)

    assert y_res.value_counts()["late"] == 24
    assert not any(ROW.search(text) for r in LOG for _, text in r.messages)


@pytest.mark.parametrize("form", [{"published": True}, {"n_examples": 5}], ids=str)
@pytest.mark.parametrize("examples", ["summary", 0])
def test_questions_cannot_draw_rows_that_may_not_be_shown(examples, form):
    with pytest.raises(ValueError, match="CLLM expected `examples`"):
        make(examples=examples, **form).fit_resample(*trips())

    assert not LOG


@pytest.mark.parametrize(
    ("name", "value"), [("n_examples", 0), ("published", "yes"), ("examples", -1)]
)
def test_wrong_parameters_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of CLLM"):
        make(**{name: value}).fit_resample(*trips())

    assert not LOG


def rewrite(change):
    """Return a change of a reply's list of rows."""
    return lambda text: json.dumps({"rows": change(json.loads(text)["rows"])})


def relabel(row):
    return {key: "early" if value == "late" else value for key, value in row.items()}


@pytest.mark.parametrize(
    ("change", "n_calls"),
    [
        pytest.param(lambda text: f"```json\n{text}\n```", 3, id="fenced"),
        pytest.param(lambda text: f"Of course!\n{text}\nAnything else?", 3, id="chat"),
        pytest.param(rewrite(lambda rows: rows[::-1]), 3, id="permuted"),
        pytest.param(rewrite(lambda rows: rows * 2), 3, id="twice as many"),
        pytest.param(lambda text: text[: len(text) // 2], 6, id="cut off"),
        pytest.param(lambda text: "", 6, id="empty"),
        pytest.param(lambda text: "I cannot do that.", 6, id="refusal"),
        pytest.param(rewrite(lambda rows: rows[:2]), 6, id="too few"),
        pytest.param(rewrite(lambda rows: [*map(relabel, rows)]), 6, id="wrong labels"),
    ],
)
def test_whatever_a_model_answers_the_rows_come(change, n_calls):
    X, y = trips()
    sampler = make(changed(change))

    X_res, y_res = sampler.fit_resample(X, y)

    check_report(sampler, X_res)
    assert y_res.value_counts()["late"] == 24
    assert len(LOG) == n_calls


@may_fall_short
def test_rows_that_cannot_be_read_are_told_with_their_reasons():
    X, y = trips()

    def answer(request):
        rows = [{"size": "huge", "town": "Alta", "when": "late", "i": 1}]
        return json.dumps({"rows": rows})

    sampler = make(answer)
    sampler.fit_resample(X, y)

    reasons = set(sampler.report_.left_out["reason"])
    assert any("column 'size'" in reason for reason in reasons)
    assert "the reply held no row that could be read" in reasons
    assert "No row of the first 3 batches" in " ".join(sampler.report_.notes)


def test_copies_of_real_rows_are_refused():
    X, y = trips()

    def answer(request):
        rows = [json.loads(row) for row in examples_of(request, 0)]
        late = [row for row in rows if row["when"] == "late"]
        copies = [{"i": n, **row} for n, row in enumerate(late, start=1)]
        return listen(request) if request.seed % 2 else json.dumps({"rows": copies})

    sampler = make(answer, max_batches=20)
    sampler.fit_resample(X, y)

    left_out = sampler.report_.left_out
    assert (left_out["reason"] == "a copy of a real row").any()
    assert set(left_out["fate"]) <= {"refused", "surplus"}


def test_a_failed_question_costs_its_batch_only():
    X, y = trips()

    def answer(request):
        LOG.append(request)
        return ChatError("lost") if len(LOG) == 2 else answer_competently(request)

    sampler = make(answer)
    _, y_res = sampler.fit_resample(X, y)

    assert y_res.value_counts()["late"] == 24
    assert (sampler.report_.left_out["reason"] == "lost").sum() == 6


def test_a_batch_that_no_reply_holds_is_asked_for_in_parts():
    X, y = trips()

    _, y_res = make(max_tokens=130, batch_size=18).fit_resample(X, y)

    assert y_res.value_counts()["late"] == 24
    asked = [int(r.messages[1][1].rpartition("\n")[2].split()[0]) for r in LOG]
    assert len(asked) > 2
    assert sum(asked) == 18
    assert len({r.seed for r in LOG}) == len(LOG)


def test_a_part_that_fails_does_not_cost_the_other_parts():
    X, y = trips()

    def answer(request):
        LOG.append(request)
        return ChatError("lost") if len(LOG) == 2 else answer_competently(request)

    sampler = make(answer, max_tokens=130, batch_size=18)
    sampler.fit_resample(X, y)

    assert (sampler.provenance_["origin"] == "generated").sum() == 18
    assert sampler.report_.totals["refused"] == 0


def test_stored_replies_are_not_paid_for_again(tmp_path):
    X, y = trips()
    store = str(tmp_path / "replies")

    first = make(store=store).fit_resample(X, y)
    n_calls = len(LOG)
    again = make(store=store)
    second = again.fit_resample(X, y)
    replayed = make(store=store, mode="replay").fit_resample(X, y)

    assert len(LOG) == n_calls
    assert again.report_.usage["calls"].tolist() == [0]
    pd.testing.assert_frame_equal(first[0], second[0])
    pd.testing.assert_frame_equal(first[0], replayed[0])
    with pytest.raises(ReplayError):
        make(store=store, mode="replay", n_examples=4).fit_resample(X, y)


def test_a_pickled_one_draws_the_same_rows():
    X, y = trips()
    cllm = CLLM(ScriptedChat(listen), published=True, store=False).fit(X, y)
    labels = ["late", "early"] * 3

    first, again = (
        next(iter(each.draw(make_requests(1, 6, labels=labels))))
        for each in (cllm, pickle.loads(pickle.dumps(cllm)))
    )

    pd.testing.assert_frame_equal(first.X, again.X)
    assert set(first.y) == {"late", "early"}


def test_a_grid_search_sets_its_form():
    X, y = trips(20, 24)
    encode = OneHotEncoder(handle_unknown="ignore")
    pipeline = make_pipeline(make(n_batches=1), encode, DummyClassifier())
    name = "teamthentrimsampler__generator__n_examples"

    search = GridSearchCV(pipeline, {name: [None, 3]}, cv=2).fit(X, y)

    assert search.cv_results_[f"param_{name}"].tolist() == [None, 3]
    assert {len(examples_of(r, 1)) for r in LOG} == {0, 3}


@may_fall_short
def test_a_budget_that_ends_keeps_the_rows_so_far():
    X, y = trips()
    sampler = make(budget=Budget(max_calls=2))

    sampler.fit_resample(X, y)

    assert (sampler.provenance_["origin"] == "generated").sum() == 12
    assert len(LOG) == 2
    assert "calls" in sampler.generator_.stop_reason_


@pytest.mark.parametrize(
    "form",
    [{}, {"n_examples": 8}, {"published": True}, {"n_batches": 5}, {"batch_size": 20}],
    ids=str,
)
def test_the_estimate_is_what_is_paid(form):
    X, y = trips(12, 48)
    sampler = make(**form)
    told = sampler.estimate(X, y)
    assert not LOG

    sampler.fit_resample(X, y)

    paid = sampler.report_.usage.loc["generator"]
    assert told.calls[0] == pytest.approx(paid["calls"], rel=0.2)
    assert told.input_tokens[0] == pytest.approx(paid["input_tokens"], rel=0.3)
    assert told.output_tokens[0] == pytest.approx(paid["output_tokens"], rel=0.3)


@pytest.mark.parametrize(
    "form", [{}, {"published": True}, {"examples": "summary"}], ids=str
)
def test_private_values_and_rare_levels_are_not_sent(form):
    X, y = trips(12, 48)
    X["mail"] = [f"q{n}@post.example" for n in range(60)]
    X["id"] = np.arange(60) + 770_000
    X["remark"] = [f"came by the {n}th tram, as ever" for n in range(60)]
    X.loc[[3, 40], "town"] = "Xanadu"
    kinds = {"mail": "private", "id": "id", "remark": "text"}
    sampler = make(max_example_tokens=150, column_kinds=kinds, **form)

    sampler.fit_resample(X, y)

    sent = "\n".join(text for r in LOG for _, text in r.messages)
    sent += json.dumps([r.schema for r in LOG])
    assert not re.search(r"post\.example|77\d{4}|tram", sent)
    is_shown = "Xanadu" in "".join(examples_of(LOG[0], 0))
    assert ("Xanadu" in sent) == is_shown
    assert not (is_shown and form)


def test_curation_trims_what_contradicts_the_real_rows():
    X, y = trips(20, 24)
    X["delay"] = np.where(y == "late", 30.0, 3.0) + np.arange(44) % 3

    def answer(request):
        rows = json.loads(answer_competently(request))["rows"]
        for n, row in enumerate(rows):
            (key,) = [k for k in row if k.lower() in ("delay", "c3")]
            row[key] = 31.0 if n % 2 else 4.0
        return json.dumps({"rows": rows})

    sampler = make(answer, cost=DataMapsFilter())
    X_res, y_res = sampler.fit_resample(X, y)

    new = X_res[sampler.synthetic_mask_]
    assert y_res.value_counts().to_dict() == {"late": 24, "early": 24}
    assert (new["delay"] == 31.0).all()
    assert (sampler.report_.left_out["fate"] == "cost").any()


def test_an_empty_answer_that_was_all_reasoning_is_no_row():
    X, y = trips()

    def answer(request):
        LOG.append(request)
        if request.attempt == 0:
            return ChatReply("", finish_reason="length")
        return answer_competently(request)

    _, y_res = make(answer).fit_resample(X, y)

    assert y_res.value_counts()["late"] == 24
