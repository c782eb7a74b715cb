"""Members, their weights, and how rows are dealt to folds."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from t2sampler.team._classifiers import (
    Cumulative,
    RankRidge,
    ShrunkCentroids,
    make_members,
)
from t2sampler.team._labeler import Ensemble, deal_folds, measure_skill, thin_out


def blobs(rng, n_classes, n_each=20):
    labels = np.repeat(np.arange(n_classes), n_each)
    A = rng.normal(size=(len(labels), 3))
    A[:, 0] += 4 * labels
    return A, labels


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("n_rows", [60, 600])
def test_every_member_scores_each_class_and_finds_its_rows(rng, n_classes, n_rows):
    A, labels = blobs(rng, n_classes, n_rows // n_classes)

    for member in make_members(n_rows):
        scores = member.fit(A, labels).score(A)
        assert scores.shape == (len(A), n_classes)
        np.testing.assert_allclose(scores.sum(axis=1), 0, atol=1e-9)
        assert (scores.argmax(axis=1) == labels).mean() > 0.8


def test_small_steps_of_a_centroid_are_dropped(rng):
    A = rng.normal(size=(400, 2))
    labels = np.arange(400) % 2
    A[:, 0] += 2 * labels

    steps = ShrunkCentroids().fit(A, labels)._steps

    assert (np.abs(steps[:, 0]) > 0.5).all()
    assert (np.abs(steps[:, 1]) < 0.1).all()


def test_rank_ridge_finds_the_direction_and_the_order(rng):
    A = rng.normal(size=(200, 3))
    labels = np.digitize(A[:, 1], [-0.5, 0.5])

    scores = RankRidge(0.01).fit(A, labels).score(A)

    place = scores[:, 2] - scores[:, 0]
    assert np.corrcoef(place, A[:, 1])[0, 1] > 0.95
    assert set(scores.argmax(axis=1)) == {0, 1, 2}


def test_cumulative_scores_of_two_classes_are_the_members(rng):
    A, labels = blobs(rng, 2)

    plain = ShrunkCentroids().fit(A, labels).score(A)
    cumulative = Cumulative(ShrunkCentroids()).fit(A, labels).score(A)

    np.testing.assert_allclose(cumulative, plain)


def test_members_that_know_nothing_are_left_out(rng):
    A = rng.normal(size=(300, 2))
    labels = (A[:, 0] * A[:, 1] > 0).astype(np.intp)  # no line tells them apart

    ensemble = Ensemble().fit(A, labels)

    kinds = [type(getattr(m, "estimator", m)) for m in ensemble._members]
    assert not {LogisticRegression, ShrunkCentroids} & set(kinds)
    assert ensemble.skill_ > 0.9


def test_folds_hold_a_part_of_each_class_and_no_tiny_one():
    labels = np.array([0] * 9 + [1] * 5 + [2] * 2)

    folds = deal_folds(labels)

    assert (folds[labels == 2] == -1).all()
    assert sorted(np.bincount(folds[labels == 0]).tolist()) == [2, 2, 2, 3]
    assert sorted(np.bincount(folds[labels == 1]).tolist()) == [1, 1, 1, 2]
    assert (deal_folds(np.array([0, 0, 0, 1, 1])) == -1).all()


def test_skill_is_the_mean_area_over_folds():
    scores = np.array([[0, 1], [0, 2], [0, 1], [0, 2.0]])
    scores -= scores.mean(axis=1, keepdims=True)

    # Fold 0 is in order (area 1), fold 1 the other way round (area 0).
    skill = measure_skill(scores, np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1]))

    assert skill == 0.5


def test_thinning_keeps_small_classes():
    labels = np.repeat([0, 1], [9900, 100])

    rows = thin_out(labels, 1000)

    counts = np.bincount(labels[rows])
    assert counts[1] == 100
    assert 400 <= counts[0] <= 1000
