"""The kernel moves numbers, and leaves alone what recurs."""

import numpy as np
import pandas as pd

from t2sampler._schema import learn_column
from t2sampler.team._smoothing import Kernel, NormalScores


def scores_of(values):
    values = pd.Series(values)
    column = learn_column(values, "x")
    codes = column.encode(values)
    return NormalScores(column).fit(codes), codes


def test_a_spike_and_missing_values_have_no_score():
    scores, codes = scores_of([0.0, 0, 0, 0, 1.5, 2.5, 3.25, np.nan])

    found = scores.transform(codes)

    assert np.isnan(found).tolist() == [True] * 4 + [False] * 3 + [True]


def test_scores_of_three_values_are_normal_quantiles_and_come_back():
    scores, codes = scores_of([10.0, 20.0, 40.0])

    found = scores.transform(codes)

    # Mid-ranks 1/6, 3/6, 5/6.
    np.testing.assert_allclose(found, [-0.967422, 0, 0.967422], atol=1e-6)
    assert scores.restore(found).tolist() == [10, 20, 40]
    assert scores.restore(np.array([-9.0, 0.967422 / 2, 9.0])).tolist() == [10, 30, 40]


def test_a_column_of_few_values_is_not_smooth():
    assert not scores_of([1, 2] * 10)[0].is_smooth
    assert not scores_of([5.0])[0].is_smooth


def test_kernel_keeps_mean_and_variance(rng):
    scores = rng.normal(size=(200, 2)) @ np.array([[1, 0.9], [0, 0.4]])
    leaves = classes = np.zeros(200, dtype=np.intp)
    kernel = Kernel(1.0).fit(scores, leaves, classes)
    donors = rng.integers(0, 200, 100_000)
    zeros = np.zeros(100_000, dtype=np.intp)

    moved = kernel.move(scores[donors], zeros, zeros, rng.random((100_000, 2)))

    assert np.abs(moved - scores[donors]).min() > 0
    np.testing.assert_allclose(moved.mean(axis=0), scores.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(scores.T), rtol=0.03)


def test_a_leaf_of_one_row_has_the_spread_of_its_class(rng):
    scores = np.array([[-1.0], [0], [1], [-1], [1], [50]])
    leaves = np.array([0, 0, 0, 0, 0, 1])
    kernel = Kernel(1.0).fit(scores, leaves, np.zeros(6, dtype=np.intp))
    ones = np.ones(10_000, dtype=np.intp)

    moved = kernel.move(
        np.full((10_000, 1), 50.0), ones, 0 * ones, rng.random((10_000, 1))
    )

    # s = 1 (4 / 4 degrees of freedom); h = (4 / 3)^(1/5); sd = h / sqrt(1 + h^2).
    assert abs(moved.std() - 0.727) < 0.02


def test_strength_zero_moves_nothing(rng):
    scores = rng.normal(size=(20, 1))
    zeros = np.zeros(20, dtype=np.intp)

    moved = (
        Kernel(0.0)
        .fit(scores, zeros, zeros)
        .move(scores, zeros, zeros, rng.random((20, 1)))
    )

    np.testing.assert_allclose(moved, scores)


def test_a_value_that_recurs_among_single_ones_is_a_spike(rng):
    incomes = rng.permutation(np.arange(2000, 2092))
    scores, codes = scores_of([0.0] * 4 + incomes.tolist())

    assert np.isnan(scores.transform(codes)).sum() == 4
    assert scores.restore(np.array([-9.0])).tolist() == [2000]


def test_ages_that_recur_by_chance_are_no_spikes(rng):
    scores, codes = scores_of(rng.integers(18, 90, 100).astype(float))

    assert not np.isnan(scores.transform(codes)).any()
