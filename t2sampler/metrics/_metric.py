"""What the metrics share: direction and range, row limits and row samples."""

from numbers import Integral

import numpy as np

from t2sampler._autologging import quiet_fits
from t2sampler._params import Interval

SAMPLES_ROWS = {  # for validate_params: a metric that looks at rows drawn at random
    "max_rows": [Interval(Integral, 2, None, closed="left"), None],
    "random_state": ["random_state"],
}


def scored(*, goal, low, high):
    """Mark a metric with the direction and the range of its headline number.

    Parameters
    ----------
    goal : {'higher', 'lower'}
        Which values are better.
    low, high : float
        Range of ``float(metric(...))``.
    """

    def mark(function):
        function = quiet_fits(function)
        # Attributes of the function, so that nobody keeps a list of metrics beside it.
        function.goal, function.low, function.high = goal, low, high
        return function

    return mark


def check_size(name, table, low, reason):
    """Raise unless a table has at least ``low`` rows."""
    if len(table) < low:
        raise ValueError(
            f"`{name}` must have at least {low} rows {reason}, got {len(table)}. Give "
            "more rows."
        )


def sample_positions(rng, n_rows, max_rows):
    """Return at most ``max_rows`` positions below ``n_rows``, in order."""
    if max_rows is None or n_rows <= max_rows:
        return np.arange(n_rows)
    return np.sort(rng.choice(n_rows, max_rows, replace=False))
