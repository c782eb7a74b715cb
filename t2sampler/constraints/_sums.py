"""Which numbers are the sum of two others, or another one on a different scale."""

from itertools import chain, combinations

import numpy as np

from t2sampler.constraints._linear import ROUNDING, Linear, as_term

MIN_ROWS = 30  # rows with all values
MIN_VALUES = 5  # of each column among them: fewer agree by chance
MAX_COLUMNS = 40  # more are not searched: their triples grow with the cube
SCREEN_ROWS = 200  # rows that rule out most of them before all are looked at
EPS = np.finfo(float).eps


def find_sums(names, numbers, known=()):
    """Find ``a = b + c``, and ``a = w b + k``, that hold exactly in every row.

    Unrelated numbers of five values and more would have to agree in thirty rows.

    Parameters
    ----------
    names : list of hashable
    numbers : float ndarray of shape (n_rows, n_columns)
        NaN where missing.
    known : collection of frozenset, default=()
        Columns of which more need not be said.

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
    screen = numbers[order[:SCREEN_ROWS]]
    rules, said, sums = [], {frozenset(columns) for columns in known}, set()
    found = chain(_scales(screen, numbers, some), _sums(screen, numbers, some))
    for a, terms, bias in found:
        columns = frozenset(names[j] for j in (a, *terms))
        if a in sums or any(columns >= others for others in said):
            continue
        sums.add(a)
        said.add(columns)
        weights = {as_term(names[a]): 1.0}
        weights |= {as_term(names[j]): -weight for j, weight in terms.items()}
        rules.append(Linear(weights, bias=0.0 - bias, equals=True))
    return rules


def _scales(screen, numbers, some):
    """Yield the columns that are another one times a weight, plus a constant."""
    for b, a in combinations(some, 2):
        if _fit_line(screen[:, [b, a]]) is None:
            continue
        line = _fit_line(_complete(numbers, b, a))
        if line and line[0]:
            yield a, {b: line[0]}, line[1]


def _fit_line(pairs):
    """Return weight and constant of a line through all points; None without one."""
    x, y = pairs[~np.isnan(pairs).any(axis=1)].T
    if not len(x):
        return None
    low, high = x.argmin(), x.argmax()
    with np.errstate(over="ignore", invalid="ignore"):  # steep lines are none
        weight = float(f"{(y[high] - y[low]) / (x[high] - x[low] or np.inf):.12g}")
        bias = float(f"{y[low] - weight * x[low]:.12g}")
        agrees = _agree(y, weight * x + bias, np.abs(weight * x) + abs(bias))
    return (weight, bias) if agrees.all() else None


def _sums(screen, numbers, some):
    """Yield the columns that are the sum of two others."""
    for b, c in combinations(some, 2):
        total = (screen[:, b] + screen[:, c])[:, None]
        size = np.abs(screen[:, [b]]) + np.abs(screen[:, [c]])
        unknown = np.isnan(total) | np.isnan(screen)
        may_be = (_agree(screen, total, size) | unknown).all(axis=0)
        for a in sorted(set(np.flatnonzero(may_be).tolist()) & set(some) - {b, c}):
            y, u, v = _complete(numbers, a, b, c).T
            if len(y) and _agree(y, u + v, np.abs(u) + np.abs(v)).all():
                yield a, {b: 1.0, c: 1.0}, 0.0


def _complete(numbers, *columns):
    """Return columns where none of them is missing, if they still vary enough."""
    part = numbers[:, list(columns)]
    part = part[~np.isnan(part).any(axis=1)]
    enough = len(part) >= MIN_ROWS and all(map(_varies, part.T))
    return part if enough else part[:0]


def _varies(x):
    return len(np.unique(x[~np.isnan(x)])) >= MIN_VALUES


def _agree(y, expected, size):
    return np.abs(y - expected) <= ROUNDING * EPS * size
