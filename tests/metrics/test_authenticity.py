"""Authenticity against a loop and a known value."""

import numpy as np

from t2sampler.metrics import authenticity


def draw(n_rows, seed, n_columns=3):
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns))


def unit(real, synthetic):
    """Scale to [0, 1] by the real rows, column by column."""
    low, high = real.min(axis=0), real.max(axis=0)
    return (real - low) / (high - low), (synthetic - low) / (high - low)


def slow_authenticity(real, synthetic):
    real, synthetic = unit(real, synthetic)
    authentic = []
    for row in synthetic:
        to_real = np.linalg.norm(real - row, axis=1)
        i = to_real.argmin()
        gap = np.linalg.norm(np.delete(real, i, axis=0) - real[i], axis=1).min()
        authentic.append(to_real[i] > gap)
    return np.mean(authentic)


def test_authenticity_agrees_with_a_loop():
    # The published lookup by synthetic position would go wrong: real and synthetic
    # rows differ in number and order.
    real, synthetic = draw(30, 0), np.vstack([draw(25, 1), draw(30, 0)[::-1] + 1e-6])

    assert authenticity(real, synthetic) == slow_authenticity(real, synthetic)


def test_authenticity_of_fresh_rows_in_one_dimension_is_a_third():
    # Two thirds of the points of a line are the nearest one of their nearest one.
    found = [authenticity(draw(400, s, 1), draw(400, 50 + s, 1)) for s in range(8)]

    assert abs(np.mean(found) - 1 / 3) < 0.03
