"""Trained on synthetic rows, tested on real ones."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from t2sampler.exceptions import SchemaError
from t2sampler.metrics import train_on_synthetic_test_on_real


def draw_labelled(n_rows, seed, n_classes=2):
    rng = np.random.default_rng(seed)
    y = rng.integers(n_classes, size=n_rows)
    return rng.normal(size=(n_rows, 3)) + y[:, None], y


def test_two_classes_agree_with_scikit_learn():
    (X, y), (A, b), (C, d) = (draw_labelled(n, n) for n in (80, 60, 70))

    found = train_on_synthetic_test_on_real(A, b, X, y, X_real=C, y_real=d)

    for rows, labels, auc in [(A, b, found.auc), (C, d, found.auc_real)]:
        scaler = StandardScaler().fit(rows)
        model = LogisticRegression(max_iter=1000).fit(scaler.transform(rows), labels)
        scores = model.predict_proba(scaler.transform(X))[:, 1]
        assert auc == pytest.approx(roc_auc_score(y, scores))
    assert found.gap == found.auc - found.auc_real
    assert float(found) == found.auc


def test_three_classes_agree_with_scikit_learn():
    (X, y), (A, b) = draw_labelled(90, 0, 3), draw_labelled(60, 1, 3)

    found = train_on_synthetic_test_on_real(A, b, X, y)

    scaler = StandardScaler().fit(A)
    model = LogisticRegression(max_iter=1000).fit(scaler.transform(A), b)
    scores = model.predict_proba(scaler.transform(X))
    expected = roc_auc_score(y, scores, multi_class="ovr")
    assert found.auc == pytest.approx(expected)
    assert np.isnan(found.gap)


def test_a_missing_class_counts_a_half():
    # Class 2 has no synthetic rows; the two others are told apart without fail, also
    # from class 2 below and above.
    X = np.array([[0.0], [0.1], [1.0], [1.1], [0.5], [0.6]])
    y = np.array(["a", "a", "b", "b", "c", "c"])

    found = train_on_synthetic_test_on_real(X[:4], y[:4], X, y)

    assert found.auc == pytest.approx((1 + 1 + 0.5) / 3)


def test_one_class_teaches_nothing_and_a_new_label_does_no_harm():
    X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])

    alone = train_on_synthetic_test_on_real(X, ["no"] * 4, X, y)
    new = train_on_synthetic_test_on_real(np.vstack([X, [[9.0]]]), [*y, "maybe"], X, y)

    assert alone.auc == 0.5
    assert new.auc == 1


def test_mixed_tables_are_encoded_by_their_training_rows(draw):
    X, X_new = draw(80, 0), draw(60, 1)
    y, y_new = (table["level"].fillna("low").to_numpy() for table in (X, X_new))

    assert train_on_synthetic_test_on_real(X_new, y_new, X, y).auc > 0.95


def test_a_part_of_the_training_rows_is_drawn_by_seed():
    (X, y), (A, b) = draw_labelled(80, 0), draw_labelled(200, 1)

    found = [
        train_on_synthetic_test_on_real(A, b, X, y, max_rows=20, random_state=seed)
        for seed in (0, 0, 1)
    ]

    assert found[0].auc == found[1].auc != found[2].auc


@pytest.mark.parametrize("labels", [(1, 0), (1.0, 0.0), np.array([True, False])])
def test_equal_labels_are_the_same_whatever_their_type(labels):
    X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([False, False, True, True])
    yes, no = labels

    for test_labels in (y, y.astype(int)):
        found = train_on_synthetic_test_on_real(X, [no, no, yes, yes], X, test_labels)

        assert found.auc == 1


def test_wrong_input_is_refused():
    X, y = np.array([[0.0], [1.0]]), np.array(["no", "yes"])

    with pytest.raises(SchemaError, match="`y_test` must hold at least two classes, g"):
        train_on_synthetic_test_on_real(X, y, X, ["no", "no"])
    with pytest.raises(SchemaError, match="got 1 labels for 2 rows"):
        train_on_synthetic_test_on_real(X, y[:1], X, y)
    with pytest.raises(ValueError, match="`y_real` must be given together with `X_re"):
        train_on_synthetic_test_on_real(X, y, X, y, X_real=X)
    with pytest.raises(ValueError, match="`X_real` must be given together with `y_re"):
        train_on_synthetic_test_on_real(X, y, X, y, y_real=y)
    with pytest.raises(
        SchemaError, match=r"of `y_test`, \[0, 1\], got only \['0', '1'"
    ):
        train_on_synthetic_test_on_real(X, ["0", "1"], X, [0, 1])
    with pytest.raises(TypeError, match=r"'estimator' .* implementing 'fit' and 'pr"):
        train_on_synthetic_test_on_real(X, y, X, y, estimator=LinearSVC())
    with pytest.raises(SchemaError, match="have the columns of `X_test`"):
        train_on_synthetic_test_on_real(
            pd.DataFrame({"a": [1.0]}), ["no"], pd.DataFrame({"b": [0.0, 1.0]}), y
        )
