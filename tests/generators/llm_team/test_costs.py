"""A team of language models pays for nothing twice, and for nothing in vain."""

import json

import numpy as np
import pandas as pd
import pytest
from doubles.sampler_runs import OFF, check_report
from doubles.scripted_team import LOG, PLAN, listen, patients, team
from sklearn.base import clone

from t2sampler import CostAssessmentFilter, SanityFilter, TeamThenTrimSampler
from t2sampler.constraints import Between
from t2sampler.exceptions import (
    ConstraintError,
    QuotaNotMetError,
    QuotaNotMetWarning,
    ReplayError,
)
from t2sampler.generators import LLMTeam, StatisticalTeam
from t2sampler.llm import Budget
from t2sampler.llm._base import ChatReply, Usage
from t2sampler.team import Plan
from t2sampler.testing import ScriptedChat


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        pytest.param(
            {"generator": {"feature_descriptions": {"bmi": None}}},
            ValueError,
            "`feature_descriptions` must map column names to text, got None",
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


def test_a_manager_is_asked_once_and_only_where_there_is_no_plan():
    manager = ScriptedChat(listen)
    fitted = LLMTeam(ScriptedChat(), manager=manager, store=False).fit(*patients())
    plan = fitted.plan_

    LLMTeam(ScriptedChat(listen), manager=manager, plan=plan, store=False).fit(
        *patients()
    )

    assert [request.role for request in LOG] == ["manager"]
    assert plan == Plan.from_json(plan.to_json())


@pytest.mark.parametrize(("n_columns", "is_asked"), [(30, False), (31, True)])
def test_a_table_of_few_columns_has_one_worker_and_no_manager(n_columns, is_asked):
    X = pd.DataFrame(np.arange(40 * n_columns).reshape(40, -1) % 7).add_prefix("v")

    fitted = LLMTeam(ScriptedChat(listen), store=False).fit(X, patients()[1])

    assert [request.role for request in LOG] == ["manager"] * is_asked
    assert (len(fitted.plan_.components) == 1) == (not is_asked)


def test_the_seed_is_made_of_table_and_questions_alone():
    X, y = patients()
    seed = team().fit(X, y).seed_

    same = [team(budget=Budget(max_calls=9)), team(store=False, mode="live")]
    other = [team(examples=3), team(max_example_tokens=99), team(context="c")]

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
    plain.set_params(examples=7)
    turned.set_params(examples=np.int64(7), max_example_tokens=np.int32(6000))

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
    check_report(sampler, y_res)


def test_a_small_budget_is_not_spread_over_batches_that_it_cannot_finish():
    # Four calls a batch, and sixteen threads that could begin as many batches.
    generator = team(budget=Budget(max_calls=18), label=ScriptedChat(listen))
    sampler = TeamThenTrimSampler(generator, **OFF, batch_size=1, random_state=0)

    with pytest.warns(QuotaNotMetWarning):
        sampler.fit_resample(*patients())

    assert sampler.report_.totals["drawn"] == 4


def doubt_all(request):
    """Find every row likelier to be well."""
    rows = [{"i": i, "ill": 0.2, "well": 0.8} for i in range(1, 21)]
    return json.dumps({"rows": rows})


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(
            {"script": lambda request: "I cannot help with that."}, id="prose"
        ),
        pytest.param({"label": ScriptedChat(doubt_all)}, id="doubts"),
    ],
)
def test_a_model_of_no_use_is_not_asked_for_ever(settings):
    sampler = TeamThenTrimSampler(team(**settings), **OFF, batch_size=2, random_state=0)

    with pytest.warns(QuotaNotMetWarning, match="got 0"):
        _, y_res = sampler.fit_resample(*patients())

    assert sampler.report_.totals["refused"] == 6
    assert any("first 3 batches" in note for note in sampler.report_.notes)
    check_report(sampler, y_res)


@pytest.mark.parametrize("max_concurrency", [1, 16])
def test_thoughts_that_fill_max_tokens_are_paid_for_three_batches(max_concurrency):
    def think(request):
        LOG.append(request)
        return ChatReply("", "length", Usage(1000, request.max_tokens))

    chat = ScriptedChat(think, max_concurrency=max_concurrency)
    sampler = TeamThenTrimSampler(
        LLMTeam(chat, store=False), **OFF, batch_size=2, random_state=0
    )

    with pytest.warns(QuotaNotMetWarning, match="got 0"):
        sampler.fit_resample(*patients())

    assert len(LOG) == 3
    (note,) = [note for note in sampler.report_.notes if "ended early" in note]
    for words in ("`max_tokens`", "4,096", "reasoning_effort", "3 calls", "12,288 out"):
        assert words in note


def test_a_budget_for_nothing_leaves_it_to_the_policy():
    settings = {"plan": None, "budget": Budget(max_calls=0)}
    sampler = TeamThenTrimSampler(team(**settings), on_shortfall="raise", **OFF)

    with pytest.raises(QuotaNotMetError, match="got 0"):
        sampler.fit_resample(*patients())

    assert not LOG
