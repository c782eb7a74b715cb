"""Gains from added rows, fold by fold."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.preprocessing import StandardScaler

from t2sampler._params import draw_seed
from t2sampler.exceptions import SchemaError
from t2sampler.metrics import augmentation_gain


def draw_labelled(n_rows, seed, n_classes=2):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n_rows) % n_classes)
    return rng.normal(size=(n_rows, 3)) + 0.5 * y[:, None], y


class Doubler(BaseEstimator):
    """Returns its rows twice, under other labels if told so."""

    def __init__(self, label=None):
        self.label = label

    def fit_resample(self, X, y):
        again = y if self.label is None else y.map(lambda _: self.label)
        return pd.concat([X, X], ignore_index=True), pd.concat([y, again])


def fit_auc(X, y, X_test, y_test):
    scaler = StandardScaler().fit(X)
    model = LogisticRegression(max_iter=1000).fit(scaler.transform(X), y)
    return roc_auc_score(y_test, model.predict_proba(scaler.transform(X_test))[:, 1])


def test_gains_and_interval_agree_with_a_loop():
    (X, y), (A, b) = draw_labelled(60, 0), draw_labelled(80, 1)

    found = augmentation_gain(X, y, A, b, n_splits=3, n_repeats=2, random_state=0)

    folds = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=draw_seed(0))
    gains = [
        fit_auc(np.vstack([X[i], A]), np.hstack([y[i], b]), X[j], y[j])
        - fit_auc(X[i], y[i], X[j], y[j])
        for i, j in folds.split(X, y)
    ]
    half = stats.t(5).ppf(0.975) * np.std(gains, ddof=1) * np.sqrt(1 / 6 + 20 / 40)
    np.testing.assert_allclose(found.gains, gains, atol=1e-9)
    assert found.gain == float(found) == pytest.approx(np.mean(gains))
    assert found.low == pytest.approx(np.mean(gains) - half)
    assert found.high == pytest.approx(np.mean(gains) + half)
    assert found.gain == pytest.approx(found.auc_augmented - found.auc_real)


def test_rows_of_the_same_kind_help_and_turned_labels_harm():
    (X, y), (A, b) = draw_labelled(120, 0), draw_labelled(900, 1)

    helped = augmentation_gain(X[:30], y[:30], A, b, random_state=0)
    harmed = augmentation_gain(X, y, A, 1 - b, random_state=0)

    assert helped.gain > 0
    assert harmed.high < 0


def test_a_wider_confidence_gives_a_wider_interval():
    (X, y), (A, b) = draw_labelled(40, 0), draw_labelled(40, 1)

    narrow, wide = (
        augmentation_gain(X, y, A, b, confidence=share, random_state=0)
        for share in (0.5, 0.99)
    )

    assert wide.low < narrow.low < narrow.high < wide.high


def test_a_sampler_is_fitted_within_each_fold():
    X, y = draw_labelled(60, 0)

    found = augmentation_gain(X, y, sampler=Doubler(), random_state=0)

    # Each row twice is half the penalty: near nothing, though not exactly.
    assert abs(found.gain) < 0.02
    assert len(found.gains) == 15


def test_a_sampler_of_imbalanced_learn_takes_mixed_tables(draw):
    X = draw(120, 0)
    y = np.where(X["is_new"], "new", "old")
    sampler = RandomOverSampler(random_state=0)

    found = augmentation_gain(X, y, sampler=sampler, n_repeats=1, random_state=0)

    assert found.auc_augmented > 0.95


def test_three_classes_and_other_classifiers_are_measured():
    (X, y), (A, b) = draw_labelled(60, 0, 3), draw_labelled(60, 1, 3)

    found = augmentation_gain(
        X, y, A, b, estimator=LogisticRegression(C=0.1), n_repeats=1, random_state=0
    )

    assert 0.5 < found.auc_real <= 1


def test_large_tables_are_cut_by_the_same_factor():
    (X, y), (A, b) = draw_labelled(200, 0), draw_labelled(400, 1)

    found = [
        augmentation_gain(X, y, A, b, max_rows=100, random_state=seed)
        for seed in (0, 0, 1)
    ]

    assert found[0] == found[1] != found[2]
    # The 50 real rows left make folds of 10.
    with pytest.raises(ValueError, match=r"at least `n_splits` \(40\) rows, got 2"):
        augmentation_gain(X, y, A, b, max_rows=100, n_splits=40, random_state=0)


def test_one_source_of_rows_is_needed():
    X, y = draw_labelled(20, 0)

    with pytest.raises(ValueError, match="or `sampler`, got neither"):
        augmentation_gain(X, y)
    with pytest.raises(ValueError, match="or `sampler`, got both"):
        augmentation_gain(X, y, X, y, sampler=Doubler())
    with pytest.raises(ValueError, match="or `sampler`, got both"):
        augmentation_gain(X, y, y_synthetic=y, sampler=Doubler())


def test_small_classes_and_single_ones_are_refused():
    X = np.arange(12.0).reshape(-1, 1)

    with pytest.raises(ValueError, match=r"got 2 of class b\. Lower `n_splits`"):
        augmentation_gain(X, ["a"] * 10 + ["b"] * 2, X, ["a"] * 12)
    with pytest.raises(SchemaError, match="`y_real` must hold at least two classes"):
        augmentation_gain(X, ["a"] * 12, X, ["a"] * 12)


def test_a_sampler_must_keep_to_the_classes():
    X, y = draw_labelled(30, 0)

    with pytest.raises(SchemaError, match="`sampler` must keep to the classes 0, 1"):
        augmentation_gain(X, y, sampler=Doubler(label=7))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_splits": 1}, r"'n_splits' .* an int in the range \[2, inf"),
        ({"n_repeats": 0}, r"'n_repeats' .* an int in the range \[1, inf"),
        ({"confidence": 95}, r"'confidence' .* in the range \(0.0, 1.0\)"),
        ({"confidence": "high"}, r"'confidence' .* in the range \(0.0, 1.0\)"),
    ],
)
def test_settings_are_checked_first(settings, message):
    with pytest.raises(ValueError, match=message):
        augmentation_gain(None, None, sampler=Doubler(), **settings)
