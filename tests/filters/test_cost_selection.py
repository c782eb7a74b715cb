"""Eq. 5 of the paper and the selection by alpha and beta, by hand and by property."""

import numpy as np
import pytest

from t2sampler.filters._cost_selection import (
    prediction_cost,
    rank_in_batch,
    select_counts,
    selection_bounds,
)


def test_cost_is_one_minus_the_probability_of_the_own_label():
    probability = np.array([[0.75, 0.25], [0.5, 0.5], [0.5, 0.5]])

    cost = prediction_cost(probability, np.array([1, 0, 7]))

    assert cost.tolist() == [0.75, 0.5, 1.0]  # label 7 is unknown to the model


@pytest.mark.parametrize(
    ("n_rows", "alpha", "beta", "bounds"),
    [
        (10, 0.5, 0.1, (2, 12)),
        (1, 0.5, 0.1, (0, 1)),
        (10, 0.0, 0.0, (0, 20)),
        (10, 0.25, 0.25, (5, 20)),
        (50, 0.5, 0.29, (29, 79)),  # 2 * .29 * 50 is 28.999999999999996
        (0, 0.5, 0.1, (0, 0)),
    ],
)
def test_ranks_that_are_kept(n_rows, alpha, beta, bounds):
    assert selection_bounds(n_rows, alpha, beta) == bounds


def test_no_rank_beyond_the_last_is_kept():
    n_rows = np.arange(1, 60)
    for alpha in np.linspace(0, 0.99, 12):
        for beta in np.linspace(0, alpha, 7):
            first, stop = selection_bounds(n_rows, alpha, beta)
            assert (first >= 0).all()
            assert (stop <= 2 * n_rows).all()


def test_ranks_count_within_a_batch_and_ties_keep_their_order():
    costs = np.array([0.5, 0.1, 0.5, 0.2, 0.5])

    rank = rank_in_batch(costs, np.array([0, 1, 0, 1, 0]))

    assert rank.tolist() == [0, 0, 1, 1, 2]


def test_selecting_counts_is_selecting_rows(rng):
    counts = rng.integers(0, 4, size=(30, 12))
    for row, kept in zip(counts, select_counts(counts, 3, 11), strict=True):
        listed = np.repeat(np.arange(12), row)
        assert np.repeat(np.arange(12), kept).tolist() == listed[3:11].tolist()
