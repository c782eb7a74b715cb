"""MALLMGAN: what it asks in which order, what feeds back, which process wins, rows."""

import json
import pickle
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from doubles.process_models import (
    FIRST,
    GIVEN,
    Model,
    improve_as,
    make_gan,
    make_sampler,
    propose,
    write_like,
)
from doubles.scripted_team import patients
from sklearn.linear_model import LogisticRegression

from t2sampler import TeamThenTrimSampler
from t2sampler.exceptions import ChatError, GeneratorError
from t2sampler.llm import Budget
from t2sampler.testing import (
    ScriptedChat,
    answer_competently,
    check_generator,
    make_requests,
    read_rows,
)


def test_contract():
    check_generator(make_gan(ScriptedChat(), epochs=1))


def test_order_of_questions_and_what_feeds_back():
    X, y = patients()
    model = Model(improve=improve_as('mind "bmi"', "mind age"))
    gan = make_gan(model, rows_per_call=20, structure=GIVEN, context="a clinic")
    gan.fit(X, y)
    rows, optimizer = ["generator"] * 2, ["optimizer"]

    assert model.roles == [*rows, *optimizer, *rows, *optimizer, *rows]
    questions = model.asked("generator")
    assert all(FIRST in text for text in questions[:2])
    assert '"sex" <- "state"' in questions[0]
    assert '"visits" <- "sex", "state"' in questions[1]
    assert all(r'"mind \"bmi\""' in text for text in questions[2:4])
    assert all('"mind age"' in text for text in questions[4:])
    first, second = model.asked("optimizer")
    assert f"Score {gan.discriminator_accuracy_[0]:.0%}" in first
    assert FIRST in first
    assert r'"mind \"bmi\""' in second
    assert gan.processes_[1].structure["sex"] == ()
    assert [process.task for process in gan.processes_[1:]] == [
        'mind "bmi"',
        "mind age",
    ]
    assert "a clinic" in model.log[2].messages[0][1]


def test_optimizer_sees_the_best_three_best_last():
    X, y = patients()
    model = Model(improve=improve_as("one", "two", "three", "four"))
    gan = make_gan(model, epochs=5).fit(X, y)
    *_, last = model.asked("optimizer")

    shown = re.findall(r"^Score (\d+)%", last, re.M)
    assert len(shown) == 3
    assert list(map(int, shown)) == sorted(map(int, shown), reverse=True)
    assert len(gan.processes_) == len(gan.scores_) == 5
    assert len(gan.discriminator_accuracy_) == 5


@pytest.mark.parametrize("tasks", [("good", "bad"), ("bad", "good")])
def test_the_process_with_the_lowest_score_is_used(tasks):
    X, y = patients(60, 40)

    def write(request):
        text = request.messages[-1][1]
        is_good = '"good"' in text
        return write_like(X, y, request.seed, text, 0 if is_good else 25)

    model = Model(write, improve_as(*tasks))
    gan = make_gan(model).fit(X, y)
    batch = next(gan.draw(make_requests(1, 4, labels=["ill", "well"] * 2)))

    assert gan.process_.task == "good"
    assert '"good"' in model.asked("generator")[-1]
    assert gan.scores_[1 + tasks.index("good")] < 0.7 < gan.scores_[0]
    assert len(batch.X) == 4


@pytest.mark.parametrize("shift", [12, 25])
def test_the_first_process_stays_unless_another_is_better(shift):
    X, y = patients(60, 40)

    def write(request):
        text = request.messages[-1][1]
        return write_like(X, y, request.seed, text, 12 if FIRST in text else shift)

    gan = make_gan(Model(write, improve_as("one", "two"))).fit(X, y)

    assert FIRST in gan.process_.task
    assert len(gan.scores_) == 3
    assert (gan.scores_ > 0.5).all()


def test_the_loop_ends_where_rows_cannot_be_told_from_real_ones():
    X, y = patients(60, 40)
    model = Model(lambda r: write_like(X, y, r.seed, r.messages[-1][1], 0))
    gan = make_gan(model).fit(X, y)

    assert gan.scores_.tolist() == [0.5]
    assert not model.asked("optimizer")


def test_copies_of_real_rows_are_no_success():
    X, y = patients()

    def copy(request):
        rows = [
            {
                **json.loads(X[y == row["state"]].iloc[[k]].to_json(orient="records"))[
                    0
                ],
                **row,
            }
            for k, row in enumerate(read_rows(request.messages[-1][1]))
            if k < 10
        ]
        return json.dumps({"rows": rows})

    gan = make_gan(Model(copy, improve_as("one", "two")), rows_per_call=10).fit(X, y)

    assert np.isnan(gan.scores_).all()
    assert FIRST in gan.process_.task
    assert "none (too few rows of use)" in gan.notes_[0]


def test_published_form():
    X, y = patients(70, 40)
    model = Model()
    gan = make_gan(model, published=True, discriminator=None).fit(X, y)
    counts = Counter(model.roles)

    # 110 rows: 4 epochs of 3 batches, two rows per question.
    assert counts == {"generator": 4 * (19 + 19 + 18), "optimizer": 11}
    assert len(gan.discriminator_accuracy_) == 4
    assert gan.process_ in gan.processes_[-3:]
    shown = []
    for question in model.asked("generator"):
        rows = [json.loads(row) for row in re.findall(r'^\{"age".*\}$', question, re.M)]
        wanted = Counter(row["state"] for row in read_rows(question))
        assert Counter(row["state"] for row in rows) == wanted
        shown += [json.dumps(row) for row in rows]
    assert max(Counter(shown).values()) >= 4  # every row once an epoch
    assert not any(" real rows:" in r.messages[0][1] for r in model.log)
    assert not any('\n{"age"' in text for text in model.asked("optimizer"))
    assert "some of them in each question" in " ".join(gan.notes_)


def test_published_form_draws_rows_like_two_real_ones_of_the_label():
    X, y = patients()
    model = Model()
    gan = make_gan(model, published=True, epochs=0).fit(X, y)
    labels = ["ill", "well", "ill", "ill", "well"]
    batch = next(gan.draw(make_requests(1, 5, labels=labels)))

    assert model.roles == ["generator"] * 3
    assert batch.y.tolist() == labels
    assert model.asked("generator")[0].count('\n{"age"') == 2


def test_published_form_falls_back_where_the_last_epoch_has_no_score():
    X, y = patients(70, 40)
    lost = "in the last epoch"

    def write(request):
        text = request.messages[-1][1]
        return "" if lost in text else answer_competently(request)

    n_asked = iter(range(99))

    def improve(request):
        return propose(lost if next(n_asked) >= 2 else "mind age")

    gan = make_gan(Model(write, improve), published=True, epochs=2).fit(X, y)

    assert np.isnan(gan.scores_).tolist() == [False] * 3 + [True] * 3
    assert gan.process_ is gan.processes_[int(np.argmin(gan.scores_[:3]))]


def test_one_talkative_reply_does_not_push_out_the_rows_of_others():
    X, y = patients()
    talks = []

    def write(request):
        rows = json.loads(answer_competently(request))["rows"]
        rows = [{**row, "age": 30 + n} for n, row in enumerate(rows * 9)]
        talks.append(request.attempt)
        if len(talks) == 1:
            return json.dumps({"rows": rows})
        return json.dumps({"rows": [{**row, "age": 70} for row in rows[:2]]})

    gan = make_gan(Model(write), rows_per_call=2, epochs=0).fit(X, y)
    batch = next(gan.draw(make_requests(1, 8, labels=["ill"] * 8)))

    assert talks == [0] * 4
    assert batch.X["age"].tolist() == [30, 31, *[70] * 6]


def test_report_has_accuracy_per_epoch_and_usage_by_role():
    X, y = patients()
    sampler = make_sampler(make_gan(ScriptedChat()))
    _, y_res = sampler.fit_resample(X, y)
    gan = sampler.generator_

    assert y_res.value_counts().to_dict() == {"ill": 30, "well": 30}
    note = next(n for n in sampler.report_.notes if n.startswith("MALLM-GAN"))
    accuracies = ", ".join(f"{share:.0%}" for share in gan.discriminator_accuracy_)
    assert f"accuracy per epoch was {accuracies} (" in note
    assert sampler.report_.usage["calls"].to_dict() == {"generator": 10, "optimizer": 2}
    text = str(gan.process_)
    assert re.findall("^(.*):$", text, re.M) == [
        "Context",
        "Columns",
        "Causal structure",
        "Task",
    ]


def test_two_models():
    X, y = patients()
    writer, thinker = Model(), Model()
    make_gan(writer, optimizer=thinker.chat, epochs=2).fit(X, y)

    assert writer.roles == ["generator"] * 4
    assert thinker.roles == ["optimizer"]


@pytest.mark.parametrize(
    "discriminator", [None, LogisticRegression(C=0.1)], ids=["default", "any"]
)
@pytest.mark.parametrize("published", [False, True])
def test_fit_is_deterministic(discriminator, published):
    X, y = patients()
    settings = {"discriminator": discriminator, "published": published, "epochs": 2}
    first, second = (make_gan(ScriptedChat(), **settings).fit(X, y) for _ in "ab")

    assert first.scores_.tolist() == second.scores_.tolist()
    assert first.process_ == second.process_
    assert pickle.loads(pickle.dumps(first)).process_ == first.process_


def test_an_unpickled_generator_draws_the_same_rows():
    X, y = patients()
    gan = make_gan(ScriptedChat(), epochs=1).fit(X, y)
    again = pickle.loads(pickle.dumps(gan))
    labels = ["ill", "well", "ill", "ill", "ill"]
    one, other = (
        [batch.X for batch in g.draw(make_requests(2, 5, labels=labels))]
        for g in (gan, again)
    )

    assert all(map(pd.DataFrame.equals, one, other))
    assert len(one) == 2


@pytest.mark.parametrize("settings", [{"epochs": 1}, {"published": True}])
def test_estimate_is_what_is_asked_then_nothing(tmp_path, settings):
    X, y = patients()
    model = Model()
    gan = make_gan(model, store=str(tmp_path / "replies"), **settings)
    sampler = make_sampler(gan)
    fresh = sampler.estimate(X, y)
    X_res, _ = sampler.fit_resample(X, y)
    usage = sampler.report_.usage
    n_calls = len(model.log)
    after = sampler.estimate(X, y)

    assert fresh.calls[0] == pytest.approx(usage["calls"].sum(), rel=0.2)
    tokens = [fresh.input_tokens[0], fresh.output_tokens[0]]
    paid = usage[["input_tokens", "output_tokens"]].sum().tolist()
    assert tokens == pytest.approx(paid, rel=0.3)
    assert after.calls[0] == 0
    again = make_sampler(gan)
    X_again, _ = again.fit_resample(X, y)
    pd.testing.assert_frame_equal(X_again, X_res)
    assert again.report_.usage["calls"].sum() == 0
    assert len(model.log) == n_calls


def test_estimate_spans_a_loop_that_ends_at_once_and_one_that_does_not():
    X, y = patients()
    sampler = make_sampler(make_gan(Model()))
    estimate = sampler.estimate(X, y)
    sampler.fit_resample(X, y)
    usage = sampler.report_.usage["calls"]

    assert usage["optimizer"] == 2
    assert estimate.calls[0] + 2 <= usage.sum() <= estimate.calls[1]


@pytest.mark.parametrize("max_calls", [0, 2, 4])
def test_a_budget_that_ends_in_fit(max_calls):
    X, y = patients()
    gan = make_gan(ScriptedChat(), budget=Budget(max_calls=max_calls)).fit(X, y)

    assert "calls" in gan.stop_reason_
    assert gan.usage_["calls"].sum() <= max_calls
    assert FIRST in gan.process_.task
    assert list(gan.draw(make_requests(1, 3))) == []


def test_a_budget_that_ends_in_draw():
    X, y = patients()
    gan = make_gan(ScriptedChat(), epochs=1, budget=Budget(max_calls=5)).fit(X, y)
    batches = list(gan.draw(make_requests(9, 4, labels=["ill", "well"] * 2)))

    assert len(batches) == 3
    assert all(len(batch.X) == 4 for batch in batches)
    assert "calls" in gan.stop_reason_


def test_a_lost_call_loses_its_rows_only_and_a_dead_endpoint_is_told():
    X, y = patients()
    n_calls = []

    def fail_once(request):
        n_calls.append(1)
        return ChatError("lost") if len(n_calls) == 2 else answer_competently(request)

    gan = make_gan(Model(fail_once), rows_per_call=5).fit(X, y)
    assert not np.isnan(gan.scores_).any()

    with pytest.raises(ChatError, match="dead"):
        make_gan(Model(lambda request: ChatError("dead")), rows_per_call=5).fit(X, y)


@pytest.mark.parametrize("reply", ["", "I cannot help.", '{"structure":', "[1, 2]"])
def test_an_optimizer_that_writes_no_process(reply):
    X, y = patients()
    model = Model(improve=lambda request: reply)
    gan = make_gan(model, rows_per_call=20).fit(X, y)

    assert model.roles.count("optimizer") == 4  # each is sent back once
    assert len(gan.processes_) == 3
    assert all(FIRST in process.task for process in gan.processes_)
    assert "questions to the optimizer that gave no process: 2" in " ".join(gan.notes_)


def test_a_faulty_process_is_sent_back_once_with_its_faults():
    X, y = patients()
    circle = propose("x", [("sex", ["age"]), ("age", ["sex"]), ("weight", ["sex"])])
    model = Model(improve=lambda r: propose("mended") if r.attempt else circle)
    gan = make_gan(model, epochs=2).fit(X, y)
    first, again = (r for r in model.log if r.role == "optimizer")

    assert again.messages[:2] == first.messages
    assert again.messages[2] == ("assistant", circle)
    assert '"weight"' in again.messages[3][1]
    assert '"sex" <- "age" <- "sex"' in again.messages[3][1]
    assert gan.processes_[1].task == "mended"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: f"Here they are:\n```json\n{text}\n```\nEnjoy!",
        lambda text: text[:-1],  # cut off
        lambda text: text.replace('{"rows":', "")[:-1],
        lambda text: json.dumps({"rows": [*json.loads(text)["rows"], {"i": 99}]}),
    ],
    ids=["fenced", "cut off", "a list", "one row of nothing"],
)
def test_replies_in_other_clothes(spoil):
    X, y = patients()
    model = Model(lambda request: spoil(answer_competently(request)))
    gan = make_gan(model, epochs=1).fit(X, y)
    batch = next(gan.draw(make_requests(1, 6, labels=["ill", "well"] * 3)))

    assert not np.isnan(gan.scores_).any()
    assert batch.y.tolist() == ["ill", "well"] * 3


def test_without_wanted_labels_classes_have_about_their_shares():
    X, y = patients(30, 10)
    gan, off = make_gan(ScriptedChat(), epochs=0), "passthrough"
    sampler = TeamThenTrimSampler(
        gan,
        n_batches=10,
        batch_size=10,
        sanity=off,
        cost=off,
        diversity=off,
        random_state=0,
    )
    _, y_res = sampler.fit_resample(X, y)

    assert 10 < y_res.iloc[40:].eq("ill").sum() < 45


def test_a_class_without_rows_can_be_written_but_not_as_published():
    X, y = patients()
    model = Model()
    settings = {"new_classes": {"dying": 4}}
    sampler = make_sampler(make_gan(model, epochs=1), **settings)
    _, y_res = sampler.fit_resample(X, y)
    assert y_res.value_counts()["dying"] == 4

    model = Model()
    sampler = make_sampler(make_gan(model, published=True), **settings)
    with pytest.raises(GeneratorError, match="dying"):
        sampler.fit_resample(X, y)
    assert model.log == []


@pytest.mark.parametrize("examples", ["summary", 0])
def test_no_row_leaves_the_machine_where_none_may(examples):
    X, y = patients()
    model = Model()
    gan = make_gan(model, structure=None, examples=examples, epochs=2).fit(X, y)
    list(gan.draw(make_requests(1, 3)))

    sent = "\n".join(text for r in model.log for _, text in r.messages)
    assert " real rows:" not in sent
    assert not re.search(r'^\{"age"', sent, re.M)
    assert "No real row was shown" in " ".join(gan.notes_)

    with pytest.raises(ValueError, match="published=True"):
        make_gan(model, published=True, examples=examples).fit(X, y)


@pytest.mark.parametrize("published", [False, True])
def test_private_columns_and_rare_levels_are_not_sent(published):
    X, y = patients()
    X["ssn"] = [f"9{k:03}-11-{7 * k + 1000}" for k in range(len(X))]
    X["note"] = [f"Mrs Quast{k} came in a hurry on day {k}" for k in range(len(X))]
    X["town"] = ["Lodz", "Bern"] * 19 + ["Zzyzx", "Lodz"]
    model = Model()
    gan = make_gan(
        model,
        structure=None,
        published=published,
        epochs=1,
        column_kinds={"ssn": "private", "note": "text"},
        examples="auto" if published else 0,
        max_example_tokens=300,
    )
    gan.fit(X.sample(frac=1, random_state=1), y.sample(frac=1, random_state=1))
    batch = next(gan.draw(make_requests(1, 6, labels=["well", "ill"] * 3)))

    texts = [text for r in model.log for _, text in r.messages]
    sent = "\n".join([*texts, *(json.dumps(r.schema) for r in model.log)])
    assert "Quast" not in sent
    assert "-11-" not in sent
    assert "Zzyzx" not in sent
    assert '"town": "Lodz"' in sent
    assert list(batch.X.columns) == list(X.columns)
    assert "ssn" not in str(gan.process_)


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        ({"age": ["wealth"]}, "wealth"),
        ({"riches": ["age"]}, "riches"),
        ({"age": ["sex"], "bmi": ["age"], "sex": ["bmi"]}, "circle"),
        ({"state": "sex"}, "list of columns"),
    ],
)
def test_a_wrong_structure_is_refused_before_a_model_is_asked(structure, message):
    X, y = patients()
    model = Model()

    with pytest.raises(ValueError, match=message):
        make_gan(model, structure=structure).fit(X, y)

    assert model.log == []


@pytest.mark.parametrize(
    "settings",
    [{"epochs": -1}, {"batch_size": 1}, {"rows_per_call": 0}, {"discriminator": "svm"}],
)
def test_wrong_parameters_are_refused(settings):
    X, y = patients()

    with pytest.raises(ValueError, match=next(iter(settings))):
        make_gan(ScriptedChat(), **settings).fit(X, y)
