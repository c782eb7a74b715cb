"""The verdict in words: does it help, and what to do instead."""

import numpy as np

from t2sampler.comparison._arms import NOTHING, REPEAT, THRESHOLD, WEIGHTS
from t2sampler.comparison._outcomes import (
    AS_FREE,
    HELPS,
    HURTS,
    IDLE,
    LEVEL,
    NONE,
    arms_of,
    holm,
)
from t2sampler.comparison._scores import LOWER_IS_BETTER, TITLES
from t2sampler.metrics._paired_folds import summarise_folds

WORTH = 0.01  # a difference that may be worth more rows


def write_verdict(
    outcomes, scores, scoring, n_rows, test_per_train, *, is_balanced=False
):
    """Return the verdict on every sampler in words, and what to do instead.

    Parameters
    ----------
    outcomes, scores : DataFrame
        As in `Comparison`.
    scoring : str
    n_rows : int
    test_per_train : float
    is_balanced : bool, default=False
        Whether all classes have as many rows.

    Returns
    -------
    verdict : str
        A paragraph per sampler, in the order of ``outcomes``.
    """
    first = outcomes[outcomes["learner"] == outcomes["learner"].iloc[0]]
    n_learners = scores["learner"].nunique()
    over = f", on average over {n_learners} learners" if n_learners > 1 else ""
    paragraphs = []
    for row in first.itertuples():
        if row.outcome == IDLE:
            paragraphs.append(_say_idle(row, is_balanced))
            continue
        sentences = [_say_outcome(row, scoring, f"{n_rows:,} rows", over)]
        sentences += _say_free(row, scores, scoring, test_per_train)
        if row.outcome != HURTS:  # who leaves it out need not mend what it does
            sentences += _say_threshold(row, scores, test_per_train)
            sentences += _say_probabilities(row, scores, test_per_train)
        sentences += _say_more_rows(row, n_rows)
        paragraphs.append(" ".join(sentences))
    return "\n\n".join(paragraphs)


def describe_outcome(row, scoring):
    """Return one sampler's outcome with one learner, as a line."""
    found = {
        HELPS: "helps",
        AS_FREE: f"does no more than {row.free}, which is free",
        NONE: "makes no difference that can be seen",
        HURTS: "hurts",
        IDLE: "adds no row",
    }[row.outcome]
    difference = _say_difference(scoring, row.mean, row.low, row.high)
    return f"{row.learner}: {row.sampler} {found}, {difference}{_say_chance(row)}"


def _say_idle(row, is_balanced):
    start = f"{row.sampler} added no row in any fold, so there is nothing to judge"
    if is_balanced:
        return (
            f"{start}: the classes are as large as asked. For more rows set "
            "`sampling_strategy`; for TeamThenTrimSampler, `t2sampler.grow(2)` asks "
            "for twice as many of each class."
        )
    return f"{start}. Look at the rows that its `fit_resample` returns."


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
        return (
            f"{row.sampler} hurts with {rows}{over}: {found} against nothing. Leave it "
            "out."
        )
    seen = (
        f"A true difference of about {_round(row.smallest)} would be seen four times "
        "in five."
    )
    if row.low == row.high == 0:
        seen = "Every fold had the same score with it and without."
    return (
        f"{row.sampler} makes no difference you could see with {rows}{over}: {found} "
        f"against nothing{_say_chance(row)}. {seen}"
    )


def _say_chance(row):
    """Explain an interval without zero that shows nothing, since many are looked at."""
    if row.outcome == NONE and (row.low > 0 or row.high < 0):
        return ", which may be chance among so many comparisons"
    return ""


def _say_free(row, scores, scoring, test_per_train):
    """Name the best of what is free where the sampler is not better than nothing."""
    if row.outcome in (HELPS, AS_FREE):
        return
    arms = arms_of(scores, scoring, row.learner)
    free = [
        arm
        for arm in (WEIGHTS, THRESHOLD, REPEAT)
        if arm in arms and arm != row.sampler
    ]
    found = [_compare(arms, arm, NOTHING, test_per_train) for arm in free]
    adjusted = holm([mean.p for mean in found])
    gains = [
        (p > LEVEL, -mean.mean, arm, mean)
        for arm, mean, p in zip(free, found, adjusted, strict=True)
        if mean.mean > 0
    ]
    if not gains:
        return
    is_chance, _, arm, mean = min(gains, key=lambda gain: gain[:3])
    found = _say_difference(scoring, *mean[:3])
    if not is_chance:
        yield f"What helps is {arm}: {found} over nothing."
    elif row.outcome != HURTS:
        among = f" among the {len(free)} looked at" if mean.p <= LEVEL else ""
        yield (
            f"Best of what is free is {arm}: {found} over nothing, within "
            f"chance{among}."
        )


def _say_threshold(row, scores, test_per_train):
    """Set the balanced accuracy of the sampler beside that of a tuned threshold."""
    arms = arms_of(scores, "balanced_accuracy", row.learner)
    if THRESHOLD not in arms:
        return
    gain = _compare(arms, row.sampler, NOTHING, test_per_train)
    beyond = _compare(arms, row.sampler, THRESHOLD, test_per_train)
    means = arms.mean()
    chance = ", within chance" if beyond.p > LEVEL else ""
    yield (
        f"Balanced accuracy is {means[NOTHING]:.3f} with nothing, "
        f"{means[row.sampler]:.3f} with {row.sampler} and {means[THRESHOLD]:.3f} with "
        f"a tuned threshold: {beyond.mean:+.3f} (95% interval {beyond.low:+.3f} to "
        f"{beyond.high:+.3f}) beside the threshold{chance}."
    )
    if gain.p <= LEVEL and gain.mean > 0 and beyond.mean <= 0:
        yield (
            "Whoever needs class labels can use TunedThresholdClassifierCV, without "
            "new rows."
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
        factor = (row.smallest / WORTH) ** 2
        rows = "more than ten times the rows"
        if factor <= 10:
            rows = f"about {int(float(_round(factor * n_rows))):,} rows"
        yield f"To see a difference of {WORTH} takes {rows}."


def _compare(arms, arm, other, test_per_train):
    return summarise_folds((arms[arm] - arms[other]).to_numpy(), test_per_train)


def _round(value):
    """Return a number with the one digit that an estimate from few folds has."""
    return np.format_float_positional(float(f"{value:.1g}"), trim="-")


def _say_difference(scoring, mean, low, high):
    """Return a difference, given as positive where better, in the score's direction."""
    if scoring not in LOWER_IS_BETTER:
        mean, low, high = (round(value, 3) + 0.0 for value in (mean, low, high))
        said, ending = f"{mean:+.3f}", ")"
    else:
        said = f"{'better' if mean >= 0 else 'worse'} by {abs(mean):.3f}"
        low, high = (round(-value, 3) + 0.0 for value in (high, low))
        ending = "; lower is better)"
    return f"{TITLES[scoring]} {said} (95% interval {low:+.3f} to {high:+.3f}{ending}"
