"""Twins, and the null that tells what a batch gains over its twin by chance alone."""

from dataclasses import dataclass

import numpy as np

from t2sampler.filters._batches import NULL, batch_rng
from t2sampler.filters._bootstrap import simulate_null
from t2sampler.filters._evidence import one_thread
from t2sampler.filters._selection import selection_bounds

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
