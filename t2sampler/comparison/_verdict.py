"""The verdict in words: does it help, and what to do instead."""

import numpy as np

from t2sampler.comparison._arms import NOTHING, REPEAT, THRESHOLD, WEIGHTS
from t2sampler.comparison._outcomes import (
    AS_FREE,
    HELPS,
    HURTS,
    LEVEL,
    NONE,
    arms_of,
    holm,
)
from t2sampler.comparison._scores import LOWER_IS_BETTER, TITLES
from t2sampler.metrics._paired_folds import summarise_folds

WORTH = 0.01  # a difference that may be worth more rows


def write_verdict(outcomes, scores, scoring, n_rows, test_per_train):
    """Return the verdict on every sampler in words, and what to do instead.

    Parameters
    ----------
    outcomes, scores : DataFrame
        As in `Comparison`.
    scoring : str
    n_rows : int
    test_per_train : float
    """
    first = outcomes[outcomes["learner"] == outcomes["learner"].iloc[0]]
    n_learners = scores["learner"].nunique()
    over = f", on average over {n_learners} learners" if n_learners > 1 else ""
    sentences = []
    for row in first.sort_values(
        ["mean", "sampler"], ascending=[False, True]
    ).itertuples():
        sentences.append(_say_outcome(row, scoring, f"{n_rows:,} rows", over))
        sentences += _say_free(row, scores, scoring, test_per_train)
        sentences += _say_threshold(row, scores, test_per_train)
        sentences += _say_probabilities(row, scores, test_per_train)
        sentences += _say_more_rows(row, n_rows)
    return " ".join(dict.fromkeys(sentences))


def describe_outcome(row, scoring):
    """Return one sampler's outcome with one learner, as a line."""
    found = {
        HELPS: "helps",
        AS_FREE: f"does no more than {row.free}, which is free",
        NONE: "makes no difference that can be seen",
        HURTS: "hurts",
    }[row.outcome]
    difference = _say_difference(scoring, row.mean, row.low, row.high)
    return f"{row.learner}: {row.sampler} {found}, {difference}"


def _say_outcome(row, scoring, rows, over):
    found = _say_difference(scoring, row.mean, row.low, row.high)
    beside = _say_difference(scoring, row.free_mean, row.free_low, row.free_high)
    if row.outcome == HELPS:
        more = f", and {beside} beside {row.free}, the best of what is free"
        more = "" if row.free == NOTHING else more
        return f"{row.sampler} helps with {rows}{over}: {found} over nothing{more}."
    if row.outcome == AS_FREE:
        return (
            f"{row.sampler} does no more than what is free, with {rows}{over}: {found} "
            f"over nothing, but {beside} beside {row.free}. Use {row.free}."
        )
    if row.outcome == HURTS:
        return f"{row.sampler} hurts with {rows}{over}: {found} against nothing."
    seen = f"A true difference of {row.smallest:.3f} would be seen four times in five."
    if row.smallest < 5e-4:
        seen = "Every fold had the same score with it and without."
    return (
        f"{row.sampler} makes no difference you could see with {rows}{over}: {found} "
        f"against nothing. {seen}"
    )


def _say_free(row, scores, scoring, test_per_train):
    """Name what is free and better than nothing where the sampler is not."""
    if row.outcome in (HELPS, AS_FREE):
        return
    arms = arms_of(scores, scoring, row.learner)
    free = [arm for arm in (WEIGHTS, THRESHOLD, REPEAT) if arm in arms]
    found = [_compare(arms, arm, NOTHING, test_per_train) for arm in free]
    adjusted = holm([mean.p for mean in found])
    gains = [
        (mean.mean, arm, mean)
        for arm, mean, p in zip(free, found, adjusted, strict=True)
        if p <= LEVEL and mean.mean > 0
    ]
    if gains:
        _, arm, mean = max(gains)
        found = _say_difference(scoring, *mean[:3])
        yield f"What helps is {arm}: {found} over nothing."
    else:
        yield "Nor is anything free shown to be better than the rows as they are."


def _say_threshold(row, scores, test_per_train):
    """Set the balanced accuracy of the sampler beside that of a tuned threshold."""
    arms = arms_of(scores, "balanced_accuracy", row.learner)
    if THRESHOLD not in arms:
        return
    gain = _compare(arms, row.sampler, NOTHING, test_per_train)
    beyond = _compare(arms, row.sampler, THRESHOLD, test_per_train)
    means = arms.mean()
    said = (
        f"Balanced accuracy is {means[NOTHING]:.3f} with nothing, "
        f"{means[row.sampler]:.3f} with {row.sampler} and {means[THRESHOLD]:.3f} with "
        "a tuned threshold"
    )
    if gain.p > LEVEL or gain.mean < 0 or (beyond.p <= LEVEL and beyond.mean > 0):
        yield f"{said}."
    else:
        yield (
            f"{said}: whoever needs class labels has as much from "
            "TunedThresholdClassifierCV, without new rows."
        )


def _say_probabilities(row, scores, test_per_train):
    """Warn where the probabilities of the model have become worse."""
    worse = {}
    for score in LOWER_IS_BETTER:
        arms = arms_of(scores, score, row.learner)
        change = _compare(arms, row.sampler, NOTHING, test_per_train)
        if change.p <= LEVEL and change.mean < 0:
            worse[score] = -arms[[NOTHING, row.sampler]].mean()
    if worse:
        steps = " and ".join(
            f"{TITLES[score]} from {means.iloc[0]:.3f} to {means.iloc[1]:.3f}"
            for score, means in worse.items()
        )
        yield (
            f"{row.sampler} makes probabilities worse ({steps}; lower is better): "
            "calibrate the model if you use them, by CalibratedClassifierCV."
        )


def _say_more_rows(row, n_rows):
    """Estimate how many rows would show a small difference."""
    if row.outcome == NONE and row.smallest > 1.5 * WORTH:
        # The standard error goes with one over the root of the number of rows.
        needed = n_rows * (row.smallest / WORTH) ** 2
        digits = 10 ** int(np.log10(needed) - 1)
        yield (
            f"To see a difference of {WORTH} takes roughly "
            f"{round(needed / digits) * digits:,} rows."
        )


def _compare(arms, arm, other, test_per_train):
    return summarise_folds((arms[arm] - arms[other]).to_numpy(), test_per_train)


def _say_difference(scoring, mean, low, high):
    """Return a difference in the direction of the score itself."""
    if scoring in LOWER_IS_BETTER:
        mean, low, high = -mean, -high, -low
    mean, low, high = (round(value, 3) + 0.0 for value in (mean, low, high))
    return f"{TITLES[scoring]} {mean:+.3f} (95% interval {low:+.3f} to {high:+.3f})"
