"""Bootstrap batches that duel with bootstrap batches, a thousand side by side."""

from dataclasses import dataclass

import numpy as np

from t2sampler.filters._batches import NULL, batch_rng
from t2sampler.filters._cost_selection import select_counts, selection_bounds
from t2sampler.filters._newton import MAX_CELLS, Repeats, Stack, one_thread

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


EXACT_ROWS = 50  # batches up to this size have a null of their own
GROWTH = 1.25  # from one size to the next beyond
SHARES = 20  # label shares of a null are multiples of 1 / 20


@dataclass(frozen=True)
class Rules:
    """Settings of the duel; see `CostAssessmentFilter`."""

    alpha: float
    beta: float
    information: str
    n_bootstrap: int
    by_label: bool
    estimator: object
    seed: int


class TwinPool:
    """Real rows to draw twins from.

    Parameters
    ----------
    codes : int ndarray of shape (n_real,)
        Labels of the real rows.
    by_label : bool
        Draw for each candidate a real row of its label; labels without real rows draw
        from all rows.
    """

    def __init__(self, codes, by_label):
        self._by_label = by_label
        self._order = np.argsort(codes, kind="stable")
        self._sizes = np.bincount(codes)
        self._starts = np.cumsum(self._sizes) - self._sizes

    def draw(self, candidates, seed):
        """Return a real row's position for every candidate.

        A batch's twin depends on its id, its size and its labels, not on the other
        batches.
        """
        pairs = zip(candidates.ids, candidates.sizes, strict=True)
        chance = np.concatenate([batch_rng(seed, key).random(n) for key, n in pairs])
        codes = candidates.codes
        if not self._by_label:
            return (chance * len(self._order)).astype(int)
        known = codes < len(self._sizes)
        known[known] = self._sizes[codes[known]] > 0
        label = np.where(known, codes, 0)
        start = np.where(known, self._starts[label], 0)
        size = np.where(known, self._sizes[label], len(self._order))
        return self._order[start + (chance * size).astype(int)]


class Null:
    """Mean and standard deviation of Δ when a twin duels with a twin.

    Parameters
    ----------
    gauge : gauge
    costs : ndarray of shape (n_rows,)
        Of the gauge's rows.
    chances : ndarray of shape (n_rows,)
        How often a row is drawn; 0 for rows that are not real.
    rules : Rules
    """

    def __init__(self, gauge, costs, chances, rules):
        self._gauge, self._costs, self._chances = gauge, costs, chances
        self._rules = rules
        self.known = {}

    def moments(self, labels):
        """Return mean and standard deviation for batches of one make.

        Parameters
        ----------
        labels : tuple of int
            Rows per class; a last entry stands for rows of any class. Beyond fifty
            rows the moments are interpolated between sizes that grow by a quarter,
            and shares of labels are rounded to twentieths.

        Returns
        -------
        moments : ndarray of shape (2,)
        """
        return sum(
            weight * self._at(apportion(labels, size))
            for size, weight in null_sizes(sum(labels))
        )

    def _at(self, labels):
        if labels not in self.known:
            rules = self._rules
            rng = np.random.default_rng(
                np.random.SeedSequence(rules.seed, spawn_key=(NULL, *labels))
            )
            bounds = selection_bounds(sum(labels), rules.alpha, rules.beta)
            with one_thread():
                gaps = simulate_null(
                    self._gauge,
                    self._costs,
                    self._parts(labels),
                    bounds,
                    n_draws=rules.n_bootstrap,
                    rng=rng,
                )
            self.known[labels] = np.array([gaps.mean(), gaps.std()])
        return self.known[labels]

    def _parts(self, labels):
        """Return what a batch is drawn from: rows of each label, last of any."""
        parts = []
        for code, n_rows in enumerate(labels):
            own = self._chances * (self._gauge.real.codes == code)
            is_open = code == len(labels) - 1 or not own.any()
            if n_rows:
                parts.append((self._chances if is_open else own, n_rows))
        return parts


def null_sizes(n_rows):
    """Return the sizes whose nulls stand for one size, and their weights.

    Examples
    --------
    >>> null_sizes(20)
    [(20, 1.0)]
    >>> [size for size, _ in null_sizes(60)]
    [50, 63]
    """
    if n_rows <= EXACT_ROWS:
        return [(n_rows, 1.0)]
    low, high = EXACT_ROWS, int(np.ceil(EXACT_ROWS * GROWTH))
    while high <= n_rows:
        low, high = high, int(np.ceil(high * GROWTH))
    share = (n_rows - low) / (high - low)
    return [(low, 1 - share), (high, share)] if share else [(low, 1.0)]


def apportion(labels, size):
    """Return a make of ``size`` rows with the label shares of another.

    Examples
    --------
    >>> apportion((30, 30), 50)
    (25, 25)
    >>> apportion((3, 8), 11)
    (3, 8)
    """
    if sum(labels) == size <= SHARES:
        return tuple(int(n) for n in labels)
    return _largest_remainders(_largest_remainders(labels, SHARES), size)


def _largest_remainders(shares, size):
    exact = np.asarray(shares) * size / sum(shares)
    counts = np.floor(exact).astype(int)
    first = np.argsort(counts - exact, kind="stable")[: size - counts.sum()]
    counts[first] += 1
    return tuple(counts.tolist())
