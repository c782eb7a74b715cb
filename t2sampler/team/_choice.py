"""Which candidates of a batch are kept: those whose label is sure, copies last."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]


def choose(
    batch: Ints,
    lead: NDArray[np.float64],
    wanted: Ints,
    *,
    is_spare: NDArray[np.bool_],
    has_gaps: NDArray[np.bool_],
    surest: float,
) -> tuple[Ints, Ints]:
    """Choose as many candidates per batch and class as are wanted.

    Of the candidates that belong to a class the surer ones come first, in the order in
    which they were drawn; then the others, the surest first; then those of other
    classes that are nearest. Spare candidates come after all of them.

    Parameters
    ----------
    batch : int ndarray of shape (n_candidates,)
        0, 1, ...; in order.
    lead : float ndarray of shape (n_candidates, n_classes)
        By how much a class is ahead of the others; a row belongs to the class with the
        largest.
    wanted : int ndarray of shape (n_batches, n_classes)
        At most as many as a batch has candidates.
    is_spare : bool ndarray of shape (n_candidates,)
        Only where nothing else is left.
    has_gaps : bool ndarray of shape (n_candidates,)
        Rows with missing values are hardly ever sure; they compete among themselves,
        so that they keep their share.
    surest : float in (0, 1]
        Share of a class's candidates that count as the surer ones.

    Returns
    -------
    chosen, classes : int ndarrays of shape (n_wanted,)
        Candidates and the class of each, by batch and class.

    Examples
    --------
    >>> lead = np.array([[2, -2], [-1, 1], [1, -1], [3, -3.0]])
    >>> none = np.zeros(4, dtype=bool)
    >>> wanted = np.array([[2, 1]])
    >>> rows, classes = choose(
    ...     np.zeros(4, int), lead, wanted, is_spare=none, has_gaps=none, surest=0.5
    ... )
    >>> rows.tolist(), classes.tolist()
    ([0, 3, 1], [0, 0, 1])
    """
    n_classes = lead.shape[1]
    best = lead.argmax(axis=1)
    taken = np.full(len(batch), -1, dtype=np.intp)
    group = np.where(is_spare, -1, batch * n_classes + best)
    own = lead[np.arange(len(batch)), best]
    rank, sizes = _rank(2 * group + has_gaps, -own)
    surer = rank + 0.5 <= surest * sizes
    rank, _ = _rank(group, np.where(surer, -np.inf, -own))
    n_wanted = np.append(wanted.ravel(), 0)  # group -1 gets none
    keep = rank < n_wanted[group]
    taken[keep] = best[keep]
    for k in range(n_classes):
        lacking = wanted[:, k] - np.bincount(batch[taken == k], minlength=len(wanted))
        taken[_find_nearest(batch, lead[:, k], is_spare, taken < 0, lacking)] = k
    chosen = np.flatnonzero(taken >= 0)
    order = np.lexsort((chosen, taken[chosen], batch[chosen]))
    return chosen[order], taken[chosen[order]]


def _find_nearest(
    batch: Ints,
    lead: NDArray[np.float64],
    is_spare: NDArray[np.bool_],
    is_left: NDArray[np.bool_],
    lacking: Ints,
) -> Ints:
    """Return as many candidates that are left as batches lack, the nearest first."""
    left = np.flatnonzero(is_left & (lacking[batch] > 0))
    left = left[np.lexsort((-lead[left], is_spare[left], batch[left]))]
    nearest: Ints = left[_count_up(batch[left]) < lacking[batch[left]]]
    return nearest


def _rank(group: Ints, key: NDArray[np.float64]) -> tuple[Ints, Ints]:
    """Return each row's rank by ``key`` within its group, and the group's size."""
    order = np.lexsort((key, group))
    rank = np.empty(len(group), dtype=np.intp)
    rank[order] = _count_up(group[order])
    group = group - group.min(initial=0)
    sizes = np.bincount(group)[group]
    return rank, sizes


def _count_up(sorted_groups: Ints) -> Ints:
    """Return 0, 1, ... within each stretch of equal values."""
    n_rows = len(sorted_groups)
    is_first = np.ones(n_rows, dtype=bool)
    is_first[1:] = sorted_groups[1:] != sorted_groups[:-1]
    first = np.flatnonzero(is_first)
    return np.arange(n_rows) - np.repeat(first, np.diff(np.append(first, n_rows)))
