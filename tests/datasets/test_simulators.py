"""The simulators draw what they say."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from t2sampler.datasets import (
    make_diabetes,
    make_diabetes_split,
    make_travel_behavior,
)

MEANS = [5.7, 100, 50, 25, 120, 200, 85, 3]
SDS = [0.5, 15, 12, 4, 15, 40, 45, 1]
WEIGHTS = [0.3, 0.0075, -0.01, 0.05, 0.04, -0.03, -0.02, -0.1]
SIMULATORS = [make_diabetes, make_travel_behavior]


def test_diabetes_features_are_independent_normals():
    X, _ = make_diabetes(20_000, random_state=0)

    error = np.array(SDS) / np.sqrt(len(X))
    assert np.all(np.abs(X.mean() - MEANS) < 5 * error)
    assert np.allclose(X.std() / SDS, 1, atol=0.05)
    assert np.abs(X.corr() - np.eye(8)).to_numpy().max() < 0.05


def test_binary_labels_follow_the_sign_of_the_score():
    X, y = make_diabetes(20_000, labels="binary", random_state=0)

    score = X.to_numpy() @ WEIGHTS
    assert (y[score > 1] == 1).all()  # five standard deviations of the noise
    assert (y[score < -1] == 0).all()
    assert abs(y.mean() - 0.5) < 0.02


def test_risk_groups_are_cut_at_the_quantiles_of_the_population():
    X, y = make_diabetes(50_000, random_state=0)

    sd = np.sqrt(np.sum(np.multiply(SDS, WEIGHTS) ** 2) + 0.2**2)
    low, high = norm.ppf([0.7, 0.9], np.dot(MEANS, WEIGHTS), sd)
    score = X.to_numpy() @ WEIGHTS
    assert (y[score < low - 1] == "LR").all()
    assert (y[score > high + 1] == "HR").all()
    assert (y[np.abs(score - (low + high) / 2) < 0.01] == "MR").mean() > 0.99
    shares = y.value_counts(normalize=True)
    assert np.allclose(shares[["LR", "MR", "HR"]], [0.7, 0.2, 0.1], atol=0.01)


def test_risk_groups_are_ordered():
    _, y = make_diabetes(50, random_state=0)

    assert y.dtype == pd.CategoricalDtype(["LR", "MR", "HR"], ordered=True)


@pytest.mark.parametrize(
    ("kind", "n_real", "expected"),
    [
        ("imbalance", 10, [7, 2, 1]),
        ("imbalance", 100, [70, 20, 10]),
        ("imbalance", 1, [1, 0, 0]),
        ("incompleteness", 10, [8, 2, 0]),
        ("incompleteness", 0, [0, 0, 0]),
    ],
)
def test_split_has_the_stated_shares(kind, n_real, expected):
    X, X_test, y, y_test = make_diabetes_split(kind, n_real=n_real, random_state=0)

    assert y.value_counts()[["LR", "MR", "HR"]].tolist() == expected
    assert y_test.value_counts()[["LR", "MR", "HR"]].tolist() == [350, 100, 50]
    assert X.shape == (n_real, 8)
    assert X_test.shape == (500, 8)


@pytest.mark.parametrize("shares", [(1 / 3, 1 / 3, 1 / 3), (0, 0, 1), (0.1, 0.2, 0.7)])
def test_shares_of_the_test_rows_can_be_others(shares):
    X, X_test, y, y_test = make_diabetes_split(
        n_test=300, test_shares=shares, random_state=0
    )

    counts = y_test.value_counts()[["LR", "MR", "HR"]]
    assert counts.tolist() == [round(300 * share) for share in shares]
    assert len(X_test) == len(y_test) == 300
    pd.testing.assert_frame_equal(X, make_diabetes_split(random_state=0)[0])
    assert y.value_counts()["HR"] == 1


@pytest.mark.parametrize(
    "shares", [(0.5, 0.5), (0.7, 0.2, 0.2), (1.2, -0.1, -0.1), None]
)
def test_shares_that_make_no_whole_are_refused(shares):
    with pytest.raises(ValueError, match="3 shares that sum to 1"):
        make_diabetes_split(test_shares=shares)


def test_split_draws_from_the_simulation():
    X, X_test, _, y_test = make_diabetes_split(n_test=20_000, random_state=0)

    score = X_test.to_numpy() @ WEIGHTS
    assert score[y_test == "LR"].max() < score[y_test == "HR"].min() + 2
    assert np.allclose(X_test.mean(), MEANS, rtol=0.02)
    assert X.merge(X_test).empty


def test_rows_of_a_split_are_in_random_order():
    _, _, _, y_test = make_diabetes_split(random_state=0)

    assert y_test.cat.codes.diff().ne(0).sum() > 100


def test_travel_behavior_is_nearly_a_threshold_rule():
    X, y = make_travel_behavior(60, random_state=0)
    X_test, y_test = make_travel_behavior(500, random_state=1)

    linear = LogisticRegression(max_iter=1000).fit(X, y)
    forest = RandomForestClassifier(random_state=0).fit(X, y)
    for model in (linear, forest):
        assert roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]) > 0.95
    assert 0.4 < y_test.mean() < 0.6


@pytest.mark.parametrize("make", SIMULATORS)
def test_same_seed_same_rows(make):
    X, y = make(30, random_state=7)
    X_again, y_again = make(30, random_state=np.random.RandomState(7))
    X_other, _ = make(30, random_state=8)

    pd.testing.assert_frame_equal(X, X_again)
    pd.testing.assert_series_equal(y, y_again)
    assert not X.equals(X_other)


@pytest.mark.parametrize("make", SIMULATORS)
def test_no_rows_is_a_number_of_rows(make):
    X, y = make(0)

    assert len(X) == len(y) == 0


@pytest.mark.parametrize("n_rows", [-1, 2.5, None])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (make_diabetes, "n_rows"),
        (make_travel_behavior, "n_rows"),
        (make_diabetes_split, "n_real"),
        (make_diabetes_split, "n_test"),
    ],
)
def test_rows_must_be_a_whole_number(make, name, n_rows):
    with pytest.raises(ValueError, match=f"'{name}' parameter .* must be an int in"):
        make(**{name: n_rows})


def test_unknown_kinds_are_named():
    with pytest.raises(ValueError, match=r"'labels'.* a str among .* Got 'three'"):
        make_diabetes(10, labels="three")
    with pytest.raises(ValueError, match=r"'kind'.* a str among .* Got 'x'"):
        make_diabetes_split("x")
