"""Functional dependencies: columns that a level or a band of another determines."""

import numpy as np
from scipy.special import gammaln, logsumexp

from t2sampler.constraints._lookups import Bands, Lookup

MIN_SEEN = 5  # rows that a level or a band must have to count
MAX_BANDS = 30
MAX_ENTRY_CHANCE = 0.01  # that the rows of one level agree by chance
SCREEN_ROWS = 200, 4000  # rows that rule out most pairs before all rows are used


def find_dependencies(codes, is_level, is_number, max_chance):
    """Find pairs of columns of which one determines the other in all rows.

    Parameters
    ----------
    codes : float ndarray of shape (n_rows, n_columns)
        NaN where missing.
    is_level : bool ndarray of shape (n_columns,)
        Columns with few distinct values: they may determine, and be determined.
    is_number : bool ndarray of shape (n_columns,)
        Columns whose bands may determine another column.
    max_chance : float

    Returns
    -------
    found : dict from (by, column), both positions, to table or bands
        A list of (code, code) or of (low, high, code).
    """
    bys, targets = np.flatnonzero(is_level | is_number), np.flatnonzero(is_level)
    limit = np.log(max_chance / max(1, len(bys) * len(targets)))
    screens = _draw_screens(codes)
    found = {}
    for by in bys:
        columns = targets[targets != by]
        for screen in screens:
            columns = _screen(screen, by, columns, is_number[by])
        for column in columns:
            parts = _test_pair(codes[:, by], codes[:, column], limit, is_number[by])
            if parts:
                found[int(by), int(column)] = parts
    return _drop_implied(found)


def _draw_screens(codes):
    """Return a small and a larger sample of rows that rule out most pairs quickly."""
    rows = np.random.default_rng(0).permutation(len(codes))
    return [codes[rows[:n_rows]] for n_rows in SCREEN_ROWS]


def _screen(codes, by, targets, is_number):
    """Return the targets that are constant within levels, or have few bands."""
    present = np.flatnonzero(~np.isnan(codes[:, by]))
    if len(present) == 0 or len(targets) == 0:
        return targets
    order = present[np.argsort(codes[present, by], kind="stable")]
    values = codes[np.ix_(order, targets)]
    starts = np.flatnonzero(np.diff(codes[order, by], prepend=np.nan) != 0)
    low = np.fmin.reduceat(values, starts, axis=0)
    clash = low < np.fmax.reduceat(values, starts, axis=0)
    if is_number:
        runs = 1 + (np.abs(np.diff(values, axis=0)) > 0).sum(axis=0)
        return targets[~clash.any(axis=0) & (runs <= MAX_BANDS)]
    # Levels that are rare in the sample get no entry, so they need not agree.
    many = np.diff(starts, append=len(order)) >= MIN_SEEN
    return targets[~clash[many].any(axis=0)]


def _test_pair(by, column, limit, is_number):
    """Return the table or bands of one pair, or None if they may be chance."""
    both = ~np.isnan(by + column)
    by, column = by[both], column[both]
    if len(by) < 2 * MIN_SEEN or np.ptp(column) == 0:
        return None
    n_levels = len(np.unique(by))
    bands = _test_bands(by, column, limit) if is_number else None
    if bands and 2 * len(bands) <= n_levels:  # much shorter than a table
        return bands
    return _test_table(by, column, limit) if n_levels <= len(by) / MIN_SEEN else None


def _test_table(by, column, limit):
    r"""Bound the chance that unrelated values agree within every level.

    The n_g rows of a level all agree with probability :math:`\sum_l p_l^{n_g}`.
    """
    levels, place, counts = np.unique(by, return_inverse=True, return_counts=True)
    shares = np.log(np.unique(column, return_counts=True)[1] / len(column))
    value = np.full(len(levels), -np.inf)
    np.maximum.at(value, place, column)
    clash = np.zeros(len(levels), dtype=bool)
    clash[place[value[place] != column]] = True
    seen = counts >= MIN_SEEN
    chances = logsumexp(np.outer(counts, shares), axis=1)
    proven = seen & ~clash & (chances < np.log(MAX_ENTRY_CHANCE))
    too_weak = clash[seen].any() or chances[seen].sum() > limit
    if too_weak or len(np.unique(value[proven])) < 2:
        return None
    return list(zip(levels[proven], value[proven], strict=True))


def _test_bands(by, column, limit):
    r"""Bound the chance that unrelated values fall into so few runs.

    Of the :math:`n! / \prod_l n_l!` orders of the values, at most
    :math:`\binom{n-1}{R-1} L (L-1)^{R-1}` have R runs of L values.
    """
    order = np.lexsort((column, by))
    by, column = by[order], column[order]
    starts = np.flatnonzero(np.diff(column, prepend=np.nan) != 0)
    ends = np.append(starts[1:], len(by)) - 1
    clean = (by[starts[1:]] > by[ends[:-1]]).all()
    n, runs = len(by), len(starts)
    if not clean or runs > MAX_BANDS or (ends - starts + 1).min() < MIN_SEEN:
        return None
    counts = np.unique(column, return_counts=True)[1]
    orders = gammaln(n + 1) - gammaln(counts + 1).sum()
    choose = gammaln(n) - gammaln(runs) - gammaln(n - runs + 1)
    paths = np.log(len(counts)) + (runs - 1) * np.log(len(counts) - 1)
    if choose + paths - orders > limit:
        return None
    return list(zip(by[starts], by[ends], column[starts], strict=True))


def _drop_implied(found):
    """Drop inverse dependencies, and those that follow through a third column."""
    found = {
        (by, column): parts
        for (by, column), parts in found.items()
        if (column, by) not in found or by < column
    }
    between = {by: {c for b, c in found if b == by} for by, _ in found}
    return {
        (by, column): parts
        for (by, column), parts in found.items()
        if not any(column in between.get(step, ()) for step in between[by])
    }


def to_rule(by, column, parts):
    """Return a dependency as a rule, in the columns' own values.

    Parameters
    ----------
    by, column : ColumnSchema
    parts : list of (code, code) or of (low, high, code)

    Returns
    -------
    rule : Lookup or Bands
    """
    *keys, values = zip(*parts, strict=True)
    cells = [decode_values(by, codes) for codes in keys] + [
        decode_values(column, values)
    ]
    rule = Lookup if len(cells) == 2 else Bands
    return rule(column.name, by.name, tuple(zip(*cells, strict=True)))


def decode_values(column, codes):
    """Return a column's codes as values: levels, dates, whole or other numbers."""
    if column.kind == "number":
        as_type = int if column.grid.is_integer else float
        return [as_type(code) for code in codes]
    if column.levels:
        return [column.levels[int(code)] for code in codes]
    return column.decode(np.array(codes, dtype=float)).tolist()
