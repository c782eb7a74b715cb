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
            "interval -0.001 to +0.001) against nothing. A true difference of about "
            "0.002 would",
            id="none",
        ),
        pytest.param(
            {"class weights": 0.03, "mine": -0.02},
            "hurts",
            "mine hurts with 500 rows: ROC AUC -0.020 (95% interval -0.021 to -0.019) "
            "against nothing. Leave it out. What helps is class weights: ROC AUC "
            "+0.030",
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
    assert (
        "helps with 500 rows: log loss better by 0.050 (95% interval -0.051"
        in found.verdict
    )


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


def test_samplers_have_paragraphs_in_the_order_of_the_table(make_comparison):
    found = make_comparison({"b": 0.0, "a": 0.05})

    one, other = found.verdict.split("\n\n")
    assert one.startswith("b makes no difference")
    assert other.startswith("a helps")
    assert found._repr_html_().count("<p>") == 2


def shift(found, arm, gain, score="balanced_accuracy"):
    """Raise one score of an arm, and return the verdict anew."""
    chosen = (found.scores["score"] == score) & (found.scores["arm"] == arm)
    found.scores.loc[chosen, "value"] += gain
    return write_verdict(found.outcomes, found.scores, "roc_auc", 500, 0.25)


@pytest.mark.parametrize("beyond", [-0.05, 0.0, 0.05])
def test_a_threshold_is_named_where_only_labels_gain(make_comparison, beyond):
    """A higher balanced accuracy at one half is no proof of help."""
    found = make_comparison({"tuned threshold": 0.0, "mine": 0.0})
    shift(found, "tuned threshold", 0.1)

    verdict = shift(found, "mine", 0.1 + beyond)

    assert verdict.startswith("mine makes no difference")
    assert f"a tuned threshold: {beyond:+.3f} (95%" in verdict
    assert ("beside the threshold, within chance." in verdict) == (beyond == 0)
    assert ("can use TunedThresholdClassifierCV" in verdict) == (beyond <= 0)


def test_a_gain_that_many_arms_explain_is_told_with_its_interval(make_comparison):
    gains = {"class weights": 0.0112, "RandomOverSampler": 0.0, "mine": 0.0}

    found = make_comparison(gains | {"tuned threshold": 0.0}, wobble=0.007)

    line = found.differences.query("arm == 'class weights' and score == 'roc_auc'")
    assert line["p"].item() < 0.05 < 3 * line["p"].item()
    assert "free is class weights: ROC AUC +0.011 (95% interval +0.001" in found.verdict
    assert "over nothing, within chance among the 3 looked at." in found.verdict
    assert "of\nthis arm alone" in str(found)


def test_who_leaves_it_out_is_not_told_to_mend_it(make_comparison):
    arms = {"class weights": -0.1, "tuned threshold": 0.0, "mine": -0.3}

    verdict = make_comparison(arms, scoring="brier_score").verdict

    assert verdict == (
        "mine hurts with 500 rows: Brier score worse by 0.300 (95% interval +0.299 to "
        "+0.301; lower is better) against nothing. Leave it out."
    )


def test_small_differences_are_not_called_equal(make_comparison):
    found = make_comparison({"mine": 2e-5}, wobble=2e-5)

    assert "A true difference of about 0.00004 would" in found.verdict
    assert "Every fold had the same" not in found.verdict


def test_worse_probabilities_are_told(make_comparison):
    worse, better = (make_comparison({"mine": 0.0}) for _ in range(2))
    worse_verdict = shift(worse, "mine", 0.03, "log_loss")
    better_verdict = shift(better, "mine", -0.03, "log_loss")

    means = worse.scores.groupby(["score", "arm"])["value"].mean().loc["log_loss"]
    step = f"log loss from {means['nothing']:.3f} to {means['mine']:.3f}"
    assert step in worse_verdict
    assert "by CalibratedClassifierCV." in worse_verdict
    assert "CalibratedClassifierCV" not in better_verdict


@pytest.mark.parametrize(
    ("wobble", "said"),
    [
        pytest.param(0.01, "0.01 takes about 2,000 rows.", id="some"),
        pytest.param(0.05, "0.01 takes more than ten times the rows.", id="many"),
    ],
)
def test_rows_that_a_small_difference_would_take(make_comparison, wobble, said):
    found = make_comparison({"mine": 0.0}, wobble=wobble)

    needed = 500 * (found.outcomes["smallest"].iloc[0] / 0.01) ** 2
    assert found.verdict.endswith(said)
    assert (1500 < needed < 2500) == (wobble == 0.01)
    assert (needed > 5000) == (wobble == 0.05)


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]
