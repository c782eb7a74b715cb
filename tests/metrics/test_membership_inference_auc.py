"""Membership inference: copies give everybody away, fresh rows nobody."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from t2sampler.metrics import membership_inference_auc


def draw(n_rows, seed):
    return np.random.default_rng(seed).normal(size=(n_rows, 3))


def test_auc_agrees_with_counting_all_pairs():
    real, synthetic, holdout = draw(40, 0), draw(30, 1), draw(35, 2)
    centre, spread = real.mean(axis=0), real.std(axis=0)
    a, b, c = ((table - centre) / spread for table in (real, synthetic, holdout))

    found = membership_inference_auc(real, synthetic, holdout)

    members, strangers = -cdist(a, b).min(axis=1), -cdist(c, b).min(axis=1)
    wins = members[:, None] > strangers
    ties = members[:, None] == strangers
    assert found == pytest.approx(np.mean(wins + ties / 2))


def test_copies_give_all_away_and_fresh_rows_none():
    real, fresh, holdout = draw(300, 0), draw(300, 1), draw(300, 2)

    assert membership_inference_auc(real, real, holdout) == 1
    assert membership_inference_auc(real, fresh, holdout) == pytest.approx(0.5, abs=0.1)


def test_copies_of_held_out_rows_point_the_other_way():
    real, holdout = draw(50, 0), draw(50, 2)

    assert membership_inference_auc(real, holdout, holdout) == 0


def test_some_rows_are_attacked_by_chance():
    tables = draw(200, 0), draw(200, 1), draw(200, 2)

    values = [
        membership_inference_auc(*tables, max_rows=50, random_state=seed)
        for seed in (0, 0, 1)
    ]

    assert values[0] == values[1] != values[2]


def test_held_out_rows_are_needed():
    with pytest.raises(TypeError, match="`holdout` must be a table, got None"):
        membership_inference_auc([[1.0]], [[1.0]], None)
