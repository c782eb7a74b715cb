"""A team of language models behaves as any generator, and pays for nothing twice."""

import copy
import json
import pickle
import threading
import time

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from t2sampler import CostAssessmentFilter, SanityFilter, TeamThenTrimSampler
from t2sampler._records import FATES
from t2sampler.constraints import Between
from t2sampler.exceptions import (
    BrokenRuleWarning,
    ChatError,
    ConstraintError,
    GeneratorError,
    PlanError,
    QuotaNotMetError,
    QuotaNotMetWarning,
    ReplayError,
)
from t2sampler.generators import LLMTeam, StatisticalTeam
from t2sampler.llm import Budget, ChatModel
from t2sampler.llm._store import Store
from t2sampler.team import Component, Plan
from t2sampler.testing import (
    ScriptedChat,
    answer_competently,
    check_generator,
    make_requests,
)

OFF = {"sanity": "passthrough", "cost": "passthrough", "diversity": "passthrough"}
PLAN = Plan(
    [
        Component("person", ["age", "sex"]),
        Component("body", ["bmi"], reads=["person"]),
        Component("care", ["visits"], reads=["person", "body"]),
    ]
)
short = pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning")
LOG = []  # what scripts were asked; a list of a module survives clone and copy
LOCK = threading.Lock()


@pytest.fixture(autouse=True)
def empty_log():
    LOG.clear()


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.sqlite"


def listen(request):
    """Answer well, and note the question."""
    with LOCK:
        LOG.append(request)
    return answer_competently(request)


def patients(n_major=30, n_minor=10):
    rng = np.random.default_rng(0)
    n_rows = n_major + n_minor
    y = pd.Series(["well"] * n_major + ["ill"] * n_minor, name="state")
    X = pd.DataFrame(
        {
            "age": rng.integers(20, 80, n_rows),
            "sex": pd.Categorical(rng.choice(["F", "M"], n_rows)),
            "bmi": rng.normal(25, 3, n_rows).round(1),
            "visits": pd.array(rng.poisson(3, n_rows), "Int64"),
        }
    )
    X.loc[::7, "bmi"] = np.nan
    return X, y


def team(script=listen, **kwargs):
    settings = {"plan": PLAN, "store": False} | kwargs
    return LLMTeam(ScriptedChat(script), **settings)


def asked(log=None):
    """Return what was asked, in an order of its own."""
    log = LOG if log is None else log
    return sorted(json.dumps([r.messages, r.seed, r.attempt]) for r in log)


def assert_books_add_up(sampler):
    totals = sampler.report_.totals
    assert totals["drawn"] == sum(totals[fate] for fate in FATES[1:])
    assert len(sampler.report_.rejected) == totals["drawn"] - totals["accepted"]
    assert (sampler.report_.rejected["reason"] != "").all()
    assert totals["drawn"] == len(sampler.report_.batches) * sampler.batch_size


def test_the_contract_of_generators():
    check_generator(LLMTeam(ScriptedChat(), store=False))


def test_wanted_labels_are_vetoed_or_had():
    def veto_first(request):
        text = listen(request)
        return text.replace("true", "false", 1) if request.role == "label" else text

    sampler = TeamThenTrimSampler(team(veto_first), **OFF, random_state=0)

    _, y_res = sampler.fit_resample(*patients())

    assert y_res.value_counts().to_dict() == {"well": 30, "ill": 30}
    refused = sampler.report_.rejected.query("dropped_by == 'refused'")
    assert set(refused["reason"]) == {"the label worker vetoed the label"}
    assert set(refused["label"]) == {"ill"}
    assert refused[["age", "sex"]].notna().all().all()
    assert_books_add_up(sampler)


def test_labels_come_last_with_a_fixed_number_of_batches():
    sampler = TeamThenTrimSampler(team(), **OFF, n_batches=3, random_state=0)

    _, y_res = sampler.fit_resample(*patients())

    assert len(y_res) == 40 + 60
    order = [request.role for request in LOG]
    assert order.count("label") == 3
    assert all('"y"' in r.messages[1][1] for r in LOG if r.role == "label")
    assert_books_add_up(sampler)


@pytest.mark.parametrize("settings", [{}, {"n_batches": 3}], ids=["quota", "fixed"])
def test_new_classes_are_within_reach(settings):
    sampler = TeamThenTrimSampler(
        team(), **OFF, new_classes={"dead": 5}, random_state=0, **settings
    )

    _, y_res = sampler.fit_resample(*patients())

    assert (y_res.iloc[40:] == "dead").any()
    assert settings or (y_res == "dead").sum() == 5


@short
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search_asks_nothing_twice(n_jobs, store):
    X, y = patients()
    script = listen if n_jobs == 1 else None  # other processes do not know this file
    sampler = TeamThenTrimSampler(team(script, store=store), n_batches=2, batch_size=5)
    model = make_pipeline(sampler, DummyClassifier())
    grid = {
        "teamthentrimsampler__cost__beta": [0, 0.2],
        "teamthentrimsampler__diversity__entropy_threshold": [0, 0.3],
    }

    search = GridSearchCV(model, grid, cv=2, n_jobs=n_jobs, error_score="raise")
    search.fit(X, y)

    n_questions = 3 * 2 * 4  # of 3 tables, 2 batches, 3 workers and the label's
    assert Store(store).describe()["replies"] == n_questions
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

    assert other.usage_["calls"].sum() == 8
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

    assert all(len(batch.X) == 5 for batch in batches)
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


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        pytest.param(
            {"generator": {"feature_descriptions": {"bmi": None}}},
            ValueError,
            "`feature_descriptions` must map names of columns to text, got None",
            id="description",
        ),
        pytest.param(
            {"generator": {"plan": Plan(PLAN.components, [Between("weight", 0)])}},
            ConstraintError,
            "weight",
            id="rule of the plan",
        ),
        pytest.param(
            {"generator": {"label": StatisticalTeam(min_leaf=0), "plan": PLAN}},
            ValueError,
            "min_leaf",
            id="fitted label worker",
        ),
        pytest.param(
            {"cost": CostAssessmentFilter(alpha=2)}, ValueError, "alpha", id="filter"
        ),
        pytest.param(
            {"sanity": SanityFilter([Between("weight", 0)])},
            ConstraintError,
            "weight",
            id="rule of a filter",
        ),
    ],
)
def test_wrong_settings_are_refused_before_anybody_is_asked(settings, error, match):
    generator = team(**{"plan": None} | settings.get("generator", {}))
    settings = {name: settings[name] for name in settings if name != "generator"}
    sampler = TeamThenTrimSampler(generator, **(OFF | settings))

    with pytest.raises(error, match=match):
        sampler.fit_resample(*patients())

    assert not LOG


def test_the_manager_is_asked_once_and_only_without_a_plan():
    fitted = LLMTeam(ScriptedChat(listen), store=False).fit(*patients())
    given = LLMTeam(ScriptedChat(listen), plan=fitted.plan_, store=False)

    given.fit(*patients())

    assert [request.role for request in LOG] == ["manager"]
    assert given.plan_ == Plan.from_json(fitted.plan_.to_json())


def test_the_seed_is_made_of_table_and_questions_alone():
    X, y = patients()
    seed = team().fit(X, y).seed_

    same = [team(budget=Budget(max_calls=9)), team(store=False, mode="live")]
    other = [team(examples=3), team(anchors=False), team(context="c")]

    assert {clone(t).fit(X, y).seed_ for t in same} == {seed}
    seeds = {seed, team().fit(X.iloc[:-1], y.iloc[:-1]).seed_}
    seeds |= {t.fit(X, y).seed_ for t in other}
    assert len(seeds) == 5


def test_the_seed_knows_no_order_of_settings_and_no_numpy():
    X, y = patients()
    words = [("bmi", "kg/m²"), ("age", "years")]
    workers = [("body", ScriptedChat(model="b")), ("care", ScriptedChat(model="c"))]

    plain = team(feature_descriptions=dict(words), workers=dict(workers))
    turned = team(feature_descriptions=dict(words[::-1]), workers=dict(workers[::-1]))
    turned.set_params(examples=np.int64(5), anchors=np.True_)

    assert plain.fit(X, y).seed_ == turned.fit(X, y).seed_


def test_without_a_random_state_nothing_is_paid_twice(store):
    X, y = patients()
    first = TeamThenTrimSampler(team(store=store), **OFF).fit_resample(X, y)[0]
    n_asked = len(LOG)
    sampler = TeamThenTrimSampler(team(store=store), **OFF)

    again = sampler.fit_resample(X, y)[0]

    assert len(LOG) == n_asked
    pd.testing.assert_frame_equal(first, again)
    assert sampler.report_.usage["stored"].sum() == n_asked


def test_replay_takes_what_is_stored_and_nothing_else(store):
    X, y = patients()
    live = TeamThenTrimSampler(team(store=store), **OFF)
    rows = live.fit_resample(X, y)[0]
    replay = clone(live).set_params(generator__mode="replay")

    pd.testing.assert_frame_equal(replay.fit_resample(X, y)[0], rows)
    with pytest.raises(ReplayError):
        replay.fit_resample(X.iloc[:-1], y.iloc[:-1])


def test_a_spent_budget_leaves_whole_batches():
    budget = Budget(max_calls=10)
    sampler = TeamThenTrimSampler(
        team(budget=budget), **OFF, batch_size=5, random_state=0
    )

    with pytest.warns(QuotaNotMetWarning, match="10"):
        _, y_res = sampler.fit_resample(*patients())

    totals = sampler.report_.totals
    assert len(LOG) == 10
    assert 0 < totals["accepted"] < 20
    assert totals["accepted"] % 5 == 0
    assert y_res.value_counts().to_dict() == {"well": 30, "ill": 30}
    assert any("ended early" in note for note in sampler.report_.notes)
    assert_books_add_up(sampler)


def test_a_small_budget_is_not_spread_over_batches_that_it_cannot_finish():
    # Four calls a batch, and sixteen threads that could begin as many batches.
    sampler = TeamThenTrimSampler(
        team(budget=Budget(max_calls=18)), **OFF, batch_size=1, random_state=0
    )

    with pytest.warns(QuotaNotMetWarning):
        sampler.fit_resample(*patients())

    assert sampler.report_.totals["drawn"] == 4


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda request: "I cannot help with that.", id="nonsense"),
        pytest.param(
            lambda request: answer_competently(request).replace("true", "false"),
            id="vetoes",
        ),
    ],
)
def test_a_model_of_no_use_is_not_asked_for_ever(answer):
    sampler = TeamThenTrimSampler(team(answer), **OFF, batch_size=2, random_state=0)

    with pytest.warns(QuotaNotMetWarning, match="got 0"):
        sampler.fit_resample(*patients())

    assert sampler.report_.totals["refused"] == 6
    assert any("3 batches in a row" in note for note in sampler.report_.notes)
    assert_books_add_up(sampler)


def test_a_budget_for_nothing_leaves_it_to_the_policy():
    settings = {"plan": None, "budget": Budget(max_calls=0)}
    sampler = TeamThenTrimSampler(team(**settings), on_shortfall="raise", **OFF)

    with pytest.raises(QuotaNotMetError, match="got 0"):
        sampler.fit_resample(*patients())

    assert not LOG


def fail_for(role, *, times, is_fatal=False):
    left = [times]

    def script(request):
        with LOCK:
            if request.role == role and left[0] > 0:
                left[0] -= 1
                return ChatError(f"no {role} here", is_fatal=is_fatal)
        return listen(request)

    return script


@short
def test_a_call_that_fails_costs_its_batch_only():
    script = fail_for("label", times=1)
    sampler = TeamThenTrimSampler(team(script), **OFF, batch_size=5, random_state=0)

    _, y_res = sampler.fit_resample(*patients())

    assert sampler.report_.totals["refused"] == 5
    assert set(sampler.report_.rejected["reason"]) >= {"no label here"}
    assert y_res.value_counts().to_dict() == {"well": 30, "ill": 30}
    assert_books_add_up(sampler)


def test_when_every_call_fails_the_first_error_is_raised():
    with pytest.raises(ChatError, match="no worker here"):
        TeamThenTrimSampler(team(fail_for("worker", times=999)), **OFF).fit_resample(
            *patients()
        )


def test_a_fatal_error_is_raised_at_once():
    script = fail_for("worker", times=1, is_fatal=True)

    with pytest.raises(ChatError, match="no worker here"):
        TeamThenTrimSampler(team(script), **OFF).fit_resample(*patients())


def test_rows_no_column_can_hold_are_refused_with_what_they_got():
    def nonsense(request):
        text = listen(request)
        if request.role != "worker" or '"c3"' not in text:
            return text
        rows = json.loads(text)["rows"]
        rows[0]["c3"] = "heavy"
        return json.dumps({"rows": rows})

    fitted = team(nonsense).fit(*patients())

    batch = next(iter(fitted.draw(make_requests(1, 6, labels=["ill"] * 6))))

    assert len(batch.X) + len(batch.refused) == 6
    assert batch.refused["reason"].str.contains("bmi").all()
    assert batch.refused["age"].notna().all()
    assert batch.refused["visits"].isna().all()  # those who wait are not asked for it


def test_a_row_that_one_lost_is_still_asked_of_who_does_not_wait_for_them():
    plan = Plan([Component("one", ["age", "sex"]), Component("two", ["bmi", "visits"])])

    def lose(request):
        text = listen(request)
        if '"c1"' not in text:
            return text
        return json.dumps({"rows": json.loads(text)["rows"][1:]})

    fitted = team(lose, plan=plan).fit(*patients())

    batch = next(iter(fitted.draw(make_requests(1, 4, labels=["ill"] * 4))))

    sizes = {
        role: max(r.messages[1][1].count("\n[") for r in LOG if r.role == role)
        for role in ("worker", "label")
    }
    assert len(batch.refused) >= 1
    assert sizes["label"] < sizes["worker"]


def test_rules_of_a_given_plan_hold_in_the_result():
    X, y = patients()
    plan = Plan(PLAN.components, rules=[Between("age", high=60)])
    sampler = TeamThenTrimSampler(
        team(plan=plan), cost="passthrough", diversity="passthrough", random_state=0
    )

    with pytest.warns(BrokenRuleWarning, match="real rows break"):
        X_res, _ = sampler.fit_resample(X, y)

    assert (X_res["age"].iloc[40:] <= 60).all()


def test_notes_say_what_left_the_machine_and_what_was_mended():
    def add_units(request):
        text = listen(request)
        return text.replace('"c1":', '"c1":"').replace(',"c2"', ' years","c2"')

    sampler = TeamThenTrimSampler(team(add_units), **OFF, random_state=0)
    sampler.fit_resample(*patients())
    notes = "\n".join(sampler.report_.notes)
    assert "of 40 real rows were shown to a model" in notes
    assert "Mended: " in notes

    sampler = TeamThenTrimSampler(team(examples="summary"), **OFF, random_state=0)
    sampler.fit_resample(*patients())
    assert "No real row was shown" in "\n".join(sampler.report_.notes)
    assert not any("Real rows" in r.messages[1][1] for r in LOG[-4:])


def test_what_fitted_workers_copy_is_noted():
    generator = team(workers={"person": StatisticalTeam()}, examples="summary")

    generator.fit(*patients())
    assert not any("shown" in note for note in generator.notes_)  # nobody was asked
    list(generator.draw(make_requests(1, 3)))

    [note] = [note for note in generator.notes_ if "shown" in note]
    assert "the fitted workers of ['person']" in note


def test_descriptions_of_no_column_are_noted():
    meanings = {"bmi": "body mass index", "state": "of health", "agee": "years"}
    fitted = team(feature_descriptions=meanings).fit(*patients())

    assert any("['agee']" in note for note in fitted.notes_)
    list(fitted.draw(make_requests(1, 3)))
    assert "body mass index" in LOG[0].messages[0][1]


def test_usage_is_told_per_role():
    chat = ScriptedChat(listen, prices={"input": 1.0, "output": 10.0})
    sampler = TeamThenTrimSampler(LLMTeam(chat, store=False), **OFF, random_state=0)

    sampler.fit_resample(*patients())

    usage = sampler.report_.usage
    assert usage.index.tolist() == ["manager", "worker", "label"]
    assert (usage[["calls", "input_tokens", "output_tokens", "cost"]] > 0).all().all()
    assert "Language models" in sampler.report_._repr_html_()
    assert "manager" in str(sampler.report_)


def test_a_bar_shows_what_was_spent(capsys):
    sampler = TeamThenTrimSampler(team(), **OFF, random_state=0, verbose=1)

    sampler.fit_resample(*patients())

    assert "20/20" in (said := capsys.readouterr().err)
    assert " calls, " in said
    assert " tokens" in said


def test_calls_run_side_by_side():
    def slowly(request):
        time.sleep(0.05)
        return answer_competently(request)

    chat = ScriptedChat(slowly, max_concurrency=16)
    fitted = LLMTeam(chat, plan=PLAN, store=False).fit(*patients())
    start = time.perf_counter()

    batches = list(fitted.draw(make_requests(16, 4, labels=["ill"] * 4)))

    assert len(batches) == 16
    assert time.perf_counter() - start < 16 * 4 * 0.05 / 4


def test_no_key_is_one_sentence_before_any_work(monkeypatch):
    monkeypatch.delenv("NO_KEY_HERE", raising=False)
    chat = ChatModel("m", base_url="http://127.0.0.1:9/v1", api_key_env="NO_KEY_HERE")

    with pytest.raises(ChatError, match="NO_KEY_HERE"):
        TeamThenTrimSampler(LLMTeam(chat, store=False)).fit_resample(*patients())
