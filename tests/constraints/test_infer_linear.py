"""Sums, scales and codes that real rows prove are rules, and those only."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler._table import Rows
from t2sampler.constraints._infer import infer_constraints
from t2sampler.team._plan_from_data import infer_relations


def relations(frame):
    """Return the names of the learnt rules between columns, short ones for lookups."""
    rules = infer_relations(Rows(frame, None, TableSchema.learn(frame)))
    return {rule.name.split(" (")[0] for rule in rules}


def test_sums_and_scales_are_found(rng):
    net, tax = rng.integers(0, 10_000, size=(2, 60)) / 100
    celsius = rng.normal(20, 8, 60).round(1)
    frame = pd.DataFrame({"net": net, "tax": tax})
    frame["total"] = frame["net"] + frame["tax"]
    frame = frame.assign(celsius=celsius, fahrenheit=1.8 * celsius + 32)

    equations = {name for name in relations(frame) if name.endswith(" = 0")}
    assert equations == {
        "1 total + -1 net + -1 tax + 0 = 0",
        "1 fahrenheit + -1.8 celsius + -32 = 0",
    }


@pytest.mark.parametrize("n_rows", [30, 300])
def test_unrelated_numbers_are_no_sums(n_rows):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.integers(0, 8, size=(n_rows, 12))).add_prefix("x")

        assert relations(frame) == set()


def test_sums_that_fail_in_one_row_are_not_found(rng):
    b, c = rng.integers(0, 50, size=(2, 100))
    frame = pd.DataFrame({"a": b + c, "b": b, "c": c})
    frame.loc[99, "a"] += 1

    assert not any("= 0" in name for name in relations(frame))


def test_codes_of_many_levels_determine_each_other(rng):
    place = rng.integers(0, 60, 900)
    frame = pd.DataFrame({"height": 97 + 137 * place, "city": place.astype(str)})

    assert "height follows from city" in relations(frame)


@pytest.mark.filterwarnings("error")
def test_numbers_of_any_size_are_looked_at_quietly(rng):
    frame = pd.DataFrame({"tiny": rng.normal(size=50) * 1e-300})
    frame["huge"] = rng.normal(size=50) * 1e300

    assert relations(frame) == set()


def test_rules_for_filters_have_no_sums(rng):
    b, c = rng.integers(0, 50, size=(2, 100))
    frame = pd.DataFrame({"a": b + c, "b": b, "c": c})

    names = {rule.name for rule in infer_constraints(frame)}

    assert "1 a + -1 b + -1 c + 0 = 0" in relations(frame) - names


@pytest.mark.parametrize("whole", [100, 1.0])
def test_parts_of_a_whole_are_found(rng, whole):
    parts = rng.integers(0, 50, size=(2, 60)) * whole / 100
    frame = pd.DataFrame({"clay": parts[0], "sand": whole - parts.sum(axis=0)})
    frame = frame.assign(noise=rng.integers(0, 99, 60), silt=parts[1])

    (rule,) = relations(frame)

    assert all(name in rule for name in ("clay", "sand", "silt"))
    frame["silt"] = rng.permutation(frame["silt"])
    assert not relations(frame)


def test_parts_in_few_rows_prove_nothing(rng):
    parts = rng.integers(0, 2, size=(2, 9))
    frame = pd.DataFrame({"a": parts[0], "b": parts[1], "c": 3 - parts.sum(axis=0)})

    assert not [rule for rule in relations(frame) if "a" in rule and "b" in rule]
