"""Cluster entropy by hand, the reachable maximum by brute force, and the filter."""

from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from t2sampler.filters._cluster_entropy import (
    choose_clusters,
    cluster_entropy,
    entropy_gain,
    fill_evenly,
    gain_threshold,
    mean_silhouette,
    reachable_gain,
)
from t2sampler.filters._diversity import DiversityFilter


def make(**params):
    """Return a filter that asks for the paper's share of entropy."""
    usual = {"entropy_threshold": 0.3, "max_repeats": None, "random_state": 0}
    return DiversityFilter(**usual | params)


@pytest.fixture
def blobs(rng):
    """Return rows in three far-apart blobs of 30, 20 and 10."""
    centre = np.repeat([0.0, 50.0, 100.0], [30, 20, 10])
    X = centre[:, None] + rng.normal(size=(60, 2))
    return X, np.arange(60) % 2


def test_entropy_of_a_fair_coin_is_one_bit():
    assert cluster_entropy([7, 7]) == pytest.approx(np.log(2))
    assert cluster_entropy([7, 0]) == 0
    assert cluster_entropy([0, 0]) == 0


def test_gain_by_hand():
    # Shares 3/4, 1/4 become 1/2, 1/2.
    before = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))

    gain = entropy_gain(np.array([3, 1]), np.array([[0, 2], [0, 0]]))

    assert np.allclose(gain, [np.log(2) - before, 0])


@pytest.mark.parametrize("n_rows", [0, 1, 2, 5, 8])
def test_filling_the_smallest_reaches_the_largest_entropy(n_rows, rng):
    for _ in range(20):
        counts = rng.integers(0, 7, size=rng.integers(1, 5))
        counts[0] += counts.sum() == 0
        ways = (
            [
                np.bincount(way, minlength=len(counts))
                for way in combinations_with_replacement(range(len(counts)), n_rows)
            ]
            if n_rows
            else [np.zeros_like(counts)]
        )

        best = max(entropy_gain(counts, way) for way in ways)

        assert reachable_gain(counts, n_rows) == pytest.approx(best)
        assert fill_evenly(counts, n_rows).sum() == counts.sum() + n_rows


@pytest.mark.parametrize(
    ("scale", "whole"),
    [
        ("reachable", reachable_gain([6, 2], 2)),
        ("headroom", np.log(2) - cluster_entropy([6, 2])),
        ("relative", cluster_entropy([6, 2])),
        ("absolute", 1.0),
    ],
)
def test_threshold_is_a_share_of_its_scale(scale, whole):
    assert gain_threshold(np.array([6, 2]), 2, 0.3, scale) == pytest.approx(0.3 * whole)


@pytest.mark.parametrize("scale", ["reachable", "headroom", "relative", "absolute"])
def test_one_cluster_asks_for_nothing(scale):
    assert gain_threshold(np.array([6]), 2, 0.3, scale) == 0


def test_even_clusters_may_lose_what_whole_rows_must():
    even = np.array([5, 5, 5])

    assert gain_threshold(even, 3, 0.3, "reachable") == 0
    threshold = gain_threshold(even, 1, 0.3, "reachable")
    assert threshold == entropy_gain(even, np.array([1, 0, 0])) < 0


def test_the_right_number_of_clusters_is_found(blobs, rng):
    labels, n_clusters = choose_clusters(blobs[0], [2, 3, 4, 5], rng)

    assert n_clusters == 3
    assert sorted(np.bincount(labels)) == [10, 20, 30]


def test_silhouette_of_one_cluster_is_zero(blobs):
    assert mean_silhouette(blobs[0], np.zeros(60)) == 0
    assert mean_silhouette(blobs[0], np.arange(60)) == 0


@pytest.mark.parametrize(
    "router",
    [None, KNeighborsClassifier(1), DecisionTreeClassifier()],
    ids=["perceptron", "neighbours", "tree"],
)
def test_a_batch_passes_where_real_rows_are_few(router, blobs):
    trim = make(router=router).fit(*blobs)
    X = np.repeat([0.0, 100.0], 10)[:, None] + np.zeros(2)
    batch = np.repeat(["much", "little"], 10)

    verdict = trim.inspect(X, np.zeros(20), batch=batch)

    assert verdict.accepted.to_dict() == {"much": False, "little": True}
    assert (verdict.keep == (batch == "little")).all()
    assert (verdict.reasons[verdict.keep] == "").all()
    assert verdict.reasons[0].startswith("batch: entropy gain -")
    assert len(np.unique(verdict.scores["cluster"])) == 2


def test_by_default_every_batch_passes_and_its_gain_is_told(blobs):
    X = np.zeros((10, 2))  # all in the largest cluster

    trim = DiversityFilter(max_repeats=None, random_state=0).fit(*blobs)
    verdict = trim.inspect(X, np.zeros(10))

    assert verdict.keep.all()
    assert verdict.stats["entropy_gain"].item() < 0


def test_figures_are_those_of_equation_7(blobs):
    trim = make().fit(*blobs)

    stats = trim.inspect(np.full((10, 2), 100.0), np.zeros(10)).stats.loc[0]

    assert stats["n_rows"] == 10
    assert sorted(trim.counts_) == [10, 20, 30]
    gain = cluster_entropy([30, 20, 20]) - cluster_entropy([30, 20, 10])
    assert stats["entropy_gain"] == pytest.approx(gain)
    assert stats["threshold"] == pytest.approx(0.3 * reachable_gain([30, 20, 10], 10))


@pytest.mark.parametrize(
    "X",
    [np.ones((6, 2)), np.ones((1, 1)), np.repeat([[0.0], [1.0]], 3, axis=0)],
    ids=["all alike", "one row", "two distinct rows"],
)
def test_degenerate_real_rows_have_fewer_clusters(X):
    trim = make().fit(X, np.arange(len(X)) % 2)

    assert trim.n_clusters_ == len(np.unique(X, axis=0))
    verdict = trim.inspect(X, np.zeros(len(X)))
    assert verdict.accepted.item() == (len(verdict.stats) == 1)


def test_same_seed_same_verdict(blobs, rng):
    X = rng.uniform(-5, 105, size=(200, 2))
    batch = np.repeat(np.arange(20), 10)

    verdicts = [
        make().fit(*blobs).inspect(X, X[:, 0] > 0, batch=batch) for _ in range(2)
    ]

    assert (verdicts[0].keep == verdicts[1].keep).all()
    pd.testing.assert_frame_equal(verdicts[0].stats, verdicts[1].stats)


def test_batches_one_by_one_or_together(blobs, rng):
    X = rng.uniform(-5, 105, size=(60, 2))
    batch = np.repeat([4, 1, 9], [10, 20, 30])
    trim = make().fit(*blobs)

    together = trim.inspect(X, np.zeros(60), batch=batch)

    for number in (9, 1, 4):
        own = batch == number
        alone = trim.inspect(X[own], np.zeros(own.sum()), batch=batch[own])
        assert (alone.keep == together.keep[own]).all()


def test_without_a_mask_all_rows_stay(blobs):
    X, y = blobs

    X_kept, y_kept = DiversityFilter(random_state=0).fit_resample(X, y)

    assert (X_kept == X).all()
    assert (y_kept == y).all()


@pytest.mark.parametrize("wrong", [(), (0, 3), (2.5, 3), [[3]], "abc", ("a",)])
def test_wrong_numbers_of_clusters_are_refused(wrong, blobs):
    with pytest.raises(ValueError, match="n_clusters"):
        DiversityFilter(n_clusters=wrong).fit(*blobs)


@pytest.mark.parametrize(
    "wrong", [{"entropy_threshold": -1}, {"entropy_scale": "bits"}, {"router": 1}]
)
def test_wrong_settings_are_refused_by_name(wrong, blobs):
    name = next(iter(wrong))
    with pytest.raises(ValueError, match=f"'{name}' parameter of DiversityFilter"):
        DiversityFilter(**wrong).fit(*blobs)
