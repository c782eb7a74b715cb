"""Whatever a manager answers, the plan is one and the rows are written."""

import random

import pytest
from doubles.competent_model import make_plan
from doubles.fake_openai import FakeOpenAI, Fault
from doubles.faults import TEXT
from doubles.llm_team_runs import run_team

KEYS = [f"c{j}" for j in range(1, 8)]


def part(name, columns, reads=()):
    return {"name": name, "role": "writer", "columns": columns, "reads": list(reads)}


BAD_PLANS = {
    "cycle": [part("a", KEYS[:3], ["b"]), part("b", KEYS[3:], ["a"])],
    "reads itself": [part("a", KEYS, ["a"])],
    "column twice": [part("a", KEYS), part("b", KEYS[:2], ["a"])],
    "column left out": [part("a", KEYS[:5])],
    "unknown column": [part("a", [*KEYS, "c99"])],
    "unknown component": [part("a", KEYS, ["nobody"])],
    "two of a name": [part("a", KEYS[:3]), part("a", KEYS[3:])],
    "no components": [],
    "empty component": [part("a", KEYS), part("b", [])],
    "numbers for names": [part(1, [1, 2, 3], [0])],
    "text for lists": [part("a", "c1, c2", [])],
}


@pytest.mark.parametrize("name", BAD_PLANS)
def test_bad_plan_is_sent_back_once_then_repaired(name):
    plan = {"components": BAD_PLANS[name], "rules": []}

    with FakeOpenAI(table="visits", plan=plan) as server:
        run = run_team(server, team={"plan": None}, sampler={"max_batches": 1})

    asked = [entry for entry in server.log() if entry["role"] == "manager"]
    assert len(asked) == 2
    assert len(asked[1]["body"]["messages"]) > len(asked[0]["body"]["messages"])
    assert sorted(run.sampler.generator_.plan_.columns) == sorted(run.X)
    assert run.sampler.report_.notes


def test_good_plan_is_asked_for_once_and_taken():
    with FakeOpenAI(table="visits", plan=make_plan(KEYS, 2)) as server:
        run = run_team(server, team={"plan": None}, sampler={"max_batches": 1})

    parts = run.sampler.generator_.plan_.components
    columns = list(run.X)
    assert [entry["role"] for entry in server.log()].count("manager") == 1
    assert [list(p.columns) for p in parts] == [columns[:4], columns[4:]]


@pytest.mark.parametrize("seed", range(4))
def test_columns_in_any_order_of_a_plan_hold_their_own_values(seed):
    """The manager lists columns as it likes; check_run sees to it that they fit."""
    keys = random.Random(seed).sample(KEYS, len(KEYS))

    with FakeOpenAI(table="visits", plan=make_plan(keys, 3)) as server:
        run = run_team(server, team={"plan": None}, sampler={"max_batches": 2})

    new = run.X_res[run.is_generated]
    assert run.totals["refused"] == 0
    assert new["age"].between(18, 95).all()
    assert new["weight"].dropna().between(30, 130).all()
    assert new["days"].between(1, 40).all()


@pytest.mark.parametrize("kind", TEXT)
def test_manager_whose_reply_is_spoiled(kind):
    faults = (Fault(kind, roles=("manager",)),)

    with FakeOpenAI(table="visits", faults=faults) as server:
        run = run_team(server, team={"plan": None}, sampler={"max_batches": 1})

    assert sorted(run.sampler.generator_.plan_.columns) == sorted(run.X)
    assert run.totals["refused"] == 0


RULES = {
    "holds": {"rule": "Between", "column": "c1", "low": 18, "high": 95},
    "broken by real rows": {"rule": "Between", "column": "c1", "low": 60, "high": 95},
    "unknown column": {"rule": "Between", "column": "c77", "low": 0, "high": 1},
    "no rule at all": {"rule": "__import__('os').system('true')"},
    "text": "age > 0; DROP TABLE rows",
}


@pytest.mark.parametrize("name", RULES)
def test_proposed_rules_are_enforced_only_if_real_rows_keep_them(name):
    plan = {**make_plan(KEYS), "rules": [RULES[name]]}

    with FakeOpenAI(table="visits", plan=plan) as server:
        run = run_team(server, team={"plan": None}, sampler={"max_batches": 1})

    rules = run.sampler.generator_.plan_.rules
    assert len(rules) == (name == "holds")
    assert rules or run.sampler.report_.notes
