"""Costs of rows, which of them are kept, and which of them share a fold."""

import numpy as np
import pandas as pd

ROUNDING = 1e-9  # 2 * .29 * 50 is 28.999999999999996, and 29 is meant


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

    The first ⌊2·beta·n⌋ ranks go (nothing to learn), the next round(2(1 - alpha)n)
    stay, and the dearest go (noise). The paper keeps a closed interval between two
    quantiles, which holds eleven of twenty rows at n = 10; these counts are exact.

    Examples
    --------
    >>> selection_bounds(10, alpha=0.5, beta=0.1)
    (2, 12)
    """
    first = np.floor(2 * beta * np.asarray(n_rows) + ROUNDING).astype(int)
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


def find_suspects(probability, codes, credible_from=None):
    """Return the rows whose label a model that did not see them disbelieves.

    Confident learning [1]_: a class is credible for a row when its probability reaches
    the mean that rows labelled so get. A row is suspect if some class is credible and
    the most probable of these is not its label. Dropping the dearest rows instead
    would drop as many from a clean table as from a spoiled one.

    Parameters
    ----------
    probability : ndarray of shape (n_rows, n_classes)
        Out-of-fold probabilities.
    codes : int ndarray of shape (n_rows,)
    credible_from : ndarray of shape (n_classes,), default=None
        From `credible_probability`, of other rows. None: of these.

    Returns
    -------
    is_suspect : bool ndarray of shape (n_rows,)

    References
    ----------
    .. [1] Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in
       dataset labels", JAIR 70, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> probability = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.95, 0.05]])
    >>> find_suspects(probability, np.array([0, 0, 1, 1])).tolist()
    [False, False, False, True]
    """
    if credible_from is None:
        credible_from = credible_probability(probability, codes)
    credible = np.where(probability >= credible_from - ROUNDING, probability, -1.0)
    return (credible.max(axis=1) >= 0) & (credible.argmax(axis=1) != codes)


def credible_probability(probability, codes):
    """Return each class's mean probability over the rows labelled so; inf if none.

    Examples
    --------
    >>> import numpy as np
    >>> probability = np.array([[0.75, 0.25], [0.25, 0.75]])
    >>> credible_probability(probability, np.array([0, 0])).tolist()
    [0.5, inf]
    """
    n_classes = probability.shape[1]
    sums = np.zeros(n_classes)
    np.add.at(sums, codes, probability[np.arange(len(codes)), codes])
    sizes = np.bincount(codes, minlength=n_classes)
    return np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)


def row_keys(X):
    """Return a number per row, the same for equal rows.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_encoded)

    Returns
    -------
    keys : uint64 ndarray of shape (n_rows,)
    """
    if not X.shape[1]:  # pandas 2 hashes no rows without cells
        return np.zeros(len(X), dtype=np.uint64)
    frame = pd.DataFrame(X + 0.0)  # -0.0 becomes 0.0
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def split_keys(keys, own):
    """Return keys by which rows are dealt into folds.

    Equal rows share a key, unless a table has fewer than half as many distinct rows as
    rows: there to leave out all equals of a row is to leave out what is known of it,
    and what the others tell is the opposite, since their labels lack its own.

    Parameters
    ----------
    keys : ndarray of shape (n_rows,)
        From `row_keys`.
    own : ndarray of shape (n_own,)
        Those of the rows that tell what is usual.
    """
    is_coarse = 2 * len(np.unique(own)) < len(own)
    return np.arange(len(keys)) if is_coarse else keys


def assign_folds(keys, codes, n_folds):
    """Deal distinct rows into folds, each label evenly; equal rows share a fold.

    The folds depend on the set of rows only, not on their order.

    Parameters
    ----------
    keys : ndarray of shape (n_rows,)
        From `row_keys`.
    codes : int ndarray of shape (n_rows,)
        Labels; a row that occurs with several labels goes by its smallest.
    n_folds : int

    Returns
    -------
    folds : int ndarray of shape (n_rows,)
    """
    distinct, position = np.unique(keys, return_inverse=True)
    label = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(label, position, codes)
    folds = np.empty(len(distinct), dtype=int)
    folds[np.lexsort((distinct, label))] = np.arange(len(distinct)) % n_folds
    return folds[position]


def choose_rows(codes, limit, rng):
    """Return at most about ``limit`` rows, every class among them, and their weights.

    Classes of up to ``limit / (2 n_classes)`` rows are taken whole, the others by
    their shares; a weight says how many rows a chosen one stands for.

    Parameters
    ----------
    codes : int ndarray of shape (n_rows,)
    limit : int
    rng : numpy.random.Generator

    Returns
    -------
    rows : int ndarray, sorted
    weights : ndarray of the same shape, their sum is n_rows
    """
    if len(codes) <= limit:
        return np.arange(len(codes)), np.ones(len(codes))
    rows, weights = [], []
    labels, sizes = np.unique(codes, return_counts=True)
    floor = max(1, limit // (2 * len(labels)))
    for label, size in zip(labels, sizes, strict=True):
        n_taken = min(size, max(floor, int(limit * size / len(codes))))
        members = np.flatnonzero(codes == label)
        rows.append(rng.choice(members, n_taken, replace=False))
        weights.append(np.full(n_taken, size / n_taken))
    rows, weights = np.concatenate(rows), np.concatenate(weights)
    order = np.argsort(rows)
    return rows[order], weights[order]
