"""The verdict follows from the differences, whichever arms and learners there are."""

import numpy as np
import pytest
from scipy import stats

from t2sampler.comparison._outcomes import holm
from t2sampler.comparison._verdict import write_verdict


@pytest.mark.parametrize(
    ("gains", "outcome", "start"),
    [
        pytest.param(
            {"class weights": 0.01, "mine": 0.05},
            "helps",
            "mine helps with 500 rows: ROC AUC +0.050 (95% interval +0.049 to +0.051) "
            "over nothing, and ROC AUC +0.040 (95% interval +0.040 to +0.040) beside "
            "class weights, the best of what is free.",
            id="helps",
        ),
        pytest.param(
            {"RandomOverSampler": 0.05, "class weights": 0.01, "mine": 0.05},
            "no more than free",
            "mine does no more than what is free, with 500 rows: ROC AUC +0.050",
            id="free",
        ),
        pytest.param(
            {"class weights": 0.0, "mine": 0.0},
            "no difference",
            "mine makes no difference you could see with 500 rows: ROC AUC +0.000 (95% "
            "interval -0.001 to +0.001) against nothing. A true difference of 0.002",
            id="none",
        ),
        pytest.param(
            {"class weights": 0.03, "mine": -0.02},
            "hurts",
            "mine hurts with 500 rows: ROC AUC -0.020 (95% interval -0.021 to -0.019) "
            "against nothing. What helps is class weights: ROC AUC +0.030",
            id="hurts",
        ),
    ],
)
def test_outcomes(make_comparison, gains, outcome, start):
    found = make_comparison(gains)

    assert found.outcomes["outcome"].tolist() == [outcome]
    assert found.verdict.startswith(start)


def test_scores_that_are_better_when_lower(make_comparison):
    found = make_comparison({"mine": 0.05}, scoring="log_loss")

    assert found.outcomes["mean"].tolist() == pytest.approx([0.05])
    lines = found.differences.query("score == 'log_loss'")
    assert lines["mean"].tolist() == pytest.approx([-0.05])
    assert "helps with 500 rows: log loss -0.050 (95% interval -0.051" in found.verdict


def test_intervals_are_those_of_nadeau_and_bengio(make_comparison):
    found = make_comparison({"mine": 0.002}, wobble=0.01)

    line = found.differences.query("score == 'roc_auc'").iloc[0]
    values = 0.002 + 0.01 * (-1.0) ** np.arange(10)
    error = np.sqrt((1 / 10 + 1 / 4) * values.var(ddof=1))
    t = stats.t(9)
    assert line["high"] - line["mean"] == pytest.approx(t.ppf(0.975) * error)
    assert line["p"] == pytest.approx(2 * t.sf(values.mean() / error))
    smallest = found.outcomes["smallest"].iloc[0]
    assert smallest == pytest.approx(error * (t.ppf(0.975) + t.ppf(0.8)))


def test_learners_are_averaged_and_judged_alone(make_comparison):
    gains = {"class weights": 0.0, "mine": [0.0, 0.05, -0.05]}

    found = make_comparison(gains, learners=("c", "a", "b"))

    assert dict(
        zip(found.outcomes["learner"], found.outcomes["outcome"], strict=True)
    ) == {
        "all learners": "no difference",
        "c": "no difference",
        "a": "helps",
        "b": "hurts",
    }
    assert "with 500 rows, on average over 3 learners" in found.verdict
    assert "a: mine helps, ROC AUC +0.050" in str(found)


def test_p_values_allow_for_the_number_of_samplers(make_comparison):
    gains = {"first": 0.004, "second": 0.0, "third": 0.0}

    alone = make_comparison({"first": 0.004}, wobble=0.005).outcomes
    together = make_comparison(gains, wobble=0.005).outcomes

    assert together["p"].iloc[0] == pytest.approx(3 * alone["p"].iloc[0])


def test_best_sampler_is_named_first(make_comparison):
    one = make_comparison({"b": 0.0, "a": 0.05})
    other = make_comparison({"a": 0.05, "b": 0.0})

    assert one.verdict.startswith("a helps")
    assert "b makes no difference" in one.verdict
    assert other.verdict == one.verdict


def test_a_threshold_is_named_where_only_labels_gain(make_comparison):
    """A higher balanced accuracy at one half is no proof of help."""
    found = make_comparison({"tuned threshold": 0.0, "mine": 0.0})
    is_labels = found.scores["score"] == "balanced_accuracy"
    is_better = is_labels & (found.scores["arm"] != "nothing")
    found.scores.loc[is_better, "value"] += 0.1

    verdict = write_verdict(found.outcomes, found.scores, "roc_auc", 500, 0.25)

    assert verdict.startswith("mine makes no difference")
    assert "as much from TunedThresholdClassifierCV, without new rows." in verdict


def test_worse_probabilities_are_told(make_comparison):
    worse = make_comparison({"mine": -0.03})
    better = make_comparison({"mine": 0.03})

    means = worse.scores.groupby(["score", "arm"])["value"].mean().loc["log_loss"]
    step = f"log loss from {means['nothing']:.3f} to {means['mine']:.3f}"
    assert step in worse.verdict
    assert "by CalibratedClassifierCV." in worse.verdict
    assert "CalibratedClassifierCV" not in better.verdict


def test_rows_that_a_small_difference_would_take(make_comparison):
    found = make_comparison({"mine": 0.0}, wobble=0.05)

    smallest = found.outcomes["smallest"].iloc[0]
    needed = 500 * (smallest / 0.01) ** 2
    said = int(found.verdict.split("roughly ")[1].split(" rows")[0].replace(",", ""))
    assert said == pytest.approx(needed, rel=0.05)


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]
