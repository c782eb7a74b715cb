"""Rules about one column: present, within bounds, one of a list."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from t2sampler.constraints import _checks as checks
from t2sampler.constraints._cells import (
    MISSING,
    as_number,
    call_column,
    describe,
    describe_some,
    find_levels,
    kind_of,
    read_numbers,
    to_plain,
)
from t2sampler.constraints._rule import BROKEN, HOLDS, Rule, answer


@dataclass(frozen=True)
class Present(Rule):
    """The column has a value: the one rule that a missing value breaks."""

    column: Hashable

    @property
    def name(self):
        return f"{call_column(self.column)} is not missing"

    def check(self, schema):
        checks.find_column(self, schema, self.column)

    def judge(self, frame):
        return np.where(frame[self.column].notna().to_numpy(), HOLDS, BROKEN)


@dataclass(frozen=True)
class Between(Rule):
    """A number, date or duration lies within bounds, both of them allowed.

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
        object.__setattr__(self, "low", to_plain(self.low))
        object.__setattr__(self, "high", to_plain(self.high))

    @property
    def name(self):
        name, low, high = call_column(self.column), self.low, self.high
        if high is None:
            return f"{name} is at least {describe(low)}"
        if low is None:
            return f"{name} is at most {describe(high)}"
        return f"{name} is from {describe(low)} to {describe(high)}"

    def check(self, schema):
        column = checks.find_column(self, schema, self.column)
        given = [bound for bound in (self.low, self.high) if bound is not None]
        checks.check_some(self, given, "bound")
        checks.check_bounds(self, column, self.low, self.high)

    def judge(self, frame):
        values = frame[self.column]
        kind = kind_of(self.high if self.low is None else self.low)
        numbers = read_numbers(values, kind)
        inside = ~np.isnan(numbers)
        if self.low is not None:
            inside &= numbers >= as_number(self.low)
        if self.high is not None:
            inside &= numbers <= as_number(self.high)
        return answer(inside, values.isna().to_numpy())


@dataclass(frozen=True)
class OneOf(Rule):
    """The value is one of a list; 1 equals 1.0, but neither "1" nor True."""

    column: Hashable
    values: tuple

    def __post_init__(self):
        object.__setattr__(self, "values", to_plain(tuple(self.values)))

    @property
    def name(self):
        return f"{call_column(self.column)} is one of {describe_some(self.values)}"

    def check(self, schema):
        column = checks.find_column(self, schema, self.column)
        checks.check_levels(self, column, self.values)

    def judge(self, frame):
        positions = find_levels(frame[self.column], self.values)
        return answer(positions >= 0, positions == MISSING)
