"""Simulated tables with a known label rule: diabetes risk and travel behaviour."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.stats import norm

from t2sampler._params import Interval, StrOptions, check_random_state, validate_params

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
SCORE_NOISE_SD = 0.2
RISK_GROUPS = ["LR", "MR", "HR"]
RISK_CUTS = (0.7, 0.9)  # quantiles of the score between the risk groups
REAL_SHARES = {  # of LR, MR and HR among the real rows
    "imbalance": (0.7, 0.2, 0.1),
    "incompleteness": (0.8, 0.2, 0.0),
}
POPULATION_SHARES = REAL_SHARES["imbalance"]  # follows from RISK_CUTS
POINTS_NOISE_SD = 2.0
N_ROWS = [Interval(Integral, 0, None, closed="left")]


@validate_params(
    {"n_rows": N_ROWS, "labels": [StrOptions({"risk", "binary"})]},
    prefer_skip_nested_validation=True,
)
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
        and 0.9 of the score in the population. The paper [2]_ does not publish its
        cuts; these give its shares 7:2:1. "binary": 1 where z > 0, about half of the
        rows.
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
    rng = check_random_state(random_state)
    X, score = _draw_patients(n_rows, rng)
    y = _to_risk_groups(score) if labels == "risk" else (score > 0).astype(np.int64)
    return X, pd.Series(y, name="diabetes")


@validate_params(
    {"kind": [StrOptions(set(REAL_SHARES))], "n_real": N_ROWS, "n_test": N_ROWS},
    prefer_skip_nested_validation=True,
)
def make_diabetes_split(
    kind="imbalance",
    *,
    n_real=10,
    n_test=500,
    test_shares=POPULATION_SHARES,
    random_state=None,
):
    """Draw few real rows with a rare or missing class, and test rows with all classes.

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
        Both have the three levels as categories, also a level without rows.

    See Also
    --------
    make_diabetes : The same simulation with random class shares.

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
    _check_shares(test_shares)
    rng = check_random_state(random_state)
    X, y = _draw_risk_groups(n_real, REAL_SHARES[kind], rng)
    X_test, y_test = _draw_risk_groups(n_test, test_shares, rng)
    return X, X_test, y, y_test


@validate_params({"n_rows": N_ROWS}, prefer_skip_nested_validation=True)
def make_travel_behavior(n_rows=60, *, random_state=None):
    r"""Draw travellers who accept an offer or not, as a stand-in for TravelBehavior.

    An app offers points for leaving earlier or later. A traveller accepts if the points
    exceed a latent decision threshold:

    .. math:: \text{points} + \varepsilon > 30 + 0.8 \, \text{shift}
              - 0.5 \, \text{saved} + 0.5 \, \text{distance},
              \qquad \varepsilon \sim N(0, 2^2)

    **This is a stand-in.** The paper [1]_ publishes three facts about its data: four
    features, a binary label by a latent decision threshold, and a mean AUC of 98.55 of
    four models trained on 60 clean rows. The names, distributions and weights here were
    chosen to reach that AUC (98.5 over 20 seeds). They can rank methods but cannot
    reproduce the published figures.

    Parameters
    ----------
    n_rows : int >= 0, default=60
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : DataFrame of shape (n_rows, 4)
        Minutes by which the departure shifts (0 to 60), minutes of travel saved
        (0 to 30), trip length in km (about 7), points offered (0 to 100).
    y : Series of shape (n_rows,)
        1 where the offer is accepted, about half of the rows.

    References
    ----------
    .. [1] Zhang et al., "Team, Then Trim: An Assembly-Line LLM Framework for
       High-Quality Tabular Data Generation", Section 3.2 and Table 2.

    Examples
    --------
    >>> from t2sampler.datasets import make_travel_behavior
    >>> X, y = make_travel_behavior(500, random_state=0)
    >>> list(X.columns)
    ['ShiftMinutes', 'SavedMinutes', 'TripKm', 'Points']
    >>> bool((X.Points[y == 1].mean() > X.Points[y == 0].mean() + 30))
    True
    """
    rng = check_random_state(random_state)
    X = pd.DataFrame(
        {
            "ShiftMinutes": rng.randint(0, 61, n_rows),
            "SavedMinutes": rng.randint(0, 31, n_rows),
            "TripKm": rng.lognormal(2, 0.5, n_rows).clip(1).round(1),
            "Points": rng.randint(0, 101, n_rows),
        }
    )
    threshold = 30 + 0.8 * X.ShiftMinutes - 0.5 * X.SavedMinutes + 0.5 * X.TripKm
    accepts = X.Points + rng.normal(0, POINTS_NOISE_SD, n_rows) > threshold
    return X, accepts.astype(np.int64).rename("accepts")


def _check_shares(value):
    """Raise unless ``value`` has one share per risk group, and they sum to 1."""
    shares = value if isinstance(value, tuple | list) else ()
    is_share = all(isinstance(share, Real) and share >= 0 for share in shares)
    has_all = len(shares) == len(RISK_GROUPS)
    # 1e-6 admits shares such as 1 / 3 that were typed with a few decimals.
    if not (is_share and has_all and abs(sum(shares) - 1) < 1e-6):
        raise ValueError(
            f"`test_shares` expected {len(RISK_GROUPS)} shares that sum to 1, got "
            f"{value!r}. Give one per risk group."
        )


def _draw_patients(n_rows, rng):
    """Return features and risk scores."""
    values = rng.normal(FEATURES["mean"], FEATURES["sd"], (n_rows, len(FEATURES)))
    noise = rng.normal(0, SCORE_NOISE_SD, n_rows)
    score = values @ FEATURES["weight"].to_numpy() + noise
    return pd.DataFrame(values, columns=FEATURES.index.tolist()), score


def _to_risk_groups(score):
    """Cut scores at the quantiles of their known normal distribution."""
    mean = FEATURES["mean"] @ FEATURES["weight"]
    variance = ((FEATURES["sd"] * FEATURES["weight"]) ** 2).sum() + SCORE_NOISE_SD**2
    # The population's quantiles, not the sample's, so that a row's group does not
    # depend on the rows drawn beside it.
    codes = np.searchsorted(norm.ppf(RISK_CUTS, mean, np.sqrt(variance)), score)
    return pd.Categorical.from_codes(codes, categories=RISK_GROUPS, ordered=True)


def _draw_risk_groups(n_rows, shares, rng):
    """Return rows with the given share of each risk group, in random order."""
    bounds = np.round(np.cumsum([0, *shares]) * n_rows).astype(int)
    counts = dict(zip(RISK_GROUPS, np.diff(bounds), strict=True))
    # Rejection sampling from the population. Twice the expected number of draws and
    # 200 more make it practically certain that the rarest group has enough rows.
    expected = max(
        n / share for n, share in zip(counts.values(), POPULATION_SHARES, strict=True)
    )
    X, score = _draw_patients(int(max(3 * n_rows, 2 * expected)) + 200, rng)
    groups = pd.Series(_to_risk_groups(score), name="diabetes")
    kept = [np.flatnonzero(groups == group)[:n] for group, n in counts.items()]
    rows = rng.permutation(np.concatenate(kept))
    return (
        X.iloc[rows].reset_index(drop=True),
        groups.iloc[rows].reset_index(drop=True),
    )
