"""The default rule keeps good candidates, trims mislabelled ones, and says why."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from t2sampler import CostAssessmentFilter, TeamThenTrimSampler
from t2sampler.datasets import flip_labels
from t2sampler.filters._label_noise import (
    Action,
    PoolDiagnostics,
    balance_sources,
    choose_action,
    required_gain,
    trust_in_real,
)
from t2sampler.testing import RepeatRows, check_filter


def draw(n_rows, seed, flip=0.0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n_rows, 3)), columns=["a", "b", "c"])
    y = pd.Series(np.where(X["a"] + X["b"] > 0, "yes", "no"))
    y, is_wrong = flip_labels(y, flip, random_state=seed)
    return X, y, is_wrong


@pytest.fixture
def real():
    return draw(60, seed=0)[:2]


def make(**params):
    return CostAssessmentFilter(**{"random_state": 0} | params)


def test_good_candidates_are_all_kept(real):
    X, y, _ = draw(100, seed=1)

    verdict = make().fit(*real).inspect(X, y)

    assert verdict.keep.all()
    assert (verdict.reasons == "").all()
    assert verdict.notes[0].endswith("Action: kept all candidates.")


def test_wrong_labels_are_found_and_explained(real):
    X, y, is_wrong = draw(100, seed=1, flip=0.3)

    verdict = make().fit(*real).inspect(X, y)

    assert verdict.keep[is_wrong].mean() < 0.5
    assert verdict.keep[~is_wrong].mean() > 0.9
    reasons = pd.Series(verdict.reasons[~verdict.keep])
    own, mean = r"'(yes|no)' has probability 0\.\d\d", r"0\.\d\d"
    by = r"under models of the other rows \(mean of that label:"
    assert reasons.str.match(rf"label {own} {by} {mean}\)$").all()


def test_candidates_that_contradict_the_real_rows_are_trimmed(real):
    X, y, _ = draw(100, seed=1, flip=0.8)

    verdict = make().fit(*real).inspect(X, y)

    assert not verdict.keep.any()
    assert not verdict.accepted.any()
    assert verdict.reasons[0].startswith("candidates contradict the real rows")
    assert verdict.notes[0].endswith("Action: trimmed all candidates.")


def test_a_note_says_that_ten_real_rows_are_too_few():
    X, y, _ = draw(100, seed=1, flip=0.3)

    verdict = make().fit(*draw(10, seed=0)[:2]).inspect(X, y)

    assert "10 real rows are too few" in verdict.notes[0]


def test_candidates_of_one_class_are_judged_by_the_real_rows(real):
    X, y, is_wrong = draw(200, seed=1, flip=0.4)
    X, y, is_wrong = X[y == "yes"], y[y == "yes"], is_wrong[y == "yes"]

    verdict = make().fit(*real).inspect(X, y)

    assert verdict.keep[is_wrong].mean() < 0.6
    assert verdict.keep[~is_wrong].mean() > 0.9
    assert "under models of the real rows" in verdict.reasons[~verdict.keep][0]


def test_candidates_with_better_labels_than_the_real_ones_are_kept():
    real, (X, y, _) = draw(100, seed=0, flip=0.3), draw(100, seed=1, flip=0.25)

    verdict = make().fit(*real[:2]).inspect(X, y)

    assert verdict.keep.all()
    assert verdict.stats["noise_rate"][0] > 0.15


def test_a_rare_class_is_defended_against_flipped_labels():
    """Of the candidates labelled "rare" most are wrong, and outnumber the real ones."""
    rng = np.random.default_rng(0)
    real, new = (pd.DataFrame(rng.normal(size=(n, 3))) for n in (60, 200))
    y, truth = (np.where(X[0] > 1.3, "rare", "usual") for X in (real, new))
    labels, is_wrong = flip_labels(pd.Series(truth), 0.3, random_state=0)
    assert ((labels == "rare") & is_wrong).sum() > 2 * (truth == "rare").sum()

    keep = make().fit(real, y).inspect(new, labels).keep

    assert keep[is_wrong & (labels == "rare")].mean() < 0.5
    assert keep[~is_wrong & (labels == "rare")].mean() > 0.9


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("tau", [np.inf, -np.inf])
def test_a_given_tau_must_be_exceeded(tau, real):
    X, y, _ = draw(40, seed=1)

    assert make(tau=tau).fit(*real).inspect(X, y).keep.all() == (tau < 0)


@pytest.mark.usefixtures("few_trees")
def test_everything_is_kept_at_a_noise_rate_of_one(real):
    X, y, _ = draw(100, seed=1, flip=0.8)

    assert make(max_noise_rate=1).fit(*real).inspect(X, y).keep.all()


@pytest.mark.usefixtures("few_trees")
def test_neither_order_nor_batches_matter(real):
    X, y, _ = draw(80, seed=1, flip=0.3)
    order = np.random.default_rng(0).permutation(80)
    trim = make().fit(*real)

    one = trim.inspect(X, y)
    many = trim.inspect(X.iloc[order], y.iloc[order], batch=order // 20)

    assert (one.keep[order] == many.keep).all()
    assert many.stats["n_kept"].sum() == one.keep.sum()


def test_no_row_is_judged_by_a_model_that_saw_its_copy(real):
    X, y, _ = draw(10, seed=1, flip=1.0)
    X, y = pd.concat([X] * 20), pd.concat([y] * 20)  # twenty copies of each wrong row
    trim = make(estimator=RandomForestClassifier(20), max_noise_rate=1)

    cost = trim.fit(*real).inspect(X, y).scores["cost"]

    assert np.median(cost) > 0.5  # a forest that had seen a copy would believe it


@pytest.mark.parametrize(
    "estimator", [GaussianNB(), KNeighborsClassifier(9), LinearSVC()]
)
def test_any_classifier_judges(estimator, real):
    X, y, is_wrong = draw(100, seed=1, flip=0.3)

    trim = make(estimator=estimator, max_noise_rate=0.05)
    verdict = trim.fit(*real).inspect(X, y)

    assert verdict.keep[is_wrong].mean() < verdict.keep[~is_wrong].mean() - 0.2


def test_later_candidates_are_judged_beside_earlier_ones(real):
    X, y, is_wrong = draw(120, seed=1, flip=0.3)
    trim = make().fit(*real)
    small = slice(100, 120)

    trim.add_candidates(X[:100], y[:100])

    beside = trim.inspect(X[small], y[small])
    assert (beside.keep == ~is_wrong[small]).mean() > 0.8
    assert "of 120 candidates" in beside.notes[0]


def test_many_wrong_labels_do_not_outvote_the_real_rows(real):
    X, y, _ = draw(150, seed=1, flip=1.0)
    trim = make().fit(*real)

    assert not trim.inspect(X, y).keep.any()
    trim.add_candidates(X, y)
    assert not trim.inspect(*draw(60, seed=2, flip=1.0)[:2]).keep.any()


def test_a_bad_wave_does_not_hide_behind_good_ones(real):
    trim = make().fit(*real)
    trim.inspect(*draw(120, seed=1)[:2])
    trim.add_candidates(*draw(120, seed=1)[:2])

    good, bad = (draw(60, seed=2, flip=flip)[:2] for flip in (0, 1.0))

    assert trim.inspect(*good).keep.all()
    verdict = trim.inspect(*bad)
    assert "of 180 candidates" in verdict.notes[0]
    assert verdict.keep.mean() < 0.2


@pytest.mark.usefixtures("few_trees")
def test_a_verdict_does_not_depend_on_what_was_inspected_before(real):
    """Of the rows that are added, and of others: models are cached, not learned."""
    seen, other, later = draw(80, seed=1, flip=0.6), draw(80, seed=2), draw(40, seed=3)
    one, two = make().fit(*real), make().fit(*real)

    one.inspect(*seen[:2])
    one.inspect(*other[:2])
    for trim in (one, two):
        trim.add_candidates(*other[:2])
    one.inspect(*seen[:2])

    first, second = (trim.inspect(*later[:2]) for trim in (one, two))
    assert first.notes == second.notes
    assert (first.scores["cost"] == second.scores["cost"]).all()


def test_tables_of_few_distinct_rows_can_be_judged():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"smoker": rng.choice(["yes", "no"], 200)})
    y = (rng.random(200) < np.where(X["smoker"] == "yes", 0.8, 0.1)).astype(int)

    keep = make().fit(X, y).inspect(X, y).keep

    is_usual = y == (X["smoker"] == "yes")
    assert keep[is_usual].all()
    assert not make().fit(X, y).inspect(X, 1 - y).keep.any()


@pytest.mark.usefixtures("few_trees")
def test_reasons_name_the_label_of_their_row(real):
    X, y, _ = draw(100, seed=1, flip=0.3)
    y[:7] = None

    verdict = make().fit(*real).inspect(X, y)

    label = pd.Series(verdict.reasons).str.extract(r"label '(\w+)' has")[0]
    is_named = label.notna()
    assert is_named.sum() > 10
    assert (label[is_named] == y[is_named]).all()


def test_without_rows_or_labels_nothing_is_judged(real):
    trim = make().fit(*real)
    X, y, _ = draw(3, seed=1)

    assert trim.inspect(X, [None] * 3).reasons.tolist() == ["label is missing"] * 3
    assert len(trim.inspect(X[:0], y[:0]).keep) == 0


@pytest.mark.parametrize("n_real", [1, 2, 5])
def test_a_handful_of_real_rows_drops_hardly_a_good_candidate(n_real):
    X, y, _ = draw(40, seed=1)

    trim = make().fit(X[:n_real] + 0.1, y[:n_real])

    assert trim.inspect(X, y).keep.mean() >= 0.9


def test_a_class_that_no_real_row_has_is_judged_by_its_own_rows(real):
    X, y, _ = draw(40, seed=1)
    X.loc[:19, "c"] += 6
    y[:20] = "new"
    trim = make().fit(*real)

    verdict = trim.inspect(X, y)

    assert verdict.keep.all()
    assert (verdict.scores["cost"][:20] < 0.5).mean() > 0.9


@pytest.mark.parametrize("n_real", [0, 1], ids=["no real row", "one real row"])
def test_wrong_labels_elsewhere_do_not_trim_a_class_that_real_rows_lack(real, n_real):
    X, y, is_wrong = draw(90, seed=1, flip=0.4)
    is_new = np.arange(len(X)) < 10
    X.loc[is_new, "c"] += 6
    y[is_new] = "new"
    add = np.arange(n_real)

    trim = make().fit(
        pd.concat([real[0], X.loc[add]]), pd.concat([real[1], y.loc[add]])
    )
    keep = trim.inspect(X.drop(add), y.drop(add)).keep

    assert keep[: 10 - n_real].all()
    assert keep[is_wrong[n_real:] & ~is_new[n_real:]].mean() < 0.4


def test_several_classes_that_no_real_row_has_are_judged_in_any_order(real, rng):
    X, y, _ = draw(90, seed=1, flip=0.4)
    y[rng.permutation(90)[:50]] = np.repeat(["zero", "more", "some"], [19, 18, 13])
    order = np.lexsort((rng.random(90), y))
    trim = make().fit(*real)

    first, second = trim.inspect(X, y), trim.inspect(X.iloc[order], y.iloc[order])

    np.testing.assert_array_equal(first.scores["cost"][order], second.scores["cost"])
    np.testing.assert_array_equal(first.keep[order], second.keep)


def test_a_label_of_one_row_stays(real):
    X, y, _ = draw(60, seed=1, flip=0.3)
    y[0] = "once"

    verdict = make().fit(*real).inspect(X, y)

    assert verdict.keep[0]
    assert not verdict.keep.all()


def test_real_rows_of_one_class_learn_another(real):
    X, y, _ = draw(60, seed=1)

    verdict = make().fit(real[0], ["no"] * 60).inspect(X, y)

    assert verdict.keep[y == "yes"].any()
    assert verdict.stats[["gain", "tau"]].isna().all(axis=None)
    assert "nan" not in verdict.notes[0]


def test_one_class_in_all_is_kept(real):
    X, _, _ = draw(20, seed=1)

    assert make().fit(real[0], ["no"] * 60).inspect(X, ["no"] * 20).keep.all()


def test_many_candidates_are_judged_by_models_of_some(real):
    X, y, is_wrong = draw(20_000, seed=1, flip=0.3)

    verdict = make().fit(*real).inspect(X, y)

    assert "of 20,000 candidates" in verdict.notes[0]
    assert verdict.keep[is_wrong].mean() < 0.2
    assert verdict.keep[~is_wrong].mean() > 0.9


@pytest.mark.usefixtures("few_trees")
def test_values_far_out_do_no_harm(real):
    X, y, _ = draw(20, seed=1)

    verdict = make().fit(*real).inspect(X * 1e300, y)

    assert np.isfinite(verdict.scores["cost"]).all()


@pytest.mark.usefixtures("few_trees")
def test_contract_and_clones(real):
    X, y, _ = draw(60, seed=1, flip=0.3)
    trim = make()

    check_filter(trim)
    first, second = (clone(trim).fit(*real).inspect(X, y) for _ in range(2))

    assert (first.reasons == second.reasons).all()


@pytest.mark.usefixtures("few_trees")
@pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning")
def test_the_report_says_what_was_found():
    X, y, _ = draw(60, seed=0)
    y = y.where(np.arange(60) % 4 > 0, "no")

    sampler = TeamThenTrimSampler(random_state=0)
    sampler.fit_resample(X, y)

    assert any(note.startswith("Cost filter: ") for note in sampler.report_.notes)
    assert sampler.report_.batches["noise_rate"].between(0, 1).all()


@pytest.mark.usefixtures("few_trees")
@pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning")
def test_the_sampler_remembers_earlier_waves():
    X, y, _ = draw(60, seed=0, flip=0.2)
    y = y.where(np.arange(60) % 4 > 0, "no")
    sampler = TeamThenTrimSampler(RepeatRows(), max_batches=10, random_state=0)

    sampler.fit_resample(X, y)

    n_judged = sampler.report_.batches["drawn"].sum()
    assert len(sampler.cost_._rule._earlier.codes) == n_judged


def diagnose(noise_rate, gain, **others):
    sizes = {"n_real": 20, "n_candidates": 100, "noise_rate_real": 0.1, "error": 0.1}
    return PoolDiagnostics(**sizes | {"noise_rate": noise_rate, "gain": gain} | others)


@pytest.mark.parametrize(
    ("noise_rate", "gain", "action"),
    [
        (0.05, 0.4, Action.ALL),
        (0.05, np.nan, Action.ALL),
        (0.1, 0.4, Action.POOLED),
        (0.2, -0.11, Action.NONE),
        (0.2, -0.1, Action.NONE),
        (0.2, 0.0, Action.POOLED),
        (0.2, np.nan, Action.POOLED),
    ],
)
def test_action_by_noise_rate_and_gain(noise_rate, gain, action):
    assert choose_action(diagnose(noise_rate, gain), -0.1, 0.1) == action


def test_labels_better_than_the_real_ones_are_kept():
    better = diagnose(0.2, 0.2, noise_rate_real=0.3)

    assert choose_action(better, 0.1, 0.1) == Action.ALL
    assert choose_action(replace(better, gain=0.0), 0.1, 0.1) == Action.NONE


def test_labels_no_better_than_noisy_real_ones_are_trimmed():
    alike = diagnose(0.4, 0.2, noise_rate_real=0.4)

    assert choose_action(alike, 0.1, 0.1) == Action.POOLED


def test_one_sided_candidates_are_judged_by_the_real_rows():
    diagnostics = diagnose(0.2, 0.4, lacks_class=True)

    assert choose_action(diagnostics, -0.1, 0.1) == Action.REAL


@pytest.mark.parametrize(
    ("noise_rate", "tau"), [(0.0, -0.3), (0.25, -0.15), (0.5, 0.0), (0.75, 0.15)]
)
def test_noise_raises_the_required_gain(noise_rate, tau):
    diagnostics = diagnose(noise_rate, 0.0)

    assert required_gain(diagnostics, tau_coef=1.0) == pytest.approx(tau)
    assert required_gain(diagnostics, tau_coef=0.5) == pytest.approx(tau / 2)


def test_real_rows_of_a_class_weigh_as_much_as_its_candidates():
    codes = np.array([2, 0, 1, 1, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 0])
    is_real = np.arange(15) < 4

    weights = balance_sources(codes, is_real)

    # Class 0: one real row, six candidates; 1: two and none; 2: one and five.
    assert weights[:4].tolist() == [4, 4, 1, 1]
    assert (weights[4:] == 1).all()


@pytest.mark.parametrize(
    ("noise_rate", "real", "trust"),
    [(0.0, 0.1, 0.0), (0.25, 0.0, 0.5), (0.4, 0.25, 0.4), (0.4, 0.6, 0.0), (0.9, 0, 1)],
)
def test_real_rows_are_trusted_where_they_are_clean(noise_rate, real, trust):
    found = diagnose(noise_rate, 0.0, noise_rate_real=real)

    assert trust_in_real(found) == pytest.approx(trust)
