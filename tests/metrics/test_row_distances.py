"""Rows have places, and exact distances between them."""

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from t2sampler.metrics._row_distances import (
    encode_rows,
    find_nearest,
    find_nearest_other,
    scale_to_unit,
)
from t2sampler.metrics._tables import open_tables


def place(real, synthetic):
    return encode_rows(open_tables(real=real, synthetic=synthetic))


def test_numbers_are_in_units_of_the_real_spread():
    real, others = place([[0.0], [2.0]], [[1.0], [5.0]])

    # Mean 1 and standard deviation 1.
    assert real.tolist() == [[-1.0], [1.0]]
    assert others.tolist() == [[0.0], [4.0]]


def test_an_unseen_level_is_no_seen_one():
    real = pd.DataFrame({"a": ["u", "v"]})

    matrix, others = place(real, pd.DataFrame({"a": ["u", "new"]}))

    assert cdist(matrix, others).tolist() == [[0.0, 1.0], [1.0, np.sqrt(2)]]


def test_a_value_missing_only_in_the_synthetic_table_is_told():
    _, others = place([[0.0], [2.0]], [[1.0], [np.nan]])

    # The median stands in for the missing value: only the indicator differs.
    assert others.tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_another_value_of_a_constant_column_is_told():
    _, others = place([[3.0, 0.0], [3.0, 2.0]], [[3.0, 1.0], [4.0, 1.0]])

    assert others.tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_real_rows_are_stretched_to_the_unit_cube():
    real, others = scale_to_unit([np.array([[2.0, 5], [4, 5]]), np.array([[5.0, 6]])])

    assert real.tolist() == [[0.0, 0.0], [1.0, 0.0]]
    assert others.tolist() == [[1.5, 1.0]]


def test_nearest_rows_agree_with_all_distances():
    rng = np.random.default_rng(0)
    rows, pool = rng.normal(size=(40, 3)), rng.normal(size=(60, 3))

    distances, positions = find_nearest(rows, pool, k=2)

    brute = cdist(rows, pool)
    np.testing.assert_allclose(distances, np.sort(brute, axis=1)[:, :2])
    np.testing.assert_array_equal(positions, np.argsort(brute, axis=1)[:, :2])


def test_copies_are_exactly_nothing_apart_also_far_out():
    rows = 1e6 + np.random.default_rng(0).normal(size=(50, 4))

    distances, positions = find_nearest(rows, rows)

    assert distances.max() == 0
    assert positions[:, 0].tolist() == list(range(50))


def test_nearest_other_row_is_not_the_row_itself():
    pool = np.array([[0.0], [1.0], [3.0], [3.0]])

    gaps = find_nearest_other(np.array([0, 1, 2, 3]), pool)

    assert gaps.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_nearest_other_rows_agree_with_all_distances():
    pool = np.random.default_rng(0).normal(size=(60, 3))
    brute = cdist(pool, pool)
    np.fill_diagonal(brute, np.inf)

    gaps = find_nearest_other(np.arange(60), pool)

    np.testing.assert_allclose(gaps, brute.min(axis=1))
