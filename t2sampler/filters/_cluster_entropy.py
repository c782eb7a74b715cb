"""Cluster entropy, Eq. 7 of the paper, and the number of clusters; pure."""

import numpy as np
from scipy.special import entr
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

MAX_CLUSTERED = 10_000  # rows k-means is fitted on
MAX_SILHOUETTE = 2_000  # rows the silhouette, which is quadratic, is computed on
N_STARTS = 4


def cluster_entropy(counts):
    r"""Return the entropy of cluster shares, in nats.

    .. math:: H_c(D) = -\sum_m p_D(m) \log p_D(m)

    Parameters
    ----------
    counts : array-like of shape (…, n_clusters)
        Rows per cluster.

    Examples
    --------
    >>> float(cluster_entropy([5, 5]) / np.log(2))
    1.0
    """
    counts = np.asarray(counts, dtype=float)
    share = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return entr(share).sum(axis=-1)


def entropy_gain(counts, new):
    r"""Return how much new rows raise the cluster entropy, Eq. 7 of the paper.

    .. math:: \Delta H_c(D_t) = H_c(D_{ori} \cup D_t) - H_c(D_{ori})

    Parameters
    ----------
    counts : ndarray of shape (n_clusters,)
        Real rows per cluster.
    new : ndarray of shape (…, n_clusters)
        Rows per cluster of one or more batches.

    Examples
    --------
    >>> float(entropy_gain(np.array([2, 0]), np.array([0, 2])) / np.log(2))
    1.0
    """
    return cluster_entropy(counts + new) - cluster_entropy(counts)


def fill_evenly(counts, n_rows):
    """Return counts after adding rows one by one to the smallest cluster.

    No other way to add ``n_rows`` reaches a higher entropy: moving a row from a larger
    to a smaller cluster always raises it, and here no such move is left.

    Parameters
    ----------
    counts : int ndarray of shape (n_clusters,)
    n_rows : int

    Examples
    --------
    >>> fill_evenly(np.array([5, 1, 2]), 4).tolist()
    [5, 4, 3]
    """
    order = np.argsort(counts, kind="stable")
    levels = np.asarray(counts)[order]
    ranks = np.arange(1, len(levels) + 1)
    room = levels * ranks - np.cumsum(levels)  # rows that lift the first k to level k
    n_open = int(np.searchsorted(room, n_rows, side="right"))
    level, surplus = divmod(int(levels[:n_open].sum()) + n_rows, n_open)
    filled = np.array(counts)
    filled[order[:n_open]] = level
    filled[order[:surplus]] += 1
    return filled


def reachable_gain(counts, n_rows):
    """Return the largest entropy gain that ``n_rows`` rows can reach, in nats."""
    counts = np.asarray(counts)
    return float(entropy_gain(counts, fill_evenly(counts, n_rows) - counts))


def gain_threshold(counts, n_rows, share, scale):
    """Return the entropy gain that a batch must reach.

    Parameters
    ----------
    counts : int ndarray of shape (n_clusters,)
        Real rows per cluster.
    n_rows : int
        Rows of the batch.
    share : float
        The threshold.
    scale : {"reachable", "headroom", "relative", "absolute"}
        What it is a share of: the largest gain that ``n_rows`` can reach, the distance
        to log M, the entropy of the real rows, or one nat. The paper accepts above
        "30 %" and does not say of what.

    Returns
    -------
    threshold : float
        If no gain is possible: what any batch of that size loses.
    """
    entropy, reachable = float(cluster_entropy(counts)), reachable_gain(counts, n_rows)
    whole = {
        "reachable": reachable,
        "headroom": np.log(len(counts)) - entropy,
        "relative": entropy,
        "absolute": 1.0,
    }[scale]
    if len(counts) == 1 or whole <= 1e-12:
        return min(reachable, 0.0)
    return share * whole


def choose_clusters(X, candidates, rng):
    """Cluster rows by k-means, with as many clusters as suit them best.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_encoded)
    candidates : sequence of int
        Numbers of clusters to choose from, by the best mean silhouette. (The paper
        prints the silhouette with its sign turned round.) More clusters than distinct
        rows are not considered; if none is left, there is one per distinct row.
    rng : numpy.random.Generator

    Returns
    -------
    labels : int ndarray of shape (n_rows,)
    n_clusters : int
    """
    n_distinct = len(np.unique(X, axis=0))
    options = sorted({k for k in candidates if k <= n_distinct}) or [n_distinct]
    seed = int(rng.integers(2**31 - 1))
    # One permutation for all numbers of clusters: they are compared on equal rows.
    fitted = rng.permutation(len(X))[:MAX_CLUSTERED]
    scored = fitted[:MAX_SILHOUETTE]
    best, best_score = None, -np.inf
    for k in options:
        model = KMeans(k, n_init=N_STARTS, random_state=seed).fit(X[fitted])
        score = mean_silhouette(X[scored], model.predict(X[scored]))
        if len(options) == 1 or score > best_score:
            best, best_score = model, score
    return best.predict(X), best.n_clusters


def mean_silhouette(X, labels):
    """Return the mean silhouette; 0 for one cluster, or as many clusters as rows."""
    if 2 <= len(np.unique(labels)) < len(X):
        return float(silhouette_score(X, labels))
    return 0.0
