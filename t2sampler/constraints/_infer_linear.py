"""Linear rules between columns: one-hot groups, orders, sums and scales."""

from itertools import chain, combinations, permutations
from math import comb

import numpy as np

from t2sampler.constraints._infer_bounds import mean_excess
from t2sampler.constraints._infer_formulas import MAX_CHANCE, bound_chance
from t2sampler.constraints._linear import ROUNDING, Linear, as_term

MIN_ROWS = 30  # rows with all values, for orders and sums
MAX_STEPS = 1000  # of the search for a one-hot group; exact cover is NP-complete
MIN_CLASH = 0.05  # share of unrelated pairs that must break an order to be of use
EDGE = 0.18  # mean excess over spread: 0.03 if gaps are exponential, 0.25 if normal
CLEARANCE = 5  # mean excesses between the smallest gap and zero
MAX_DATE_CHANCE = 0.05  # of an order of unrelated dates that only a generator uses
# Distinct values of each column; with fewer, lines and sums hold by chance.
MIN_VALUES, MIN_TERM_VALUES = 5, 3
MAX_COLUMNS = 40  # with more there is no search for sums: triples grow with the cube
# Rows that rule out most candidates before all rows are used.
ORDER_SCREEN_ROWS, SUM_SCREEN_ROWS, PAIR_SCREEN_ROWS = 2000, 200, 4
MIN_CORRELATION = 0.99  # of columns on a line
EPS = np.finfo(float).eps


def find_one_hot_groups(names, dummies, max_chance):
    r"""Find sets of columns of which exactly one is 1 in every row.

    Unrelated columns with shares :math:`p_i` of ones would do so in n rows with
    probability :math:`(\sum_i p_i \prod_{j \ne i} (1 - p_j))^n`. A set counts when that
    is below ``max_chance``, shared out over all sets of its size (Bonferroni).

    Parameters
    ----------
    names : list of hashable
    dummies : bool ndarray of shape (n_rows, n_columns)
        Each column holds both values.
    max_chance : float

    Returns
    -------
    rules : list of Linear
        No column is in two of them.
    """
    shares = dummies.mean(axis=0)
    patterns = np.unique(dummies, axis=0)  # equal rows need one look
    # Two columns that are 1 in the same row cannot belong to one group.
    together = (patterns.T.astype(int) @ patterns.astype(int)) > 0
    free = np.ones(len(names), dtype=bool)
    rules = []
    for start in range(len(names)):
        if not free[start]:
            continue
        group = _find_cover(patterns, together, start, free)
        if group and _group_chance(shares[group], dummies.shape) < max_chance:
            free[group] = False
            rules.append(_one_hot_rule([names[i] for i in sorted(group)]))
    return rules


def _one_hot_rule(group):
    """Return the rule that exactly one of the columns is 1."""
    terms = list(map(as_term, group))
    return Linear(dict.fromkeys(terms, 1), bias=-1, equals=True)


def _find_cover(patterns, together, start, free):
    """Return columns with exactly one 1 per pattern, or None if there are none.

    A depth-first search for an exact cover that includes ``start``. Adjacent columns
    are tried first, since those of one category mostly stand side by side.
    """
    near = np.argsort(np.abs(np.arange(len(free)) - start), kind="stable")
    stack = [([start], free & ~together[start])]
    for _ in range(MAX_STEPS):
        if not stack:
            break
        group, allowed = stack.pop()
        bare = np.flatnonzero(~patterns[:, group].any(axis=1))
        if bare.size == 0:
            return group
        fits = near[(allowed & patterns[bare[0]])[near]]
        stack += [([*group, i], allowed & ~together[i]) for i in fits[::-1]]
    return None


def _group_chance(shares, shape):
    """Return the chance that any set of unrelated columns looks like a group."""
    n_rows, n_columns = shape
    one = (shares / (1 - shares)).sum() * np.prod(1 - shares)
    return comb(n_columns, len(shares)) * one**n_rows


def find_orders(names, numbers, kinds, max_chance):
    r"""Find ``a <= b``, and ``a = b``, that hold in every row.

    If the columns were unrelated, n rows would all obey with probability
    :math:`P(a \le b)^n`, which the values of the two columns give exactly. A pair
    counts if that is below ``max_chance`` divided by the number of pairs (Bonferroni).

    Parameters
    ----------
    names : list of hashable
    numbers : float ndarray of shape (n_rows, n_columns)
        Dates and durations in seconds; NaN where missing.
    kinds : list of hashable
        Only columns of one kind are compared.
    max_chance : float

    Returns
    -------
    rules : list of Linear
        Without those that are implied by two others.
    """
    holds = _screen_orders(numbers[:ORDER_SCREEN_ROWS], kinds)
    limit = np.log(max_chance / max(1, len(names) * (len(names) - 1)))
    for a, b in np.argwhere(holds):
        holds[a, b] = _is_order(numbers[:, a], numbers[:, b], limit)
    equal = np.triu(holds & holds.T)
    repeats = equal.any(axis=0)  # the first of equal columns stands for all
    holds[repeats] = holds[:, repeats] = False
    implied = (holds.astype(int) @ holds.astype(int)) > 0
    equals = [_order_rule(names[a], names[b], True) for a, b in np.argwhere(equal)]
    orders = [_order_rule(names[b], names[a]) for a, b in np.argwhere(holds & ~implied)]
    return equals + orders


def find_date_orders(names, numbers, has_zone):
    r"""Find ``a <= b`` of dates that few rows prove.

    Of the n! ways to pair the dates of two columns, :math:`\prod_i (c_i - i + 1)` keep
    the order, where :math:`c_i` dates are at least the i-th largest of the earlier
    column. A pair counts if that is at most 5 % of them: dates that follow soon show
    it in five rows or more.

    Parameters
    ----------
    names : list of hashable
    numbers : list of float ndarrays of shape (n_rows,)
        In seconds; NaN where missing.
    has_zone : list of bool
        Dates with and without a zone are not compared.

    Returns
    -------
    rules : list of Linear
    """
    rules = []
    for i, j in permutations(range(len(names)), 2):
        a, b = numbers[i], numbers[j]
        both = ~np.isnan(a + b)
        a, b = a[both], b[both]
        if has_zone[i] != has_zone[j] or not len(a) or (a > b).any() or (a == b).all():
            continue
        n_later = np.searchsorted(np.sort(-b), np.sort(-a), side="right")
        log_chance = np.log((n_later - np.arange(len(a))) / (np.arange(len(a)) + 1))
        if log_chance.sum() <= np.log(MAX_DATE_CHANCE):
            rules.append(_order_rule(names[j], names[i]))
    return rules


def _screen_orders(numbers, kinds):
    """Return a matrix that is True where column a exceeds column b in no row."""
    place = np.array([kinds.index(kind) for kind in kinds], dtype=int)
    holds = place[:, None] == place
    np.fill_diagonal(holds, False)
    for a in range(len(kinds)):
        holds[a] &= ~(numbers[:, [a]] > numbers).any(axis=0)
    return holds


def _is_order(a, b, limit):
    both = ~np.isnan(a + b)
    a, b = a[both], b[both]
    if len(a) < MIN_ROWS or (a > b).any():
        return False
    chance = np.searchsorted(np.sort(a), b, side="right").mean() / len(a)
    # Zero chance means no unrelated pair obeys; its logarithm must stay finite.
    unlikely = len(a) * np.log(max(chance, 1e-300)) < limit
    return bool(unlikely and chance <= 1 - MIN_CLASH and _is_edge(b - a))


def _is_edge(gaps):
    """Return whether the gaps end at zero, or well above it, by rule and not by chance.

    The lower tail of noise fades out. If a rule holds two columns apart, the tail ends
    in an edge, and its mean excess is small beside the spread of all gaps.
    """
    tail = mean_excess(-gaps)
    spread = np.subtract(*np.quantile(gaps, (0.75, 0.25)))
    return tail <= EDGE * spread or gaps.min() >= CLEARANCE * tail


def _order_rule(more, less, equals=False):
    """Return the rule that one column is at least another, or equal to it."""
    return Linear({as_term(more): 1, as_term(less): -1}, equals=equals)


def find_sums(names, numbers, known=()):
    """Find ``a = b + c``, ``a + b + c = k`` and ``a = w b + k`` that hold in every row.

    A line needs no test of chance: columns of five or more distinct values have to
    agree in thirty rows or more. A sum of columns of three or more values counts where
    unrelated columns are very unlikely to show it (see `bound_chance`).

    Parameters
    ----------
    names : list of hashable
    numbers : float ndarray of shape (n_rows, n_columns)
        NaN where missing.
    known : collection of frozenset, default=()
        Sets of columns that an equality relates already.

    Returns
    -------
    rules : list of Linear
        The sum comes first; no column is the sum of more than one rule.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> b, c = rng.integers(0, 100, size=(2, 50)).astype(float)
    >>> [rule.name for rule in find_sums("abc", np.column_stack([b + c, b, c]))]
    ['1 a + -1 b + -1 c + 0 = 0']
    """
    some = [j for j in range(len(names)) if _varies(numbers[:, j])]
    if len(some) > MAX_COLUMNS:
        return []
    order = np.random.default_rng(0).permutation(len(numbers))
    screen = numbers[order[:SUM_SCREEN_ROWS]]
    rules, related, sums = [], {frozenset(columns) for columns in known}, set()
    terms = [j for j in range(len(names)) if _varies(numbers[:, j], MIN_TERM_VALUES)]
    found = chain(
        _find_lines(screen, numbers, some),
        _find_pair_sums(screen, numbers, terms if len(terms) <= MAX_COLUMNS else some),
        _find_parts(screen, numbers, terms if len(terms) <= MAX_COLUMNS else some),
    )
    for a, terms, bias in found:
        columns = frozenset(names[j] for j in (a, *terms))
        if a in sums or any(columns >= others for others in related):
            continue
        sums.add(a)
        related.add(columns)
        weights = {as_term(names[a]): 1.0}
        weights |= {as_term(names[j]): -weight for j, weight in terms.items()}
        rules.append(Linear(weights, bias=0.0 - bias, equals=True))
    return rules


def _find_lines(screen, numbers, some):
    """Yield the columns that are another one times a weight, plus a constant."""
    if len(some) < 2:
        return
    with np.errstate(all="ignore"):  # NaN, where values are missing, rules nothing out
        correlation = np.abs(np.corrcoef(screen.T))
    for b, a in combinations(some, 2):
        is_off = correlation[b, a] < MIN_CORRELATION
        if is_off or _fit_line(screen[:, [b, a]]) is None:
            continue
        line = _fit_line(_complete(numbers, b, a))
        if line and line[0]:
            yield a, {b: line[0]}, line[1]


def _fit_line(pairs):
    """Return weight and constant of the line through all points, or None."""
    x, y = pairs[~np.isnan(pairs).any(axis=1)].T
    if not len(x):
        return None
    low, high = x.argmin(), x.argmax()  # the outermost points give most digits
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite weight fits no row
        weight = float(f"{(y[high] - y[low]) / (x[high] - x[low] or np.inf):.12g}")
        bias = float(f"{y[low] - weight * x[low]:.12g}")
        agrees = _agree(y, weight * x + bias, np.abs(weight * x) + abs(bias))
    return (weight, bias) if agrees.all() else None


def _find_pair_sums(screen, numbers, some):
    """Yield the columns that are the sum of two others, unlikely as that is."""
    limit = np.log(MAX_CHANCE / max(1, len(some) ** 3 / 2))
    for b, c in _screen_pairs(screen, some, -1):
        total = (screen[:, b] + screen[:, c])[:, None]
        size = np.abs(screen[:, [b]]) + np.abs(screen[:, [c]])
        unknown = np.isnan(total) | np.isnan(screen)
        may_be = (_agree(screen, total, size) | unknown).all(axis=0)
        for a in sorted(set(np.flatnonzero(may_be).tolist()) & set(some) - {b, c}):
            y, u, v = _drop_missing(numbers[:, [a, b, c]]).T
            if not _agree(y, u + v, np.abs(u) + np.abs(v)).all():
                continue
            slack = ROUNDING * EPS * (np.abs(u) + np.abs(v))
            if bound_chance(u + v - slack, u + v + slack, y) < limit:
                yield a, {b: 1.0, c: 1.0}, 0.0


def _find_parts(screen, numbers, some):
    """Yield three columns of which the sum is constant, as parts of a whole are."""
    limit = np.log(MAX_CHANCE / max(1, len(some) ** 3 / 2))
    for b, c in _screen_pairs(screen, some, 1):
        later = [a for a in some if a > c]
        sums = screen[:, later] + screen[:, [b]] + screen[:, [c]]
        size = np.abs(screen[:, [b]]) + np.abs(screen[:, [c]])
        whole = np.nanmin(
            np.where(np.isnan(sums), np.inf, sums), axis=0, initial=np.inf
        )
        may_be = (_agree(sums, whole, size + np.abs(whole)) | np.isnan(sums)).all(
            axis=0
        )
        for a in np.array(later, dtype=int)[may_be].tolist():
            y, u, v = _drop_missing(numbers[:, [a, b, c]]).T
            if len(y) < MIN_TERM_VALUES:
                continue
            bias = float(f"{np.median(y + u + v):.12g}")
            size = np.abs(u) + np.abs(v) + abs(bias)
            if not _agree(y, bias - u - v, size).all():
                continue
            slack = ROUNDING * EPS * size
            low, high = bias - u - v - slack, bias - u - v + slack
            if bound_chance(low, high, y) < limit:
                yield a, {b: -1.0, c: -1.0}, bias


def _screen_pairs(screen, some, sign):
    """Return pairs of columns of which the sum may be a third, or a constant less it.

    Here a few rows tell for all pairs at once; what is missing may be any number.
    """
    x = screen[:PAIR_SCREEN_ROWS, some]
    b, c, a = x[:, :, None, None], x[:, None, :, None], x[:, None, None, :]
    with np.errstate(all="ignore"):
        total, size = b + c + sign * a, np.abs(b) + np.abs(c) + np.abs(a)
        whole = 0 if sign < 0 else total[0]
        is_off = np.abs(total - whole) > 4 * ROUNDING * EPS * (size + np.abs(whole))
    may_be = ~is_off.any(axis=0).all(axis=2)
    return [pair for pair in combinations(some, 2) if may_be[*map(some.index, pair)]]


def _complete(numbers, *columns):
    """Return the rows in which no column is missing; none if they vary too little."""
    part = _drop_missing(numbers[:, list(columns)])
    enough = len(part) >= MIN_ROWS and all(map(_varies, part.T))
    return part if enough else part[:0]


def _drop_missing(part):
    return part[~np.isnan(part).any(axis=1)]


def _varies(x, least=MIN_VALUES):
    return len(np.unique(x[~np.isnan(x)])) >= least


def _agree(y, expected, size):
    return np.abs(y - expected) <= ROUNDING * EPS * size
