"""What a run will cost is known before it, without asking anybody."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from doubles.sampler_runs import OFF, may_fall_short
from doubles.scripted_team import LOG, listen
from sklearn.base import clone

from t2sampler import CostAssessmentFilter, TeamThenTrimSampler
from t2sampler.generators import LLMTeam, StatisticalTeam
from t2sampler.llm import Budget, ChatModel
from t2sampler.team import Component, Plan
from t2sampler.testing import ScriptedChat

PLAN = Plan([Component("one", ["a"]), Component("two", ["b"], reads=["one"])])
PRICES = {"input": 1.0, "output": 10.0}


def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 9000, 40), "b": rng.choice(["u", "v"], 40)})
    return X, pd.Series(["no"] * 30 + ["yes"] * 10, name="y")


def make(store=False, plan=PLAN, prices=None, **settings):
    team = LLMTeam(ScriptedChat(listen, prices=prices), plan=plan, store=store)
    settings = {**OFF, "batch_size": 5, "max_batches": 8} | settings
    return TeamThenTrimSampler(team, **settings)


def test_a_team_without_models_costs_nothing():
    estimate = TeamThenTrimSampler().estimate([[1.0], [2.0], [3.0]], [0, 0, 1])

    assert estimate.calls == estimate.input_tokens == estimate.output_tokens == (0, 0)
    assert estimate.cost == (0.0, 0.0)


@pytest.mark.parametrize("n_fits", [0, 1.5, None])
def test_the_number_of_fits_is_checked(n_fits):
    with pytest.raises(ValueError, match="`n_fits` must be an integer >= 1"):
        TeamThenTrimSampler().estimate([[1.0], [2.0], [3.0]], [0, 0, 1], n_fits)


def test_low_if_all_rows_pass_and_high_if_all_batches_are_drawn():
    estimate = make().estimate(*table())

    # 20 rows are missing: 4 batches of 5, 8 at most, 2 workers each.
    assert estimate.calls == (8, 16)
    assert estimate.cost is None
    assert "unknown" in str(estimate)
    assert not LOG


def test_a_fixed_number_of_batches_has_one_price():
    estimate = make(n_batches=6).estimate(*table())

    assert estimate.calls == (18, 18)


def test_a_label_worker_is_counted_where_it_is_to_look_at_wanted_labels():
    sampler = make().set_params(generator__label=ScriptedChat(listen))

    assert sampler.estimate(*table()).calls == (12, 24)


def test_a_small_table_without_a_plan_has_one_price():
    """One worker writes all columns, and no manager is asked."""
    estimate = make(plan=None, max_batches=4).estimate(*table())

    assert estimate.calls == (4, 4)
    assert not LOG


@may_fall_short
@pytest.mark.parametrize("n_columns", [2, 40])
def test_an_unknown_plan_has_a_range_that_holds_the_truth(n_columns):
    """The manager may give all columns to one worker, or to many."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.integers(0, 9, (40, n_columns))).add_prefix("v")
    y = table()[1]
    truths = []
    for parts in (1, 2, n_columns // 4 or 2):
        sampler = make(plan=None, max_batches=4)
        manager = ScriptedChat(partial(plan_in_parts, n_parts=parts))
        sampler.set_params(generator__manager=manager, generator__chat=big_chat())
        low, high = (sampler.estimate(X, y).calls for _ in range(2))
        assert low == high
        sampler.fit_resample(X, y)
        usage = sampler.report_.usage
        estimate = sampler.estimate(X, y)
        for name in ("calls", "input_tokens", "output_tokens"):
            low, high = getattr(estimate, name)
            truths.append((name, low / usage[name].sum(), high / usage[name].sum()))

    for name, low, high in truths:
        assert low <= 1.1, name
        assert high >= 0.9, name


def big_chat():
    return ScriptedChat(max_tokens=100_000)


def plan_in_parts(request, n_parts):
    """Plan a chain of so many members; the columns come in an odd order."""
    schema = request.schema["properties"]["components"]["items"]
    keys = schema["properties"]["columns"]["items"]["enum"][::-1]
    parts = [keys[k::n_parts] for k in range(n_parts)]
    components = [
        {"name": f"m{k}", "role": "", "columns": part, "reads": [f"m{k - 1}"] * (k > 0)}
        for k, part in enumerate(parts)
    ]
    return json.dumps({"components": components, "rules": []})


def test_a_component_of_its_own_model_has_its_own_price():
    dear, cheap = make(prices=PRICES), make(prices=PRICES)
    free = ScriptedChat(listen, prices={"input": 0.0, "output": 0.0})
    cheap.set_params(generator__workers={"two": free})

    assert cheap.estimate(*table()).cost[0] < dear.estimate(*table()).cost[0]


def test_fitted_components_are_free():
    sampler = make().set_params(generator__workers={"two": StatisticalTeam()})

    assert sampler.estimate(*table()).calls == (4, 8)


def test_fits_multiply():
    once, often = make(prices=PRICES), make(prices=PRICES)

    once, often = once.estimate(*table()), often.estimate(*table(), n_fits=6)

    assert often.calls == tuple(6 * n for n in once.calls)
    assert often.cost == pytest.approx([6 * cost for cost in once.cost])


def test_what_is_stored_is_free_in_one_fit_only(store):
    sampler = make(store, prices=PRICES)
    fresh = sampler.estimate(*table())
    sampler.fit_resample(*table())

    often = sampler.estimate(*table(), n_fits=6)

    assert often.calls == tuple(5 * n for n in fresh.calls)
    assert often.cost == pytest.approx([5 * cost for cost in fresh.cost])
    assert often.n_stored == fresh.calls[0]


def test_tokens_come_near_what_is_spent():
    sampler = make(prices=PRICES, plan=None)
    estimate = sampler.estimate(*table())

    sampler.fit_resample(*table())

    usage = sampler.report_.usage[["input_tokens", "output_tokens", "cost"]].sum()
    assert estimate.input_tokens[0] == pytest.approx(usage["input_tokens"], rel=0.4)
    assert estimate.output_tokens[0] == pytest.approx(usage["output_tokens"], rel=0.4)
    assert estimate.cost[0] == pytest.approx(usage["cost"], rel=0.4)


@may_fall_short
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="quota"),
        pytest.param({"plan": None}, id="manager"),
        pytest.param({"n_batches": 3}, id="fixed"),
        pytest.param({"random_state": 3}, id="seed"),
        pytest.param({"cost": None, "diversity": None}, id="filters"),
    ],
)
def test_after_a_run_nothing_is_left_to_pay(store, settings):
    sampler = make(store, prices=PRICES, **settings)
    sampler.fit_resample(*table())
    n_asked = len(LOG)

    estimate = clone(sampler).estimate(*table())

    assert estimate.calls == (0, 0)
    assert estimate.cost == (0.0, 0.0)
    assert estimate.n_stored == n_asked == len(LOG)


@may_fall_short
def test_what_was_answered_before_a_run_broke_off_is_free(store):
    sampler = make(store)
    broken = clone(sampler).set_params(generator__budget=Budget(max_calls=4))
    broken.fit_resample(*table())

    estimate = sampler.estimate(*table())

    assert estimate.calls == (8 - 4, 16 - 4)
    assert estimate.n_stored == 4


@may_fall_short
def test_stricter_filters_pay_only_for_what_they_draw_more(store):
    make(store).fit_resample(*table())
    stricter = make(store, cost=CostAssessmentFilter(tau=np.inf))

    estimate = stricter.estimate(*table())

    assert estimate.calls[1] == 16 - 8
    assert estimate.n_stored == 8


def test_no_key_is_needed(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    sampler = make().set_params(generator__chat=ChatModel("m", prices=PRICES))

    assert sampler.estimate(*table()).cost[1] > 0


def test_a_summary_is_shorter_than_rows():
    rows = make().estimate(*table())
    summary = make().set_params(generator__examples="summary").estimate(*table())

    assert summary.input_tokens < rows.input_tokens
