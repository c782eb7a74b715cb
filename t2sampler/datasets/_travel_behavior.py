"""Travel behavior: a stand-in for a simulation whose distributions are unpublished."""

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from t2sampler.datasets._checks import check_n_rows

NOISE_SD = 2.0  # points


def make_travel_behavior(n_rows=60, *, random_state=None):
    r"""Draw travellers who accept an offer, or not: a stand-in for TravelBehavior.

    An app offers points for leaving earlier or later. Whoever is offered more than
    their latent decision threshold accepts:

    .. math:: \text{points} + \varepsilon > 30 + 0.8 \, \text{shift}
              - 0.5 \, \text{saved} + 0.5 \, \text{distance},
              \qquad \varepsilon \sim N(0, 2^2)

    **This is a stand-in.** Of the data in [1]_ only this is known: four features, a
    binary label by a latent decision threshold, and a mean AUC of 98.55 of four models
    trained on 60 clean rows. Names, distributions and weights here are our own, chosen
    to have that AUC (98.5 over 20 seeds). Compare methods on it; do not expect the
    published figures.

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
        1 where the offer is accepted, about every second row.

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
    check_n_rows("n_rows", n_rows)
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
    accepts = X.Points + rng.normal(0, NOISE_SD, n_rows) > threshold
    return X, accepts.astype(np.int64).rename("accepts")
