"""Costs of rows, Eq. 5 of the paper, and the selection by alpha and beta; pure."""

import numpy as np

TOLERANCE = 1e-9  # 2 * .29 * 50 is 28.999999999999996, and 29 is meant


def prediction_cost(probability, codes):
    r"""Return the cost of each row, Eq. 5 of the paper.

    .. math:: r_i = 1 - p_f(y_i \mid x_i)

    Parameters
    ----------
    probability : ndarray of shape (n_rows, n_classes)
        What the model gives each class.
    codes : int ndarray of shape (n_rows,)
        Each row's class; one the model does not know has probability 0.

    Returns
    -------
    cost : ndarray of shape (n_rows,)
        In [0, 1], rounded to 12 decimals: a matrix product may differ in the last bit
        with the number of rows it is asked for, and a verdict must not.

    Examples
    --------
    >>> import numpy as np
    >>> prediction_cost(np.array([[0.75, 0.25], [0.4, 0.6]]), np.array([0, 2])).tolist()
    [0.25, 1.0]
    """
    known = (codes >= 0) & (codes < probability.shape[1])
    own = np.zeros(len(codes))
    own[known] = probability[known, codes[known]]
    return np.round(1 - own, 12)


def selection_bounds(n_rows, alpha, beta):
    """Return the ranks, first and stop, that are kept of ``2 * n_rows`` costs.

    The first ⌊2·beta·n⌋ ranks are trimmed (nothing to learn), the next
    round(2(1 - alpha)n) are kept, and the rest are trimmed (noise). The paper keeps a
    closed interval between two quantiles, which holds eleven of twenty rows at n = 10;
    these counts are exact.

    Examples
    --------
    >>> selection_bounds(10, alpha=0.5, beta=0.1)
    (2, 12)
    """
    first = np.floor(2 * beta * np.asarray(n_rows) + TOLERANCE).astype(int)
    n_kept = np.round(2 * (1 - alpha) * np.asarray(n_rows), 9)
    stop = first + np.rint(n_kept).astype(int)
    return (first, stop) if np.ndim(n_rows) else (int(first), int(stop))


def rank_in_batch(costs, batch):
    """Return each row's rank by cost within its batch; ties keep their order.

    Parameters
    ----------
    costs : ndarray of shape (n_rows,)
    batch : int ndarray of shape (n_rows,)
        Number of the batch, from 0.
    """
    order = np.lexsort((costs, batch))
    sizes = np.bincount(batch)
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(len(costs), dtype=int)
    rank[order] = np.arange(len(costs)) - starts[batch[order]]
    return rank


def select_counts(counts, first, stop):
    """Return how many copies of each row lie between two ranks.

    The same choice as by `rank_in_batch`, for batches that are bootstraps of known
    rows: columns are rows in the order of their costs, values how often a batch holds
    each.

    Parameters
    ----------
    counts : int ndarray of shape (n_batches, n_rows)
    first, stop : int

    Examples
    --------
    >>> import numpy as np
    >>> select_counts(np.array([[2, 0, 3, 1]]), first=1, stop=4).tolist()
    [[1, 0, 2, 0]]
    """
    reached = np.clip(np.cumsum(counts, axis=1), first, stop)
    return np.diff(reached, axis=1, prepend=first)
