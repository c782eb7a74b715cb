"""The manager finds what belongs together."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.constraints._infer import infer_constraints
from t2sampler.team._plan_from_data import make_plan, measure_dependence


def plan_of(frame, **settings):
    schema = TableSchema.learn(frame)
    rules = [rule for rule in infer_constraints(frame, schema) if len(rule.columns) > 1]
    return make_plan(schema.encode(frame), schema, rules, **settings)


def dependence_of(frame):
    schema = TableSchema.learn(frame)
    return measure_dependence(schema.encode(frame), schema.columns)


def test_dependence_of_a_coin_with_itself_is_one_and_with_another_zero():
    coin = np.tile([0, 1], 50)
    other = np.repeat([0, 1], 50)
    frame = pd.DataFrame({"coin": coin, "other": other, "same": coin == 1})

    dependence = dependence_of(frame)

    # H = log 2 for each; the correction for chance is (2 - 1)^2 / 200.
    near_one = 1 - 1 / (200 * np.log(2))
    expected = [[near_one, 0, near_one], [0, near_one, 0], [near_one, 0, near_one]]
    np.testing.assert_allclose(dependence, expected)


def test_missing_together_is_dependence():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(500, 3)), columns=list("abc"))
    frame.loc[::2, ["a", "b"]] = np.nan

    dependence = dependence_of(frame)

    assert dependence[0, 1] > 0.2 > 0.01 > dependence[0, 2]


def test_constant_columns_depend_on_nothing():
    frame = pd.DataFrame({"a": [1, 2, 3, 4] * 10, "b": [7] * 40})

    assert dependence_of(frame)[1].tolist() == [0, 0]


def test_rules_tie_columns_into_one_component_beyond_its_size(rng):
    age = rng.integers(0, 100, 500)
    kind = rng.integers(0, 6, 500)
    frame = pd.DataFrame({"age": age, "band": np.where(age < 30, "young", "old")})
    for i in range(6):
        frame[f"kind {i}"] = (kind == i).astype(int)

    plan = plan_of(frame, max_columns=2)

    columns = {part.columns for part in plan.components}
    assert columns == {("age", "band"), tuple(f"kind {i}" for i in range(6))}


def test_a_chain_is_read_along(rng):
    a = rng.normal(size=2000)
    b = a + 0.5 * rng.normal(size=2000)
    c = b + 0.5 * rng.normal(size=2000)
    frame = pd.DataFrame({"a": a, "c": c, "b": b, "alone": rng.normal(size=2000)})

    plan = plan_of(frame, max_columns=1)

    reads = {part.name: part.reads for part in plan.components}
    assert plan.components[0].name == "b"
    assert reads["a"][0] == "b"
    assert reads["c"][0] == "b"
    assert reads["alone"] == ()


def test_dependent_columns_join_up_to_the_limit(rng):
    z = rng.normal(size=500)
    frame = pd.DataFrame({i: z + 0.3 * rng.normal(size=500) for i in range(6)})

    sizes = [len(part.columns) for part in plan_of(frame, max_columns=3).components]

    assert sizes == [3, 3]


def test_text_and_empty_columns_are_left_missing():
    frame = pd.DataFrame(
        {
            "size": np.arange(30) % 4,
            "name": [f"a note on {i} things" for i in range(30)],
            "empty": [None] * 30,
        }
    )

    plan = plan_of(frame)

    assert plan.components[-1].columns == ("name", "empty")
    assert plan.components[-1].reads == ()
    plan.check(frame.columns)


def test_columns_that_print_alike_get_components_of_their_own(rng):
    frame = pd.DataFrame(rng.normal(size=(50, 2)), columns=[1, "1"])

    names = {part.name for part in plan_of(frame, max_columns=1).components}

    assert names == {"1", "1'"}


@pytest.mark.parametrize("n_rows", [1, 2, 5, 50])
def test_same_data_same_plan_however_few(n_rows, mixed_table):
    frame = mixed_table[0].iloc[:n_rows]

    plan = plan_of(frame)

    plan.check(frame.columns)
    assert plan == plan_of(frame)


def test_a_column_without_a_name_gets_a_component_with_one():
    frame = pd.DataFrame({"": np.arange(20.0)})

    assert [part.name for part in plan_of(frame).components] == ["(unnamed)"]
