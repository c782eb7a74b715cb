"""Rows whose columns were shuffled are told from others by a forest."""

import numpy as np

from t2sampler.filters._shuffle_test import shuffle_columns, shuffle_test


def test_levels_of_a_category_are_shuffled_together():
    """One-hot columns taken apart would tell shuffled rows from all others."""
    rng = np.random.default_rng(0)
    level, number = rng.integers(0, 4, 60), rng.normal(size=60)
    X = np.column_stack([level[:, None] == np.arange(4), number]).astype(float)
    origin = np.array([0, 0, 0, 0, 1])

    shuffled = shuffle_columns(X, origin, rng)

    assert (shuffled[:, :4].sum(axis=1) == 1).all()
    assert sorted(shuffled[:, 4]) == sorted(number)
    assert shuffle_test(X[:, :4], np.arange(60) < 30, origin[:4], 0) == 0
