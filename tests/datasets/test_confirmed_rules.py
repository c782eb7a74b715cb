"""Relations are found where there are some, and only there."""

import numpy as np
import pandas as pd
import pytest
from numpy.random import RandomState

from t2sampler.constraints import Bands, Linear, Lookup
from t2sampler.datasets._confirmed_rules import find_confirmed_rules

AGE = np.arange(100)[::-1]


def test_independent_columns_have_no_relation():
    rng = RandomState(0)
    X = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd"))
    X["town"] = rng.choice(list("AB"), 200)
    X["flag"] = rng.rand(200) < 0.5

    assert find_confirmed_rules(X, RandomState(0)) == []


def test_order_of_two_numbers():
    rng = RandomState(0)
    part = rng.randint(0, 10, 100)
    X = pd.DataFrame({"part": part, "whole": part + rng.randint(0, 5, 100)})

    assert find_confirmed_rules(X, RandomState(0)) == [Linear({"whole": 1, "part": -1})]


def test_order_that_cannot_fail_is_no_relation():
    X = pd.DataFrame({"small": [0, 1] * 50, "large": [10, 11, 12, 13] * 25})

    orders = [
        rule
        for rule in find_confirmed_rules(X, RandomState(0))
        if isinstance(rule, Linear)
    ]

    assert orders == []


def test_bands_of_a_number():
    X = pd.DataFrame({"age": AGE, "adult": np.where(AGE < 40, "no", "yes")})

    assert find_confirmed_rules(X, RandomState(0)) == [
        Bands("adult", "age", [(0, 39, "no"), (40, 99, "yes")])
    ]


def test_lookup_of_a_level():
    town = np.tile(["Graz", "Linz", "Wien", "Krems"], 25)
    state = np.where(np.isin(town, ["Wien"]), "W", "other")
    X = pd.DataFrame({"town": town, "state": state})

    (rule,) = find_confirmed_rules(X, RandomState(0))

    pairs = {"Graz": "other", "Linz": "other", "Wien": "W", "Krems": "other"}
    assert isinstance(rule, Lookup)
    assert (rule.column, rule.by, dict(rule.table)) == ("state", "town", pairs)


def test_one_exception_is_enough_to_doubt():
    adult = np.where(AGE < 40, "no", "yes")
    X = pd.DataFrame({"age": AGE // 10, "adult": adult})
    assert len(find_confirmed_rules(X, RandomState(0))) == 1

    X.loc[0, "adult"] = "no"

    assert find_confirmed_rules(X, RandomState(0)) == []


@pytest.mark.parametrize("n_rows", [0, 1, 19])
def test_few_rows_prove_nothing(n_rows):
    X = pd.DataFrame({"a": range(n_rows), "b": range(n_rows)})

    assert find_confirmed_rules(X, RandomState(0)) == []


def test_missing_values_break_no_relation():
    X = pd.DataFrame({"age": AGE * 1.0, "adult": np.where(AGE < 40, "no", "yes")})
    X.loc[::9, "age"] = np.nan

    (rule,) = find_confirmed_rules(X, RandomState(0))

    assert isinstance(rule, Bands)
    assert rule.holds(X).all()
