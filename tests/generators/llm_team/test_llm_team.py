"""A team of language models behaves as any generator."""

import copy
import json
import pickle

import pandas as pd
import pytest
from doubles.sampler_runs import OFF, check_report, may_fall_short
from doubles.scripted_team import LOG, PLAN, asked, listen, patients, team
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from t2sampler import TeamThenTrimSampler
from t2sampler.exceptions import (
    GeneratorError,
    PlanError,
)
from t2sampler.generators import LLMTeam, StatisticalTeam
from t2sampler.llm import ChatModel
from t2sampler.llm._cache import ReplyStore
from t2sampler.testing import (
    ScriptedChat,
    answer_competently,
    check_generator,
    make_requests,
    read_rows,
)


def test_the_contract_of_generators():
    check_generator(LLMTeam(ScriptedChat(), store=False))


def test_wanted_labels_are_had_without_asking_about_them():
    sampler = TeamThenTrimSampler(team(), **OFF, random_state=0)

    _, y_res = sampler.fit_resample(*patients())

    assert y_res.value_counts().to_dict() == {"well": 30, "ill": 30}
    assert {request.role for request in LOG} == {"worker"}
    rows = [row for r in LOG for row in read_rows(r.messages[1][1])]
    assert {row["state"] for row in rows} == {"ill"}


def test_a_label_worker_drops_rows_that_it_finds_another_label_for():
    def doubt(request):
        rows = [{"i": 1, "well": 0.9, "ill": 0.1}, {"i": 2, "well": 0.5, "ill": 0.5}]
        rows += [{"i": i, "ill": 0.7, "well": 0.3} for i in range(3, 21)]
        return json.dumps({"rows": rows[::-1]})

    label = ScriptedChat(doubt)
    sampler = TeamThenTrimSampler(team(label=label), **OFF, random_state=0)

    _, y_res = sampler.fit_resample(*patients())

    assert y_res.value_counts().to_dict() == {"well": 30, "ill": 30}
    refused = sampler.report_.left_out.query("fate == 'refused'")
    (reason,) = set(refused["reason"])
    assert reason == 'the label worker considers the label "well" more likely'
    assert set(refused["label"]) == {"ill"}
    assert refused[["age", "sex"]].notna().all().all()
    check_report(sampler, y_res)


def test_labels_come_last_with_a_fixed_number_of_batches():
    sampler = TeamThenTrimSampler(team(), **OFF, n_batches=3, random_state=0)

    _, y_res = sampler.fit_resample(*patients())

    assert len(y_res) == 40 + 60
    order = [request.role for request in LOG]
    assert order.count("label") == 3
    for request in LOG:
        has_y = ["state" in row for row in read_rows(request.messages[1][1])]
        assert set(has_y) == {request.role == "worker"}
    check_report(sampler, y_res)


def test_rows_are_asked_for_in_no_pattern_and_given_as_wanted():
    wanted = ["ill", "well", "well"] * 5
    fitted = team().fit(*patients())

    batches = list(fitted.draw(make_requests(4, 15, labels=wanted)))

    first = [r for r in LOG if "bmi" not in r.messages[1][1].partition("Rows:")[2]]
    asked = [[row["state"] for row in read_rows(r.messages[1][1])] for r in first]
    assert all(sorted(labels) == sorted(wanted) for labels in asked)
    assert len({tuple(labels) for labels in asked}) == 4
    assert all(batch.y.tolist() == wanted for batch in batches)


def test_copies_of_real_rows_are_refused():
    X, y = patients()
    X, y = X.dropna().reset_index(drop=True), y[X.notna().all(axis=1)]
    y = y.reset_index(drop=True)

    def copy_some(request):
        """Every third row is a real one, its columns in an odd order."""
        rows = json.loads(answer_competently(request))["rows"]
        for row in rows[::3]:
            real = X.iloc[row["i"]].to_dict()
            row.clear()
            row |= {"bmi": real["bmi"], **real, "state": "ill"}
        return json.dumps({"rows": [dict(row, i=k) for k, row in enumerate(rows, 1)]})

    fitted = LLMTeam(ScriptedChat(copy_some), store=False).fit(X, y)
    (batch,) = fitted.draw(make_requests(1, 12, labels=["ill"] * 12))

    assert batch.refused["reason"].tolist() == ["a copy of a real row"] * 4
    new = batch.X.astype(object).merge(X.astype(object), how="inner")
    assert len(batch.X) == 8
    assert new.empty


def test_where_real_rows_repeat_copies_may():
    X = pd.DataFrame({"a": list("uvwx") * 10, "b": [0, 1] * 20})
    y = pd.Series(["no", "yes"] * 20)
    fitted = LLMTeam(ScriptedChat(), store=False).fit(X, y)

    batches = list(fitted.draw(make_requests(3, 10, labels=["no", "yes"] * 5)))

    assert all(len(batch.X) == 10 for batch in batches)


@pytest.mark.parametrize("settings", [{}, {"n_batches": 3}], ids=["quota", "fixed"])
def test_new_classes_are_within_reach(settings):
    sampler = TeamThenTrimSampler(
        team(), **OFF, new_classes={"dead": 5}, random_state=0, **settings
    )

    _, y_res = sampler.fit_resample(*patients())

    assert (y_res.iloc[40:] == "dead").any()
    assert settings or (y_res == "dead").sum() == 5


@may_fall_short
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search_asks_nothing_twice(n_jobs, store):
    X, y = patients()
    script = listen if n_jobs == 1 else None  # other processes do not know this file
    sampler = TeamThenTrimSampler(team(script, store=store), n_batches=2, batch_size=5)
    model = make_pipeline(sampler, DummyClassifier())
    grid = {"teamthentrimsampler__diversity__entropy_threshold": [0, 0.3]}

    search = GridSearchCV(model, grid, cv=2, n_jobs=n_jobs, error_score="raise")
    search.fit(X, y)

    n_questions = 3 * 2 * 4  # of 3 tables, 2 batches, 3 workers and the label's
    assert ReplyStore(store).describe()["replies"] == n_questions
    assert len(LOG) == (n_questions if n_jobs == 1 else 0)
    usage = search.best_estimator_[0].report_.usage
    assert usage["calls"].sum() + usage["stored"].sum() == 2 * 4


@pytest.mark.parametrize("copied", [clone, copy.deepcopy, pickle.dumps])
def test_copies_before_fit_draw_the_same(copied, store):
    original = TeamThenTrimSampler(team(store=store), **OFF)
    other = copied(original)
    other = pickle.loads(other) if isinstance(other, bytes) else other

    rows = original.fit_resample(*patients())[0]

    pd.testing.assert_frame_equal(other.fit_resample(*patients())[0], rows)
    assert other.report_.usage["calls"].sum() == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, pickle.dumps])
def test_a_fitted_team_can_be_copied_and_goes_on_drawing(copied):
    fitted = team().fit(*patients())
    before = list(fitted.draw(make_requests(2, 4, labels=["ill", "well"] * 2)))
    other = copied(fitted)
    other = pickle.loads(other) if isinstance(other, bytes) else other

    assert other.usage_["calls"].sum() == 6
    after = list(other.draw(make_requests(2, 4, labels=["ill", "well"] * 2)))

    for batch, again in zip(before, after, strict=True):
        pd.testing.assert_frame_equal(batch.X, again.X)


def test_nested_settings():
    sampler = TeamThenTrimSampler(LLMTeam(ChatModel("m"))).set_params(
        generator__chat__temperature=0.5, generator__examples="summary"
    )

    assert sampler.generator.chat.temperature == 0.5
    assert clone(sampler).generator.examples == "summary"
    assert "temperature=0.5" in repr(sampler)


def test_same_questions_whatever_the_concurrency_and_the_company():
    X, y = patients()

    def questions(width, wanted):
        LOG.clear()
        chat = ScriptedChat(listen, max_concurrency=width)
        fitted = LLMTeam(chat, plan=PLAN, store=False).fit(X, y)
        requests = make_requests(6, 5, labels=["ill"] * 5, seed=3)
        batches = list(fitted.draw([requests[i] for i in wanted]))
        return batches, asked()

    together, log = questions(16, range(6))
    one_by_one, same_log = questions(1, range(6))
    alone, short_log = questions(4, [2])

    assert log == same_log
    assert set(short_log) <= set(log)
    pd.testing.assert_frame_equal(alone[0].X, together[2].X)
    for batch, other in zip(together, one_by_one, strict=True):
        pd.testing.assert_frame_equal(batch.X, other.X)


def test_components_may_have_models_of_their_own_or_be_fitted():
    manager = ScriptedChat(listen, model="boss")
    label = ScriptedChat(listen, model="judge")
    workers = {"body": StatisticalTeam(), "care": ScriptedChat(listen, model="nurse")}
    mixed = team(manager=manager, label=label, workers=workers).fit(*patients())

    batches = list(mixed.draw(make_requests(3, 5, labels=["ill"] * 5)))

    assert sum(len(batch.X) for batch in batches) > 0
    models = [(r.role, r.chat.model) for r in LOG]
    assert models.count(("worker", "scripted")) == 3  # the person; nobody for the body
    assert models.count(("worker", "nurse")) == 3
    assert models.count(("label", "judge")) == 3
    assert len(models) == 9


@pytest.mark.parametrize("labels", [None, ["ill"] * 5], ids=["free", "wanted"])
def test_a_team_may_be_fitted_but_for_one_component(labels):
    workers = dict.fromkeys(["person", "body"], StatisticalTeam())
    mixed = team(workers=workers, label=StatisticalTeam()).fit(*patients())

    batch = next(iter(mixed.draw(make_requests(1, 5, labels=labels))))

    assert len(LOG) == 1
    assert set(batch.y) <= {"ill", "well"}
    assert labels is None or batch.y.tolist() == labels


def test_fitted_workers_cannot_write_a_new_class():
    sampler = TeamThenTrimSampler(
        team(workers={"body": StatisticalTeam()}), new_classes={"dead": 5}, **OFF
    )

    with pytest.raises(GeneratorError, match=r"fitted workers of \['body'\].*dead"):
        sampler.fit_resample(*patients())


def test_unknown_components_are_refused_before_anybody_is_asked():
    with pytest.raises(PlanError, match=r"\['brain'\].*\['person', 'body', 'care'\]"):
        team(workers={"brain": ScriptedChat()}).fit(*patients())

    assert not LOG


def test_workers_are_models_or_teams():
    with pytest.raises(ValueError, match="got 'gpt' for 'body'"):
        team(workers={"body": "gpt"}).fit(*patients())
