"""Parameters of the metrics are checked before any work; rows are drawn here."""

from numbers import Integral, Real

import numpy as np


def check_count(name, value, low):
    """Raise unless ``value`` is an integer of at least ``low``."""
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_integer or value < low:
        raise ValueError(
            f"`{name}` must be an integer of at least {low}, got {value!r}. Give a "
            "whole number of that size."
        )


def check_max_rows(value):
    """Raise unless ``value`` is None or an integer of at least 2."""
    if value is not None:
        check_count("max_rows", value, 2)


def check_choice(name, value, choices):
    """Raise unless ``value`` is one of the strings ``choices``."""
    if value not in choices:
        names = ", ".join(map(repr, choices))
        raise ValueError(f"`{name}` must be one of {names}, got {value!r}. Choose one.")


def check_share(name, value):
    """Raise unless ``value`` lies strictly between 0 and 1."""
    if not isinstance(value, Real) or not 0 < value < 1:
        raise ValueError(
            f"`{name}` must be a number between 0 and 1, got {value!r}. Give a share "
            "such as 0.95."
        )


def check_size(name, table, low, reason):
    """Raise unless a table has at least ``low`` rows."""
    if len(table) < low:
        raise ValueError(
            f"`{name}` must have at least {low} rows {reason}, got {len(table)}. Give "
            "more rows."
        )


def choose_rows(rng, n_rows, max_rows):
    """Return at most ``max_rows`` positions below ``n_rows``, in order."""
    if max_rows is None or n_rows <= max_rows:
        return np.arange(n_rows)
    return np.sort(rng.choice(n_rows, max_rows, replace=False))
