"""A store of fitted generators, for searches that fit the same table many times."""

from os import fspath
from pickle import PicklingError

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.utils.validation import check_memory

from t2sampler import __version__
from t2sampler.generators._base import fit_generator
from t2sampler.generators._chat_generator import ChatGenerator

VERSIONS = (__version__, *(library.__version__ for library in (sklearn, pd, np)))


def fit_stored(generator, rows, memory):
    """Return the generator, fitted on real rows or taken from a store.

    Parameters
    ----------
    generator : object with ``fit`` and ``draw``
        Not fitted.
    rows : Rows
    memory : None, path or object with the interface of `joblib.Memory`
    """
    # Generators that ask language models have a store of replies; sessions stay open.
    if memory is None or isinstance(generator, ChatGenerator):
        return _fit("", generator, rows)
    try:
        key = _make_key(generator, rows)
    except (PicklingError, TypeError, AttributeError):  # a parameter has no pickle
        return _fit("", generator, rows)
    memory = check_memory(memory if hasattr(memory, "cache") else fspath(memory))
    # Arguments that are not ignored are written down next to the result, as text.
    return memory.cache(_fit, ignore=["generator", "rows"])(key, generator, rows)


def _fit(key, generator, rows):
    fit_generator(generator, rows)
    return generator


def _make_key(generator, rows):
    """Return a hash of all that a generator learns from.

    Pickles of dataframes differ with what pandas has looked up in them, so values and
    dtypes are hashed instead.
    """
    columns = (*rows.schema.columns, rows.schema.target)
    # The text of a dtype leaves out categories where there are many.
    categories = [
        dtype.categories.tolist()
        for column in columns
        for dtype in (column.dtype, column.form.dtype)
        if isinstance(dtype, pd.CategoricalDtype)
    ]
    return joblib.hash(
        (
            VERSIONS,
            generator,
            rows.given_rules,
            repr(rows.schema),
            repr(categories),
            pd.util.hash_pandas_object(rows.frame, index=False).to_numpy(),
            rows.codes,
            rows.labels,
        )
    )
