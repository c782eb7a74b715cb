"""Checks that a rule fits a table; each raises ConstraintError if it does not."""

import math

import pandas as pd

from t2sampler.constraints._cells import (
    as_number,
    find_levels,
    format_values,
    kind_of,
    level_key,
)
from t2sampler.exceptions import ConstraintError

NUMERIC = {
    "number": "number",
    "bool": "number",
    "datetime": "datetime",
    "timedelta": "timedelta",
}


def find_column(rule, schema, name):
    """Return the `ColumnSchema` of a column the rule reads."""
    for column in schema.columns:
        if level_key(column.name) == level_key(name):
            _check_is_seen(rule, column)
            return column
    raise ConstraintError(
        f"{_type_name(rule)} expected a column of the table "
        f"({format_values(schema.names)}), got {name!r}. Name one of them."
    )


def _check_is_seen(rule, column):
    """Refuse a column whose values no filter sees."""
    if column.kind in ("text", "id", "private"):
        raise ConstraintError(
            f"{_type_name(rule)} expected a column that filters see, got "
            f"{column.name!r}, which is of kind {column.kind!r}. Give it another kind, "
            f"such as column_kinds={{{column.name!r}: 'category'}}."
        )


def check_numeric(rule, column):
    """Return which of numbers, dates and durations a column has; raise if none."""
    kind = NUMERIC.get(column.kind)
    if column.kind == "category":  # of numbers or dates, if all levels are
        kinds = {kind_of(level) for level in column.levels}
        kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None and column.kind != "empty":
        raise ConstraintError(
            f"{_type_name(rule)} expected numbers, dates or durations in column "
            f"{column.name!r}, got {column.kind}. Use OneOf, or a (column, level) pair "
            "in Linear."
        )
    return kind


def check_bounds(rule, column, low, high):
    """Raise if a bound has another kind than the column, or low exceeds high."""
    kind = check_numeric(rule, column)
    for bound in (low, high):
        if bound is None:
            continue
        if kind_of(bound) != (kind or kind_of(bound)) or math.isnan(as_number(bound)):
            raise ConstraintError(
                f"{_type_name(rule)} expected a {kind or 'number'} as bound of column "
                f"{column.name!r}, got {bound!r}. Give numbers for numbers, "
                "pandas.Timestamp for dates and pandas.Timedelta for durations."
            )
    if None not in (low, high) and as_number(low) > as_number(high):
        raise ConstraintError(
            f"{_type_name(rule)} expected `low` <= `high` for column {column.name!r}, "
            f"got {low!r} and {high!r}. Swap them."
        )


def check_levels(rule, column, levels):
    """Raise if the column has none of the levels.

    One known level is enough, since rare ones may be absent from a sample of rows. The
    categories of the dtype count as known.
    """
    if column.kind == "empty":
        return
    if column.kind in ("category", "bool"):
        known = (*column.levels, *getattr(column.dtype, "categories", ()))
        fits = (find_levels(_as_series(levels), known) >= 0).any()
        expected = f"a level ({format_values(known)})"
    else:
        expected = f"a {NUMERIC[column.kind]}"
        fits = any(kind_of(level) == NUMERIC[column.kind] for level in levels)
    if not fits:
        raise ConstraintError(
            f"{_type_name(rule)} expected {expected} of column {column.name!r}, got "
            f"{format_values(tuple(levels)) or 'none'}. Correct it, or declare it as a "
            "category of the column's dtype."
        )


def check_weights(rule):
    """Raise if a weight is not a finite number, or if there are no weights."""
    check_finite(rule, [*rule.weights.values(), rule.bias], "weights and bias")
    check_not_empty(rule, rule.weights, "weight")


def check_finite(rule, numbers, role="its numbers"):
    """Raise if one is not a finite number."""
    for number in numbers:
        if kind_of(number) != "number" or not math.isfinite(number):
            raise ConstraintError(
                f"{_type_name(rule)} expected finite numbers as {role}, got "
                f"{number!r}. Give a number per column, or per (column, level) pair."
            )


def check_not_empty(rule, parts, word):
    """Raise if a rule has no parts."""
    if not parts:
        raise ConstraintError(
            f"{_type_name(rule)} expected at least one {word}, got none. Give one, or "
            "leave the rule out."
        )


def check_rule(rule, schema):
    """Raise if an object is not a rule, or does not fit the table."""
    if not (hasattr(rule, "name") and callable(getattr(rule, "holds", None))):
        raise ConstraintError(
            "Expected a rule, which has a `name` and a method `holds`, got "
            f"{rule!r}. Take one from t2sampler.constraints."
        )
    if hasattr(rule, "check"):  # a user's own rule need not have it
        rule.check(schema)


def _type_name(rule):
    return type(rule).__name__


def _as_series(levels):
    return pd.Series(list(levels), dtype=object)
