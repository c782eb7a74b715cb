"""Numbers that follow from others: solved for by an equation, not drawn."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema
from t2sampler.constraints import Linear


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


def find_equations(
    rules: Sequence[object], columns: Sequence[ColumnSchema]
) -> list[Equation]:
    """Return an equation per rule that is a sum of numbers alone and exactly zero."""
    position = {c.name: j for j, c in enumerate(columns) if c.is_numeric}
    equations = []
    for rule in rules:
        if not isinstance(rule, Linear) or not rule.equals:
            continue
        has_dummies = any(isinstance(t, tuple) and len(t) > 1 for t in rule.weights)
        if not has_dummies and position.keys() >= set(rule.columns):
            pairs = zip(rule.columns, rule.weights.values(), strict=True)
            weights = {position[name]: float(weight) for name, weight in pairs}
            # Codes of dates count from the column's first one, rules from 1970.
            starts = sum(w * columns[j].origin / 1e9 for j, w in weights.items())
            equations.append(Equation(weights, float(rule.bias) + starts, columns))
    return equations
