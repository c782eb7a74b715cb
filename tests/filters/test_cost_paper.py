"""The paper's rule: a batch is compared with its twin of real rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from t2sampler.filters._cost import CostAssessmentFilter
from t2sampler.filters._cost_paper import split_batches


def draw(n_rows, seed, flip=0.0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n_rows, 3)), columns=["a", "b", "c"])
    y = pd.Series((X["a"] + 0.5 * rng.normal(size=n_rows) > 0).astype(int))
    wrong = rng.random(n_rows) < flip
    return X, y.where(~wrong, 1 - y)


@pytest.fixture
def real():
    return draw(60, seed=0)


def make(**params):
    settings = {"reference": "real", "n_bootstrap": 100, "random_state": 0}
    return CostAssessmentFilter(**settings | params)


def same(left, right):
    assert (left.keep == right.keep).all()
    assert (left.reasons == right.reasons).all()
    assert np.allclose(left.stats, right.stats, equal_nan=True)
    assert left.accepted.equals(right.accepted)


def test_rows_of_lowest_and_highest_cost_are_trimmed(real):
    X, y = draw(20, seed=1)

    verdict = make(tau=-np.inf, alpha=0.5, beta=0.1).fit(*real).inspect(X, y)

    trimmed = pd.Series(verdict.reasons[~verdict.keep])
    assert trimmed.str.match(
        r"cost too (low: \d\.\d\d, among the 4 lowest|"
        r"high: \d\.\d\d, among the 16 highest) of 40$"
    ).all()
    cost = verdict.scores["cost"]
    assert verdict.reasons[np.argmin(cost)].startswith("cost too low")
    assert verdict.reasons[np.argmax(cost)].startswith("cost too high")
    assert (verdict.reasons[verdict.keep] == "").all()


def test_everything_is_kept_without_selection_and_without_tau(real):
    X, y = draw(20, seed=1)

    assert make(tau=-np.inf, alpha=0, beta=0).fit(*real).inspect(X, y).keep.all()


def test_tau_is_mean_plus_coefficient_deviations_of_the_null(real):
    X, y = draw(20, seed=1)
    taus = [
        make(tau_coef=coef).fit(*real).inspect(X, y).stats["tau"].item()
        for coef in (0, 1, 2)
    ]
    null = make().fit(*real)._rule._null

    mean, deviation = null.moments((0, 0, 20))
    assert np.allclose(taus, [mean, mean + deviation, mean + 2 * deviation])


def test_a_trimmed_batch_says_why(real):
    X, y = draw(20, seed=1)

    verdict = make(tau=1e6, alpha=0, beta=0).fit(*real).inspect(X, y)

    assert not verdict.keep.any()
    assert not verdict.accepted.any()
    assert verdict.reasons[0].startswith("batch: gain over twin ")
    assert verdict.reasons[0].endswith(" <= tau 1e+06")


@pytest.mark.parametrize("twin", ["real", "labels"])
def test_batches_one_by_one_or_together(twin, real):
    X, y = draw(90, seed=1, flip=0.2)
    batch = np.repeat([5, 0, 3], [20, 60, 10])
    trim = make(twin=twin).fit(*real)

    together = trim.inspect(X, y, batch=batch)

    for number in (3, 5, 0):
        own = batch == number
        alone = trim.inspect(X[own], y[own], batch=batch[own])
        assert (alone.keep == together.keep[own]).all()
        assert alone.stats.index.tolist() == [number]
        assert np.allclose(alone.stats, together.stats.loc[[number]], atol=1e-8)


def test_same_seed_same_verdict_and_pickles(real):
    X, y = draw(40, seed=1)
    trim = make().fit(*real)

    verdict = trim.inspect(X, y)

    same(verdict, clone(trim).fit(*real).inspect(X, y))
    same(verdict, pickle.loads(pickle.dumps(trim)).inspect(X, y))


def test_mixed_up_batches_are_told_apart(real):
    X, y = draw(40, seed=1)
    batch = np.tile(["u", "v"], 20)
    trim = make().fit(*real)
    order = np.argsort(batch, kind="stable")

    mixed = trim.inspect(X, y, batch=batch)

    sorted_ = trim.inspect(X.iloc[order], y.iloc[order], batch=batch[order])
    assert (mixed.keep[order] == sorted_.keep).all()
    assert mixed.accepted.index.tolist() == ["u", "v"]


def test_twin_rows_are_named_where_they_are_kept(real):
    X, y = draw(20, seed=1)
    trim = make(tau=-np.inf, keep_twin=True).fit(*real)

    verdict = trim.inspect(X, y)

    # Half of the forty rows of batch and twin are kept.
    assert verdict.keep.sum() + len(verdict.twins[0]) == 20
    assert verdict.twins[0].max() < 60
    assert make(tau=-np.inf).fit(*real).inspect(X, y).twins == {}


def test_a_twin_has_the_labels_of_its_batch(real):
    X, y = draw(30, seed=1)
    X, y = X[y == 1], y[y == 1]
    trim = make(tau=-np.inf, alpha=0, beta=0, keep_twin=True, twin="labels").fit(*real)

    twins = trim.inspect(X, y).twins[0]

    assert len(twins) == len(X)
    assert (real[1].iloc[twins] == 1).all()


@pytest.mark.parametrize("twin", ["real", "labels"])
def test_a_batch_of_a_new_class_can_pass(twin, real):
    X, _ = draw(20, seed=1)
    trim = make(twin=twin).fit(*real)

    verdict = trim.inspect(X + np.array([0, 6, 0]), pd.Series(2, index=X.index))

    assert verdict.accepted.all()
    assert verdict.keep.any()
    assert (verdict.scores["cost"] < 0.9).any()


def test_real_rows_of_one_class_learn_a_second(real):
    X, _ = real
    X_new, _ = draw(20, seed=1)
    trim = make().fit(X, np.zeros(len(X)))

    verdict = trim.inspect(X_new + np.array([0, 6, 0]), np.ones(20))

    assert verdict.keep.any()


@pytest.mark.parametrize("n_real", [1, 2, 5])
def test_a_handful_of_real_rows_is_enough(n_real):
    X, y = draw(n_real, seed=3)
    trim = make().fit(X, y)

    verdict = trim.inspect(*draw(10, seed=1))

    assert np.isfinite(verdict.stats[["gain", "tau"]].to_numpy()).all()


def test_three_classes_as_text(real):
    X, _ = real
    y = pd.cut(X["a"], [-9, -0.5, 0.5, 9], labels=["low", "mid", "high"]).astype(str)
    X_new, _ = draw(20, seed=1)
    trim = make().fit(X, y)

    assert np.isfinite(trim.inspect(X_new, y[:20]).stats["gain"]).all()


@pytest.mark.parametrize(
    "estimator", [GaussianNB(), RandomForestClassifier(5), LinearSVC()]
)
def test_any_classifier_gives_costs(estimator, real):
    X, y = draw(20, seed=1)
    trim = make(estimator=estimator, n_bootstrap=2)

    verdict = trim.fit(*real).inspect(X, y)

    same(verdict, clone(trim).fit(*real).inspect(X, y))
    cost = verdict.scores["cost"]
    assert ((cost >= 0) & (cost <= 1)).all()
    assert not hasattr(estimator, "classes_")


@pytest.mark.parametrize("n_classes", [2, 3])
def test_calibration_is_left_out_where_a_class_has_one_row(n_classes):
    X, _ = draw(12, seed=0)
    y = (
        pd.Series([0] * 11 + [1])
        if n_classes == 2
        else pd.Series([0, 0, 2] * 3 + [0, 0, 1])
    )

    trim = make(estimator=LinearSVC(), tau=-np.inf).fit(X, y)

    cost = trim.inspect(X, y).scores["cost"]
    assert ((cost > 0) & (cost < 1)).all()


def test_wrong_labels_cost_more(real):
    X, y = draw(40, seed=1)
    trim = make().fit(*real)

    right, wrong = (trim.inspect(X, labels).scores["cost"] for labels in (y, 1 - y))

    assert np.median(right) < 0.3 < 0.7 < np.median(wrong)


def test_a_missing_label_is_trimmed(real):
    X, y = draw(10, seed=1)
    y = y.astype("Int64")
    y[3] = pd.NA

    verdict = make(tau=-np.inf, alpha=0, beta=0).fit(*real).inspect(X, y)

    assert np.flatnonzero(~verdict.keep).tolist() == [3]
    assert verdict.reasons[3] == "label is missing"


def test_accepted_rows_extend_the_reference(real):
    X, y = draw(20, seed=1)
    trim = make(update_reference=True, tau_coef=0).fit(*real)
    before = trim.inspect(X, y).stats

    trim.extend_reference(*draw(200, seed=2), twin=[0, 1])
    trim.extend_reference(draw(3, seed=3)[0], ["new"] * 3)

    after = trim.inspect(X, y).stats
    assert (after["information"] < before["information"]).all()
    still = make().fit(*real)
    still.extend_reference(*draw(200, seed=2))
    same(still.inspect(X, y), make().fit(*real).inspect(X, y))


def test_many_real_rows_are_stood_for_by_a_thousand():
    X, y = draw(1000, seed=0)
    X_new, y_new = draw(20, seed=1)
    once = make().fit(X, y)
    thrice = make().fit(pd.concat([X] * 3), pd.concat([y] * 3))

    all_rows, chosen = (
        trim.inspect(X_new, y_new).stats["information"].abs().item()
        for trim in (once, thrice)
    )

    # Twenty rows beside three thousand are worth about a third as much.
    assert chosen < 0.6 * all_rows


def test_without_a_mask_rows_with_wrong_labels_are_trimmed():
    X, y = draw(200, seed=0)
    wrong = (np.arange(200) % 20 == 0) & (X["a"].abs() > 1)
    y = y.where(~wrong, 1 - y)

    X_kept, _ = make().fit_resample(X, y)

    trimmed = ~np.isin(np.arange(200), X_kept.index)
    assert trimmed[wrong].all()
    assert trimmed.mean() < 0.25


def test_with_a_mask_real_rows_stay(real):
    X, y = draw(20, seed=1)
    mask = np.repeat([False, True], [60, 20])
    both = pd.concat([real[0], X]), pd.concat([real[1], y])

    X_kept, _ = make().fit_resample(*both, synthetic_mask=mask)

    assert X_kept[:60].equals(real[0])
    assert len(X_kept) < 80


def test_wide_tables_are_judged():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 200)), np.arange(60) % 2
    X_new, y_new = rng.normal(size=(20, 200)), np.arange(20) % 2

    stats = make().fit(X, y).inspect(X_new, y_new).stats

    assert np.isfinite(stats).all(axis=None)


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.4), (0, 0.1)])
def test_beta_above_alpha_is_refused_before_any_work(alpha, beta):
    trim = make(alpha=alpha, beta=beta)

    with pytest.raises(ValueError, match="`beta` must not exceed `alpha`"):
        trim.fit("not a table", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 1.0},
        {"beta": -0.1},
        {"tau": "sometimes"},
        {"tau_coef": -1},
        {"n_bootstrap": 1},
        {"information": "predictive"},
        {"reference": "none"},
        {"twin": "both"},
        {"estimator": object()},
    ],
)
def test_wrong_settings_are_refused_by_name(wrong):
    name = next(iter(wrong))
    with pytest.raises(ValueError, match=f"'{name}' parameter of CostAssessmentFilter"):
        make(**wrong).fit(*draw(10, seed=0))


def test_neighbouring_batches_are_compared_side_by_side():
    number = np.repeat([0, 1, 2], [2, 5, 1])

    parts = [(part.start, rows.tolist()) for part, rows in split_batches(number, 3, 9)]

    assert parts == [(0, [0, 1]), (1, [2, 3, 4, 5, 6]), (2, [7])]
