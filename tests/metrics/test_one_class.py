"""The network sends real rows to one point, and its slopes are right."""

from itertools import pairwise

import numpy as np
import pytest

from t2sampler.metrics._one_class import CENTRE, _forward, _slopes, embed_one_class


def make_weights(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in pairwise(sizes)]


def loss(weights, X):
    return ((_forward(weights, X)[-1] - CENTRE) ** 2).sum(axis=1).mean()


def test_slopes_agree_with_small_steps():
    X = np.random.default_rng(1).random((5, 3))
    weights = make_weights((3, 4, 4, 3))
    slopes = _slopes(weights, X)

    for layer, row, column in [(0, 1, 2), (1, 3, 0), (2, 2, 1)]:
        ends = []
        for step in (1e-6, -1e-6):
            moved = [weight.copy() for weight in weights]
            moved[layer][row, column] += step
            ends.append(loss(moved, X))
        numeric = (ends[0] - ends[1]) / 2e-6
        assert slopes[layer][row, column] == pytest.approx(numeric, rel=1e-4)


def test_real_rows_come_near_the_centre_and_others_do_not():
    rng = np.random.default_rng(0)
    real, far = rng.random((200, 3)), 3 + rng.random((50, 3))

    near, away = embed_one_class([real, far], np.random.default_rng(0))

    assert np.median(np.linalg.norm(near - CENTRE, axis=1)) < 4
    assert np.linalg.norm(away - CENTRE, axis=1).min() > 10
