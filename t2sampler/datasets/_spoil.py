"""Errors put into a table on purpose, so that finding them can be measured."""

import numpy as np
from sklearn.utils import check_random_state

from t2sampler._table import open_table
from t2sampler.datasets._checks import check_rate
from t2sampler.datasets._errors import ERRORS, Workpiece, find_obstacle
from t2sampler.datasets._relations import find_relations
from t2sampler.exceptions import SchemaError


def flip_labels(y, rate, *, random_state=None):
    """Give a share of the rows another label, chosen without regard to class.

    Parameters
    ----------
    y : Series or array-like of shape (n_rows,)
    rate : float in [0, 1]
        Share of rows whose label changes, rounded to whole rows. With more than two
        classes each other class is as likely as the next.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    y_flipped : as given
        Container, dtype and index of ``y``.
    is_flipped : bool ndarray of shape (n_rows,)
        The truth: which labels changed.

    Examples
    --------
    >>> from t2sampler.datasets import flip_labels
    >>> y, is_flipped = flip_labels(["yes", "no", "no", "yes"], 0.5, random_state=0)
    >>> y
    ['yes', 'no', 'yes', 'no']
    >>> is_flipped
    array([False, False,  True,  True])
    """
    X = np.zeros((len(y), 1))
    _, flipped, truth = spoil(X, y, rate, kind="label_flip", random_state=random_state)
    return flipped, truth == "label_flip"


def spoil(X, y, rate, *, kind="mixed", real=None, rules=None, random_state=None):
    """Do to a share of rows what careless generators do, and say what was done.

    Kinds of errors:

    - "label_flip": the label becomes another one.
    - "column_shuffle": each column comes from a real row of its own; the label stays.
    - "out_of_range": a number, or a date, lies beyond all real ones, by half to one
      and a half times their range.
    - "broken_relation": a value is replaced by that of another real row so that a rule
      breaks which all real rows obey.
    - "copy": the row is a real row.
    - "mode_collapse": the row is one of at most three rows, over and over.

    Parameters
    ----------
    X : dataframe or array-like of shape (n_rows, n_features)
    y : Series or array-like of shape (n_rows,)
    rate : float in [0, 1]
        Share of rows to spoil, rounded to whole rows.
    kind : str or tuple of str, default="mixed"
        One of the kinds, or several, which then have equal shares. "mixed": all kinds
        that the table allows.
    real : pair (X, y) or None, default=None
        The real rows, with the columns and dtypes of ``X`` and ``y``. None: the table
        itself.
    rules : sequence of rules or None, default=None
        Relations to break; see `t2sampler.constraints`. None: those that hold in
        ``real`` beyond doubt, for which 20 rows are the least.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X_spoiled, y_spoiled : as given
        Containers, dtypes and index of ``X`` and ``y``.
    truth : ndarray of shape (n_rows,), of str
        What was done to each row; "" where nothing. A row in which no draw broke a
        relation, or a number had no room beyond its range, stays as it was, with "". A
        shuffled row has its name also where chance left it a possible one.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.datasets import spoil
    >>> X, y = pd.DataFrame({"age": [30, 40, 50, 60]}), pd.Series([0, 0, 1, 1])
    >>> X_bad, y_bad, truth = spoil(X, y, 0.5, kind="out_of_range", random_state=0)
    >>> truth.tolist()
    ['', '', 'out_of_range', 'out_of_range']
    >>> X_bad["age"].between(30, 60).tolist()
    [True, True, False, False]
    """
    check_rate(rate)
    kinds = _read_kinds(kind)
    rng = check_random_state(random_state)
    table = open_table(X, y)
    real = table if real is None else _open_real(real, table)
    if rules is None and "broken_relation" in kinds:
        rules = find_relations(real.frame, rng)
    order = rng.permutation(len(table.frame))
    rows, clean = np.split(order, [round(rate * len(order))])
    piece = Workpiece.begin(table, real, tuple(rules or ()), clean)
    kinds = _choose_kinds(kinds, piece, is_asked=kind != "mixed")
    for i, name in enumerate(kinds):
        done = ERRORS[name](piece, np.sort(rows[i :: len(kinds)]), rng)
        piece.truth[done] = name
    return *table.restore(*piece.finish()), piece.truth


def _read_kinds(kind):
    is_several = isinstance(kind, tuple | list)
    kinds = tuple(kind) if is_several else (kind,)
    if kinds == ("mixed",):
        return tuple(ERRORS)
    unknown = [name for name in kinds if name not in ERRORS]
    if unknown or not kinds:
        raise ValueError(
            f"`kind` expected 'mixed' or kinds among {list(ERRORS)}, got {kind!r}. "
            "Give one, or a tuple of several."
        )
    return kinds


def _open_real(real, table):
    """Open the real rows; they must look like the table that is spoiled."""
    real = open_table(*real)
    same = real.frame.dtypes.equals(table.frame.dtypes)
    if not same or real.target.dtype != table.target.dtype:
        raise SchemaError(
            "`real` expected the columns and dtypes of `X` and `y`, got "
            f"{_describe(real)} beside {_describe(table)}. Give both in the same form."
        )
    return real


def _describe(table):
    columns = {name: str(dtype) for name, dtype in table.frame.dtypes.items()}
    return f"{columns} with labels of {table.target.dtype}"


def _choose_kinds(kinds, piece, *, is_asked):
    """Return the kinds the table allows; those asked for must be among them."""
    obstacles = {name: find_obstacle(name, piece) for name in kinds}
    first = next(filter(None, obstacles.values()), None)
    if is_asked and first:
        raise ValueError(first)
    return [name for name in kinds if not obstacles[name]]
