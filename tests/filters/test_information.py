"""Eq. 6 of the paper, by hand and against refitting."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from t2sampler.filters._information import (
    ParameterEntropy,
    fit_logistic,
    log_determinant,
    parameter_gain,
    respond,
    rotate,
)
from t2sampler.filters._newton import (
    CountedSamples,
    DrawnSamples,
    PaddedSamples,
    Sample,
    add_intercept,
    weighted_gram,
)


def real_rows(X, codes, weights=None):
    weights = np.ones(len(X)) if weights is None else weights
    return Sample(add_intercept(X), codes, weights)


def one_set(X, codes):
    cells = np.zeros(len(X), dtype=int), np.arange(len(X))
    return PaddedSamples.of(add_intercept(X), codes, cells, np.array([len(X)]))


def coefficients(fit):
    return fit.theta @ fit.turn


def find_theta(fit, added):
    steps, _ = respond(fit, added.rescale(fit))
    return (fit.theta + steps) @ fit.turn


@pytest.fixture
def table(rng):
    X = rng.standard_normal((80, 3))
    return X, (X[:, 0] + rng.logistic(size=80) > 0).astype(int)


def test_log_determinant_of_a_diagonal():
    assert log_determinant(np.diag([2.0, 8.0])) == pytest.approx(np.log(16))


def test_fit_is_the_one_of_scikit_learn(table):
    real = real_rows(*table)

    fit = fit_logistic(real, positive=1)

    model = LogisticRegression(fit_intercept=False, tol=1e-10, max_iter=1000)
    expected = model.fit(real.X, real.codes).coef_[0]
    assert np.allclose(coefficients(fit), expected, atol=1e-5)


def test_parameter_gain_by_hand():
    # No features: θ is the intercept. One row of each label: θ = 0, p = 1/2, and the
    # information is 2/4 + 1 = 1.5. A positive row more: score 1/2, information 1.75,
    # so θ' = 2/7; there it is 3 p(1 - p) + 1.
    fit = fit_logistic(real_rows(np.zeros((2, 0)), np.array([0, 1])), positive=1)
    added = one_set(np.zeros((1, 0)), np.array([1]))

    assert find_theta(fit, added).item() == pytest.approx(2 / 7)
    p = expit(2 / 7)
    gain = np.log((3 * p * (1 - p) + 1) / 1.5) / 2
    assert parameter_gain(fit, added).item() == pytest.approx(gain)


def test_wild_labels_are_answered_as_refitting_would(rng):
    X = 3 * rng.standard_normal((100, 2))
    codes = (X[:, 0] > 0).astype(int)
    real = real_rows(X, codes)
    together = real_rows(np.vstack([X, X[:40]]), np.r_[codes, 1 - codes[:40]])

    theta = find_theta(fit_logistic(real, 1), one_set(X[:40], 1 - codes[:40]))

    assert np.allclose(theta, coefficients(fit_logistic(together, 1)), atol=0.05)


def test_gain_answers_to_labels(table, rng):
    information = ParameterEntropy().fit(real_rows(*table), 2)
    X = rng.standard_normal((20, 3)) + 1
    labels = (X[:, 0] > 0).astype(int)

    right, wrong = (
        information.gain(one_set(X, y)).item() for y in (labels, 1 - labels)
    )

    assert abs(right - wrong) > 0.1


def test_one_newton_step_is_close_to_refitting(table, rng):
    X, codes = table
    real = real_rows(X, codes)
    X_new = rng.standard_normal((10, 3))
    labels = rng.integers(0, 2, size=10)
    together = real_rows(np.vstack([X, X_new]), np.concatenate([codes, labels]))

    theta = find_theta(fit_logistic(real, 1), one_set(X_new, labels))

    assert np.allclose(theta, coefficients(fit_logistic(together, 1)), atol=0.05)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_counted_and_listed_rows_gain_the_same(n_classes, table, rng):
    X = table[0]
    codes = np.digitize(X[:, 0], [-0.4, 0.4]) % n_classes
    real = real_rows(X, codes, rng.integers(1, 4, size=80).astype(float))
    counts = rng.multinomial(12, np.full(80, 1 / 80), size=50)
    rows = np.array([np.repeat(np.arange(80), row) for row in counts])
    listed = PaddedSamples(real.X[rows], codes[rows], np.ones(rows.shape))
    information = ParameterEntropy().fit(real, n_classes)

    gain = information.gain(listed)
    assert np.allclose(
        information.gain(CountedSamples(real.X, real.codes, counts)), gain
    )
    assert np.allclose(information.gain(DrawnSamples(real, rows)), gain, atol=1e-6)


@pytest.mark.parametrize("n_new", [3, 40])
def test_rows_of_no_weight_change_nothing(n_new, table, rng):
    information = ParameterEntropy().fit(real_rows(*table), 2)
    added = one_set(rng.standard_normal((n_new, 3)), rng.integers(0, 2, size=n_new))
    padded = PaddedSamples(
        *(
            np.concatenate([part, np.zeros_like(part)], axis=1)
            for part in (added.X, added.codes, added.weights)
        )
    )

    assert np.allclose(information.gain(added), information.gain(padded))


def test_many_columns_are_turned_without_loss(rng):
    X, codes = rng.standard_normal((12, 40)), np.arange(12) % 2
    real = real_rows(X, codes)
    counts = rng.multinomial(4, np.full(12, 1 / 12), size=5)
    narrow = rotate(real)

    wide_gain = (
        ParameterEntropy().fit(real, 2).gain(CountedSamples(real.X, real.codes, counts))
    )
    gain = (
        ParameterEntropy()
        .fit(narrow, 2)
        .gain(CountedSamples(narrow.X, narrow.codes, counts))
    )

    assert narrow.X.shape[1] == 12
    assert np.allclose(gain, wide_gain)


def test_gram_is_the_sum_of_weighted_outer_products(rng):
    X, weights = rng.standard_normal((9, 4)), rng.random((60, 9))

    gram = weighted_gram(X, weights)

    by_hand = np.einsum("ti,ij,ik->tjk", weights, X, X)
    assert np.allclose(gram, by_hand)
    assert np.allclose(weighted_gram(X, weights[:3]), by_hand[:3])
