"""Numbers follow from others, within what their column can hold."""

import numpy as np
import pandas as pd

from t2sampler._schema import TableSchema
from t2sampler.constraints import Between, Linear
from t2sampler.team._equations import find_equations


def equations_of(frame, *rules):
    return find_equations(rules, TableSchema.learn(frame).columns)


def test_the_first_free_column_follows_and_gaps_stay():
    frame = pd.DataFrame({"a": np.arange(9.0), "b": np.arange(9.0), "c": [1.0] * 9})
    (total,) = equations_of(frame, Linear({"a": 1, "b": -1, "c": -1}, equals=True))
    codes = np.array([[0.0, 2, 1], [np.nan, 2, 1], [0, np.nan, 1]])

    solved = total.solve(codes)
    other = total.solve(codes, fixed=[0])

    np.testing.assert_array_equal(solved, [[3, 2, 1], [np.nan, 2, 1], [0, np.nan, 1]])
    np.testing.assert_array_equal(other[0], [0, 0, 1])  # -1 is below all real values
    np.testing.assert_array_equal(total.solve(codes, fixed=[0, 1, 2]), codes)


def test_dates_count_from_their_own_start():
    day = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"])
    frame = pd.DataFrame({"seen": day, "paid": day[[1, 2, 2]]})
    (same,) = equations_of(frame, Linear({"paid": 1, "seen": -1}, equals=True))

    solved = same.solve(np.array([[31 * 86400.0, 0.0]]))

    assert solved.tolist() == [[31 * 86400.0, 0.0]]  # paid starts in February
    assert same.solve(np.array([[60 * 86400.0, 0.0]])).tolist() == [
        [60 * 86400.0, 29 * 86400.0]
    ]


def test_only_equalities_of_numbers_are_solved():
    frame = pd.DataFrame({"a": [1.0, 2, 3], "k": list("uvw")})

    assert not equations_of(
        frame,
        Linear({"a": 1}),
        Linear({"a": 1, ("k", "u"): -1}, equals=True),
        Linear({("a", 2.0): 1}, bias=-1, equals=True),
        Between("a", 0, 9),
    )
