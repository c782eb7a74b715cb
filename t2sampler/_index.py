"""The index of a table with new rows."""

import re

import numpy as np
import pandas as pd

NAME = "generated-"


def extend_index(index, donors):
    """Add a label for each new row.

    Labels that only name rows go on: integers from max + 1, text as "generated-0".
    Those that mean something, as times do, are repeated from the row's donor.
    """
    if len(donors) == 0:
        return index
    if isinstance(index, pd.RangeIndex) and index.step == 1:
        stop = index.stop + len(donors)
        return pd.RangeIndex(index.start, stop, name=index.name)
    new = None
    if pd.api.types.is_integer_dtype(index.dtype):
        new = _next_integers(index, len(donors))
    elif not isinstance(index, pd.MultiIndex | pd.CategoricalIndex) and _is_text(index):
        first = _count_generated(index)
        names = [f"{NAME}{first + i}" for i in range(len(donors))]
        return pd.Index([*index, *names], dtype=index.dtype, name=index.name)
    if new is None:
        return index.take(np.concatenate([np.arange(len(index)), donors]))
    return index.append(new).rename(index.name)


def _is_text(index):
    return pd.api.types.infer_dtype(index, skipna=True) == "string"


def _next_integers(index, n_new):
    """Return integers that no row has; narrow ones get 64 bits if they need them."""
    sign = "u" if pd.api.types.is_unsigned_integer_dtype(index.dtype) else ""
    low, high = index.min(), index.max()
    if pd.isna(high):
        return None
    limits = np.iinfo(f"{sign}int64")
    start = int(high) + 1
    if start + n_new > limits.max:
        start = int(low) - n_new
    if start < limits.min:
        return None
    new = pd.Index(np.array(start, limits.dtype) + np.arange(n_new, dtype=limits.dtype))
    own = np.iinfo(getattr(index.dtype, "numpy_dtype", index.dtype))
    return new.astype(index.dtype) if new[-1] <= own.max else new


def _count_generated(index):
    """Return the number from which names of generated rows are free."""
    named = [name for name in index.dropna() if name.startswith(NAME)]
    numbers = [re.fullmatch(r"[0-9]{1,18}", name[len(NAME) :]) for name in named]
    return 1 + max((int(number[0]) for number in numbers if number), default=-1)
