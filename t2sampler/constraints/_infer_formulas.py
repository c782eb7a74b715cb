"""Formulas that hold in all real rows: products, ratios, and time between dates."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
from scipy.special import gammaln

from t2sampler._calendar import DAY
from t2sampler._schema import clock_nanoseconds, find_zone, nanoseconds
from t2sampler.constraints._formulas import UNITS, Elapsed, Product
from t2sampler.constraints._linear import Linear, as_term

MAX_CHANCE = 1e-6  # of any formula if all columns are unrelated
MAX_COLUMNS = 40  # with more there is no search: pairs of pairs grow with the cube
MAX_TRIPLES = 12  # columns among which products of three are searched
FIRST_ROWS, SCREEN_ROWS, CHANCE_ROWS = 6, 64, 2000
MIN_ROWS = 8  # 8! orders are too few for MAX_CHANCE by themselves
PAIRS = [(1, 1), (1, -1), (1, -2), (1, 2)]
SINGLES = [1, -1, 2]
SIGNIFICANT = 15  # digits of a float
MAX_AMOUNT = 40_000  # days; more, or so many years, would leave the nanoseconds' range
MAX_YEARS = 290  # from 1970, that a fixed day may be away
EXACT = 16 * np.finfo(float).eps
# The first that fits all rows is taken.
ELAPSED_UNITS = ["days", "hours", "minutes", "seconds", "weeks", 365.25, 365]
TURNS = ["years", "months", "calendar years"]
DAYS_OF = {unit: size / DAY for unit, size in UNITS.items()}
DAYS_OF |= {"months": 365.2425 / 12, "years": 365.2425, "calendar years": 365.2425}
MAX_AWAY = 0.25  # of a unit: months are of unequal length, clocks change


def bound_chance(low, high, values):
    r"""Return the logarithm of a bound on the chance that all rows fit a formula.

    Of the n! orders in which n values could stand beside the other columns, at most
    :math:`\prod_i (r_i!)^{1 / r_i}` fit, where :math:`r_i` values fit row i (Brègman's
    bound on a permanent). With :math:`r_i = 1` that is one order: sixteen rows of
    distinct values prove a formula among 10 million, while two values prove little.

    Parameters
    ----------
    low, high : ndarray of shape (n_rows,)
        What the formula allows in each row.
    values : ndarray of shape (n_rows,)
        Of the column that follows.
    """
    rows = np.random.default_rng(0).permutation(len(values))[:CHANCE_ROWS]
    values = np.sort(values[rows])
    first = np.searchsorted(values, low[rows], side="left")
    n_fit = np.searchsorted(values, high[rows], side="right") - first
    n_fit = np.maximum(n_fit, 1)
    return float((gammaln(n_fit + 1) / n_fit).sum() - gammaln(len(rows) + 1))


def find_products(names, numbers, half_units):
    """Find numbers that are a product of powers of one to three others, and a factor.

    Parameters
    ----------
    names : list of hashable
    numbers : float ndarray of shape (n_rows, n_columns)
        NaN where missing.
    half_units : ndarray of shape (n_columns,)
        Half of the unit a column is rounded to; 0 where it is not.

    Returns
    -------
    found : list of Product
        At most one per set of columns, the least probable by chance; those of fewer
        columns come first.
    """
    some = [j for j in range(len(names)) if len(pd.unique(numbers[:, j])) > 2]
    if not 2 <= len(some) <= MAX_COLUMNS:
        return []
    with np.errstate(all="ignore"):
        logs = np.log(np.abs(numbers))
    logs[~np.isfinite(logs)] = np.nan  # a factor follows from other rows than zeros
    terms = _list_terms(some)
    powers = np.zeros((len(names), len(terms)))
    for place, term in enumerate(terms):
        powers[list(term), place] = list(term.values())
    limit = np.log(MAX_CHANCE / (len(terms) * len(some) * 2 * max(1, len(numbers))))
    best = {}
    for j in some:
        for place in _screen_terms(numbers[:, j], logs, powers, half_units[j], j):
            found = _test_product(numbers, j, terms[place], half_units[j], limit)
            if found:
                columns = frozenset((j, *terms[place]))
                # Of an exact formula the column without decimals of its own follows.
                rank = len(columns), half_units[j] > 0, *found[:2]
                found = (*rank, place, j, found[2])
                best[columns] = min(best.get(columns, found), found)
    return [
        Product(names[j], {names[i]: p for i, p in terms[place].items()}, f, tolerance)
        for *_, tolerance, place, j, f in sorted(best.values())
    ]


def _list_terms(some):
    """Return dicts from a column's position to its power."""
    terms = [{a: p} for a in some for p in SINGLES]
    terms += [{a: 1, b: 1} for a, b in combinations(some, 2)]
    terms += [{a: p, b: q} for a, b in permutations(some, 2) for p, q in PAIRS[1:]]
    if len(some) <= MAX_TRIPLES:
        terms += [dict.fromkeys(triple, 1) for triple in combinations(some, 3)]
    return terms


def _screen_terms(column, logs, powers, half_unit, j):
    """Return the terms that fit some rows up to a factor, by intervals of its log."""
    rows = np.random.default_rng(0).permutation(len(column))
    rows = rows[np.isfinite(logs[rows, j])]
    left = np.flatnonzero(powers[j] == 0)
    for n_rows in (FIRST_ROWS, SCREEN_ROWS):  # a few rows rule out most terms
        some = rows[:n_rows]
        size = np.abs(column[some])
        slack = np.maximum(half_unit * (1 + 1e-9), 4 * EXACT * size)[:, None]
        product = np.nan_to_num(logs[some]) @ powers[:, left]
        is_unknown = np.isnan(logs[some]).astype(float) @ np.abs(powers[:, left]) > 0
        product[is_unknown] = np.nan
        with np.errstate(all="ignore"):
            low = np.log(size[:, None] - slack) - product
            high = np.log(size[:, None] + slack) - product
        low = np.where(np.isnan(low), -np.inf, low).max(axis=0, initial=-np.inf)
        high = np.where(np.isnan(high), np.inf, high).min(axis=0, initial=np.inf)
        fits = low <= high + 1e-12
        left, low = left[fits], low[fits]
    return left[np.isfinite(low)]


def _test_product(numbers, j, term, half_unit, limit):
    """Return the log-chance and the numbers of a product, or None."""
    with np.errstate(all="ignore"):
        product = np.prod([numbers[:, i] ** float(p) for i, p in term.items()], axis=0)
    known = ~np.isnan(numbers[:, [j, *term]]).any(axis=1)
    y, x = numbers[known, j], product[known]
    if len(y) < MIN_ROWS or not np.isfinite(x).all() or not x.any():
        return None
    for tolerance in dict.fromkeys((0.0, half_unit)):
        slack = tolerance * (1 + 1e-9) + EXACT * np.abs(y)
        factor = _find_factor(y, x, slack)
        if factor is None or (np.abs(y - factor * x) > slack).any():
            continue
        chance = bound_chance(factor * x - slack, factor * x + slack, y)
        if chance < limit:
            return chance, tolerance, factor
    return None


def _find_factor(y, x, slack):
    """Return the factor of fewest digits that fits all rows, or None."""
    some = x != 0
    with np.errstate(all="ignore"):
        ends = np.sort([(y - slack)[some] / x[some], (y + slack)[some] / x[some]], 0)
    low, high = ends[0].max(), ends[1].min()
    if not low <= high or low * high <= 0 or not np.isfinite(high):
        return None
    middle = low / 2 + high / 2
    power = float(f"1e{round(np.log10(abs(middle)))}") * np.sign(middle)
    rounded = (float(f"{middle:.{d}e}") for d in range(SIGNIFICANT + 2))
    return next((float(f) for f in (1.0, power, *rounded) if low <= f <= high), None)


def find_elapsed(frame, dates, targets):
    """Find numbers and durations that are the time between dates.

    Parameters
    ----------
    frame : DataFrame
    dates : list of ColumnSchema
    targets : list of ColumnSchema
        Columns of numbers, and of durations.

    Returns
    -------
    rules : list of Elapsed or Linear
        At most one per set of columns; `Linear` where two dates are a constant apart.
    """
    # A constant proves nothing: it is as far from any two dates as its rows are alike.
    targets = [c for c in targets if frame[c.name].nunique() > 1]
    found, limit = [], _log_limit(dates, targets)
    # Read once: a table of many dates has very many pairs of them.
    known = {c.name: frame[c.name].notna().to_numpy() for c in (*dates, *targets)}
    moments = {c.name: nanoseconds(frame[c.name]) for c in dates}
    amounts = {c.name: _read_amounts(frame[c.name], c) for c in targets}
    zoned = {c.name: find_zone(frame[c.name].dtype) is not None for c in dates}
    for start, end in permutations([c.name for c in dates], 2):
        both = known[start] & known[end]
        if zoned[start] != zoned[end] or both.sum() < MIN_ROWS:
            continue
        first, last = moments[start][both], moments[end][both]
        found += _find_constant_gap(start, end, first, last, limit)
        for target in targets:
            screen = np.flatnonzero(both & known[target.name])[:SCREEN_ROWS]
            elapsed = (moments[end][screen] - moments[start][screen]) / DAY
            units = _screen_units(amounts[target.name][screen], target, elapsed)
            if units:
                part = frame.loc[both, [start, end, target.name]]
                rules = _propose(target, start, end, units)
                found += _first_rule(part, target, rules, limit)
    for date in dates:
        for target in (t for t in targets if t.kind == "number"):
            known = frame[[date.name, target.name]].notna().all(axis=1).to_numpy()
            screen = frame[known].iloc[:SCREEN_ROWS]
            if not list(_propose_fixed_end(screen, target.name, date.name, 1)):
                continue
            rules = _propose_fixed_end(frame, target.name, date.name)
            n_ends = 2 * len(frame)  # the date is fitted to the rows
            found += _first_rule(frame, target, rules, limit - np.log(n_ends))
    return found


def _log_limit(dates, targets):
    n_tried = len(dates) ** 2 * (1 + len(targets)) * len(ELAPSED_UNITS + TURNS) * 4
    return np.log(MAX_CHANCE / max(1, n_tried))


def _read_amounts(values, target):
    """Return numbers, or durations in days; what is missing is any number."""
    if target.kind == "timedelta":
        return nanoseconds(values) / DAY
    return pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)


def _find_constant_gap(start, end, first, last, limit):
    gap = int(last[0] - first[0])
    if gap <= 0 or (last - first != gap).any():
        return []
    last = last - last.min() + 0.0
    if bound_chance(last, last, last) >= limit:
        return []
    weights = {as_term(end): 1, as_term(start): -1}
    return [Linear(weights, bias=-gap / 1e9, equals=True)]


def _screen_units(amounts, target, elapsed):
    """Return the units in which some rows are no further away than rounding explains.

    Completed units are up to one less than the time; one day is added where both the
    first and the last count, and the year can turn before one is completed.
    """
    units = ["days"] if target.kind == "timedelta" else [*ELAPSED_UNITS, *TURNS]
    sizes = np.array([DAYS_OF.get(unit, unit) for unit in units], dtype=float)
    half_unit = 0 if target.kind == "timedelta" else target.grid.step / 2
    most = [max(half_unit, unit in ("days", "calendar years")) for unit in units]
    away = amounts[:, None] - elapsed[:, None] / sizes
    is_close = (away.min(axis=0, initial=0) >= -max(1, half_unit) - MAX_AWAY) & (
        away.max(axis=0, initial=0) <= np.array(most) + MAX_AWAY
    )
    return [unit for unit, close in zip(units, is_close, strict=True) if close]


def _propose(target, start, end, close):
    """Yield the formulas that a column may follow from two dates."""
    if target.kind == "timedelta":
        yield Elapsed(target.name, start, end)
        for unit in ("days", "hours", "minutes", "seconds"):
            yield Elapsed(target.name, start, end, unit, whole=True)
        return
    half_unit = target.grid.step / 2
    for offset in (0.0, 1.0):
        units = [u for u in ELAPSED_UNITS if u in close and (not offset or u == "days")]
        for unit in units:
            yield Elapsed(target.name, start, end, unit, offset=offset)
        if target.grid.is_integer:
            turns = [] if offset else [unit for unit in TURNS if unit in close]
            for unit in [*turns, *units]:
                is_whole = unit not in TURNS
                yield Elapsed(target.name, start, end, unit, is_whole, offset)
        for unit in units if half_unit else ():
            yield Elapsed(target.name, start, end, unit, False, offset, half_unit)


def _propose_fixed_end(frame, target, start, min_rows=MIN_ROWS):
    """Yield whole times from a date to a day that is the same in all rows."""
    known = (frame[start].notna() & frame[target].notna()).to_numpy()
    amounts = pd.to_numeric(frame[target][known]).to_numpy(dtype=float)
    if len(amounts) < min_rows or (amounts != np.round(amounts)).any():
        return
    if np.abs(amounts).max() > MAX_AMOUNT:
        return
    amounts = amounts.astype(np.int64)
    local, moments = (
        clock_nanoseconds(frame[start][known]),
        nanoseconds(frame[start][known]),
    )
    years = local.astype("datetime64[ns]").astype("datetime64[Y]").astype(np.int64)
    # The year of a date is no count of years from it: nanoseconds end in 2262.
    is_near = np.abs(years + amounts).max() < MAX_YEARS
    if is_near:
        low, high = (_add_years(local, amounts + more) for more in (0, 1))
        yield from _fixed_end(target, start, "years", low.max(), high.min())
    if is_near and np.ptp(years + amounts) == 0:
        end = pd.Timestamp(year=1970 + int(years[0] + amounts[0]), month=7, day=1)
        yield Elapsed(target, start, end, "calendar years")
    for unit in (365.25, 365, "days") if is_near else ("days",):
        size = UNITS.get(unit) or round(unit * DAY)
        low, high = (moments + (amounts + more) * size for more in (0, 1))
        yield from _fixed_end(target, start, unit, low.max(), high.min())


def _fixed_end(target, start, unit, low, high):
    """Yield the rule with an end from ``low`` on, before ``high``: midnight if any."""
    if low < high:
        midnight = -(-int(low) // DAY) * DAY
        end = pd.Timestamp(midnight if midnight < high else int(low), unit="ns")
        yield Elapsed(target, start, end, unit, unit != "years")


def _add_years(moments, years):
    days = (moments // DAY).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    return ((months + 12 * years).astype("datetime64[D]") + (days - months)).astype(
        np.int64
    ) * DAY


def _first_rule(frame, target, rules, limit):
    """Return the first rule that all rows prove, in a list that may be empty."""
    known = frame[target.name].notna().to_numpy()
    if known.sum() < MIN_ROWS:
        return []
    frame = frame[known]
    screen = frame.iloc[:SCREEN_ROWS]
    for rule in rules:
        if not rule.holds(screen).all() or not rule.holds(frame).all():
            continue
        dates = frame[list(rule.columns[1:])].notna().all(axis=1).to_numpy()
        values = frame[target.name][dates]
        expected = rule.solve(frame[dates], target.name).astype(float)
        numbers = (
            nanoseconds(values).astype(float)
            if target.kind == "timedelta"
            else pd.to_numeric(values).to_numpy(dtype=float)
        )
        slack = rule.tolerance + EXACT * np.abs(expected)
        if bound_chance(expected - slack, expected + slack, numbers) < limit:
            return [rule]
    return []
