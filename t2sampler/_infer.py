"""Rules that real rows obey, every one of them, and not by chance."""

import numpy as np

from t2sampler._schema import TableSchema, find_zone
from t2sampler.constraints import Present
from t2sampler.constraints._bounds import find_range
from t2sampler.constraints._functions import MIN_SEEN, find_functions, follow_rule
from t2sampler.constraints._groups import find_groups
from t2sampler.constraints._orders import find_orders
from t2sampler.constraints._sums import find_sums

MARGIN, MAX_CHANCE = 4.0, 1e-6
MAX_LEVELS = 100  # more distinct values are no levels


def infer_constraints(frame, schema=None, *, margin=MARGIN, max_chance=MAX_CHANCE):
    """Learn rules that every real row obeys.

    Per column: whether it may be missing, its bounds or its levels. Between columns:
    ``a <= b``, ``a = b``, one-hot groups, and columns that follow from another one (a
    level, or a band of numbers), each only where unrelated columns would hardly look
    like that. Columns of names, ids and free text, and empty ones, get no rule. Sums
    are left to `infer_sums`.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_features)
        Real rows.
    schema : TableSchema, default=None
        What is known of them; None: learned here.
    margin : float in [0, 100], default=4.0
        How far bounds reach beyond the real rows. If a tail is exponential, with the
        mean excess of its √n outermost values over the next one, a further row passes
        its bound with probability exp(-margin) / (n + 1). Bounds never cross zero
        unless a real row does, and stay on whole numbers (or decimals) where all real
        values are.
    max_chance : float in (0, 1), default=1e-06
        The probability, over all pairs of columns together, with which a relation may
        appear among unrelated columns.

    Returns
    -------
    rules : tuple

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler._infer import infer_constraints
    >>> ages = [18, 22, 30, 41, 55] * 20
    >>> real = pd.DataFrame({"age": ages, "old": [age > 35 for age in ages]})
    >>> for rule in infer_constraints(real):
    ...     print(rule.name)
    age is not missing
    old is not missing
    age is from 18 to 55
    old is one of False, True
    old follows from age (18 to 30: False, 41 to 55: True)
    """
    schema = TableSchema.learn(frame) if schema is None else schema
    columns = [column for column in schema.columns if column.is_modelled]
    codes = [column.encode(frame[column.name]) for column in columns]
    rules = [Present(column.name) for column in columns if column.missing == 0]
    for column, values in zip(columns, codes, strict=True):
        rules += find_range(column, values, margin)
    if columns:
        rules += _relations(columns, np.column_stack(codes), max_chance)
    return tuple(rule for rule in rules if rule.holds(frame).all())


def infer_sums(frame, schema, known=()):
    """Learn ``a = b + c`` and ``a = w b + k``, which every real row obeys exactly.

    For those who write rows; who judges them had better ask for less: rows that were
    rounded, or written column by column, miss a sum by a little, and all of them.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_features)
    schema : TableSchema
    known : iterable of rules, default=()
        Of whose columns nothing more need be said.

    Returns
    -------
    rules : list of Linear
    """
    columns = [column for column in schema.columns if column.kind == "number"]
    if not columns:
        return []
    numbers = np.column_stack([column.encode(frame[column.name]) for column in columns])
    said = [frozenset(rule.columns) for rule in known if getattr(rule, "equals", False)]
    rules = find_sums([column.name for column in columns], numbers, said)
    return [rule for rule in rules if rule.holds(frame).all()]


def _relations(columns, codes, max_chance):
    """Return rules between columns: groups, then orders, then what follows."""
    n_values = np.array([len(np.unique(x[~np.isnan(x)])) for x in codes.T])
    groups = _find_groups(columns, codes, n_values, max_chance)
    orders = _find_orders(columns, codes, n_values, max_chance)
    is_number = np.array([column.is_numeric for column in columns]) & (n_values > 2)
    is_recurring = ~is_number | (n_values <= len(codes) / MIN_SEEN)
    is_level = (n_values > 1) & (n_values <= MAX_LEVELS) & is_recurring
    found = find_functions(codes, is_level, is_number, max_chance)
    said = {frozenset(rule.columns) for rule in (*groups, *orders) if rule.equals}
    follows = [
        follow_rule(columns[by], columns[column], parts)
        for (by, column), parts in found.items()
        if {columns[by].name, columns[column].name} not in said
    ]
    return [*groups, *orders, *follows]


def _find_groups(columns, codes, n_values, max_chance):
    full = ~np.isnan(codes).any(axis=0) & (n_values == 2)
    dummies = [
        j
        for j in np.flatnonzero(full)
        if columns[j].kind in ("number", "bool") and set(codes[:, j]) == {0, 1}
    ]
    names = [columns[j].name for j in dummies]
    return find_groups(names, codes[:, dummies] == 1, max_chance)


def _find_orders(columns, codes, n_values, max_chance):
    some = [j for j in np.flatnonzero(n_values > 2) if columns[j].is_numeric]
    origins = np.array([columns[j].origin / 1e9 for j in some])
    return find_orders(
        [columns[j].name for j in some],
        codes[:, some] + origins,
        [(columns[j].kind, find_zone(columns[j].dtype) is not None) for j in some],
        max_chance,
    )
