"""The index of a table with new rows."""

import re

import numpy as np
import pandas as pd

from t2sampler._kinds import infer_kind
from t2sampler._personal_data import find_personal_data

NAME = "generated-"


def extend_index(index, donors):
    """Add a label for each new row.

    Labels that only name rows go on: integers from max + 1, text as "generated-0".
    Those that mean something, as times do, are repeated from the row's donor, unless
    they identify a person.
    """
    if len(donors) == 0:
        return index
    if isinstance(index, pd.RangeIndex) and index.step == 1:
        stop = index.stop + len(donors)
        return pd.RangeIndex(index.start, stop, name=index.name)
    longer = _name_rows(index, len(donors))
    return _repeat_labels(index, donors) if longer is None else longer


def _repeat_labels(index, donors):
    """Return an index with its donors' labels, and new ones for those of persons."""
    repeated = index.take(np.concatenate([np.arange(len(index)), donors]))
    if isinstance(index, pd.MultiIndex):
        levels = [index.get_level_values(i) for i in range(index.nlevels)]
        taken = [repeated.get_level_values(i) for i in range(index.nlevels)]
        for i, level in enumerate(levels):
            if _identifies(level):
                taken[i] = _name_anew(level, len(donors))
        return pd.MultiIndex.from_arrays(taken, names=index.names)
    return _name_anew(index, len(donors)) if _identifies(index) else repeated


def _identifies(index):
    """Tell whether labels name persons, in a level or in categories."""
    values = index.to_series()
    if find_personal_data(values, index.name) is not None:
        return True
    is_name = values.dtype.kind in "iuO" and index.name is not None
    return is_name and infer_kind(values, index.name) == "id"


def _name_anew(index, n_new):
    """Return labels with new ones that no real row has."""
    if not isinstance(index, pd.CategoricalIndex):
        longer = _name_rows(index, n_new)
        return _append_text(index.astype(object), n_new) if longer is None else longer
    longer = _name_anew(pd.Index(index.astype(index.categories.dtype)), n_new)
    added = longer[len(index) :].unique()
    return pd.CategoricalIndex(
        longer,
        categories=index.categories.append(added),
        ordered=index.ordered,
        name=index.name,
    )


def _name_rows(index, n_new):
    """Return an index of names with new ones, or None if labels are not just names."""
    if isinstance(index, pd.MultiIndex | pd.CategoricalIndex):
        return None
    if pd.api.types.is_integer_dtype(index.dtype):
        return _append_integers(index, n_new)
    is_text = pd.api.types.infer_dtype(index, skipna=True) == "string"
    return _append_text(index, n_new) if is_text else None


def _append_text(index, n_new):
    named = index[index.str.startswith(NAME, na=False).astype(bool)]
    numbers = [re.fullmatch(r"[0-9]{1,18}", name[len(NAME) :]) for name in named]
    first = 1 + max((int(number[0]) for number in numbers if number), default=-1)
    names = [f"{NAME}{i}" for i in range(first, first + n_new)]
    new = pd.Index(names, dtype=index.dtype)
    if index.dtype == object:  # `Index.append` would infer another dtype
        values = np.concatenate([index.to_numpy(), new.to_numpy()])
        return pd.Index(values, dtype=object, name=index.name)
    return index.append(new).rename(index.name)


def _append_integers(index, n_new):
    """Append integers that no row has; narrow ones get 64 bits if they need them."""
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
    if new[-1] <= own.max:
        new = new.astype(index.dtype)
    return index.append(new).rename(index.name)
