"""Columns that are sent and may identify persons, though nothing says so for sure."""

import warnings

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema
from t2sampler.chat._context import PromptContext
from t2sampler.exceptions import SchemaWarning

MOST = 0.5  # of the rows
MIN_LEVELS = 5  # of a row each
MIN_RECURRING = 20  # levels of a few rows each: visits of the same persons
MIN_DIGITS = 6  # of whole numbers that may be somebody's number
VALUES_PER_ROW = 0.2  # more distinct numbers than this
ROUND_SHARE = 0.3  # of amounts, which end in 0; of numbers of persons it is a tenth


def warn_of_identifying(context: PromptContext) -> None:
    """Warn of columns that are sent and may identify persons.

    Columns whose kind the user has said are not looked at.

    Warns
    -----
    SchemaWarning
        Most of a column's values belong to a row or a few.
    """
    for column in context.columns:
        if not column.is_given and _may_identify(context, column):
            warnings.warn(
                f"Column {column.name!r} may identify persons: most of its values "
                "belong to one row or a few, and language models see them. If so, "
                f"column_kinds={{{column.name!r}: 'private'}} keeps them here; if not, "
                f"{column.kind!r} in its place ends this warning.",
                SchemaWarning,
                stacklevel=3,
            )


def _may_identify(context: PromptContext, column: ColumnSchema) -> bool:
    if column.kind == "category":
        return _has_rare_levels(context, column)
    if column.kind == "number" and column.grid.is_integer and context.example_rows:
        codes = context.codes_of(context.key_of(column.name))
        return _are_numbers_of_persons(codes[~np.isnan(codes)])
    return False


def _has_rare_levels(context: PromptContext, column: ColumnSchema) -> bool:
    counts = context.count_levels(column.name)
    withheld = list(context.formatter(context.key_of(column.name)).withheld)
    sent = np.delete(counts, withheld)
    singles, few = sent[sent == 1], sent[sent <= context.min_level_rows]
    n_rows = counts.sum()
    return bool(
        (len(singles) >= MIN_LEVELS and singles.sum() > MOST * n_rows)
        or (len(few) >= MIN_RECURRING and few.sum() > MOST * n_rows)
    )


def _are_numbers_of_persons(numbers: NDArray[np.float64]) -> bool:
    """Tell whether whole numbers are long, of one length, and no rounded amounts."""
    distinct = np.unique(np.abs(numbers))
    if len(distinct) < max(MIN_LEVELS, VALUES_PER_ROW * len(numbers)):
        return False
    digits = np.floor(np.log10(np.maximum(distinct, 1))) + 1
    is_round = (distinct % 10 == 0).mean() > ROUND_SHARE
    return bool(digits[0] == digits[-1] >= MIN_DIGITS and not is_round)
