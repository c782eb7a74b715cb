"""What no column may hold: infinity, complex numbers, times beyond nanoseconds."""

from collections.abc import Hashable

import numpy as np
import pandas as pd

from t2sampler.exceptions import SchemaError

INFINITE = (np.inf, -np.inf)
HUGE = 1e305  # sums and differences of larger numbers overflow


def check_column(column: pd.Series, name: Hashable) -> None:
    """Refuse a column whose values cannot be computed with.

    Parameters
    ----------
    column : Series
        In the dtype that a form reads it in.
    name : hashable

    Raises
    ------
    SchemaError
    """
    kind = column.dtype.kind
    if kind == "c":
        raise SchemaError(
            f"Complex data not supported: column {name!r} is complex. Split it "
            "into its real and imaginary parts."
        )
    if kind == "f" and np.isinf(_as_floats(column)).any():
        raise SchemaError(
            f"Column {name!r} contains infinity. Replace infinite values by a "
            "number or by a missing value."
        )
    if kind == "f" and np.any(np.abs(_as_floats(column)) > HUGE):
        raise SchemaError(
            f"Column {name!r} holds numbers beyond {HUGE:g}. Replace what stands "
            "for a missing value by a missing value."
        )
    if kind in "Mm":
        _check_times(name, column)
    if column.dtype == object:
        _check_objects(name, column)


def _check_times(name, column):
    """Refuse what nanoseconds, in which times are counted here, cannot hold."""
    try:
        column.dt.as_unit("ns")
    except NotImplementedError as error:
        raise SchemaError(
            f"Column {name!r} expected dates with a time of day, got {column.dtype}. "
            "Convert it: `X[name].astype('datetime64[s]')`."
        ) from error
    except (pd.errors.OutOfBoundsDatetime, pd.errors.OutOfBoundsTimedelta) as error:
        raise SchemaError(
            f"Column {name!r} holds times beyond the years 1677 to 2262. Replace what "
            "stands for a missing value by a missing value, or give years as numbers."
        ) from error


def _as_floats(column):
    return column.to_numpy(dtype=float, na_value=0)


def _check_objects(name, column):
    kinds = set(map(type, column.array))
    if kinds & {float, np.float64, np.float32} and column.isin(INFINITE).any():
        raise SchemaError(
            f"Column {name!r} contains infinity. Replace infinite values by a number "
            "or by a missing value."
        )
