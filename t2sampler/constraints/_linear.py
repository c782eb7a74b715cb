"""Rules on a weighted sum of numbers and dummies: `Linear`."""

from dataclasses import dataclass

import numpy as np

from t2sampler.constraints import _rule_checks as checks
from t2sampler.constraints._cells import (
    MISSING,
    find_levels,
    format_column,
    format_value,
    read_numbers,
    to_builtin,
)
from t2sampler.constraints._rule import Rule, to_answer

ROUNDING = 64  # float spacings of its terms by which a sum may miss zero


@dataclass(frozen=True)
class Linear(Rule):
    """A weighted sum of numbers and dummies is at least zero, or exactly zero.

    ``sum of weight * x + bias >= 0``, up to the rounding of floats.

    Parameters
    ----------
    weights : dict
        From a column's name to the weight of its number, or from a (column, level)
        pair to the weight of a dummy: 1 where the column has that level, else 0. (A
        column whose very name is a tuple is written as the one-tuple ``(name,)``.)
    bias : float, default=0.0
    equals : bool, default=False
        True: the sum must be zero.

    Examples
    --------
    A row with the level "child" has an age under 18: 100 - 83 child - age >= 0.

    >>> import pandas as pd
    >>> from t2sampler.constraints import Linear
    >>> rule = Linear({"age": -1, ("role", "child"): -83}, bias=100)
    >>> rule.holds(pd.DataFrame({"age": [17, 40, 40], "role": ["child"] * 2 + ["x"]}))
    array([ True, False,  True])
    """

    weights: dict
    bias: float = 0.0
    equals: bool = False

    def __post_init__(self):
        weights = {to_builtin(k): to_builtin(w) for k, w in dict(self.weights).items()}
        object.__setattr__(self, "weights", weights)

    def __hash__(self):
        return hash((tuple(self.weights.items()), self.bias, self.equals))

    @property
    def name(self):
        signs, terms = (
            list(self.weights.values()),
            list(map(_format_term, self.weights)),
        )
        if self.equals and self.bias == -1 and set(signs) == {1}:
            return f"exactly one of {', '.join(terms)} is 1"
        relation = "=" if self.equals else ">="
        if signs == [1, -1] and self.bias == 0:
            return f"{terms[0]} {relation} {terms[1]}"
        parts = [f"{format_value(w)} {t}" for w, t in zip(signs, terms, strict=True)]
        return " + ".join([*parts, format_value(self.bias)]) + f" {relation} 0"

    @property
    def columns(self):
        return tuple(dict.fromkeys(_split_term(term)[0] for term in self.weights))

    def check(self, schema):
        checks.check_weights(self)
        for name, *level in map(_split_term, self.weights):
            column = checks.find_column(self, schema, name)
            if level:
                checks.check_levels(self, column, level)
            else:
                checks.check_numeric(self, column)

    def evaluate(self, frame):
        missing = np.zeros(len(frame), dtype=bool)
        unreadable, terms, spacing = missing.copy(), [], 0.0
        for name, *level in map(_split_term, self.weights):
            values = frame[name]
            terms.append(_read_term(values, level))
            is_missing = values.isna().to_numpy()
            missing |= is_missing
            unreadable |= np.isnan(terms[-1]) & ~is_missing
            spacing = max(spacing, float_spacing(values.dtype))
        X, w = np.column_stack(terms), np.array(list(self.weights.values()), float)
        total = X @ w + self.bias
        # A sum of floats that is zero on paper is so only up to rounding.
        slack = ROUNDING * spacing * (np.abs(X) @ np.abs(w) + abs(self.bias))
        holds = np.abs(total) <= slack if self.equals else total >= -slack
        # An unreadable cell breaks the rule even where another one is missing.
        return to_answer(holds & ~unreadable, missing & ~unreadable)


def as_term(name):
    """Return a column's name as a key of weights; a tuple is written as ``(name,)``."""
    return (name,) if isinstance(name, tuple) else name


def _split_term(term):
    """Return a weight's key as (column,) or (column, level)."""
    return term if isinstance(term, tuple) else (term,)


def _format_term(term):
    name, *level = _split_term(term)
    name = format_column(name)
    return f"[{name} = {format_value(level[0])}]" if level else name


def _read_term(values, level):
    """Return a number, or a dummy where a level is given; NaN where unknown."""
    if not level:
        return read_numbers(values)
    positions = find_levels(values, level)
    return np.where(positions == MISSING, np.nan, positions == 0)


def float_spacing(dtype):
    """Return the relative spacing of the numbers a column holds."""
    is_single = dtype.kind == "f" and dtype.itemsize <= 4
    return float(np.finfo(np.float32 if is_single else np.float64).eps)
