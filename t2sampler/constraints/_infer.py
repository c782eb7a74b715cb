"""Inference of rules that hold in all real rows, and not by chance."""

import numpy as np

from t2sampler._schema import TableSchema, find_zone, to_number
from t2sampler.constraints._columns import NotMissing
from t2sampler.constraints._infer_bounds import find_bounds
from t2sampler.constraints._infer_dependencies import (
    MIN_SEEN,
    find_dependencies,
    to_rule,
)
from t2sampler.constraints._infer_formulas import find_elapsed, find_products
from t2sampler.constraints._infer_linear import (
    find_date_orders,
    find_one_hot_groups,
    find_orders,
    find_sums,
)
from t2sampler.constraints._linear import Linear

MARGIN, MAX_CHANCE = 4.0, 1e-6
MAX_FORMULA_COLUMNS = 100  # with more, no times between dates are searched
MAX_LEVELS = 100  # more distinct values are no levels


def infer_constraints(frame, schema=None, *, margin=MARGIN, max_chance=MAX_CHANCE):
    """Infer rules that hold in all real rows.

    Per column: whether it may be missing, its bounds or its levels. Between columns:
    ``a <= b``, ``a = b``, one-hot groups, and columns that a level or a band of another
    column determines. A relation counts if unrelated columns are very unlikely to show
    it. Columns of names, ids and free text, and empty ones, get no rule. Sums are
    inferred by `infer_sums`.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_features)
        Real rows.
    schema : TableSchema, default=None
        Their schema; None: learnt here.
    margin : float in [0, 100], default=4.0
        Distance of bounds from the real rows. If a tail is exponential, with the mean
        excess of its √n outermost values over the next one, a further row is beyond the
        bound with probability exp(-margin) / (n + 1). Bounds cross zero only if real
        rows do, and are whole (or decimal) numbers if all real values are.
    max_chance : float in (0, 1), default=1e-06
        Probability of finding any relation if all columns are unrelated.

    Returns
    -------
    rules : tuple

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.constraints._infer import infer_constraints
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
    if schema is None:
        schema = TableSchema.learn(frame)
        frame = schema.read(frame)
    columns = [column for column in schema.columns if column.is_modelled]
    codes = [column.encode(frame[column.name]) for column in columns]
    rules = [NotMissing(column.name) for column in columns if column.missing == 0]
    for column, values in zip(columns, codes, strict=True):
        rules += find_bounds(column, values, margin)
    if columns:
        rules += _relations(frame, columns, np.column_stack(codes), max_chance)
    # Codes and cells may differ by rounding or type: keep what holds for the cells.
    return tuple(rule for rule in rules if rule.holds(frame).all())


def infer_sums(frame, schema, known=()):
    """Infer ``a = b + c`` and ``a = w b + k`` that hold exactly in all real rows.

    For generators. A filter should not use them: candidates whose columns are rounded,
    or drawn one by one, all miss a sum by a little.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_features)
    schema : TableSchema
    known : iterable of rules, default=()
        Sums of the columns of an equality among them are redundant and left out.

    Returns
    -------
    rules : list of Linear
    """
    columns = [column for column in schema.columns if column.kind == "number"]
    if not columns:
        return []
    numbers = np.column_stack([column.encode(frame[column.name]) for column in columns])
    known = [
        frozenset(rule.columns) for rule in known if getattr(rule, "equals", False)
    ]
    rules = find_sums([column.name for column in columns], numbers, known)
    return [rule for rule in rules if rule.holds(frame).all()]


def infer_formulas(frame, schema, known=()):
    """Infer products, ratios and times between dates that hold in all real rows.

    For generators, which compute a column by them; a filter should not use them, as
    with `infer_sums`. Each needs evidence: unrelated columns show any of them with a
    probability of at most 1e-6 (see `bound_chance`).

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_features)
    schema : TableSchema
    known : iterable of rules, default=()
        Formulas whose columns include those of an equality among them are left out.

    Returns
    -------
    rules : list of Product, Elapsed or Linear
    """
    numbers = [column for column in schema.columns if column.kind == "number"]
    spans = [column for column in schema.columns if column.kind == "timedelta"]
    dates = [column for column in schema.columns if column.kind == "datetime"]
    found = []
    if dates and len(schema.columns) <= MAX_FORMULA_COLUMNS:
        found += find_elapsed(frame, dates, [*numbers, *spans])
    if numbers:
        codes = np.column_stack([c.encode(frame[c.name]) for c in numbers])
        half_units = np.array([column.grid.step / 2 for column in numbers])
        found += find_products([c.name for c in numbers], codes, half_units)
    kept = [rule for rule in known if getattr(rule, "equals", False)]
    n_known = len(kept)
    for rule in found:
        if not _is_implied(set(rule.columns), kept) and rule.holds(frame).all():
            kept.append(rule)
    return kept[n_known:]


def _is_implied(columns, rules):
    """Tell whether equalities leave too few columns free for one more to be new."""
    group, size = set(columns), 0
    while size < len(group):
        size = len(group)
        group = group.union(*(r.columns for r in rules if group & set(r.columns)))
    tied = [rule for rule in rules if set(rule.columns) <= group]
    if any(set(rule.columns) <= columns for rule in tied):
        return True
    reached = set().union(*(rule.columns for rule in tied))
    return columns <= reached and len(reached) - len(tied) < len(columns)


def infer_date_orders(frame, schema, known=()):
    """Infer ``a <= b`` of dates from few rows, where `infer_constraints` needs more.

    For generators: a row that breaks such a rule keeps its donor's dates, so that one
    too many costs little. Of a pair of unrelated dates it is found with a probability
    of at most 5 % (see `find_date_orders`).
    """
    dates = [column for column in schema.columns if column.kind == "datetime"]
    orders = {rule.columns for rule in known if isinstance(rule, Linear)}
    rules = find_date_orders(
        [column.name for column in dates],
        [to_number(frame[column.name]) for column in dates],
        [find_zone(column.dtype) is not None for column in dates],
    )
    return [r for r in rules if r.columns not in orders and r.holds(frame).all()]


def _relations(frame, columns, codes, max_chance):
    """Return rules between columns: one-hot groups, orders, then dependencies."""
    n_values = np.array([len(np.unique(x[~np.isnan(x)])) for x in codes.T])
    groups = _find_one_hot_groups(columns, codes, n_values, max_chance)
    orders = _find_orders(frame, columns, codes, n_values, max_chance)
    is_number = np.array([column.is_numeric for column in columns]) & (n_values > 2)
    # A column without recurring values is a measurement, not a set of levels.
    is_recurring = ~is_number | (n_values <= len(codes) / MIN_SEEN)
    is_level = (n_values > 1) & (n_values <= MAX_LEVELS) & is_recurring
    found = find_dependencies(codes, is_level, is_number, max_chance)
    known = {frozenset(rule.columns) for rule in (*groups, *orders) if rule.equals}
    dependencies = [
        to_rule(columns[by], columns[column], parts)
        for (by, column), parts in found.items()
        if {columns[by].name, columns[column].name} not in known
    ]
    return [*groups, *orders, *dependencies]


def _find_one_hot_groups(columns, codes, n_values, max_chance):
    full = ~np.isnan(codes).any(axis=0) & (n_values == 2)
    dummies = [
        j
        for j in np.flatnonzero(full)
        if columns[j].kind in ("number", "bool") and set(codes[:, j]) == {0, 1}
    ]
    names = [columns[j].name for j in dummies]
    return find_one_hot_groups(names, codes[:, dummies] == 1, max_chance)


def _find_orders(frame, columns, codes, n_values, max_chance):
    some = [j for j in np.flatnonzero(n_values > 2) if columns[j].is_numeric]
    numbers = codes[:, some]
    for place, column in enumerate(columns[j] for j in some):
        if column.kind != "number":  # codes count from the column's own first one
            numbers[:, place] = to_number(frame[column.name])
    return find_orders(
        [columns[j].name for j in some],
        numbers,
        [(columns[j].kind, find_zone(columns[j].dtype) is not None) for j in some],
        max_chance,
    )
