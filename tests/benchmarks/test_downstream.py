"""Learners of the benchmarks: free baselines, and what takes part in a mean."""

import numpy as np
import pandas as pd
import pytest
from _downstream import (
    FREE,
    LEARNERS,
    MODELS,
    choose,
    find_threshold,
    make_encoder,
    measure,
    measure_tuned,
    measure_weighted,
    split_learners,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score


def make_rows(n_rare, n_others, seed):
    """Return rows of two classes that overlap, the rare one first in the alphabet."""
    rng = np.random.default_rng(seed)
    y = pd.Series(["good"] * n_others + ["bad"] * n_rare)
    X = pd.DataFrame({"x": rng.normal(size=len(y)) + 1.2 * (y == "bad")})
    X["level"] = rng.choice(["u", "v"], size=len(y))
    return X, y


@pytest.fixture(scope="module")
def parts():
    """Return training and test rows."""
    return make_rows(8, 52, seed=3), make_rows(100, 100, seed=4)


def by_model(rows):
    """Return rows of figures by model."""
    return pd.DataFrame(rows).set_index("model")


def test_a_tuned_threshold_leaves_auc_and_finds_the_rare_class(parts):
    learners = choose(["logistic", "svm", "boosting"])

    plain = by_model(measure(*parts, 0, learners))
    tuned = by_model(measure_tuned(*parts, 0, learners))

    assert tuned["auc"].equals(plain["auc"])
    assert (tuned["balanced_accuracy"] > plain["balanced_accuracy"]).any()
    assert tuned.loc["logistic", "balanced_accuracy"] > 60


def test_class_weights_are_those_of_scikit_learn_where_a_learner_has_them(parts):
    (X, y), (X_test, y_test) = parts
    encoder = make_encoder().fit(X)
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    said = model.fit(encoder.transform(X), y).predict(encoder.transform(X_test))

    plain, weighted = (by_model(way(*parts, 0)) for way in (measure, measure_weighted))

    expected = 100 * balanced_accuracy_score(y_test, said)
    assert weighted.loc["logistic", "balanced_accuracy"] == pytest.approx(expected)
    assert weighted.loc["mlp"].equals(plain.loc["mlp"])
    assert not weighted.loc["logistic"].equals(plain.loc["logistic"])


@pytest.mark.parametrize("way", [measure, *FREE.values()])
def test_two_rows_of_a_class_are_enough_for_every_learner(way):
    train, test = make_rows(2, 18, seed=5), make_rows(20, 20, seed=6)

    rows = list(way(train, test, 0, LEARNERS))

    assert [row["model"] for row in rows] == list(LEARNERS)
    assert all(0 <= row["auc"] <= 100 for row in rows)


def test_said_labels_are_those_of_predict(parts):
    (X, y), (X_test, y_test) = parts
    encoder = make_encoder().fit(X)
    A, B = encoder.transform(X), encoder.transform(X_test)

    learners = choose(["svm", "forest", "boosting", "voting"])
    rows = by_model(measure(*parts, 0, learners))

    for name, make in learners.items():
        said = make(0).fit(A, y).predict(B)
        expected = 100 * balanced_accuracy_score(y_test, said)
        assert rows.loc[name, "balanced_accuracy"] == pytest.approx(expected)


def test_other_learners_stand_beside_the_mean():
    names = ["voting", "forest", "boosting", "svm", np.nan]  # nan: a cell left out
    rows = pd.DataFrame({"model": names, "auc": range(5)})

    parts = {name: list(part["auc"]) for name, part in split_learners(rows).items()}

    assert parts == {"mean of 2 models": [1, 3], "boosting": [2], "voting": [0]}
    assert list(split_learners(rows[:1])) == ["voting"]
    assert not set(MODELS) & {"boosting", "voting"}


def test_threshold_stands_in_the_middle_of_its_gap():
    truth = np.array([False, True, False, True, False])
    scores = np.array([-3.0, 2.0, -1.0, 1.0, 0.0])

    assert find_threshold(truth, scores) == 0.5
    assert find_threshold(~truth, scores) == np.inf  # no threshold beats chance
