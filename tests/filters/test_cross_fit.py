"""Folds, label issues and AUC of out-of-fold probabilities, by hand and by property."""

from itertools import product

import numpy as np
import pytest

from t2sampler._encoding import hash_rows
from t2sampler.filters._cross_fit import assign_folds, stratified_subsample
from t2sampler.filters._label_noise import (
    auc_above_chance,
    auc_standard_error,
    find_label_issues,
)


def test_flipped_labels_are_issues(rng):
    codes = np.repeat([0, 1], 20)
    probability = np.column_stack([1 - codes, codes]) * 0.8 + 0.1
    codes[3] = 1 - codes[3]

    assert np.flatnonzero(find_label_issues(probability, codes)).tolist() == [3]


def test_equal_rows_share_a_fold_and_order_does_not_matter(rng):
    X = rng.integers(0, 3, size=(60, 2)).astype(float)
    codes = rng.integers(0, 2, size=60)
    folds = assign_folds(hash_rows(X), codes, 5)

    order = rng.permutation(60)
    again = assign_folds(hash_rows(X[order]), codes[order], 5)

    assert (again == folds[order]).all()
    for row in np.unique(X, axis=0):
        assert len(np.unique(folds[(row == X).all(axis=1)])) == 1


def test_chosen_rows_stand_for_all_and_for_every_class(rng):
    codes = np.repeat([0, 1, 2], [5000, 300, 2])

    rows, weights = stratified_subsample(codes, 200, rng)

    assert len(rows) < 300
    stands_for = np.bincount(codes[rows], weights=weights)
    assert np.allclose(stands_for, [5000, 300, 2])


def test_auc_by_counting_pairs(rng):
    probability = rng.random((12, 3)).round(1)  # with ties
    codes = np.repeat([0, 1, 2], [2, 4, 6])

    wins = [
        np.mean(
            [
                (p > q) + 0.5 * (p == q)
                for p, q in product(
                    probability[codes == c, c], probability[codes != c, c]
                )
            ]
        )
        for c in range(3)
    ]

    assert auc_above_chance(probability, codes) == pytest.approx(np.mean(wins) - 0.5)


def test_one_label_cannot_be_ranked():
    assert np.isnan(auc_above_chance(np.ones((3, 2)) / 2, np.zeros(3, dtype=int)))
    assert np.isnan(auc_standard_error(np.zeros(3, dtype=int)))


def test_error_is_that_of_labels_dealt_at_random(rng):
    codes = np.repeat([0, 1], [4, 8])
    score = np.arange(12.0)
    probability = np.column_stack([-score, score])

    gains = [auc_above_chance(probability, rng.permutation(codes)) for _ in range(4000)]

    assert np.std(gains) == pytest.approx(auc_standard_error(codes), rel=0.05)
