"""Rules on one column hold where its values say so."""

import numpy as np
import pandas as pd
import pytest

from t2sampler.constraints import (
    Between,
    Linear,
    NotMissing,
    OneOf,
)

DAY = pd.Timestamp("2024-03-01")


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        (Between("x", 1, 3), [0.9, 1, 3, 3.1], [False, True, True, False]),
        (Between("x", low=2), [1, 2], [False, True]),
        (Between("x", high=2), [3, 2], [False, True]),
        (Between("x", 1, 3), ["2", 2, None], [False, True, True]),
        (Between("x", 1, 3), [DAY, 2, 10**400], [False, True, False]),
        (Between("x", DAY), [DAY, DAY - pd.Timedelta(1, "s")], [True, False]),
        (Between("x", DAY.date()), [pd.Timestamp("2023-01-01"), None], [False, True]),
        (Between("x", DAY), [5, 6], [False, False]),
        (Between("x", high=np.timedelta64(1, "D")), [pd.Timedelta("2D")], [False]),
        (OneOf("x", [1, 2]), [1.0, 2, 3], [True, True, False]),
        (OneOf("x", [1]), [1, True, "1", None], [True, False, False, True]),
        (OneOf("x", [True]), [1, True, "1", None], [False, True, False, True]),
        (OneOf("x", ["a"]), ["a", "A", None], [True, False, True]),
        (NotMissing("x"), ["a", None, np.nan], [True, False, False]),
    ],
    ids=str,
)
def test_rules_on_one_column(held, rule, values, expected):
    assert held(rule, x=pd.Series(values, dtype=object)) == expected
    by_inference = pd.Series(values)
    if by_inference.dtype != object:
        assert held(rule, x=by_inference) == expected


@pytest.mark.parametrize("dtype", ["Int64", "category", "float32", "Float64"])
def test_numbers_of_every_dtype_are_compared(held, dtype):
    values = pd.Series([1, 5, None], dtype=dtype)

    assert held(Between("x", 2, 9), x=values) == [False, True, True]
    assert held(OneOf("x", [5]), x=values) == [False, True, True]
    assert held(Linear({"x": 1}, bias=-2), x=values) == [False, True, True]


def test_a_naive_date_counts_as_utc(held):
    zoned = pd.Series(pd.to_datetime(["2024-03-01"])).dt.tz_localize("Europe/Vienna")

    # Midnight in Vienna is 23:00 of the day before in UTC.
    assert held(Between("x", low=DAY), x=zoned) == [False]
    assert held(Between("x", DAY - pd.Timedelta("1h"), DAY), x=zoned) == [True]
