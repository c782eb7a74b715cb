"""Diabetes: a simulation with eight normal features and a known risk score."""

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.utils import check_random_state

from t2sampler.datasets._checks import check_n_rows, check_shares

FEATURES = pd.DataFrame(
    [
        ("HbA1c", 5.7, 0.5, 0.3),
        ("FastingGlucose", 100, 15, 0.0075),
        ("Age", 50, 12, -0.01),
        ("BMI", 25, 4, 0.05),
        ("BloodPressure", 120, 15, 0.04),
        ("Cholesterol", 200, 40, -0.03),
        ("Insulin", 85, 45, -0.02),
        ("PhysicalActivity", 3, 1, -0.1),
    ],
    columns=["name", "mean", "sd", "weight"],
).set_index("name")
NOISE_SD = 0.2
GROUPS = ["LR", "MR", "HR"]
CUTS = (0.7, 0.9)  # quantiles of the score between the risk groups
SHARES = {  # of LR, MR and HR among the real rows
    "imbalance": (0.7, 0.2, 0.1),
    "incompleteness": (0.8, 0.2, 0.0),
}
TEST_SHARES = SHARES["imbalance"]  # the population's, by the cuts


def make_diabetes(n_rows=100, *, labels="risk", random_state=None):
    r"""Draw patients whose diabetes risk is known.

    Eight independent normal features have the score
    :math:`z = X \beta + \varepsilon` with :math:`\varepsilon \sim N(0, 0.2^2)`, and
    the label is a function of :math:`z` [1]_.

    Parameters
    ----------
    n_rows : int >= 0, default=100
    labels : {"risk", "binary"}, default="risk"
        "risk": LR, MR and HR (low, moderate and high risk), cut at the quantiles 0.7
        and 0.9 of the score in the population. The cuts of the paper [2]_ are
        unpublished; these give its shares 7:2:1. "binary": 1 where z > 0, which is
        about every second row.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : DataFrame of shape (n_rows, 8)
    y : Series of shape (n_rows,)
        "risk": an ordered category with the levels LR < MR < HR; "binary": integers.

    References
    ----------
    .. [1] Rauba, Seedat, Kacprzyk and van der Schaar, "Self-Healing Machine Learning:
       A Framework for Autonomous Adaptation in Real-World Environments", 2024.
    .. [2] Zhang et al., "Team, Then Trim: An Assembly-Line LLM Framework for
       High-Quality Tabular Data Generation", Section 3.2.

    Examples
    --------
    >>> from t2sampler.datasets import make_diabetes
    >>> X, y = make_diabetes(10_000, random_state=0)
    >>> X.shape
    (10000, 8)
    >>> y.value_counts(normalize=True).round(1).to_dict()
    {'LR': 0.7, 'MR': 0.2, 'HR': 0.1}
    """
    if labels not in ("risk", "binary"):
        raise ValueError(
            f"`labels` expected 'risk' or 'binary', got {labels!r}. Give one of them."
        )
    check_n_rows("n_rows", n_rows)
    rng = check_random_state(random_state)
    X, score = _draw(n_rows, rng)
    y = _to_groups(score) if labels == "risk" else (score > 0).astype(np.int64)
    return X, pd.Series(y, name="diabetes")


def make_diabetes_split(
    kind="imbalance",
    *,
    n_real=10,
    n_test=500,
    test_shares=TEST_SHARES,
    random_state=None,
):
    """Draw real rows that lack something, and test rows that lack nothing.

    Parameters
    ----------
    kind : {"imbalance", "incompleteness"}, default="imbalance"
        Real rows have the risk groups LR:MR:HR at 7:2:1 ("imbalance") or at 8:2:0
        ("incompleteness": no row of high risk). Test rows have them at 7:2:1.
    n_real : int >= 0, default=10
        Real rows; 10 in the paper.
    n_test : int >= 0, default=500
        Test rows; 500 in the paper.
    test_shares : tuple of 3 floats, default=(0.7, 0.2, 0.1)
        Shares of LR, MR and HR among the test rows, as in the paper.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X_real, X_test : DataFrames of shape (n_real, 8) and (n_test, 8)
    y_real, y_test : Series of ordered categories
        Both know the three levels, also where a level has no row.

    See Also
    --------
    make_diabetes : The simulation, with the shares left to chance.

    Notes
    -----
    The shares hold exactly, up to rounding. Whether the paper drew its test rows so or
    at random is unpublished; the AUC has the same mean either way.

    Examples
    --------
    >>> from t2sampler.datasets import make_diabetes_split
    >>> X, X_test, y, y_test = make_diabetes_split("incompleteness", random_state=0)
    >>> y.value_counts().to_dict()
    {'LR': 8, 'MR': 2, 'HR': 0}
    >>> y_test.value_counts().to_dict()
    {'LR': 350, 'MR': 100, 'HR': 50}
    """
    if kind not in SHARES:
        raise ValueError(
            f"`kind` expected one of {list(SHARES)}, got {kind!r}. Give one of them."
        )
    check_n_rows("n_real", n_real)
    check_n_rows("n_test", n_test)
    check_shares(test_shares, len(GROUPS))
    rng = check_random_state(random_state)
    X, y = _draw_groups(n_real, SHARES[kind], rng)
    X_test, y_test = _draw_groups(n_test, test_shares, rng)
    return X, X_test, y, y_test


def _draw(n_rows, rng):
    values = rng.normal(FEATURES["mean"], FEATURES["sd"], (n_rows, len(FEATURES)))
    score = values @ FEATURES["weight"].to_numpy() + rng.normal(0, NOISE_SD, n_rows)
    return pd.DataFrame(values, columns=FEATURES.index.tolist()), score


def _to_groups(score):
    mean = FEATURES["mean"] @ FEATURES["weight"]
    variance = ((FEATURES["sd"] * FEATURES["weight"]) ** 2).sum() + NOISE_SD**2
    codes = np.searchsorted(norm.ppf(CUTS, mean, np.sqrt(variance)), score)
    return pd.Categorical.from_codes(codes, categories=GROUPS, ordered=True)


def _draw_groups(n_rows, shares, rng):
    """Draw until every group has its share of rows; return them in random order."""
    bounds = np.round(np.cumsum([0, *shares]) * n_rows).astype(int)
    wanted = dict(zip(GROUPS, np.diff(bounds), strict=True))
    most = max(n / share for n, share in zip(wanted.values(), TEST_SHARES, strict=True))
    X, score = _draw(int(max(3 * n_rows, 2 * most)) + 200, rng)  # with much to spare
    groups = pd.Series(_to_groups(score), name="diabetes")
    kept = [
        np.flatnonzero(groups == group)[:n_group] for group, n_group in wanted.items()
    ]
    rows = rng.permutation(np.concatenate(kept))
    return (
        X.iloc[rows].reset_index(drop=True),
        groups.iloc[rows].reset_index(drop=True),
    )
