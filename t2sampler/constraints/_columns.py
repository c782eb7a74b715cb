"""Rules on one column: `NotMissing`, `Between` and `OneOf`."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from t2sampler.constraints import _rule_checks as checks
from t2sampler.constraints._cells import (
    MISSING,
    as_number,
    find_levels,
    format_column,
    format_value,
    format_values,
    kind_of,
    read_numbers,
    to_builtin,
)
from t2sampler.constraints._rule import BROKEN, HOLDS, Rule, to_answer


@dataclass(frozen=True)
class NotMissing(Rule):
    """The column has a value; no other rule is broken by a missing value."""

    column: Hashable

    @property
    def name(self):
        return f"{format_column(self.column)} is not missing"

    def check(self, schema):
        checks.find_column(self, schema, self.column)

    def evaluate(self, frame):
        return np.where(frame[self.column].notna().to_numpy(), HOLDS, BROKEN)


@dataclass(frozen=True)
class Between(Rule):
    """A number, date or duration lies within bounds, which are allowed values.

    Parameters
    ----------
    column : hashable
    low, high : number, Timestamp or Timedelta, default=None
        None leaves that side open.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.constraints import Between
    >>> Between("age", 18, 96).holds(pd.DataFrame({"age": [17, 18, None]}))
    array([False,  True,  True])
    """

    column: Hashable
    low: object = None
    high: object = None

    def __post_init__(self):
        object.__setattr__(self, "low", to_builtin(self.low))
        object.__setattr__(self, "high", to_builtin(self.high))

    @property
    def name(self):
        name, low, high = format_column(self.column), self.low, self.high
        if high is None:
            return f"{name} is at least {format_value(low)}"
        if low is None:
            return f"{name} is at most {format_value(high)}"
        return f"{name} is from {format_value(low)} to {format_value(high)}"

    def check(self, schema):
        column = checks.find_column(self, schema, self.column)
        given = [bound for bound in (self.low, self.high) if bound is not None]
        checks.check_not_empty(self, given, "bound")
        checks.check_bounds(self, column, self.low, self.high)

    def evaluate(self, frame):
        values = frame[self.column]
        kind = kind_of(self.high if self.low is None else self.low)
        numbers = read_numbers(values, kind)
        inside = ~np.isnan(numbers)  # text where a number belongs breaks the rule
        if self.low is not None:
            inside &= numbers >= as_number(self.low)
        if self.high is not None:
            inside &= numbers <= as_number(self.high)
        return to_answer(inside, values.isna().to_numpy())


@dataclass(frozen=True)
class OneOf(Rule):
    """The value is one of a list; 1 equals 1.0, but neither "1" nor True."""

    column: Hashable
    values: tuple

    def __post_init__(self):
        object.__setattr__(self, "values", to_builtin(tuple(self.values)))

    @property
    def name(self):
        return f"{format_column(self.column)} is one of {format_values(self.values)}"

    def check(self, schema):
        column = checks.find_column(self, schema, self.column)
        checks.check_levels(self, column, self.values)

    def evaluate(self, frame):
        positions = find_levels(frame[self.column], self.values)
        return to_answer(positions >= 0, positions == MISSING)
