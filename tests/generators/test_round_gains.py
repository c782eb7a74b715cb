"""Which round of new rows is kept: the first that real rows tell to be the best."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from t2sampler.generators import _round_gains
from t2sampler.generators._round_gains import (
    MIN_TESTED,
    _score,
    find_tested,
    measure_rounds,
)


def draw(n_rows, rng, flipped=0.0, n_classes=2):
    labels = rng.integers(0, n_classes, n_rows)
    X = rng.normal(size=(n_rows, 3))
    X[:, 0] += 2 * labels
    wrong = rng.random(n_rows) < flipped
    return X, np.where(wrong, (labels + 1) % n_classes, labels)


@pytest.fixture
def rng():
    return np.random.default_rng(2)


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(_round_gains, "N_TREES", 5)
    monkeypatch.setattr(_round_gains, "N_REPEATS", 1)


@pytest.mark.parametrize(
    ("flipped", "best", "n_classes"),
    [((0, 1, 1), 0, 3), ((1, 1, 0), 2, 2), ((1, 0, 1), 1, 3)],
)
def test_the_round_with_right_labels_is_kept(rng, flipped, best, n_classes):
    X, labels = draw(40, rng, n_classes=n_classes)
    rounds = [draw(30, rng, share, n_classes) for share in flipped]

    found = measure_rounds(X, labels, np.arange(8, 40), rounds, seed=1)

    assert found.best == best
    assert found.gains[best] == max(found.gains)
    assert min(found.gains) < -0.05


def test_equal_rounds_keep_the_first(rng):
    X, labels = draw(40, rng)
    new = draw(30, rng)

    found = measure_rounds(X, labels, np.arange(40), [new] * 3, seed=1)

    assert found.best == 0
    assert found.gains == (found.gains[0],) * 3


def test_a_seed_settles_the_gains(rng):
    X, labels = draw(40, rng)
    rounds = [draw(30, rng, 1.0), draw(30, rng)]

    found = [measure_rounds(X, labels, np.arange(40), rounds, s) for s in (5, 5, 6)]

    assert found[0] == found[1] != found[2]
    assert found[2].best == 1


def test_a_round_may_hold_a_row_of_a_class_that_no_real_row_has(rng):
    X, labels = draw(40, rng)
    X_new, labels_new = draw(12, rng)
    labels_new[7] = 2

    rounds = [(X_new, labels_new), (X_new, labels_new * 0)]
    found = measure_rounds(X, labels, np.arange(8, 40), rounds, seed=1)

    assert len(found.gains) == 2
    assert np.isfinite(found.gains).all()


def test_no_rows_gain_nothing(rng):
    X, labels = draw(40, rng)

    found = measure_rounds(X, labels, np.arange(40), [(X[:0], labels[:0])] * 2, 0)

    assert found == ((0.0, 0.0), 0)


def test_tested_rows_are_those_not_shown_of_classes_with_enough_of_them(rng):
    labels = rng.permutation(np.repeat([0, 1, 2], [20, 9, MIN_TESTED - 1]))
    is_shown = np.zeros(len(labels), dtype=bool)
    is_shown[np.flatnonzero(labels == 1)[:4]] = True

    tested = find_tested(labels, is_shown)

    assert np.bincount(labels[tested]).tolist() == [20, 5]
    assert not is_shown[tested].any()
    is_shown[tested[labels[tested] == 1][0]] = True
    assert not len(find_tested(labels, is_shown))  # one class tells nothing


def test_score_is_the_auc_and_parts_give_its_error(rng):
    labels = np.repeat([1, 0], [30, 90])
    share = rng.normal(size=120).round(1) + labels  # with ties
    probability = np.column_stack([-share, share])

    auc, parts = _score(probability, labels)

    assert auc == pytest.approx(roc_auc_score(labels, share))
    aucs = []
    for _ in range(300):
        rows = np.concatenate(
            [
                rng.choice(np.flatnonzero(labels == k), (labels == k).sum())
                for k in (0, 1)
            ]
        )
        aucs.append(roc_auc_score(labels[rows], share[rows]))
    assert np.sqrt((parts**2).sum()) == pytest.approx(np.std(aucs), rel=0.15)
