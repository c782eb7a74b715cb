"""Which numbers of a row never exceed another: found where chance cannot do it."""

import numpy as np

from t2sampler.constraints._bounds import mean_excess
from t2sampler.constraints._linear import Linear, as_term

MIN_ROWS = 30  # rows with both values
MIN_CLASH = 0.05  # of unrelated pairs must break the rule, or it says next to nothing
EDGE = 0.18  # mean excess over spread: 0.03 where gaps are exponential, 0.25 if normal
CLEARANCE = 5  # mean excesses between the smallest gap and zero
SCREEN_ROWS = 2000  # rows that rule out most pairs before all rows are looked at


def find_orders(names, numbers, kinds, max_chance):
    r"""Find ``a <= b``, and ``a = b``, that hold in every row.

    If the columns were unrelated, n rows would all obey with probability
    :math:`P(a \le b)^n`, which the two columns' own values give exactly. A pair counts
    when that is below ``max_chance``, shared out over all pairs (Bonferroni).

    Parameters
    ----------
    names : list of hashable
    numbers : float ndarray of shape (n_rows, n_columns)
        Dates and durations in seconds; NaN where missing.
    kinds : list of hashable
        Only columns of one kind are compared.
    max_chance : float

    Returns
    -------
    rules : list of Linear
        Without those that follow from two others.
    """
    holds = _screen(numbers[:SCREEN_ROWS], kinds)
    limit = np.log(max_chance / max(1, len(names) * (len(names) - 1)))
    for a, b in np.argwhere(holds):
        holds[a, b] = _is_order(numbers[:, a], numbers[:, b], limit)
    equal = np.triu(holds & holds.T)
    repeats = equal.any(axis=0)  # the first of equal columns speaks for all
    holds[repeats] = holds[:, repeats] = False
    implied = (holds.astype(int) @ holds.astype(int)) > 0
    orders = [_rule(names[b], names[a]) for a, b in np.argwhere(holds & ~implied)]
    return [_rule(names[a], names[b], True) for a, b in np.argwhere(equal)] + orders


def _screen(numbers, kinds):
    """Return a matrix: may column a never exceed column b."""
    place = np.array([kinds.index(kind) for kind in kinds], dtype=int)
    holds = place[:, None] == place
    np.fill_diagonal(holds, False)
    for a in range(len(kinds)):
        holds[a] &= ~(numbers[:, [a]] > numbers).any(axis=0)
    return holds


def _is_order(a, b, limit):
    both = ~np.isnan(a + b)
    a, b = a[both], b[both]
    if len(a) < MIN_ROWS or (a > b).any():
        return False
    chance = np.searchsorted(np.sort(a), b, side="right").mean() / len(a)
    unlikely = len(a) * np.log(max(chance, 1e-300)) < limit
    return bool(unlikely and chance <= 1 - MIN_CLASH and _is_edge(b - a))


def _is_edge(gaps):
    """Tell whether gaps end at zero, or well above it, by more than luck.

    The lower tail of mere noise fades out; that of gaps held apart by a rule ends in an
    edge, so that its mean excess is small beside the spread of all gaps.
    """
    tail = mean_excess(-gaps)
    spread = np.subtract(*np.quantile(gaps, (0.75, 0.25)))
    return tail <= EDGE * spread or gaps.min() >= CLEARANCE * tail


def _rule(more, less, equals=False):
    """Say that one column is at least another, or equal to it."""
    return Linear({as_term(more): 1, as_term(less): -1}, equals=equals)
