"""How much two columns tell about each other, for all pairs in one product."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from t2sampler._schema import ColumnSchema

MAX_ROWS = 5000  # more rows hardly change an entropy over a few bins
MIN_BINS, MAX_BINS = 2, 8


def measure_dependence(
    codes: NDArray[np.float64], columns: Sequence[ColumnSchema]
) -> NDArray[np.float64]:
    r"""Return the normalised mutual information of all pairs of columns.

    .. math:: \frac{H(a) + H(b) - H(a, b) - c}{\sqrt{H(a) H(b)}}, \qquad
       c = \frac{(k_a - 1)(k_b - 1)}{2 n}

    over at most 8 bins per column (fewer for few rows, and one more for missing
    values); c is what unrelated columns show by chance (Miller and Madow).

    Parameters
    ----------
    codes : float ndarray of shape (n_rows, n_columns)
    columns : sequence of ColumnSchema

    Returns
    -------
    dependence : float ndarray of shape (n_columns, n_columns)
        Within [0, 1]; 0 for constant columns.
    """
    codes = _thin_out(codes)
    n_rows = len(codes)
    bins = [_bin(x, column) for x, column in zip(codes.T, columns, strict=True)]
    sizes = np.array([int(b.max(initial=0)) + 1 for b in bins])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    indicators = np.zeros((n_rows, int(sizes.sum())), dtype=np.float32)
    for start, b in zip(starts, bins, strict=True):
        indicators[np.arange(n_rows), start + b] = 1
    joint = (indicators.T @ indicators).astype(float) / n_rows
    terms = joint * np.log(np.where(joint > 0, joint, 1))
    blocks = np.add.reduceat(np.add.reduceat(terms, starts, axis=0), starts, axis=1)
    entropy = -np.diag(blocks)
    chance = np.outer(sizes - 1, sizes - 1) / (2 * n_rows)
    shared = entropy[:, None] + entropy + blocks - chance
    scale = np.sqrt(np.outer(entropy, entropy))
    dependence: NDArray[np.float64] = np.where(
        scale > 0, shared / np.where(scale > 0, scale, 1), 0
    )
    return np.clip(dependence, 0, 1)


def _thin_out(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(codes) <= MAX_ROWS:
        return codes
    rows = np.random.default_rng(0).permutation(len(codes))[:MAX_ROWS]
    return codes[np.sort(rows)]


def _bin(codes: NDArray[np.float64], column: ColumnSchema) -> NDArray[np.intp]:
    """Return a bin per row: bands of equal size, frequent levels; missing last."""
    n_bins = int(np.clip(round(len(codes) ** (1 / 3)), MIN_BINS, MAX_BINS))
    present = ~np.isnan(codes)
    bins = np.zeros(len(codes), dtype=np.intp)
    if column.is_numeric:
        # Ties share their middle rank, so a spike is a bin of its own.
        ranks = rankdata(codes[present]) - 0.5
        bins[present] = (ranks * n_bins / max(1, present.sum())).astype(np.intp)
    else:
        bins[present] = _rank_levels(codes[present], n_bins)
    bins[~present] = n_bins
    return np.unique(bins, return_inverse=True)[1].reshape(-1).astype(np.intp)


def _rank_levels(codes: NDArray[np.float64], n_bins: int) -> NDArray[np.intp]:
    """Return levels by falling frequency; the rare ones share the last bin."""
    place, counts = np.unique(codes, return_inverse=True, return_counts=True)[1:]
    rank = np.empty(len(counts), dtype=np.intp)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    bins: NDArray[np.intp] = np.minimum(rank, n_bins - 1)[place]
    return bins
