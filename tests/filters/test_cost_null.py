"""The null of the gap, by two ways of drawing it, and the sizes it is drawn at."""

import numpy as np
import pytest

from t2sampler.filters._cost_null import (
    apportion,
    batch_key,
    null_sizes,
    simulate_null,
)
from t2sampler.filters._cost_selection import selection_bounds
from t2sampler.filters._information import ParameterEntropy
from t2sampler.filters._newton import Sample, add_intercept


@pytest.fixture
def table(rng):
    X = rng.standard_normal((80, 3))
    return X, (X[:, 0] + rng.logistic(size=80) > 0).astype(int)


def test_null_by_rows_and_by_counts_agree(table):
    X, codes = table
    real = Sample(add_intercept(X), codes, np.ones(len(X)))
    information = ParameterEntropy().fit(real, 2)
    costs = np.linspace(0, 1, 80)
    moments = []
    for n_rows in (20, 21):  # a quarter of the real rows, and beyond
        gaps = simulate_null(
            information,
            costs,
            [(np.ones(80), n_rows)],
            selection_bounds(n_rows, 0.5, 0.1),
            n_draws=2000,
            rng=np.random.default_rng(0),
        )
        moments.append((gaps.mean(), gaps.std()))

    # One row more of twenty: a twentieth of it, and the error of 2000 draws.
    assert np.allclose(*moments, rtol=0.1, atol=0.01)


@pytest.mark.parametrize("n_real", [4, 40])  # drawn by counts, and row by row
def test_nothing_is_gained_or_lost_when_all_real_rows_are_one(n_real):
    real = Sample(np.ones((n_real, 3)), np.arange(n_real) % 2, np.ones(n_real))
    information = ParameterEntropy().fit(real, 2)
    even = 1.0 - real.codes

    gaps = simulate_null(
        information,
        np.full(n_real, 0.5),
        [(even, 5)],
        (1, 6),
        n_draws=10,
        rng=np.random.default_rng(0),
    )

    assert (gaps == 0).all()


@pytest.mark.parametrize(
    ("labels", "size", "composition"),
    [
        ((3, 8, 0), 11, (3, 8, 0)),
        ((40, 40, 0), 63, (32, 31, 0)),
        ((99, 1), 50, (50, 0)),
        ((0, 20), 20, (0, 20)),
    ],
)
def test_compositions_keep_their_shares(labels, size, composition):
    assert apportion(labels, size) == composition


@pytest.mark.parametrize("n_rows", [1, 50, 51, 63, 977, 1_000_000])
def test_sizes_between_two_nulls_are_weighted(n_rows):
    sizes = null_sizes(n_rows)

    assert sum(weight for _, weight in sizes) == pytest.approx(1)
    assert sum(size * weight for size, weight in sizes) == pytest.approx(n_rows)


def test_batch_keys_tell_batches_apart():
    keys = {batch_key(key) for key in (0, 1, -1, True, "0", 0.0, ("a", 1))}

    assert len(keys) == 7
