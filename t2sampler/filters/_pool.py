"""Real rows and candidates in one pool, and models that judge rows they never saw."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from t2sampler.filters._judge import N_FOLDS, fit_judge
from t2sampler.filters._selection import (
    assign_folds,
    choose_rows,
    row_keys,
    split_keys,
)


class Side(NamedTuple):
    """Real rows, or candidates.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,)
        How many rows each stands for.
    """

    X: np.ndarray
    codes: np.ndarray
    weights: np.ndarray

    def join(self, other):
        """Return the rows of both."""
        return Side(*map(np.concatenate, zip(self, other, strict=True)))

    def prints(self):
        """Return numbers that tell rows with their labels apart, sorted."""
        return np.sort(row_keys(np.column_stack([self.X, self.codes])))

    def thin(self, limit, rng):
        """Return about ``limit`` rows at most, every label among them."""
        rows, weights = choose_rows(self.codes, limit, rng)
        return Side(self.X[rows], self.codes[rows], self.weights[rows] * weights)


@dataclass(frozen=True)
class Pool:
    """Rows that models learn from, real ones first.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,)
        How many rows each stands for.
    keys : uint64 ndarray of shape (n_rows,)
    folds : int ndarray of shape (n_rows,)
        Equal rows share a fold, except where most real rows have equals.
    n_real, n_labels : int
    """

    X: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    keys: np.ndarray
    folds: np.ndarray
    n_real: int
    n_labels: int

    @property
    def is_real(self):
        """True for real rows."""
        return np.arange(len(self.codes)) < self.n_real

    def find_folds(self, keys):
        """Return the fold of equal rows; rows that are not here go by their key."""
        order = np.argsort(self.keys)
        at = np.searchsorted(self.keys[order], keys).clip(max=len(order) - 1)
        is_here = self.keys[order][at] == keys
        others = (keys % np.uint64(N_FOLDS)).astype(int)
        return np.where(is_here, self.folds[order][at], others)


def make_pool(real, new, n_labels):
    """Pool real rows and candidates; the order of either does not matter.

    Parameters
    ----------
    real, new : Side
    n_labels : int

    Returns
    -------
    pool : Pool
    """
    sides, keys = zip(*(_sort(side) for side in (real, new)), strict=True)
    (X, codes, weights), keys = sides[0].join(sides[1]), np.concatenate(keys)
    own = keys[: len(real.codes)]
    folds = assign_folds(split_keys(keys, own), codes, N_FOLDS)
    return Pool(X, codes, weights, keys, folds, len(real.codes), n_labels)


def _sort(side):
    keys = row_keys(side.X)
    order = np.lexsort((side.codes, keys))
    return Side(*(part[order] for part in side)), keys[order]


class CrossFit:
    """Models fitted on all folds of a pool but one each.

    Parameters
    ----------
    pool : Pool
    weights : ndarray of shape (n_rows,)
        Rows of weight 0 are not learned from.
    estimator : classifier
    seed : int

    Attributes
    ----------
    probability : ndarray of shape (n_rows, n_labels)
        Of the pool's rows, each by the model that did not see it or its equals.
    """

    @threadpool_limits.wrap(limits=1)  # on so few rows threads only wait
    def __init__(self, pool, weights, estimator, seed):
        self._pool = pool
        weights = pool.weights * weights
        parts = ((pool.folds != fold) & (weights > 0) for fold in range(N_FOLDS))
        self._judges = [
            fit_judge(
                estimator,
                pool.X[part],
                pool.codes[part],
                pool.n_labels,
                seed,
                weights=weights[part] / weights[part].mean() if part.any() else None,
            )
            for part in parts
        ]
        self.probability = self._judge(pool.X, pool.folds)

    def judge(self, X, keys):
        """Return probabilities of any rows; equals of a pool's row share its model."""
        return self._judge(X, self._pool.find_folds(keys))

    def _judge(self, X, folds):
        probability = np.empty((len(X), self._pool.n_labels))
        for fold in np.unique(folds):
            held = folds == fold
            probability[held] = self._judges[fold].probability(X[held])
        return probability
