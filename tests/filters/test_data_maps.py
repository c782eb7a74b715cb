"""CLLM's curation trims rows that a model of the real rows finds hard."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from doubles.sampler_runs import OFF
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from t2sampler import DataMapsFilter, QualityControl, TeamThenTrimSampler
from t2sampler.datasets import flip_labels
from t2sampler.testing import RepeatRows, check_filter

ONLY_COST = {"sanity": "passthrough", "diversity": "passthrough"}


class TwoStages(LogisticRegression):
    """Give the first class 0.1, and then 0.5 or 0.3, whatever is asked."""

    def staged_predict_proba(self, X):
        """Yield the probabilities of two stages; the second depends on the row."""
        for first in (np.full(len(X), 0.1), np.where(X[:, 0] > 0, 0.5, 0.3)):
            yield np.column_stack([first, 1 - first])


@pytest.fixture
def separable(rng):
    """Return 60 rows of one number, whose sign is the label, in no order."""
    x = rng.normal(size=60)
    return pd.DataFrame({"x": x}), pd.Series(np.where(x > 0, "up", "down"), name="y")


@pytest.fixture
def three_classes(rng):
    """Return 90 rows with a gap, a category, and labels of three classes."""
    y = rng.permutation(np.repeat([7, 5, 6], 30))
    number = np.where(rng.random(90) < 0.2, np.nan, 3.0 * y + rng.normal(size=90))
    word = np.where(rng.random(90) < 0.9, np.array(["a", "b", "c"])[y - 5], None)
    X = pd.DataFrame({"word": word, "number": number, "noise": rng.random(90)})
    return X, pd.Series(y)


def test_it_keeps_the_contract():
    check_filter(DataMapsFilter(random_state=0))


def test_confidence_and_uncertainty_are_means_over_the_stages():
    X, y = pd.DataFrame({"x": [-2.0, 2.0, -1.0, 1.0]}), pd.Series([1, 0, 0, 1])
    trim = DataMapsFilter(TwoStages(), min_confidence=0.25, min_aleatoric=0.16)
    new = pd.DataFrame({"x": [3.0, -3.0, 3.0]})

    verdict = trim.fit(X, y).inspect(new, [0, 0, 1])

    confidence = [(0.1 + 0.5) / 2, (0.1 + 0.3) / 2, (0.9 + 0.5) / 2]
    aleatoric = [(0.09 + 0.25) / 2, (0.09 + 0.21) / 2, (0.09 + 0.25) / 2]
    np.testing.assert_allclose(verdict.scores["confidence"], confidence)
    np.testing.assert_allclose(verdict.scores["aleatoric"], aleatoric)
    np.testing.assert_allclose(verdict.scores["cost"], 1 - np.array(confidence))
    assert verdict.keep.tolist() == [True, False, True]
    assert verdict.reasons[1] == (
        "label 0 is hard for a model of the real rows: confidence 0.20 (at most 0.25), "
        "uncertainty 0.15 (at most 0.16)"
    )


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        pytest.param((0.2, 0.15), False, id="both at their limits"),
        pytest.param((0.19, 0.15), True, id="confident enough"),
        pytest.param((0.2, 0.14), True, id="uncertain enough"),
    ],
)
def test_a_row_has_to_fail_both_thresholds(limits, kept):
    X, y = pd.DataFrame({"x": [-2.0, 2.0, -1.0, 1.0]}), pd.Series([1, 0, 0, 1])
    confidence, aleatoric = limits
    trim = DataMapsFilter(
        TwoStages(), min_confidence=confidence + 1e-9, min_aleatoric=aleatoric + 1e-9
    )

    verdict = trim.fit(X, y).inspect(pd.DataFrame({"x": [-3.0]}), [0])

    assert verdict.keep.tolist() == [kept]
    fate = "n_ambiguous" if kept else "n_hard"
    assert verdict.stats[fate].tolist() == [1]


def test_auto_is_three_quarters_of_the_range_of_uncertainty():
    X, y = pd.DataFrame({"x": [-2.0, 2.0, -1.0, 1.0]}), pd.Series([1, 0, 0, 1])
    trim = DataMapsFilter(TwoStages(), min_confidence=0.3, min_aleatoric="auto")
    trim.fit(X, y)
    low, high = [-3.0], [3.0]  # uncertainty 0.15 and 0.17, so the limit is 0.015

    both = trim.inspect(pd.DataFrame({"x": high + low}), [0, 0])
    alone = trim.inspect(pd.DataFrame({"x": low}), [0])

    assert both.keep.all()
    assert alone.keep.all()


def test_wrong_labels_of_clear_rows_go_and_no_right_one(separable):
    trim = DataMapsFilter(random_state=0).fit(*separable)
    clear = pd.DataFrame({"x": [2.0, -1.0, 1.0, -2.0]})

    right = trim.inspect(clear, ["up", "down", "up", "down"])
    wrong = trim.inspect(clear, ["down", "up", "down", "up"])

    assert right.keep.all()
    assert right.stats["n_easy"].tolist() == [4]
    assert not wrong.keep.any()
    assert "100% hard" in wrong.notes[0]


@pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(None, id="default"),
        pytest.param(GradientBoostingClassifier(n_estimators=30), id="gradient"),
        pytest.param(AdaBoostClassifier(n_estimators=20), id="ada"),
    ],
)
def test_any_staged_classifier_finds_wrong_labels_of_three_classes(
    estimator, three_classes
):
    X, y = three_classes
    wrong = y.map({5: 6, 6: 7, 7: 5})
    trim = DataMapsFilter(estimator, random_state=0, min_confidence=0.3).fit(X, y)

    is_kept, wrong_kept = (trim.inspect(X, labels).keep.mean() for labels in (y, wrong))

    assert is_kept > 0.9
    assert wrong_kept < is_kept - 0.3


def test_order_of_rows_columns_and_candidates_does_not_matter(three_classes, rng):
    X, y = three_classes
    labels, _ = flip_labels(y, 0.4, random_state=1)
    scores = DataMapsFilter(random_state=0).fit(X, y).inspect(X, labels).scores
    order, judged = rng.permutation(len(X)), rng.permutation(len(X))

    again = DataMapsFilter(random_state=0).fit(
        X.iloc[order, ::-1].reset_index(drop=True), y.iloc[order].to_numpy()
    )
    verdict = again.inspect(X.iloc[judged, ::-1], labels.iloc[judged])

    for name, values in scores.items():
        # Of two splits that are equally good the first column has the better one.
        np.testing.assert_allclose(verdict.scores[name], values[judged], atol=1e-3)


def test_labels_can_be_named_otherwise(three_classes):
    X, y = three_classes
    labels, _ = flip_labels(y, 0.4, random_state=1)
    words = {5: "z", 6: "y", 7: "x"}  # in another order

    by_number = DataMapsFilter(random_state=0).fit(X, y).inspect(X, labels)
    by_word = DataMapsFilter(random_state=0).fit(X, y.map(words))

    np.testing.assert_allclose(
        by_word.inspect(X, labels.map(words)).scores["confidence"],
        by_number.scores["confidence"],
        atol=1e-6,
    )


def test_a_rare_class_is_not_trimmed_for_being_rare(rng):
    x = rng.permutation(np.r_[rng.normal(-1, 1, 90), rng.normal(1, 1, 10)])
    y = pd.Series((rng.random(100) < 1 / (1 + np.exp(-2 * x + 2.2))).astype(int))
    X, new = pd.DataFrame({"x": x}), pd.DataFrame({"x": rng.normal(1, 1, 200)})

    kept = {
        weight: DataMapsFilter(class_weight=weight, random_state=0)
        .fit(X, y)
        .inspect(new, np.ones(200))
        .keep.mean()
        for weight in ("balanced", None)
    }

    assert kept["balanced"] > kept[None]


@pytest.mark.parametrize("n_real", [0, 1, 2], ids=["no row", "one row", "copies"])
def test_a_label_without_two_distinct_real_rows_is_not_judged(n_real, separable):
    X, y = separable
    odd = pd.DataFrame({"x": [9.0] * n_real})
    X = pd.concat([odd, X], ignore_index=True)
    y = pd.concat([pd.Series(["odd"] * n_real, dtype=object), y], ignore_index=True)
    trim = DataMapsFilter(random_state=0).fit(X, y)

    verdict = trim.inspect(
        pd.DataFrame({"x": [-2.0, 9.0, 2.0]}), ["odd", "odd", "down"]
    )

    assert verdict.keep.tolist() == [True, True, False]
    assert np.isnan(verdict.scores["confidence"]).tolist() == [True, True, False]
    (note,) = [note for note in verdict.notes if "not judged" in note]
    assert "'odd'" in note
    assert trim.fit_resample(X, y)[1].tolist().count("odd") == n_real


def test_a_missing_label_is_trimmed(separable):
    trim = DataMapsFilter(random_state=0).fit(*separable)

    verdict = trim.inspect(pd.DataFrame({"x": [2.0, 2.0]}), [None, "up"])

    assert verdict.keep.tolist() == [False, True]
    assert verdict.reasons.tolist() == ["label is missing", ""]


def test_one_class_has_nothing_that_is_hard():
    X, y = pd.DataFrame({"x": [1.0, 3.0, 2.0]}), pd.Series(["only"] * 3)

    verdict = DataMapsFilter().fit(X, y).inspect(X, y)

    assert verdict.keep.all()
    assert verdict.scores["confidence"].tolist() == [1, 1, 1]


def test_verdict_counts_per_batch_in_order_of_first_appearance(separable):
    trim = DataMapsFilter(random_state=0).fit(*separable)
    new = pd.DataFrame({"x": [2.0, 2.0, -2.0, 2.0]})

    verdict = trim.inspect(new, ["up", "down", "up", "up"], batch=["b", "b", "a", "b"])

    assert verdict.stats.index.tolist() == ["b", "a"]
    assert verdict.stats["n_rows"].tolist() == [3, 1]
    assert verdict.stats["n_kept"].tolist() == [2, 0]
    assert verdict.stats["n_hard"].tolist() == [1, 1]
    assert verdict.accepted.tolist() == [True, False]


def test_few_real_rows_teach_enough(rng):
    x = rng.permutation(np.r_[np.linspace(-2, -1, 10), np.linspace(1, 2, 10)])
    trim = DataMapsFilter(random_state=0).fit(x[:, None], (x > 0).astype(int))

    keep = trim.inspect([[1.5], [-1.5], [1.5]], [1, 1, 0]).keep

    assert keep.tolist() == [True, False, False]


def test_without_a_mask_no_row_is_judged_by_a_model_that_saw_it(separable):
    X, y = separable
    noisy, is_wrong = flip_labels(y, 0.15, random_state=0)

    _, left = DataMapsFilter(random_state=0).fit_resample(X, noisy)
    seen = DataMapsFilter(random_state=0).fit(X, noisy).inspect(X, noisy)

    n_trimmed = len(y) - len(left)
    assert is_wrong.sum() / 2 <= n_trimmed <= 2 * is_wrong.sum()
    assert n_trimmed > (~seen.keep).sum()


def test_a_mask_spares_real_rows(separable):
    X, y = separable
    new = pd.DataFrame({"x": [2.0, -2.0]})
    mask = np.r_[np.zeros(60, bool), np.ones(2, bool)]

    X_kept, y_kept = DataMapsFilter(random_state=0).fit_resample(
        pd.concat([X, new], ignore_index=True),
        pd.concat([y, pd.Series(["down", "down"])], ignore_index=True),
        synthetic_mask=mask,
    )

    assert X_kept["x"].tolist() == [*X["x"], -2.0]
    assert y_kept.tolist() == [*y, "down"]


def test_the_control_reports_it_where_the_cost_filter_stands(separable):
    X, y = separable
    batches = [(X[:5], y[:5]), (X[:5], y[:5].map({"up": "down", "down": "up"}))]
    control = QualityControl(**{**OFF, "cost": DataMapsFilter()}, random_state=0)

    report = control.fit(X, y).trim(batches).report

    assert report.batches["trimmed_cost"].tolist() == [0, 5]
    assert report.batches["verdict"].tolist() == ["accepted", "trimmed by cost"]
    assert report.left_out["fate"].tolist() == ["cost"] * 5
    assert report.left_out["reason"].str.contains("is hard for a model").all()
    assert len(report.notes) == 1
    control.set_params(cost__min_confidence=0)
    assert control.fit(X, y).trim(batches).report.batches["trimmed_cost"].sum() < 5


def make_sampler(**params):
    parts = {**ONLY_COST, "cost": DataMapsFilter(), "random_state": 0}
    return TeamThenTrimSampler(**parts | params)


def test_the_sampler_takes_it_as_its_cost_filter(three_classes):
    X, y = three_classes
    sampler = make_sampler(sampling_strategy={5: 50})

    first = sampler.fit_resample(X, y)
    again = pickle.loads(pickle.dumps(clone(sampler))).fit_resample(X, y)

    pd.testing.assert_frame_equal(first[0], again[0])
    assert isinstance(sampler.cost_, DataMapsFilter)
    assert (
        sampler.report_.batches["cost"].sum()
        == (sampler.report_.left_out["fate"] == "cost").sum()
    )
    costs = sampler.provenance_["cost"][sampler.provenance_["origin"] == "generated"]
    assert costs.between(0, 1).all()
    assert any(note.startswith("Data maps") for note in sampler.report_.notes)
    assert sampler.estimate(X, y).calls == (0, 0)


def test_a_grid_search_sets_its_thresholds(separable):
    X, y = separable
    y = (y == "up").astype(int)
    pipeline = make_pipeline(
        make_sampler(generator=RepeatRows(), sampling_strategy="all"),
        RandomForestClassifier(5, random_state=0),
    )
    name = "teamthentrimsampler__cost__min_confidence"

    search = GridSearchCV(pipeline, {name: [0.0, 0.3]}, cv=2).fit(X, y)

    assert search.cv_results_[f"param_{name}"].tolist() == [0.0, 0.3]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("estimator", RandomForestClassifier()),
        ("min_confidence", 1.1),
        ("min_aleatoric", 0.3),
        ("min_aleatoric", "adaptive"),
        ("class_weight", "even"),
    ],
)
def test_wrong_parameters_are_refused_before_a_generator_is_asked(
    name, value, separable
):
    fit = partial(make_sampler(cost=DataMapsFilter(**{name: value})).fit_resample)

    with pytest.raises(ValueError, match=f"'{name}' parameter of DataMapsFilter"):
        fit(*separable)
