"""The duel of batches with their twins: which rows, which gain, against which tau."""

from dataclasses import dataclass

import numpy as np

from t2sampler.filters._batches import ROWS
from t2sampler.filters._evidence import Rows, Stack, add_intercept, one_thread
from t2sampler.filters._gauges import NOBODY, compress, make_gauge
from t2sampler.filters._judge import N_FOLDS
from t2sampler.filters._null import Null, TwinPool
from t2sampler.filters._selection import (
    assign_folds,
    choose_rows,
    rank_in_batch,
    row_keys,
    selection_bounds,
)

MAX_REAL = 1000  # real rows the gain is measured with; each may stand for several
DIGITS = 10  # of a gain; beyond lies the rounding of matrix products


@dataclass(frozen=True)
class Outcome:
    """What a duel came to.

    Attributes
    ----------
    costs : ndarray of shape (n_rows,)
    rank : int ndarray of shape (n_rows,)
        Rank of each candidate's cost within its batch and twin.
    bounds : tuple of int ndarray of shape (n_batches,)
        Ranks, first and stop, that are kept.
    keep : bool ndarray of shape (n_rows,)
        Chosen by cost.
    twin : int ndarray of shape (n_rows,)
        Positions of the twins' real rows.
    keep_twin : bool ndarray of shape (n_rows,)
        Chosen by cost.
    gain, gain_of_twin : ndarray of shape (n_batches,)
        Eq. 6; NaN where the real rows cannot tell.
    """

    costs: np.ndarray
    rank: np.ndarray
    bounds: tuple
    keep: np.ndarray
    twin: np.ndarray
    keep_twin: np.ndarray
    gain: np.ndarray
    gain_of_twin: np.ndarray


class Arena:
    """Real rows as both sides of every duel see them.

    Parameters
    ----------
    X : ndarray of shape (n_real, n_encoded)
    codes : int ndarray of shape (n_real,)
    costs : ndarray of shape (n_real,)
    rules : Rules
    grown : tuple of ndarray, default=None
        Features and labels of accepted rows that D has grown by.
    """

    def __init__(self, X, codes, costs, rules, grown=None):
        self.rules = rules
        self._X, self._codes = X, codes
        self._pool = TwinPool(codes, rules.by_label)
        rng = np.random.default_rng(
            np.random.SeedSequence(rules.seed, spawn_key=(ROWS,))
        )
        all_codes = codes if grown is None else np.concatenate([codes, grown[1]])
        self.n_classes = int(all_codes.max()) + 1
        rows, weights = choose_rows(all_codes, MAX_REAL, rng)
        is_real = rows < len(X)
        chosen = X[rows[is_real]]
        if grown is not None:
            chosen = np.concatenate([chosen, grown[0][rows[~is_real] - len(X)]])
        self._keys = row_keys(chosen)
        folds = assign_folds(self._keys, all_codes[rows], N_FOLDS)
        self.real = Rows(add_intercept(chosen), all_codes[rows], weights, folds)
        self.gauge = self._make_gauge(self.real)
        self._costs = np.where(is_real, costs[np.where(is_real, rows, 0)], 1.0)
        self._chances = weights * is_real
        self._null = None

    @property
    def null(self):
        """The null of the gap, worked out as it is asked for."""
        if self._null is None:
            rules, narrow = self.rules, self.real
            if rules.estimator is None or rules.information == "parameter":
                narrow = compress(self.real)
            gauge = self.gauge if narrow is self.real else self._make_gauge(narrow)
            self._null = Null(gauge, self._costs, self._chances, rules)
        return self._null

    @property
    def max_batches(self):
        """Batches that are judged side by side."""
        return max(16, 4_000_000 // (self._X.shape[1] + 1) ** 2)

    def duel(self, candidates, costs, real_costs):
        """Let batches duel with their twins.

        Parameters
        ----------
        candidates : Candidates
        costs : ndarray of shape (n_rows,)
        real_costs : ndarray of shape (n_real,)

        Returns
        -------
        outcome : Outcome
        """
        batch, sizes = candidates.batch, candidates.sizes
        twin = self._pool.draw(candidates, self.rules.seed)
        both = np.concatenate([batch, batch])
        rank = rank_in_batch(np.concatenate([costs, real_costs[twin]]), both)
        first, stop = selection_bounds(sizes, self.rules.alpha, self.rules.beta)
        keep = (rank >= first[both]) & (rank < stop[both])
        ours, theirs = np.split(keep, 2)
        chosen = self._stack(
            np.concatenate([candidates.X[ours], self._X[twin[theirs]]]),
            np.concatenate([candidates.codes[ours], self._codes[twin[theirs]]]),
            (both[keep], (rank - first[both])[keep]),
            stop - first,
        )
        place = np.arange(len(batch)) - (np.cumsum(sizes) - sizes)[batch]
        twins = self._stack(self._X[twin], self._codes[twin], (batch, place), sizes)
        with one_thread():
            gains = self._gains(chosen, twins, candidates)
        return Outcome(
            costs, rank[: len(batch)], (first, stop), ours, twin, theirs, *gains
        )

    def null_moments(self, candidates):
        """Return mean and standard deviation of each batch's null, (n_batches, 2)."""
        codes, n_batches = candidates.codes, len(candidates.sizes)
        label = np.minimum(codes, self.n_classes)  # the last one: of any class
        if not self.rules.by_label:
            label = np.full(len(codes), self.n_classes)
        shape = n_batches, self.n_classes + 1
        flat = np.bincount(
            candidates.batch * shape[1] + label, minlength=shape[0] * shape[1]
        )
        makes, which = np.unique(flat.reshape(shape), axis=0, return_inverse=True)
        moments = [self.null.moments(tuple(make)) for make in makes.tolist()]
        return np.array(moments)[which.ravel()]

    def _gains(self, chosen, twins, candidates):
        """Return Eq. 6 for both sides.

        A label that D does not have: the parameters get one more model, of that label
        against the rest, on both sides. The gauges on real rows cannot see it, since
        no real row has it: there its rows count for nothing, and where a batch offers
        nothing else its gain is NaN.
        """
        batch, codes = candidates.batch, candidates.codes
        if self.rules.information != "parameter":
            chosen = chosen.below(self.n_classes)
            gains = [self.gauge.gain(side) for side in (chosen, twins)]
            known = np.bincount(batch[codes < self.n_classes], minlength=len(chosen))
            gains[0][known == 0] = np.nan
            return np.round(gains, DIGITS)
        gains = [self.gauge.gain(side) for side in (chosen, twins)]
        for label in np.unique(codes[codes >= self.n_classes]):
            sets = np.unique(batch[codes == label])
            for gain, side in zip(gains, (chosen, twins), strict=True):
                some = side.take(sets).relabel(label, NOBODY)
                gain[sets] += self.gauge.gain_of_new(some)
        return np.round(gains, DIGITS)

    def _stack(self, X, codes, cells, sizes):
        folds = np.full(len(X), -1)
        if self.rules.information == "validation":
            folds = _folds_of(row_keys(X), self._keys, self.real.folds)
        weights = np.ones(len(X))
        return Stack.of(Rows(add_intercept(X), codes, weights, folds), cells, sizes)

    def _make_gauge(self, real):
        rules = self.rules
        return make_gauge(
            rules.information, real, self.n_classes, rules.estimator, rules.seed
        )


def _folds_of(keys, real_keys, real_folds):
    """Return the fold of the real row that each row equals, -1 where there is none."""
    order = np.argsort(real_keys)
    at = np.minimum(np.searchsorted(real_keys[order], keys), len(order) - 1)
    same = real_keys[order][at] == keys
    return np.where(same, real_folds[order][at], -1)
