"""Columns encoded for a regression tree: as features, and as targets."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema

MAX_LEVELS = 10  # of a category that have an indicator: rare ones hardly move a split


class TreeFeatures:
    """Turn given columns into one float32 column each, for a tree to split by.

    Numbers stay as they are; levels are ordered by what they predict (target encoding
    with the first principal axis of the targets); missing values are below all others.

    Parameters
    ----------
    columns : sequence of ColumnSchema
    """

    def __init__(self, columns: Sequence[ColumnSchema]):
        self.columns = tuple(columns)

    def fit(
        self, codes: NDArray[np.float64], targets: NDArray[np.float64]
    ) -> "TreeFeatures":
        """Score the levels of categories by the first principal axis of the targets.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
        targets : float ndarray of shape (n_rows, n_targets)
        """
        # Of either sign: a tree splits a reversed order as well.
        axis = targets @ np.linalg.eigh(targets.T @ targets)[1][:, -1]
        self._scores = [
            None if column.is_numeric else _score_levels(x, axis)
            for x, column in zip(codes.T, self.columns, strict=True)
        ]
        # One split can then part missing values from all others.
        lowest = [0 if x.size == 0 else x.min() for x in map(_present, codes.T)]
        self._below = np.array(lowest, dtype=float) - 1
        return self

    def transform(self, codes: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return features of shape (n_rows, n_columns)."""
        features = np.empty(codes.shape, dtype=np.float32)
        for j, scores in enumerate(self._scores):
            missing = np.isnan(codes[:, j])
            values = np.where(missing, self._below[j], codes[:, j])
            if scores is not None:  # the last score is that of missing values
                values = scores[np.where(missing, -1, values).astype(np.intp)]
            features[:, j] = values
        return features


def spread_targets(
    codes: NDArray[np.float64], columns: Sequence[ColumnSchema]
) -> NDArray[np.float64]:
    """Return the targets of a tree: each column with a total variance of one.

    Numbers are ranks, categories indicators of their frequent levels, each with an
    indicator of missing values where there are any.
    """
    parts = []
    for x, column in zip(codes.T, columns, strict=True):
        spread = _ranks(x) if column.is_numeric else _indicators(x)
        missing = np.isnan(x)
        if missing.any():
            spread = np.column_stack([spread, missing])
        spread = spread - spread.mean(axis=0)
        # A column of many indicators must not outweigh a number.
        scale = np.sqrt((spread**2).sum(axis=1).mean())
        parts.append(spread / (scale if scale > 0 else 1))
    return np.hstack(parts)


def _ranks(x: NDArray[np.float64]) -> NDArray[np.float64]:
    place, counts = np.unique(x, return_inverse=True, return_counts=True)[1:]
    middle = (np.cumsum(counts) - counts / 2) / len(x)
    ranks: NDArray[np.float64] = np.where(np.isnan(x), 0.5, middle[place])
    return ranks[:, None]


def _indicators(x: NDArray[np.float64]) -> NDArray[np.float64]:
    levels, counts = np.unique(_present(x), return_counts=True)
    frequent = levels[np.argsort(-counts, kind="stable")[:MAX_LEVELS]]
    indicators: NDArray[np.float64] = (x[:, None] == frequent).astype(float)
    return indicators


def _score_levels(
    x: NDArray[np.float64], axis: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean of the axis per level; the last entry is for missing values."""
    missing = np.isnan(x)
    n_levels = int(_present(x).max(initial=-1)) + 1
    place = np.where(missing, n_levels, x).astype(np.intp)
    sums = np.bincount(place, axis, minlength=n_levels + 1)
    counts = np.bincount(place, minlength=n_levels + 1)
    return sums / np.maximum(counts, 1)


def _present(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x[~np.isnan(x)]
