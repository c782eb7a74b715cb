"""Numbers that follow from others: solved for by an equation, not drawn."""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._calendar import to_wall_time
from t2sampler._schema import ColumnSchema, find_zone
from t2sampler.constraints import Elapsed, Linear, Product


@dataclass(frozen=True)
class Equation:
    """A weighted sum of numeric columns that is zero in every row.

    Attributes
    ----------
    weights : mapping of int to float
        By position of the column.
    bias : float
    columns : sequence of ColumnSchema
        To which the positions refer.

    Examples
    --------
    >>> columns = [ColumnSchema(name, "number", float, low=0, high=9) for name in "ab"]
    >>> double = Equation({0: 1.0, 1: -2.0}, 0.0, columns)
    >>> double.solve(np.array([[1.0, 4.0], [5.0, 3.0]])).tolist()
    [[8.0, 4.0], [6.0, 3.0]]
    """

    weights: Mapping[int, float]
    bias: float
    columns: Sequence[ColumnSchema]

    @property
    def inputs(self) -> tuple[int, ...]:
        """Positions of all columns but the first, which follows from them."""
        return tuple(self.weights)[1:]

    def turn(self) -> Iterator["Equation"]:
        """Yield the equation with each of its columns as the one that follows."""
        for j in self.weights:
            yield replace(self, weights={j: self.weights[j]} | dict(self.weights))

    def solve(
        self, codes: NDArray[np.float64], fixed: Collection[int] = ()
    ) -> NDArray[np.float64]:
        """Return codes in which one column follows from the others; gaps stay.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
        fixed : collection of int
            Columns that must stay.
        """
        free = [j for j in self.weights if j not in fixed]
        if not free:
            return codes
        others = [j for j in self.weights if j != free[0]]
        rest = codes[:, others] @ [self.weights[j] for j in others] + self.bias
        solution = self.columns[free[0]].snap(-rest / self.weights[free[0]])
        # With a value missing nothing follows; what is missing in the rows stays so.
        is_known = ~np.isnan(codes[:, [*self.weights]]).any(axis=1)
        solved = codes.copy()
        solved[is_known, free[0]] = solution[is_known]
        return solved


@dataclass(frozen=True)
class Formula:
    """A rule by which a column follows from others.

    Attributes
    ----------
    rule : Product or Elapsed
    order : tuple of int
        Positions of the columns that may follow from the others, the preferred first.
    others : tuple of int
        Positions of the columns that may not.
    columns : sequence of ColumnSchema
        To which the positions refer.
    """

    rule: Product | Elapsed
    order: tuple[int, ...]
    others: tuple[int, ...]
    columns: Sequence[ColumnSchema]

    @property
    def inputs(self) -> tuple[int, ...]:
        """Positions of all columns but the first, which follows from them."""
        return (*self.order[1:], *self.others)

    def turn(self) -> Iterator["Formula"]:
        """Yield the formula with each column that may follow from the others first."""
        for j in self.order:
            order = (j, *(other for other in self.order if other != j))
            yield replace(self, order=order)

    def solve(
        self, codes: NDArray[np.float64], fixed: Collection[int] = ()
    ) -> NDArray[np.float64]:
        """Return codes in which one column follows from the others; gaps stay."""
        free = [j for j in self.order if j not in fixed]
        if not free or not len(codes):
            return codes
        used = [*self.order, *self.others]
        is_known = ~np.isnan(codes[:, used]).any(axis=1)
        cells = {self.columns[j].name: self.columns[j].decode for j in used}
        frame = pd.DataFrame(
            {
                name: decode(codes[is_known, j])
                for j, (name, decode) in zip(used, cells.items(), strict=True)
            }
        )
        column = self.columns[free[0]]
        solution = _to_codes(column, self.rule.solve(frame, column.name))
        solved = codes.copy()
        solution = column.snap(solution)
        # What cannot be computed, such as a ratio to zero, stays as the donor has it.
        solved[is_known, free[0]] = np.where(
            np.isnan(solution), codes[is_known, free[0]], solution
        )
        return solved


def _to_codes(column: ColumnSchema, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers, or nanoseconds of dates and durations, as codes."""
    if column.kind == "number":
        return np.asarray(values, dtype=float)
    moments = np.asarray(values).astype(np.int64)
    zone = find_zone(column.dtype) if column.kind == "datetime" else None
    if zone is not None:
        moments = to_wall_time(moments, zone)
    return (moments - column.origin) / 1e9


def find_equations(
    rules: Sequence[object], columns: Sequence[ColumnSchema]
) -> list[Equation | Formula]:
    """Return an equation per rule that a column follows from, in the order to solve.

    Each column follows from at most one of them, and never from itself. A rule for
    which no column is left gets none: rows can only be checked by it.

    Parameters
    ----------
    rules : sequence of rules
        Sums of numbers alone that are exactly zero, `Product` and `Elapsed` are used.
    columns : sequence of ColumnSchema
    """
    position = {c.name: j for j, c in enumerate(columns) if c.is_numeric}
    options = [
        list(_turn_rule(rule, columns, position))
        for rule in rules
        if position.keys() >= set(getattr(rule, "columns", (None,)))
    ]
    found: dict[int, Equation | Formula] = {}
    order: list[int] = []
    # A rounded ratio leaves no choice of the column that follows, a sum does.
    for equations in sorted(options, key=len):
        for target, equation in equations:
            graph = {j: e.inputs for j, e in found.items()} | {target: equation.inputs}
            if target in found or not (new := _sort_graph(graph)):
                continue
            found[target], order = equation, new
            break
    return [found[j] for j in order if j in found]


def _sort_graph(graph: Mapping[int, tuple[int, ...]]) -> list[int]:
    """Return columns after those they follow from; empty if one follows from itself."""
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError:
        return []


def _turn_rule(
    rule: object, columns: Sequence[ColumnSchema], position: Mapping[Hashable, int]
) -> Iterator[tuple[int, Equation | Formula]]:
    """Yield the columns that may follow from a rule, and the equation for each."""
    if isinstance(rule, Linear) and rule.equals:
        if any(isinstance(t, tuple) and len(t) > 1 for t in rule.weights):
            return
        pairs = zip(rule.columns, rule.weights.values(), strict=True)
        weights = {position[name]: float(weight) for name, weight in pairs}
        # Codes of dates count from the column's first one, rules from 1970.
        starts = sum(Fraction(w) * columns[j].origin for j, w in weights.items())
        bias = float(Fraction(rule.bias) + starts / 10**9)
        for turned in Equation(weights, bias, columns).turn():
            yield next(iter(turned.weights)), turned
    elif isinstance(rule, Product | Elapsed):
        names = _find_solvable(rule, columns, position)
        order = tuple(position[name] for name in names)
        others = tuple(position[n] for n in rule.columns if n not in names)
        for formula in Formula(rule, order, others, columns).turn():
            yield formula.order[0], formula


def _find_solvable(
    rule: Product | Elapsed,
    columns: Sequence[ColumnSchema],
    position: Mapping[Hashable, int],
) -> list[Hashable]:
    """Return the columns that follow from the others, the preferred one first."""
    if isinstance(rule, Product):
        names = [rule.column, *(() if rule.tolerance else rule.powers)]
        # A column of few decimals would be rounded, and the formula be exact no more.
        return sorted(names, key=lambda name: columns[position[name]].grid.step > 0)
    dates = [n for n in (rule.end, rule.start) if n in rule.columns]
    if not rule.is_exact:
        return [rule.column]
    end = columns[position[dates[0]]]
    # A sum keeps the spread of its terms better than a difference, but may lead to a
    # day on which no date lies.
    is_free = find_zone(end.dtype) is None and not end.grid.days
    return [dates[0], rule.column, *dates[1:]] if is_free else [rule.column, *dates]
