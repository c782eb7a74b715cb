"""Causal structure: which columns each column depends on, found by hill climbing."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from math import comb

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema
from t2sampler.team._plan_from_data import bin_column

MAX_BINS = 4  # per column: every bin of a parent multiplies the parameters of a child
MAX_PARENTS = 3
MAX_STEPS_DOWN = 10  # that do not lead to a better graph, before the search ends
MAX_CANDIDATES = 10  # columns that may be a column's parents: those that explain most
# Structures that imply the same independences have the same score but for rounding.
MIN_GAIN = 1e-6
Bins = NDArray[np.intp]
Parents = dict[int, frozenset[int]]
Move = tuple[tuple[int, frozenset[int]], ...]  # columns whose parents change, and to


def learn_structure(
    codes: NDArray[np.float64], columns: Mapping[str, ColumnSchema]
) -> dict[str, tuple[str, ...]]:
    r"""Return the parents of each column, by key: a directed graph without cycles.

    Hill climbing from the graph without edges: the edge is added, deleted or reversed
    that raises the score most. Where none raises it, the search goes on for ten steps,
    each to the best graph that it has not seen (tabu search), since edges that point
    the wrong way can be a dead end. The score is extended BIC [1]_ over binned columns
    (numbers in up to four bands of equal size, the rare levels of a category as one,
    missing values as a bin of their own), a sum over columns x with parents P

    .. math:: \sum_x \Big( \sum_{p, k} N_{pk} \log \frac{N_{pk}}{N_p}
              - \frac{\log n}{2} (r_x - 1) \prod_{q \in P} r_q
              - \log \binom{d - 1}{|P|} \Big)

    for n rows of d columns, of which N_pk have the parents' values p and the value k,
    and r values of a column. Without the last term, which BIC does not have, eight
    unrelated columns of ten rows get five or six edges; with it, less than one.

    Parameters
    ----------
    codes : float ndarray of shape (n_rows, n_columns)
    columns : dict of key to ColumnSchema
        In the order in which an edge is directed where both directions score the same:
        from the earlier column to the later.

    Returns
    -------
    structure : dict of key to tuple of key
        Every column, with at most three parents, in the order of ``columns``.

    Notes
    -----
    A direction is a convention, unless a column has parents that do not depend on each
    other: do not read an edge as a proven cause. Each column is scored against every
    other once, so the search costs O(n_rows n_columns^2); beyond that a column has ten
    candidates for its parents.

    References
    ----------
    .. [1] J. Chen, Z. Chen, "Extended Bayesian information criteria for model selection
       with large model spaces", Biometrika 95(3), 2008.
    """
    pairs = zip(codes.T, columns.values(), strict=True)
    parents = _Search([bin_column(x, c, MAX_BINS) for x, c in pairs]).climb()
    keys = list(columns)
    return {
        key: tuple(keys[parent] for parent in sorted(parents[place]))
        for place, key in enumerate(keys)
    }


def find_cycle(structure: Mapping[str, Sequence[str]]) -> list[str]:
    """Return columns that depend on each other in a circle, the first one again last.

    Parameters
    ----------
    structure : mapping of key to sequence of key
        The parents of each column; one that is left out has none.

    Returns
    -------
    cycle : list of key
        Empty where there is none.
    """
    try:
        TopologicalSorter(structure).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


class _Search:
    """Hill climbing over the parents of binned columns."""

    def __init__(self, bins: Sequence[Bins]):
        self._bins = bins
        self._sizes = [int(b.max(initial=0)) + 1 for b in bins]
        self._scores: dict[tuple[int, frozenset[int]], float] = {}
        self._candidates = [self._find_candidates(child) for child in range(len(bins))]

    def climb(self) -> Parents:
        """Return the parents of each column in the best graph that was found."""
        parents: Parents = dict.fromkeys(range(len(self._bins)), frozenset())
        best, height, best_height = parents, 0.0, 0.0
        seen = {tuple(parents.values())}
        n_left = MAX_STEPS_DOWN
        while n_left and (step := self._find_best_move(parents, seen)):
            gain, parents = step
            seen.add(tuple(parents.values()))
            height += gain
            n_left -= 1
            if height > best_height + MIN_GAIN:
                best, best_height, n_left = parents, height, MAX_STEPS_DOWN
        return best

    def _find_best_move(
        self, parents: Parents, seen: Collection[tuple[frozenset[int], ...]]
    ) -> tuple[float, Parents] | None:
        """Return the gain of the best move to a graph that is new, and that graph."""
        best, best_gain = None, -np.inf
        for move in self._moves(parents):
            gain = self._gain(move, parents)
            if gain > best_gain + MIN_GAIN:
                graph = parents | dict(move)
                if tuple(graph.values()) not in seen:
                    best, best_gain = graph, gain
        return None if best is None else (best_gain, best)

    def _find_candidates(self, child: int) -> list[int]:
        """Return the columns that explain a column most, in their order."""
        none: frozenset[int] = frozenset()
        gains = {
            other: self._gain(((child, frozenset([other])),), {child: none})
            for other in range(len(self._bins))
            if other != child
        }
        # Rounded, so that what scores the same is taken in order.
        ranked = sorted(gains, key=lambda other: round(-gains[other], 6))
        return sorted(ranked[:MAX_CANDIDATES])

    def _moves(self, parents: Parents) -> Iterator[Move]:
        """Yield the moves that leave the graph without a cycle, in a fixed order."""
        for parent in parents:
            for child in parents:
                if parent in parents[child]:
                    without = parents[child] - {parent}
                    yield ((child, without),)
                    if self._can_add(child, parent, parents | {child: without}):
                        yield (child, without), (parent, parents[parent] | {child})
                elif self._can_add(parent, child, parents):
                    yield ((child, parents[child] | {parent}),)

    def _can_add(self, parent: int, child: int, parents: Parents) -> bool:
        if parent not in self._candidates[child] or len(parents[child]) == MAX_PARENTS:
            return False
        return child not in _find_ancestors(parent, parents)

    def _gain(self, move: Move, parents: Parents) -> float:
        return sum(
            self._score(child, new) - self._score(child, parents[child])
            for child, new in move
        )

    def _score(self, child: int, parents: frozenset[int]) -> float:
        """Return what a column with these parents adds to the score."""
        if (child, parents) not in self._scores:
            self._scores[child, parents] = self._measure(child, sorted(parents))
        return self._scores[child, parents]

    def _measure(self, child: int, parents: Sequence[int]) -> float:
        place = np.zeros(len(self._bins[child]), dtype=np.intp)
        n_states = 1
        for parent in parents:
            place = place * self._sizes[parent] + self._bins[parent]
            n_states *= self._sizes[parent]
        size = self._sizes[child]
        counts = np.bincount(
            place * size + self._bins[child], minlength=n_states * size
        ).reshape(n_states, size)
        present = counts[counts > 0]
        totals = counts.sum(axis=1)
        totals = totals[totals > 0]
        likelihood = np.sum(present * np.log(present)) - np.sum(totals * np.log(totals))
        penalty = np.log(max(1, len(place))) / 2 * (size - 1) * n_states
        n_ways = comb(len(self._bins) - 1, len(parents))
        return float(likelihood - penalty - np.log(n_ways))


def _find_ancestors(node: int, parents: Parents) -> set[int]:
    """Return a column, its parents, theirs, and so on."""
    found, left = {node}, [node]
    while left:
        new = parents[left.pop()] - found
        found |= new
        left += new
    return found
