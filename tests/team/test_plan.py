"""A plan is a partition with a direction, and survives being written down."""

import pytest

from t2sampler.constraints import Between
from t2sampler.exceptions import PlanError
from t2sampler.team import Component, Plan

PERSON = Component("person", ["age", "sex"])
WORK = Component("work", ["job"], reads=["person"])


def test_levels_hold_what_may_run_side_by_side():
    home = Component("home", ["rooms"], reads=["person"])
    health = Component("health", ["bmi"], reads=["work", "home"])

    levels = Plan([health, home, PERSON, WORK]).levels()

    names = [[part.name for part in level] for level in levels]
    assert names == [["person"], ["home", "work"], ["health"]]


def test_cycle_is_named():
    a = Component("a", ["x"], reads=["b"])
    b = Component("b", ["y"], reads=["a"])

    with pytest.raises(PlanError, match=r"(a <- b <- a|b <- a <- b).*Drop one"):
        Plan([a, b])


@pytest.mark.parametrize(
    ("components", "match"),
    [
        ([PERSON, PERSON], "component once, got .'person'."),
        ([PERSON, Component("b", ["sex"])], "column once, got .'sex'."),
        ([Component("a", ["x"], reads=["z"])], "'a' expected to read .* got .'z'."),
    ],
)
def test_contradictions_are_refused(components, match):
    with pytest.raises(PlanError, match=match):
        Plan(components)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("a", "age"), r"`columns` must be a list of names, got 'age'"),
        (("a", ["age"], "person"), r"`reads` must be a list of names"),
        (("a", []), "at least one column"),
        ((1, ["age"]), "`name` must be a text, got 1"),
    ],
)
def test_wrong_components_are_refused(arguments, match):
    with pytest.raises(PlanError, match=match):
        Component(*arguments)


def test_check_names_columns_without_a_component_and_unknown_ones():
    plan = Plan([PERSON, WORK])

    plan.check(["sex", "job", "age"])
    with pytest.raises(PlanError, match=r"component for \['bmi'\]"):
        plan.check(["sex", "job", "age", "bmi"])
    with pytest.raises(PlanError, match=r"got \['job'\], which it does not have"):
        plan.check(["sex", "age"])


def test_json_keeps_names_of_any_type_and_rules():
    parts = [Component("a", ["1", 1, 2.5, ("x", ("y", 3))], role="all kinds")]
    plan = Plan([*parts, Component("b", ["z"], reads=["a"])], [Between("z", 0, 1)])

    again = Plan.from_json(plan.to_json())

    assert again == plan
    assert [type(name) for name in again.columns] == [str, int, float, tuple, str]


def test_column_names_json_cannot_carry_are_refused():
    with pytest.raises(PlanError, match="Rename the column"):
        Plan([Component("a", [frozenset("x")])]).to_json()


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"rules": []}',
        '{"components": [{"name": "a", "columns": "age"}]}',
        '{"components": [{"name": "a", "columns": [{}]}]}',
        '{"components": [3]}',
    ],
)
def test_text_that_is_no_plan_is_refused(text):
    with pytest.raises(PlanError, match="Pass what `to_json` returned"):
        Plan.from_json(text)


def test_own_errors_of_a_written_plan_come_through():
    text = '{"components": [{"name": "", "columns": ["age"]}]}'

    with pytest.raises(PlanError, match="`name` must be a text"):
        Plan.from_json(text)


def test_printed_plan_has_arrows_and_short_lines():
    many = Component("many", [f"column {i}" for i in range(50)], reads=["person"])

    text = str(Plan([PERSON, many], [Between("age", 0, 9)]))

    assert "age, sex" in text
    assert "column 2, column ...    <- person" in text
    assert max(map(len, text.splitlines())) <= 88
    assert text.endswith("age is from 0 to 9")
