"""Which candidates become rows: those with the clearest label; copies come last."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from t2sampler._encoding import hash_rows
from t2sampler._records import Request

# Candidates per wanted row, where rows keep the label they were drawn for, where a
# model of many real rows or of few relabels them, and where they have to meet
# conditions; and so many more per batch.
CANDIDATES_PER_ROW_AS_DRAWN = 1.5
CANDIDATES_PER_ROW_OF_MANY = 2.0
CANDIDATES_PER_ROW = 3.0
CANDIDATES_PER_ROW_CONDITIONAL = 20.0
N_EXTRA_CANDIDATES = 6
# Columns of a candidate's noise; those from the fourth on are the workers'.
LABEL, COPY, CHOICE, N_BEFORE_WORKERS = 0, 1, 2, 3
FAR = 1e6  # from a class, where another candidate would have to lack a class

Positions = NDArray[np.intp]


def select_candidates(
    batch: Positions,
    margins: NDArray[np.float64],
    wanted: Positions,
    *,
    is_excess_copy: NDArray[np.bool_],
    has_gaps: NDArray[np.bool_],
    keep_fraction: float,
) -> tuple[Positions, Positions]:
    """Select as many candidates per batch and class as are wanted.

    Of the candidates with a class's label those with the largest margins come first, in
    the order in which they were drawn; then the others, the largest margin first; then
    those with another label that are nearest. Excess copies come after all of them.

    Parameters
    ----------
    batch : int ndarray of shape (n_candidates,)
        0, 1, ...; in order.
    margins : float ndarray of shape (n_candidates, n_classes)
        Classification margin per class; a row has the label with the largest.
    wanted : int ndarray of shape (n_batches, n_classes)
        At most as many as a batch has candidates.
    is_excess_copy : bool ndarray of shape (n_candidates,)
        Only where nothing else is left.
    has_gaps : bool ndarray of shape (n_candidates,)
        Rows with missing values rarely have a large margin; they compete among
        themselves, so that they keep their share.
    keep_fraction : float in [0, 1]
        Share of a class's candidates that come first, in the order they were drawn.

    Returns
    -------
    selected, classes : int ndarrays of shape (n_wanted,)
        Candidates and the class of each, by batch and class.

    Examples
    --------
    >>> margins = np.array([[2, -2], [-1, 1], [1, -1], [3, -3.0]])
    >>> none = np.zeros(4, dtype=bool)
    >>> rows, classes = select_candidates(
    ...     np.zeros(4, int),
    ...     margins,
    ...     np.array([[2, 1]]),
    ...     is_excess_copy=none,
    ...     has_gaps=none,
    ...     keep_fraction=0.5,
    ... )
    >>> rows.tolist(), classes.tolist()
    ([0, 3, 1], [0, 0, 1])
    """
    n_classes = margins.shape[1]
    best = margins.argmax(axis=1)
    taken = np.full(len(batch), -1, dtype=np.intp)
    group = np.where(is_excess_copy, -1, batch * n_classes + best)
    own = take_own(margins, best)
    rank, sizes = _rank(2 * group + has_gaps, -own)
    comes_first = rank + 0.5 <= keep_fraction * sizes
    # The sort is stable: equal keys keep the order in which candidates were drawn.
    rank, _ = _rank(group, np.where(comes_first, -np.inf, -own))
    n_wanted = np.append(wanted.ravel(), 0)  # group -1 gets none
    keep = rank < n_wanted[group]
    taken[keep] = best[keep]
    for k in range(n_classes):
        lacking = wanted[:, k] - np.bincount(batch[taken == k], minlength=len(wanted))
        nearest = _find_nearest(
            batch, margins[:, k], is_excess_copy, taken < 0, lacking
        )
        taken[nearest] = k
    selected = np.flatnonzero(taken >= 0)
    order = np.lexsort((selected, taken[selected], batch[selected]))
    return selected[order], taken[selected[order]]


def take_own(margins: NDArray[np.float64], places: Positions) -> NDArray[np.float64]:
    """Return each candidate's margin for the class at its place."""
    own: NDArray[np.float64] = margins[np.arange(len(places)), places]
    return own


def keep_classes(
    margins: NDArray[np.float64], places: Positions, scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return margins by which candidates keep the class they were drawn for.

    Parameters
    ----------
    margins : float ndarray of shape (n_candidates, n_classes)
        They count between classes only where a batch has too few candidates of one.
    places : int ndarray of shape (n_candidates,)
        The class each was drawn for.
    scores : float ndarray of shape (n_candidates,)
        Those from 0 on are equally good.
    """
    kept = np.minimum(margins, FAR) - 2 * FAR
    kept[np.arange(len(places)), places] = np.clip(scores, -FAR / 2, 0)
    return kept


def _find_nearest(
    batch: Positions,
    margin: NDArray[np.float64],
    is_excess_copy: NDArray[np.bool_],
    is_left: NDArray[np.bool_],
    lacking: Positions,
) -> Positions:
    """Return as many candidates that are left as batches lack, the nearest first."""
    left = np.flatnonzero(is_left & (lacking[batch] > 0))
    left = left[np.lexsort((-margin[left], is_excess_copy[left], batch[left]))]
    nearest: Positions = left[_count_up(batch[left]) < lacking[batch[left]]]
    return nearest


def _rank(group: Positions, key: NDArray[np.float64]) -> tuple[Positions, Positions]:
    """Return each row's rank by ``key`` within its group, and the group's size."""
    order = np.lexsort((key, group))
    rank = np.empty(len(group), dtype=np.intp)
    rank[order] = _count_up(group[order])
    group = group - group.min(initial=0)
    sizes = np.bincount(group)[group]
    return rank, sizes


def _count_up(sorted_groups: Positions) -> Positions:
    """Return 0, 1, ... within each stretch of equal values."""
    n_rows = len(sorted_groups)
    is_first = np.ones(n_rows, dtype=bool)
    is_first[1:] = sorted_groups[1:] != sorted_groups[:-1]
    first = np.flatnonzero(is_first)
    return np.arange(n_rows) - np.repeat(first, np.diff(np.append(first, n_rows)))


class CopyDetector:
    """Find exact copies of real rows.

    Attributes
    ----------
    repeat_rate_ : float in [0, 1]
        Share of real rows that equal another real row.

    Examples
    --------
    >>> real = CopyDetector().fit(np.array([[1.0, 2.0], [1.0, 2.0], [3.0, np.nan]]))
    >>> real.are_copies(np.array([[3.0, np.nan], [3.0, 2.0]])).tolist()
    [True, False]
    >>> round(real.repeat_rate_, 2)
    0.67
    """

    def fit(self, codes: NDArray[np.float64]) -> "CopyDetector":
        """Learn rows of shape (n_rows, n_columns)."""
        self._hashes, counts = np.unique(hash_rows(codes), return_counts=True)
        self.repeat_rate_ = float(counts[counts > 1].sum() / max(1, len(codes)))
        return self

    def find_keep_probability(self, candidates: NDArray[np.float64]) -> float:
        """Return the probability with which to keep a copy of a real row.

        Copies are then as frequent among generated rows as repeats are among real ones.

        Parameters
        ----------
        candidates : float ndarray of shape (n_rows, n_columns)
            Drawn as others will be.
        """
        copied = float(self.are_copies(candidates).mean()) if len(candidates) else 0.0
        odds = copied * (1 - self.repeat_rate_)
        if not odds > 0:  # no copy was seen, or every real row is repeated
            return float(self.repeat_rate_ > 0)
        return min(1.0, self.repeat_rate_ * (1 - copied) / odds)

    def are_copies(self, codes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows equal a real one."""
        return np.isin(hash_rows(codes), self._hashes)


@dataclass(frozen=True)
class CandidateSet:
    """Candidates of several requests, drawn together: what is wanted, and their noise.

    Attributes
    ----------
    wanted : list of int ndarray
        Per request, the position of each row's label among the classes.
    sizes : tuple of int
        Candidates per request.
    noise : float ndarray of shape (n_candidates, n_uniforms)
        Each request's from its own stream.
    """

    wanted: list[Positions]
    sizes: tuple[int, ...]
    noise: NDArray[np.float64]

    @classmethod
    def open(
        cls,
        requests: list[Request],
        per_row: float,
        n_uniforms: int,
        find_wanted: Callable[[list[Request], NDArray[np.float64]], Positions],
    ) -> "CandidateSet":
        """Draw the noise of several requests, and find the labels they want.

        Parameters
        ----------
        requests : list of Request
        per_row : float
            Candidates per wanted row.
        n_uniforms : int
            Per candidate.
        find_wanted : callable
            From requests and a uniform per row to positions of labels per row.
        """
        sizes = tuple(count_candidates(r.n_rows, per_row) for r in requests)
        noise = np.empty((sum(sizes), n_uniforms))
        uniforms, stop = [], 0
        for request, size in zip(requests, sizes, strict=True):
            start, stop = stop, stop + size
            request.rng.random(out=noise[start:stop])
            uniforms.append(noise[start : start + request.n_rows, LABEL])
        wanted = find_wanted(requests, np.concatenate(uniforms))
        ends = np.cumsum([request.n_rows for request in requests])
        return cls(np.split(wanted, ends[:-1]), sizes, noise)

    def target_classes(self) -> Positions:
        """Return the class each candidate is drawn for: the wanted ones in turn."""
        pairs = zip(self.wanted, self.sizes, strict=True)
        return np.concatenate([np.resize(wanted, size) for wanted, size in pairs])

    def select(
        self, margins: NDArray[np.float64], **settings: Any
    ) -> tuple[Positions, Positions]:
        """Return a candidate and a class per wanted row, in the order wanted.

        Parameters
        ----------
        margins : float ndarray of shape (n_candidates, n_classes)
        settings : dict
            See `select_candidates`.
        """
        n_classes = margins.shape[1]
        counts = [np.bincount(wanted, minlength=n_classes) for wanted in self.wanted]
        n_wanted = np.array(counts).reshape(-1, n_classes)
        batch = np.repeat(np.arange(len(self.sizes)), self.sizes)
        selected, _ = select_candidates(batch, margins, n_wanted, **settings)
        classes = np.concatenate(self.wanted)
        batch_of_row = np.repeat(np.arange(len(n_wanted)), n_wanted.sum(axis=1))
        rows = np.empty(len(selected), dtype=np.intp)
        rows[np.lexsort((classes, batch_of_row))] = selected
        return rows, classes


def count_candidates(n_rows: int, per_row: float) -> int:
    """Return how many candidates a batch of ``n_rows`` rows needs."""
    return int(np.ceil(per_row * n_rows)) + N_EXTRA_CANDIDATES if n_rows else 0


def resample_by_likelihood(
    likelihoods: NDArray[np.float64], n_rows: int, rng: np.random.Generator
) -> Positions:
    """Return rows drawn by their likelihoods, each once while there are enough.

    Examples
    --------
    >>> likelihoods = np.array([0, 0.5, 0, 0])
    >>> resample_by_likelihood(likelihoods, 3, np.random.default_rng(0)).tolist()
    [1, 1, 1]
    """
    with np.errstate(divide="ignore"):  # Gumbel noise: the top n are a weighted sample
        keys = np.log(likelihoods) + rng.gumbel(size=len(likelihoods))
    order = np.argsort(-keys, kind="stable")
    return np.resize(order[: np.count_nonzero(likelihoods)], n_rows)
