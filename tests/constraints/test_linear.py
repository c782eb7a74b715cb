"""Linear rules weigh numbers, dates and dummies."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.constraints import (
    Linear,
)
from t2sampler.exceptions import ConstraintError

DAY = pd.Timestamp("2024-03-01")


def test_linear_weighs_numbers_and_dummies(held):
    # 2 a - 3 [b = 'x'] - 1 >= 0
    rule = Linear({"a": 2, ("b", "x"): -3}, bias=-1)

    answers = held(rule, a=[2, 1.9, 0.5, 0.4], b=["x", "x", "y", "y"])

    assert answers == [True, False, True, False]


def test_linear_forgives_rounding_but_no_more(held):
    rule = Linear({"a": 1, "b": 1}, bias=-0.3, equals=True)
    single = np.array([0.1, 0.1001], dtype=np.float32)

    assert held(rule, a=[0.1, 0.1], b=[0.2, 0.2 + 1e-9]) == [True, False]  # 0.1 + 0.2
    assert held(rule, a=single, b=[0.2, 0.2]) == [True, False]


def test_linear_compares_dates_to_the_second(held):
    start = pd.Series([DAY, DAY, None])
    end = pd.Series([DAY, DAY - pd.Timedelta("1s"), DAY])

    assert held(Linear({"end": 1, "start": -1}), start=start, end=end) == [
        True,
        False,
        True,
    ]


def test_linear_tells_missing_from_unreadable(held):
    a = pd.Series([None, None, 1], dtype=object)
    b = pd.Series([5, "x", "x"], dtype=object)

    assert held(Linear({"a": 1, "b": 1}), a=a, b=b) == [True, False, False]
    assert held(Linear({("a", 1): 1}), a=a) == [True, True, True]


def test_one_hot_group_needs_exactly_one(held):
    rule = Linear({"a": 1, "b": 1}, bias=-1, equals=True)

    assert rule.name == "exactly one of a, b is 1"
    assert held(rule, a=[1, 0, 1, 0], b=[0, 1, 1, 0]) == [True, True, False, False]


def test_tuple_names_are_columns_of_their_own():
    frame = pd.DataFrame({0: [1, 5]})
    frame.columns = pd.Index([("t", 1)], tupleize_cols=False)
    rule = Linear({(("t", 1),): 1}, bias=-3)

    rule.check(TableSchema.learn(frame))

    assert rule.columns == (("t", 1),)
    assert rule.holds(frame).tolist() == [False, True]


def test_a_frame_without_the_column_is_refused():
    with pytest.raises(ConstraintError, match="a table without 'b'"):
        Linear({"a": 1, "b": 1}).holds(pd.DataFrame({"a": [1]}))
