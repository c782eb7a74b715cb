"""Every classifier scores each class, and those for ordered labels use the order."""

import numpy as np
import pytest

from t2sampler.team._classifiers import (
    FrankHallOrdinal,
    HalfTrees,
    RankRidge,
    ShrunkCentroids,
    make_classifiers,
)


def blobs(rng, n_classes, n_each=20):
    labels = np.repeat(np.arange(n_classes), n_each)
    A = rng.normal(size=(len(labels), 3))
    A[:, 0] += 4 * labels
    return A, labels


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("n_rows", [60, 600])
def test_every_classifier_scores_each_class_and_finds_its_rows(rng, n_classes, n_rows):
    A, labels = blobs(rng, n_classes, n_rows // n_classes)

    for classifier in make_classifiers(n_rows):
        scores = classifier.fit(A, labels).score(A)
        assert scores.shape == (len(A), n_classes)
        np.testing.assert_allclose(scores.sum(axis=1), 0, atol=1e-9)
        assert (scores.argmax(axis=1) == labels).mean() > 0.8


def test_held_out_scores_of_trees_do_not_know_the_row(rng):
    A = rng.normal(size=(200, 5))
    labels = rng.integers(2, size=200)  # nothing to learn but the rows themselves

    trees = HalfTrees().fit(A, labels, np.arange(200) < 10)

    own = np.arange(200), labels
    assert (trees.score(A)[own] > 0).mean() > 0.8
    assert (trees.held_out_[own][10:] > 0).mean() < 0.65
    assert (trees.held_out_[:10] == 0).all()


def test_small_offsets_of_a_centroid_are_dropped(rng):
    A = rng.normal(size=(400, 2))
    labels = np.arange(400) % 2
    A[:, 0] += 2 * labels

    offsets = ShrunkCentroids().fit(A, labels)._offsets

    assert (np.abs(offsets[:, 0]) > 0.5).all()
    assert (np.abs(offsets[:, 1]) < 0.1).all()


def test_rank_ridge_finds_the_direction_and_the_order(rng):
    A = rng.normal(size=(200, 3))
    labels = np.digitize(A[:, 1], [-0.5, 0.5])

    scores = RankRidge(0.01).fit(A, labels).score(A)

    place = scores[:, 2] - scores[:, 0]
    assert np.corrcoef(place, A[:, 1])[0, 1] > 0.95
    assert set(scores.argmax(axis=1)) == {0, 1, 2}


def test_scores_of_one_cut_are_those_of_its_classifier(rng):
    A, labels = blobs(rng, 2)

    plain = ShrunkCentroids().fit(A, labels).score(A)
    ordinal = FrankHallOrdinal(ShrunkCentroids()).fit(A, labels).score(A)

    np.testing.assert_allclose(ordinal, plain)
