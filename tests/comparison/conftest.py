"""Comparisons made of scores that are written by hand."""

import numpy as np
import pandas as pd
import pytest

from t2sampler.comparison import Comparison
from t2sampler.comparison._outcomes import decide, find_differences
from t2sampler.comparison._verdict import write_verdict

SHARE = 0.25  # five folds
LEVELS = {
    "roc_auc": 0.8,
    "average_precision": 0.5,
    "balanced_accuracy": 0.7,
    "brier_score": 0.2,
    "log_loss": 0.5,
}


@pytest.fixture
def make_comparison():
    """Return a comparison whose arms are better than nothing by given gains.

    ``gains`` is by arm, one number for all learners or one each; in every fold all arms
    move alike, and the differences wobble by ``wobble``.
    """

    def make(gains, *, learners=("a",), scoring="roc_auc", wobble=0.001, n_rows=500):
        arms = {"nothing": 0.0} | gains
        rng = np.random.default_rng(0)
        rows = []
        for fold in rng.permutation(10):
            level = 0.05 * rng.normal()
            for place, learner in enumerate(learners):
                for arm, gain in arms.items():
                    gain = gain if np.isscalar(gain) else gain[place]
                    for score, start in LEVELS.items():
                        sign = -1 if score in ("brier_score", "log_loss") else 1
                        value = start + level + sign * gain
                        value += wobble * (-1) ** fold * (arm != "nothing")
                        rows.append((fold // 5, fold % 5, learner, arm, score, value))
        columns = ["repeat", "fold", "learner", "arm", "score", "value"]
        scores = pd.DataFrame(rows, columns=columns)
        free = ("class weights", "tuned threshold", "RandomOverSampler")
        samplers = [arm for arm in gains if arm not in free]
        outcomes = decide(scores, scoring, samplers, SHARE)
        return Comparison(
            scores=scores,
            differences=find_differences(scores, SHARE),
            outcomes=outcomes,
            verdict=write_verdict(outcomes, scores, scoring, n_rows, SHARE),
            scoring=scoring,
            n_rows=n_rows,
        )

    return make
