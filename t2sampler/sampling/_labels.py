"""Labels: which are wanted, how many of each, and labels no real row has."""

from functools import partial
from math import inf
from numbers import Integral, Real

import numpy as np
import pandas as pd

from t2sampler._params import check_sampling_strategy
from t2sampler.exceptions import SchemaError

MAX_ROWS = 10**9  # wanted in one call


def grow(factor):
    """Return a ``sampling_strategy`` that multiplies every class.

    Balanced tables can be enlarged with it, and folds of any size: the counts are
    computed from the labels at hand, where a dict of counts would not fit.

    Parameters
    ----------
    factor : float in [1, inf)
        Rows of each class after, as a multiple of the rows before.

    Returns
    -------
    strategy : callable
        From labels to a dict of final counts; can be pickled.

    Examples
    --------
    >>> from t2sampler import grow
    >>> grow(2)(["a", "a", "b"])
    {'a': 4, 'b': 2}
    """
    if not 1 <= factor < inf:
        raise ValueError(
            f"`factor` must be at least 1 and finite, got {factor!r}. Real rows are "
            "never dropped."
        )
    return partial(_multiply, factor=factor)


def _multiply(y, factor):
    labels, counts = np.unique(np.asarray(y), return_counts=True)
    final = [round(count * factor) for count in counts.tolist()]
    _check_size(sum(final))
    return dict(zip(labels.tolist(), final, strict=True))


def _check_size(n_rows):
    if n_rows > MAX_ROWS:
        raise ValueError(
            f"`sampling_strategy` asks for {n_rows:,} rows; a table of more than "
            f"{MAX_ROWS:,} does not fit in memory. Ask for fewer."
        )


def rows_to_add(strategy, target, new_classes):
    """Return how many rows each label wants, imbalanced-learn's way.

    A single class is an error, unless ``new_classes`` brings others.
    """
    if new_classes and target.nunique() == 1:
        return {}
    wanted = dict(check_sampling_strategy(strategy, as_labels(target), "over-sampling"))
    _check_size(sum(wanted.values()))
    return wanted


def as_labels(target):
    """Return labels as a numpy array whose values compare and count."""
    if isinstance(target.dtype, np.dtype):
        return target.to_numpy()
    return np.asarray(target.tolist())


def add_levels(target, new_classes):
    """Return ``target`` in a dtype that has room for the new labels.

    Raises
    ------
    SchemaError
        A new label is already there, or y's dtype cannot hold it.
    """
    seen = set(target.unique())
    for label in new_classes:
        if label in seen:
            raise SchemaError(
                f"`new_classes` names class {label}, but y holds it already. Use "
                "`sampling_strategy` for classes that y holds."
            )
        if not _can_hold(target, label):
            raise SchemaError(
                f"`new_classes` names class {label!r}, which labels of dtype "
                f"{target.dtype} cannot hold. Use a label of y's type, or convert y."
            )
    if isinstance(target.dtype, pd.CategoricalDtype):
        known = set(target.dtype.categories)
        extra = [label for label in new_classes if label not in known]
        return target.cat.add_categories(extra)
    return target


def _can_hold(target, label):
    values = target
    if isinstance(target.dtype, pd.CategoricalDtype):
        values = target.dtype.categories
    if values.dtype.kind in "iu":
        limits = np.iinfo(getattr(values.dtype, "numpy_dtype", values.dtype))
        is_integer = isinstance(label, Integral) and not isinstance(label, bool)
        return is_integer and limits.min <= label <= limits.max
    kinds = {"b": bool | np.bool_, "f": Real}
    kind = kinds.get(values.dtype.kind, type(values[0]))
    return isinstance(label, kind)


def label_codes(schema, labels):
    """Return the code of each label."""
    values = pd.Series(list(labels), dtype=object)
    return schema.target.encode(values).astype(int).tolist()
