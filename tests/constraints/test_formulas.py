"""Products and elapsed times hold up to their tolerance, and can be solved."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.constraints import Elapsed, Product, rules_from_json, rules_to_json
from t2sampler.exceptions import ConstraintError

DAY = pd.Timestamp("2024-02-29")


def test_a_product_holds_up_to_its_tolerance(held):
    rule = Product("share", {"part": 1, "all": -1}, factor=100, tolerance=0.05)

    assert held(
        rule,
        share=[33.3, 33.4, np.nan, "x", 0.0],
        part=[1, 1, 1, 1, 0],
        all=pd.Series([3, 3, 3, 3, None], dtype="Int64"),
    ) == [True, False, True, False, True]


def test_a_product_is_solved_for_each_of_its_columns():
    rule = Product("total", {"pieces": 1, "side": 2})
    frame = pd.DataFrame({"total": [18.0], "pieces": [2], "side": [3.0]})

    for name in frame:
        assert rule.solve(frame, name)[0] == pytest.approx(frame[name][0])


@pytest.mark.parametrize(
    ("unit", "whole", "expected"),
    [
        ("days", True, 366),
        ("days", False, 366.5),
        ("hours", True, 366 * 24 + 12),
        ("weeks", True, 52),
        ("months", False, 12),
        ("years", False, 1),
        ("calendar years", False, 1),
        (365.25, True, 1),
        (365, False, 366.5 / 365),
    ],
)
def test_elapsed_time_counts_in_any_unit(held, unit, whole, expected):
    start, end = [DAY], [pd.Timestamp("2025-03-01 12:00")]
    rule = Elapsed("n", "start", "end", unit, whole)

    assert held(rule, n=[expected], start=start, end=end) == [True]
    assert held(rule, n=[expected - 1], start=start, end=end) == [False]
    assert held(rule, n=[expected], start=[None], end=end) == [True]


def test_birthdays_on_the_29th_of_february_are_a_day_later(held):
    rule = Elapsed("age", "born", pd.Timestamp("2025-02-28"), "years")

    assert held(rule, age=[0, 1, 1], born=[DAY, DAY, pd.Timestamp("2024-02-28")]) == [
        True,
        False,
        True,
    ]


def test_durations_are_solved_to_the_nanosecond():
    start = pd.Series(pd.to_datetime(["2024-01-01 00:00:00.000000001"]))
    took = pd.Series(pd.to_timedelta([123_456_789_123_456_789], unit="ns"))
    frame = pd.DataFrame({"start": start, "took": took, "end": start + took})
    rule = Elapsed("took", "start", "end")

    for name in frame:
        exact = frame[name].astype("int64")[0]
        assert rule.solve(frame, name)[0] == exact


@pytest.mark.parametrize(
    "rule",
    [
        Product("a", {"b": 1, ("t", 1): -2}, factor=0.19, tolerance=0.005),
        Elapsed("a", "b", DAY, 365.25, whole=True),
        Elapsed("a", "b", "c", "days", offset=1, tolerance=0.5),
    ],
)
def test_formulas_survive_json(rule):
    (back,) = rules_from_json(rules_to_json([rule]))

    assert back == rule
    assert hash(back) == hash(rule)
    assert back.name == rule.name


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Product("n", {}), "at least one power"),
        (Product("n", {"n": 1}), "other columns than 'n'"),
        (Product("n", {"m": np.inf}), "finite numbers"),
        (Product("n", {"k": 1}), "column 'k', got category"),
        (Elapsed("n", "m", "day"), "expected dates in column 'm', got number"),
        (Elapsed("n", "day", "day", "fortnights"), "got 'fortnights'"),
        (Elapsed("n", "day", "x"), "got 'x'"),
    ],
)
def test_formulas_that_do_not_fit_the_table_are_refused(rule, message):
    frame = pd.DataFrame({"n": [1, 2], "m": [3, 4], "k": ["u", "v"], "day": [DAY, DAY]})

    with pytest.raises(ConstraintError, match=message):
        rule.check(TableSchema.learn(frame))
