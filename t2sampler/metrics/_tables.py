"""Tables to compare: checked for the same columns, and encoded together."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from t2sampler._schema import TableSchema
from t2sampler._table import open_frame
from t2sampler.exceptions import SchemaError


@dataclass(frozen=True)
class Tables:
    """Tables of the same columns, the real one first.

    Attributes
    ----------
    schema : TableSchema
        Kinds of the real columns, with the levels of all tables. Names, free text,
        identifiers and columns without values are dropped; a column with values in
        other tables only is a category.
    frames : tuple of DataFrame
    codes : tuple of ndarray of shape (n_rows, n_columns)
        Numbers as themselves, levels as positions, dates in seconds.
    """

    schema: TableSchema
    frames: tuple
    codes: tuple


def open_tables(*, keep_unknown=True, **named):
    """Return `Tables` from tables by the name of their parameter, the real one first.

    Parameters
    ----------
    keep_unknown : bool, default=True
        Keep a column without real values if another table has values in it: the tables
        differ there.
    **named : table
    """
    for name, table in named.items():
        _check_rows(name, table)
    first, *others = named
    real = open_frame(named[first])
    frames = {first: real}
    for name in others:
        frames[name] = _align(open_frame(named[name]), named[name], real, (name, first))
    learned = TableSchema.learn(real)
    frames = {name: learned.read(frame) for name, frame in frames.items()}
    schema = _complete_schema(learned, frames, first, keep_unknown)
    frames = {
        name: _read_bools(frame[schema.names], schema) for name, frame in frames.items()
    }
    codes = [_encode(schema, frame, name) for name, frame in frames.items()]
    return Tables(schema, tuple(frames.values()), tuple(codes))


def _check_rows(name, table):
    if table is None:
        raise TypeError(f"`{name}` must be a table, got None. Give a dataframe.")
    n_rows = table.shape[:1] if hasattr(table, "shape") else (len(table),)
    if n_rows == (0,):
        raise SchemaError(
            f"`{name}` must have at least one row, got none. Give it rows, or skip "
            "this measurement."
        )


def _align(frame, table, real, names):
    """Return a frame with the real table's columns in their order, matched by name."""
    name, first = names
    # Columns of an array have no names, so they are matched by position.
    is_unnamed = not isinstance(table, pd.DataFrame)
    if is_unnamed and frame.shape[1] == real.shape[1]:
        return frame.set_axis(real.columns, axis=1)
    missing = [column for column in real.columns if column not in frame.columns]
    added = [column for column in frame.columns if column not in real.columns]
    if missing or added:
        raise SchemaError(
            f"`{name}` must have the columns of `{first}`, got {missing} missing and "
            f"{added} added. Select the same columns in both tables."
        )
    return frame[real.columns]


def _complete_schema(learned, frames, first, keep_unknown):
    """Append levels that only other tables have to those of the real columns."""
    _, *others = frames.values()
    columns = learned.columns
    if keep_unknown:
        columns = [_mark_unknown(column, others) for column in columns]
    columns = tuple(
        _add_levels(column, others) for column in columns if column.is_modelled
    )
    if not columns:
        kinds = {column.name: column.kind for column in learned.columns}
        raise SchemaError(
            f"`{first}` must have a column to compare, got only {kinds}. Add columns "
            "of numbers, dates or categories."
        )
    return replace(learned, columns=columns)


def _mark_unknown(column, frames):
    """Make a column a category if only other tables have values in it."""
    has_values = any(frame[column.name].notna().any() for frame in frames)
    is_unknown = column.kind == "empty" and has_values
    return replace(column, kind="category") if is_unknown else column


def _add_levels(column, frames):
    if column.kind != "category":
        return column
    levels = dict.fromkeys(column.levels)
    for frame in frames:
        levels |= dict.fromkeys(frame[column.name].dropna().unique())
    return replace(column, levels=tuple(levels))


def _read_bools(frame, schema):
    """Replace 0 and 1 by False and True where real rows have bools."""
    bools = {
        column.name: frame[column.name]
        .astype(object)
        .map(lambda value: bool(value) if value in (0, 1) else value, "ignore")
        for column in schema.columns
        if column.kind == "bool" and frame[column.name].dtype.kind != "b"
    }
    return frame.assign(**bools) if bools else frame


def _encode(schema, frame, name):
    """Return codes; a column that cannot be encoded is named in the error."""
    codes = np.empty((len(frame), len(schema.columns)), order="F")
    for j, column in enumerate(schema.columns):
        try:
            codes[:, j] = column.encode(frame[column.name])
        except (ValueError, TypeError) as error:
            raise SchemaError(
                f"Column {column.name!r} of `{name}` must hold a {column.kind} as real "
                f"rows do, got {frame[column.name].dtype} values that cannot be read "
                "as one. Convert the column."
            ) from error
    return codes
