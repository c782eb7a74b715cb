"""Bootstrap batches that duel with bootstrap batches, a thousand side by side."""

import numpy as np

from t2sampler.filters._evidence import MAX_CELLS, Repeats, Stack
from t2sampler.filters._selection import select_counts

FEW = 0.25  # of the real rows: up to here a batch is listed row by row, else counted


def draw_rows(chances, n_rows, n_draws, rng):
    """Return the rows of bootstrap batches.

    Parameters
    ----------
    chances : ndarray of shape (n_real,)
        Proportional to a row's probability.
    n_rows, n_draws : int
    rng : numpy.random.Generator

    Returns
    -------
    rows : int ndarray of shape (n_draws, n_rows)
    """
    chance = rng.random((n_draws, n_rows))
    if np.ptp(chances) == 0:
        return (chance * len(chances)).astype(int)
    reached = np.cumsum(chances) / chances.sum()
    return np.searchsorted(reached, chance, side="right")


def draw_counts(chances, n_rows, n_draws, rng):
    """Return how often each row occurs in bootstrap batches, (n_draws, n_real)."""
    return rng.multinomial(n_rows, chances / chances.sum(), size=n_draws)


def simulate_null(gauge, costs, parts, bounds, *, n_draws, rng):
    """Return Δ of Eq. 6 for bootstrap batches that duel with bootstrap batches.

    The paper does not say what is run a thousand times. Here the candidates of the
    null are a bootstrap batch too, and pass the very same selection by cost together
    with their twin.

    Parameters
    ----------
    gauge : gauge
    costs : ndarray of shape (n_real,)
        Of the gauge's real rows.
    parts : list of (ndarray of shape (n_real,), int)
        What a batch is made of: chances of the real rows, and how many are drawn.
    bounds : tuple of int
        Ranks that are kept, from `selection_bounds`.
    n_draws : int
    rng : numpy.random.Generator

    Returns
    -------
    gaps : ndarray of shape (n_draws,)
    """
    n_rows = sum(n for _, n in parts)
    duel = _duel_by_row if n_rows <= FEW * len(costs) else _duel_by_count
    step = max(1, MAX_CELLS // max(len(costs), gauge.real.X.shape[1] ** 2))
    gaps = []
    for start in range(0, n_draws, step):
        n_now = min(step, n_draws - start)
        sides = duel(gauge.real, costs, parts, bounds, n_draws=n_now, rng=rng)
        gain, of_twin = (gauge.gain(side) for side in sides)
        gaps.append(gain - of_twin)
    return np.round(np.concatenate(gaps), 10)


def _duel_by_row(real, costs, parts, bounds, **how_often):
    candidates, twins = (
        np.concatenate([draw_rows(*part, **how_often) for part in parts], axis=1)
        for _ in range(2)
    )
    both = np.concatenate([candidates, twins], axis=1)
    order = np.argsort(costs[both], axis=1, kind="stable")[:, slice(*bounds)]
    return [
        Stack(real.X[rows], real.codes[rows], np.ones(rows.shape), real.folds[rows])
        for rows in (np.take_along_axis(both, order, axis=1), twins)
    ]


def _duel_by_count(real, costs, parts, bounds, **how_often):
    candidates, twins = (
        sum(draw_counts(*part, **how_often) for part in parts) for _ in range(2)
    )
    order = np.argsort(costs, kind="stable")
    kept = np.empty_like(twins)
    kept[:, order] = select_counts((candidates + twins)[:, order], *bounds)
    return Repeats(real, kept), Repeats(real, twins)
