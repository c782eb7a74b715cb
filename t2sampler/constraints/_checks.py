"""Does a rule fit a table? Each check passes in silence or raises ConstraintError."""

import math

import pandas as pd

from t2sampler.constraints._cells import (
    as_number,
    describe_some,
    find_levels,
    kind_of,
    tell_apart,
)
from t2sampler.exceptions import ConstraintError

NUMERIC = {
    "number": "number",
    "identifier": "number",
    "bool": "number",
    "datetime": "datetime",
    "timedelta": "timedelta",
}


def find_column(rule, schema, name):
    """Return the `ColumnSchema` of a column the rule reads."""
    for column in schema.columns:
        if tell_apart(column.name) == tell_apart(name):
            return column
    raise ConstraintError(
        f"{_who(rule)} expected a column of the table ({describe_some(schema.names)}), "
        f"got {name!r}. Name one of them."
    )


def check_numeric(rule, column):
    """Refuse a column without numbers, dates or durations; return which it has."""
    kind = NUMERIC.get(column.kind)
    if column.kind == "category":
        kinds = {kind_of(level) for level in column.levels}
        kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None and column.kind != "empty":
        raise ConstraintError(
            f"{_who(rule)} expected numbers, dates or durations in column "
            f"{column.name!r}, got {column.kind}. Use OneOf, or a (column, level) pair "
            "in Linear."
        )
    return kind


def check_bounds(rule, column, low, high):
    """Refuse bounds of another kind than the column, and a low above its high."""
    kind = check_numeric(rule, column)
    for bound in (low, high):
        if bound is None:
            continue
        if kind_of(bound) != (kind or kind_of(bound)) or math.isnan(as_number(bound)):
            raise ConstraintError(
                f"{_who(rule)} expected a {kind or 'number'} as bound of column "
                f"{column.name!r}, got {bound!r}. Give numbers for numbers, "
                "pandas.Timestamp for dates and pandas.Timedelta for durations."
            )
    if None not in (low, high) and as_number(low) > as_number(high):
        raise ConstraintError(
            f"{_who(rule)} expected `low` <= `high` for column {column.name!r}, got "
            f"{low!r} and {high!r}. Swap them."
        )


def check_levels(rule, column, levels):
    """Refuse levels of which the column has none.

    One known level is enough: rare ones may be absent from these very rows. The
    categories that the dtype declares count as known.
    """
    if column.kind in ("text", "empty"):
        return
    if column.kind in ("category", "bool"):
        known = (*column.levels, *getattr(column.dtype, "categories", ()))
        fits = (find_levels(_as_series(levels), known) >= 0).any()
        expected = f"a level ({describe_some(known)})"
    else:
        expected = f"a {NUMERIC[column.kind]}"
        fits = any(kind_of(level) == NUMERIC[column.kind] for level in levels)
    if not fits:
        raise ConstraintError(
            f"{_who(rule)} expected {expected} of column {column.name!r}, got "
            f"{describe_some(tuple(levels)) or 'none'}. Correct it, or declare it as a "
            "category of the column's dtype."
        )


def check_weights(rule):
    """Refuse weights that are no finite numbers, and none at all."""
    for weight in (*rule.weights.values(), rule.bias):
        if kind_of(weight) != "number" or not math.isfinite(weight):
            raise ConstraintError(
                f"{_who(rule)} expected finite numbers as weights and bias, got "
                f"{weight!r}. Give a number per column or (column, level) pair."
            )
    check_some(rule, rule.weights, "weight")


def check_some(rule, parts, word):
    """Refuse a rule without parts, which would say nothing."""
    if not parts:
        raise ConstraintError(
            f"{_who(rule)} expected at least one {word}, got none. Give one, or leave "
            "the rule out."
        )


def check_rule(rule, schema):
    """Refuse what is no rule, or a rule that does not fit the table."""
    if not (hasattr(rule, "name") and callable(getattr(rule, "holds", None))):
        raise ConstraintError(
            "Expected a rule, which has a `name` and a method `holds`, got "
            f"{rule!r}. Take one from t2sampler.constraints."
        )
    if hasattr(rule, "check"):
        rule.check(schema)


def _who(rule):
    return type(rule).__name__


def _as_series(levels):
    return pd.Series(list(levels), dtype=object)
