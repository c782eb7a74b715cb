"""Equations 5 and 6, the selection by cost and the null, by hand and by property."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from t2sampler.filters._batches import batch_key, find_batches
from t2sampler.filters._cost_null import apportion, null_sizes, simulate_null
from t2sampler.filters._cost_selection import (
    assign_folds,
    choose_rows,
    find_suspects,
    prediction_cost,
    rank_in_batch,
    row_keys,
    select_counts,
    selection_bounds,
)
from t2sampler.filters._information import (
    class_probability,
    compress,
    fit_logistic,
    log_determinant,
    make_gauge,
    mean_entropy,
    mean_log_loss,
    parameter_gain,
    respond,
)
from t2sampler.filters._newton import (
    Repeats,
    Rows,
    Stack,
    add_intercept,
    weighted_gram,
)


def real_rows(X, codes, weights=None):
    weights = np.ones(len(X)) if weights is None else weights
    folds = assign_folds(row_keys(X), codes, 5)
    return Rows(add_intercept(X), codes, weights, folds)


def one_set(X, codes):
    loose = Rows(add_intercept(X), codes, np.ones(len(X)), np.full(len(X), -1))
    cells = np.zeros(len(X), dtype=int), np.arange(len(X))
    return Stack.of(loose, cells, np.array([len(X)]))


@pytest.fixture
def table(rng):
    X = rng.standard_normal((80, 3))
    return X, (X[:, 0] + rng.logistic(size=80) > 0).astype(int)


def test_cost_is_one_minus_the_probability_of_the_own_label():
    probability = np.array([[0.75, 0.25], [0.5, 0.5], [0.5, 0.5]])

    cost = prediction_cost(probability, np.array([1, 0, 7]))

    assert cost.tolist() == [0.75, 0.5, 1.0]  # label 7 is unknown to the model


@pytest.mark.parametrize(
    ("n_rows", "alpha", "beta", "bounds"),
    [
        (10, 0.5, 0.1, (2, 12)),
        (1, 0.5, 0.1, (0, 1)),
        (10, 0.0, 0.0, (0, 20)),
        (10, 0.25, 0.25, (5, 20)),
        (50, 0.5, 0.29, (29, 79)),  # 2 * .29 * 50 is 28.999999999999996
        (0, 0.5, 0.1, (0, 0)),
    ],
)
def test_ranks_that_are_kept(n_rows, alpha, beta, bounds):
    assert selection_bounds(n_rows, alpha, beta) == bounds


def test_no_rank_beyond_the_last_is_kept():
    n_rows = np.arange(1, 60)
    for alpha in np.linspace(0, 0.99, 12):
        for beta in np.linspace(0, alpha, 7):
            first, stop = selection_bounds(n_rows, alpha, beta)
            assert (first >= 0).all()
            assert (stop <= 2 * n_rows).all()


def test_ranks_count_within_a_batch_and_ties_keep_their_order():
    costs = np.array([0.5, 0.1, 0.5, 0.2, 0.5])

    rank = rank_in_batch(costs, np.array([0, 1, 0, 1, 0]))

    assert rank.tolist() == [0, 0, 1, 1, 2]


def test_selecting_counts_is_selecting_rows(rng):
    counts = rng.integers(0, 4, size=(30, 12))
    for row, kept in zip(counts, select_counts(counts, 3, 11), strict=True):
        listed = np.repeat(np.arange(12), row)
        assert np.repeat(np.arange(12), kept).tolist() == listed[3:11].tolist()


def test_turned_labels_are_suspect(rng):
    codes = np.repeat([0, 1], 20)
    probability = np.column_stack([1 - codes, codes]) * 0.8 + 0.1
    codes[3] = 1 - codes[3]

    assert np.flatnonzero(find_suspects(probability, codes)).tolist() == [3]


def test_equal_rows_share_a_fold_and_order_does_not_matter(rng):
    X = rng.integers(0, 3, size=(60, 2)).astype(float)
    codes = rng.integers(0, 2, size=60)
    folds = assign_folds(row_keys(X), codes, 5)

    order = rng.permutation(60)
    again = assign_folds(row_keys(X[order]), codes[order], 5)

    assert (again == folds[order]).all()
    for row in np.unique(X, axis=0):
        assert len(np.unique(folds[(row == X).all(axis=1)])) == 1


def test_chosen_rows_stand_for_all_and_for_every_class(rng):
    codes = np.repeat([0, 1, 2], [5000, 300, 2])

    rows, weights = choose_rows(codes, 200, rng)

    assert len(rows) < 300
    stands_for = np.bincount(codes[rows], weights=weights)
    assert np.allclose(stands_for, [5000, 300, 2])


def test_gram_is_the_sum_of_weighted_outer_products(rng):
    X, weights = rng.standard_normal((9, 4)), rng.random((60, 9))

    gram = weighted_gram(X, weights)

    by_hand = np.einsum("ti,ij,ik->tjk", weights, X, X)
    assert np.allclose(gram, by_hand)
    assert np.allclose(weighted_gram(X, weights[:3]), by_hand[:3])


def test_log_determinant_of_a_diagonal():
    assert log_determinant(np.diag([2.0, 8.0])) == pytest.approx(np.log(16))


def test_fit_is_the_one_of_scikit_learn(table):
    real = real_rows(*table)

    fit = fit_logistic(real, positive=1)

    model = LogisticRegression(fit_intercept=False, tol=1e-10, max_iter=1000)
    assert np.allclose(fit.theta, model.fit(real.X, real.codes).coef_[0], atol=1e-5)


def test_parameter_gain_by_hand():
    # No features: θ is the intercept. One row of each label: θ = 0, p = 1/2, and the
    # information is 2/4 + 1 = 1.5. A positive row more: score 1/2, information 1.75,
    # so θ' = 2/7; there it is 3 p(1 - p) + 1.
    real = real_rows(np.zeros((2, 0)), np.array([0, 1]))
    fit = fit_logistic(real, positive=1)
    added = one_set(np.zeros((1, 0)), np.array([1]))

    theta = respond(real, fit, added)

    assert theta.item() == pytest.approx(2 / 7)
    p = expit(2 / 7)
    gain = np.log((3 * p * (1 - p) + 1) / 1.5) / 2
    assert parameter_gain(real, fit, added).item() == pytest.approx(gain)


def test_wild_labels_are_answered_as_refitting_would(rng):
    X = 3 * rng.standard_normal((100, 2))
    codes = (X[:, 0] > 0).astype(int)
    real = real_rows(X, codes)
    together = real_rows(np.vstack([X, X[:40]]), np.r_[codes, 1 - codes[:40]])

    theta = respond(real, fit_logistic(real, 1), one_set(X[:40], 1 - codes[:40]))

    assert np.allclose(theta, fit_logistic(together, 1).theta, atol=0.05)


def test_gain_answers_to_labels(table, rng):
    gauge = make_gauge("parameter", real_rows(*table), 2)
    X = rng.standard_normal((20, 3)) + 1
    labels = (X[:, 0] > 0).astype(int)

    right, wrong = (gauge.gain(one_set(X, y)).item() for y in (labels, 1 - labels))

    assert abs(right - wrong) > 0.1


def test_one_newton_step_is_close_to_refitting(table, rng):
    X, codes = table
    real = real_rows(X, codes)
    X_new = rng.standard_normal((10, 3))
    labels = rng.integers(0, 2, size=10)
    together = real_rows(np.vstack([X, X_new]), np.concatenate([codes, labels]))

    step = respond(real, fit_logistic(real, 1), one_set(X_new, labels))

    assert np.allclose(step, fit_logistic(together, 1).theta, atol=0.05)


@pytest.mark.parametrize("information", ["parameter", "predictive", "validation"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_counted_and_listed_rows_gain_the_same(information, n_classes, table, rng):
    X = table[0]
    codes = np.digitize(X[:, 0], [-0.4, 0.4]) % n_classes
    real = real_rows(X, codes, rng.integers(1, 4, size=80).astype(float))
    counts = rng.multinomial(12, np.full(80, 1 / 80), size=20)
    rows = np.array([np.repeat(np.arange(80), row) for row in counts])
    listed = Stack(real.X[rows], codes[rows], np.ones(rows.shape), real.folds[rows])
    gauge = make_gauge(information, real, n_classes)

    assert np.allclose(gauge.gain(Repeats(real, counts)), gauge.gain(listed))


@pytest.mark.parametrize("n_new", [3, 40])
def test_rows_of_no_weight_change_nothing(n_new, table, rng):
    gauge = make_gauge("parameter", real_rows(*table), 2)
    added = one_set(rng.standard_normal((n_new, 3)), rng.integers(0, 2, size=n_new))
    padded = Stack(
        *(
            np.concatenate([part, np.zeros_like(part)], axis=1)
            for part in (added.X, added.codes, added.weights, added.folds)
        )
    )

    assert np.allclose(gauge.gain(added), gauge.gain(padded))


@pytest.mark.parametrize("information", ["parameter", "predictive", "validation"])
def test_many_columns_are_turned_without_loss(information, rng):
    X, codes = rng.standard_normal((12, 40)), np.arange(12) % 2
    real = real_rows(X, codes)
    counts = rng.multinomial(4, np.full(12, 1 / 12), size=5)
    narrow = compress(real)

    wide_gain = make_gauge(information, real, 2).gain(Repeats(real, counts))
    gain = make_gauge(information, narrow, 2).gain(Repeats(narrow, counts))

    assert narrow.X.shape[1] == 12
    assert np.allclose(gain, wide_gain)


def test_entropy_and_log_loss_by_hand():
    probability = np.array([[0.5, 1.0], [0.5, 0.0]])  # a fair coin, and a sure thing
    weights = np.array([3.0, 1.0])

    assert mean_entropy(probability, weights) == pytest.approx(0.75 * np.log(2))
    loss = mean_log_loss(probability, np.array([0, 0]), weights)
    assert loss == pytest.approx(0.75 * np.log(2))


def test_probabilities_of_one_against_the_rest_sum_to_one():
    logits = np.array([logit([0.5]), logit([0.25]), logit([0.25])])

    probability = class_probability(logits, 3)

    assert np.allclose(probability[:, 0], [0.5, 0.25, 0.25])


@pytest.mark.parametrize("information", ["predictive", "validation"])
def test_noise_is_a_loss_where_real_rows_are_asked(information, rng):
    X = rng.standard_normal((200, 2))
    y = (X[:, 0] > 0).astype(int)
    gauge = make_gauge(information, real_rows(X, y), 2)
    X_new = rng.standard_normal((60, 2))
    labels = (X_new[:, 0] > 0).astype(int)

    good, bad = (gauge.gain(one_set(X_new, code)) for code in (labels, 1 - labels))

    assert good > 0 > bad


def test_copies_of_a_fold_are_not_learned_from(table):
    X, codes = table
    real = real_rows(X, codes)
    gauge = make_gauge("validation", real, 2)
    held = np.flatnonzero(real.folds == 0)
    counts = np.zeros((1, 80))
    counts[0, held] = 50
    loss = gauge._loss(0, np.array([gauge._fits[0][0].theta[None]]))

    rest = Repeats(real, counts).without(0)

    theta = respond(real.without(0), gauge._fits[0][0], rest)
    assert gauge._loss(0, theta[None]) == pytest.approx(loss)


def test_null_by_rows_and_by_counts_agree(table):
    X, codes = table
    real = real_rows(X, codes)
    gauge = make_gauge("parameter", real, 2)
    costs = np.linspace(0, 1, 80)
    moments = []
    for n_rows in (20, 21):  # a quarter of the real rows, and beyond
        gaps = simulate_null(
            gauge,
            costs,
            [(np.ones(80), n_rows)],
            selection_bounds(n_rows, 0.5, 0.1),
            n_draws=2000,
            rng=np.random.default_rng(0),
        )
        moments.append((gaps.mean(), gaps.std()))

    # One row more of twenty: a twentieth of it, and the error of 2000 draws.
    assert np.allclose(*moments, rtol=0.1, atol=0.01)


def test_nothing_is_gained_or_lost_when_all_real_rows_are_one():
    real = real_rows(np.ones((4, 2)), np.array([0, 1, 0, 1]))
    gauge = make_gauge("parameter", real, 2)

    gaps = simulate_null(
        gauge,
        np.full(4, 0.5),
        [(np.array([1.0, 0, 0, 0]), 5)],
        (1, 6),
        n_draws=10,
        rng=np.random.default_rng(0),
    )

    assert (gaps == 0).all()


@pytest.mark.parametrize(
    ("labels", "size", "make"),
    [
        ((3, 8, 0), 11, (3, 8, 0)),
        ((40, 40, 0), 63, (32, 31, 0)),
        ((99, 1), 50, (50, 0)),
        ((0, 20), 20, (0, 20)),
    ],
)
def test_makes_keep_their_shares(labels, size, make):
    assert apportion(labels, size) == make


@pytest.mark.parametrize("n_rows", [1, 50, 51, 63, 977, 1_000_000])
def test_sizes_between_two_nulls_are_weighted(n_rows):
    sizes = null_sizes(n_rows)

    assert sum(weight for _, weight in sizes) == pytest.approx(1)
    assert sum(size * weight for size, weight in sizes) == pytest.approx(n_rows)


def test_neighbouring_batches_travel_together():
    wave = find_batches(np.repeat(["a", "b", "c"], [2, 5, 1]))

    pieces = [(list(numbers), rows.tolist()) for numbers, rows in wave.pieces(3, 9)]

    assert pieces == [([0], [0, 1]), ([1], [2, 3, 4, 5, 6]), ([2], [7])]


def test_batch_keys_tell_batches_apart():
    keys = {batch_key(key) for key in (0, 1, -1, True, "0", 0.0, ("a", 1))}

    assert len(keys) == 7
