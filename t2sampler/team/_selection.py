"""Which candidates of a batch are kept: those whose label is sure, copies last."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._records import Batch, Request

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


class RealRows:
    """The real rows, to know a copy by.

    Attributes
    ----------
    repeats_ : float in [0, 1]
        Share of real rows that have a twin among the other real rows.

    Examples
    --------
    >>> real = RealRows().fit(np.array([[1.0, 2.0], [1.0, 2.0], [3.0, np.nan]]))
    >>> real.holds(np.array([[3.0, np.nan], [3.0, 2.0]])).tolist()
    [True, False]
    >>> round(real.repeats_, 2)
    0.67
    """

    def fit(self, codes: NDArray[np.float64]) -> "RealRows":
        """Learn rows of shape (n_rows, n_columns)."""
        self._prints, counts = np.unique(_fingerprints(codes), return_counts=True)
        self.repeats_ = float(counts[counts > 1].sum() / max(1, len(codes)))
        return self

    def find_chance(self, candidates: NDArray[np.float64]) -> float:
        """Return the chance at which a copy must stay to be as frequent as twins are.

        Parameters
        ----------
        candidates : float ndarray of shape (n_rows, n_columns)
            Drawn as others will be.
        """
        copied = float(self.holds(candidates).mean()) if len(candidates) else 0.0
        odds = copied * (1 - self.repeats_)
        if not odds > 0:  # no copy was seen, or every real row has a twin
            return float(self.repeats_ > 0)
        return min(1.0, self.repeats_ * (1 - copied) / odds)

    def holds(self, codes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows are exact copies of a real one."""
        return np.isin(_fingerprints(codes), self._prints)


def _fingerprints(codes: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return 64 bits per row; equal rows have equal ones."""
    if not codes.shape[1]:  # pandas 2 hashes no rows without cells
        return np.zeros(len(codes), dtype=np.uint64)
    frame = pd.DataFrame(codes + 0.0)  # -0.0 becomes 0.0
    prints: NDArray[np.uint64] = pd.util.hash_pandas_object(frame, index=False).array
    return np.asarray(prints, dtype=np.uint64)


JUDGED, PLENTY, PLAIN = 3.0, 2.0, 1.5  # candidates per row: judged, of many, unjudged
GIVEN = 20.0  # candidates per row that has to meet conditions
EXTRA = 6  # and so many more per batch
LABEL, COPY, N_OWN = 0, 1, 2  # columns of noise that are not the workers'


@dataclass(frozen=True)
class Drawing:
    """What is wanted of several requests, and the candidates drawn for them.

    Attributes
    ----------
    requests : list of Request
    wanted : list of int ndarray
        Place of the wanted label among the classes, per row.
    sizes : tuple of int
        Candidates per request.
    noise : float ndarray of shape (n_candidates, n_uniforms)
        Each request's from its own stream.
    """

    requests: list[Request]
    wanted: list[NDArray[np.intp]]
    sizes: tuple[int, ...]
    noise: NDArray[np.float64]

    @property
    def batch(self) -> NDArray[np.intp]:
        """Position of the request, per candidate."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def count(self, n_classes: int) -> NDArray[np.intp]:
        """Return wanted rows per request and class."""
        counts = [np.bincount(wanted, minlength=n_classes) for wanted in self.wanted]
        return np.array(counts).reshape(-1, n_classes)

    def meant(self) -> NDArray[np.intp]:
        """Return the class each candidate is drawn for: the wanted ones in turn."""
        pairs = zip(self.wanted, self.sizes, strict=True)
        return np.concatenate([np.resize(wanted, size) for wanted, size in pairs])


def count_candidates(n_rows: int, per_row: float) -> int:
    """Return how many candidates a batch of ``n_rows`` rows needs."""
    return int(np.ceil(per_row * n_rows)) + EXTRA if n_rows else 0


def weigh(
    chances: NDArray[np.float64], n_rows: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return rows drawn by their chances, each once while there are enough.

    Examples
    --------
    >>> weigh(np.array([0, 0.5, 0, 0]), 3, np.random.default_rng(0)).tolist()
    [1, 1, 1]
    """
    with np.errstate(divide="ignore"):
        keys = np.log(chances) + rng.gumbel(size=len(chances))
    order = np.argsort(-keys, kind="stable")
    return np.resize(order[: np.count_nonzero(chances)], n_rows)


def start_drawing(
    requests: list[Request],
    per_row: float,
    width: int,
    find_wanted: Callable[[list[Request], NDArray[np.float64]], NDArray[np.intp]],
) -> Drawing:
    """Draw the noise of several requests, and find the labels they want.

    Parameters
    ----------
    requests : list of Request
    per_row : float
        Candidates per wanted row.
    width : int
        Uniforms per candidate.
    find_wanted : callable
        From requests and uniforms per row to classes per row.
    """
    sizes = tuple(count_candidates(r.n_rows, per_row) for r in requests)
    noise = np.empty((sum(sizes), width))
    uniforms, stop = [], 0
    for request, size in zip(requests, sizes, strict=True):
        start, stop = stop, stop + size
        request.rng.random(out=noise[start:stop])
        uniforms.append(noise[start : start + request.n_rows, LABEL])
    wanted = find_wanted(requests, np.concatenate(uniforms))
    ends = np.cumsum([request.n_rows for request in requests])
    return Drawing(requests, np.split(wanted, ends[:-1]), sizes, noise)


def pick_rows(
    drawing: Drawing, lead: NDArray[np.float64], **settings: Any
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return a candidate and a class per wanted row, in the order wanted."""
    wanted = drawing.count(lead.shape[1])
    chosen, _ = choose(drawing.batch, lead, wanted, **settings)
    batch = np.repeat(np.arange(len(wanted)), wanted.sum(axis=1))
    classes = np.concatenate(drawing.wanted)
    rows = np.empty(len(chosen), dtype=np.intp)
    rows[np.lexsort((classes, batch))] = chosen
    return rows, classes


def cut_batches(
    requests: list[Request], frame: pd.DataFrame, target: pd.Series
) -> Iterator[Batch]:
    """Cut rows drawn together into their batches."""
    stop = 0
    for request in requests:
        start, stop = stop, stop + request.n_rows
        X, y = frame.iloc[start:stop], target.iloc[start:stop]
        X.index = y.index = pd.RangeIndex(request.n_rows)
        yield Batch(request.index, X, y)
