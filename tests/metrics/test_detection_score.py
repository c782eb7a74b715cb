"""Detectors separate rows that differ, and do not separate those that do not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.svm import LinearSVC

from t2sampler._params import draw_seed
from t2sampler.metrics import detection_score

LOGISTIC = {"logistic": LogisticRegression()}


def draw(n_rows, seed):
    return np.random.default_rng(seed).normal(size=(n_rows, 3))


def test_auc_agrees_with_cross_validation_of_scikit_learn():
    real, synthetic = draw(80, 0), draw(60, 1) + 0.5

    found = detection_score(real, synthetic, detectors=LOGISTIC, random_state=0)

    X = np.vstack([real, synthetic])
    X = (X - real.mean(axis=0)) / real.std(axis=0)
    y = np.repeat([0, 1], [80, 60])
    folds = StratifiedKFold(3, shuffle=True, random_state=draw_seed(0))
    aucs = cross_val_score(LogisticRegression(), X, y, cv=folds, scoring="roc_auc")
    assert found.mean == pytest.approx(aucs.mean())


def test_fresh_rows_pass_and_shifted_rows_do_not():
    real, fresh = draw(300, 0), draw(300, 1)

    same = detection_score(real, fresh, random_state=0)
    moved = detection_score(real, fresh + 2, random_state=0)

    assert list(same.by_detector) == ["boosting", "mlp"]
    for name in same.by_detector:
        assert same.by_detector[name] == pytest.approx(0.5, abs=0.08)
        assert moved.by_detector[name] > 0.95
    assert float(same) == np.mean(list(same.by_detector.values()))


def test_copies_come_out_below_a_half():
    real = draw(60, 0)
    boosting = detection_score(real, real, random_state=0).by_detector["boosting"]

    assert boosting < 0.5


def test_a_level_no_real_row_has_is_seen():
    real = pd.DataFrame({"level": np.tile(["a", "b"], 30), "other": ["x"] * 60})

    found = detection_score(
        real, real.assign(level="new"), detectors=LOGISTIC, random_state=0
    )

    assert found.mean == 1


def test_same_seed_same_score_on_some_of_the_rows():
    real, synthetic = draw(200, 0), draw(300, 1)

    found = [
        detection_score(
            real, synthetic, detectors=LOGISTIC, max_rows=50, random_state=seed
        )
        for seed in (0, 0, 1)
    ]

    assert found[0] == found[1] != found[2]


def test_fewer_rows_than_folds_are_refused():
    with pytest.raises(
        ValueError, match="`synthetic` must have at least 3 rows for as"
    ):
        detection_score([[1.0]] * 3, [[1.0]] * 2)
    with pytest.raises(ValueError, match=r"'n_splits' .* in the range \[2, inf"):
        detection_score([[1.0]] * 3, [[1.0]] * 3, n_splits=1)


def test_detectors_must_be_named_classifiers_with_probabilities():
    with pytest.raises(ValueError, match=r"'detectors' .* must be an instance of 'dic"):
        detection_score([[1.0]], [[1.0]], detectors=[LogisticRegression()])
    with pytest.raises(ValueError, match="must have at least one classifier, got none"):
        detection_score([[1.0]], [[1.0]], detectors={})
    with pytest.raises(TypeError, match="`detectors` must have predict_proba, got Lin"):
        detection_score([[1.0]], [[1.0]], detectors={"svc": LinearSVC()})
