"""What the differences between arms show, of each sampler and with each learner."""

import numpy as np
import pandas as pd
from scipy import stats

from t2sampler.comparison._arms import FREE, NOTHING
from t2sampler.comparison._scores import LOWER_IS_BETTER
from t2sampler.metrics._paired_folds import summarise_folds

LEVEL = 0.05  # of errors, over all samplers of a verdict together
POWER = 0.8  # with which the smallest difference would have been seen
ALL = "all learners"
HELPS, AS_FREE, NONE, HURTS = "helps", "no more than free", "no difference", "hurts"
IDLE = "no row added"


def decide(scores, scoring, samplers, test_per_train):
    """Return what the primary score shows of each sampler, with each learner.

    Parameters
    ----------
    scores : DataFrame
        As in `Comparison`.
    scoring : str
        The primary score.
    samplers : list of str
        Arms that the verdict is about.
    test_per_train : float

    Returns
    -------
    outcomes : DataFrame
        As in `Comparison`; with two learners or more, the rows of their mean come
        first, which the verdict is about.
    """
    learners = list(scores["learner"].unique())
    groups = {name: arms_of(scores, scoring, name) for name in learners}
    parts = (
        [groups]
        if len(learners) < 2
        else [{ALL: arms_of(scores, scoring, ALL)}, groups]
    )
    outcomes = []
    for part in parts:
        rows = [
            _compare_arms(learner, arms, sampler, test_per_train)
            for learner, arms in part.items()
            for sampler in samplers
            if sampler in arms
        ]
        outcomes += _judge(rows)
    return pd.DataFrame(outcomes)


def arms_of(scores, score, learner):
    """Return one score of one learner, or of their mean: higher is better.

    Returns
    -------
    arms : DataFrame
        A row per fold, a column per arm; for the mean, those that all learners have.
    """
    rows = scores[scores["score"] == score]
    if learner != ALL:
        rows = rows[rows["learner"] == learner]
    cells = rows.pivot_table(
        "value", ["repeat", "fold"], ["learner", "arm"], sort=False
    )
    tables = [cells[name].dropna(axis=1) for name in cells.columns.unique("learner")]
    arms = [arm for arm in tables[0] if all(arm in table for table in tables)]
    mean = sum(table[arms] for table in tables) / len(tables)
    return -mean if score in LOWER_IS_BETTER else mean


def find_differences(scores, test_per_train):
    """Return the difference of each arm from nothing, per learner and score."""
    rows = []
    pairs = scores[["learner", "score"]].drop_duplicates()
    for learner, score in pairs.itertuples(index=False):
        arms = arms_of(scores, score, learner)
        sign = -1 if score in LOWER_IS_BETTER else 1
        for arm in arms.columns.drop(NOTHING):
            values = sign * (arms[arm] - arms[NOTHING]).to_numpy()
            found = summarise_folds(values, test_per_train)
            rows.append((learner, arm, score, *found[:3], found.p))
    columns = ["learner", "arm", "score", "mean", "low", "high", "p"]
    return pd.DataFrame(rows, columns=columns)


def holm(p_values):
    """Return p-values adjusted by Holm's step-down method.

    Examples
    --------
    >>> holm([0.04, 0.01, 0.03]).round(2).tolist()
    [0.06, 0.03, 0.06]
    """
    p_values = np.asarray(p_values, dtype=float)
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.maximum.accumulate(p_values[order] * factors).clip(max=1)
    return adjusted


def _compare_arms(learner, arms, sampler, test_per_train):
    """Return the differences of one sampler, from nothing and from the best of FREE."""
    versus = {
        arm: summarise_folds((arms[sampler] - arms[arm]).to_numpy(), test_per_train)
        for arm in FREE
        if arm in arms and arm != sampler
    }
    best = min(versus, key=lambda arm: (versus[arm].mean, FREE.index(arm)))
    nothing = versus[NOTHING]
    t = stats.t(len(arms) - 1)
    return {
        "learner": learner,
        "sampler": sampler,
        "mean": nothing.mean,
        "low": nothing.low,
        "high": nothing.high,
        "p": nothing.p,
        "smallest": nothing.error * (t.ppf(1 - LEVEL / 2) + t.ppf(POWER)),
        "free": best,
        "free_mean": versus[best].mean,
        "free_low": versus[best].low,
        "free_high": versus[best].high,
        # Better than free is what beats all of them, so the largest p counts.
        "free_p": max(1.0 if v.mean <= 0 else v.p for v in versus.values()),
    }


def _judge(rows):
    """Return rows with adjusted p-values and their outcome."""
    for name in ("p", "free_p"):
        for row, p in zip(rows, holm([row[name] for row in rows]), strict=True):
            row[name] = float(p)
    for row in rows:
        if row["free_p"] <= LEVEL:
            outcome = HELPS
        elif row["p"] > LEVEL:
            outcome = NONE
        else:
            outcome = AS_FREE if row["mean"] > 0 else HURTS
        row["outcome"] = outcome
    return rows
