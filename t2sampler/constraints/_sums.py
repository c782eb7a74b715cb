"""Which numbers are the sum of two others, or another one on a different scale."""

from itertools import combinations

import numpy as np

from t2sampler.constraints._linear import ROUNDING, Linear

MIN_ROWS = 30  # rows with all values
MIN_VALUES = 5  # of each column among them: fewer agree by chance
MAX_COLUMNS = 40  # more are not searched: their triples grow with the cube
SCREEN_ROWS = 20  # rows that rule out most triples before all are looked at
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
    some = [j for j in range(len(names)) if len(np.unique(numbers[:, j])) > MIN_VALUES]
    if len(some) > MAX_COLUMNS:
        return []
    rules, said, sums = [], {frozenset(columns) for columns in known}, set()
    for a, terms, bias in [*_scales(numbers, some), *_sums(numbers, some)]:
        columns = frozenset(names[j] for j in (a, *terms))
        if a in sums or any(columns >= others for others in said):
            continue
        sums.add(a)
        said.add(columns)
        weights = {_term(names[a]): 1.0}
        weights |= {_term(names[j]): -weight for j, weight in terms.items()}
        rules.append(Linear(weights, bias=0.0 - bias, equals=True))
    return rules


def _scales(numbers, some):
    """Yield the columns that are another one times a weight, plus a constant."""
    for b, a in combinations(some, 2):
        x, y = _complete(numbers, b, a)
        if len(x) < MIN_ROWS:
            continue
        low, high = x.argmin(), x.argmax()
        weight = float(f"{(y[high] - y[low]) / (x[high] - x[low] or np.inf):.12g}")
        bias = float(f"{y[low] - weight * x[low]:.12g}")
        if weight and _agree(y, weight * x + bias, np.abs(weight * x) + abs(bias)):
            yield a, {b: weight}, bias


def _sums(numbers, some):
    """Yield the columns that are the sum of two others."""
    full = numbers[~np.isnan(numbers[:, some]).any(axis=1)][:SCREEN_ROWS]
    for b, c in combinations(some, 2):
        total = full[:, b] + full[:, c]
        size = np.abs(full[:, b]) + np.abs(full[:, c])
        near = np.abs(full[:, some] - total[:, None]) <= ROUNDING * EPS * size[:, None]
        for place in np.flatnonzero(near.all(axis=0)):
            a = some[place]
            if a in (b, c):
                continue
            y, u, v = _complete(numbers, a, b, c)
            if len(y) >= MIN_ROWS and _agree(y, u + v, np.abs(u) + np.abs(v)):
                yield a, {b: 1.0, c: 1.0}, 0.0


def _complete(numbers, *columns):
    """Return columns where none of them is missing, if they still vary enough."""
    part = numbers[:, list(columns)]
    part = part[~np.isnan(part).any(axis=1)]
    varies = all(len(np.unique(x)) >= MIN_VALUES for x in part.T)
    return part.T if varies else part[:0].T


def _agree(y, expected, size):
    return bool((np.abs(y - expected) <= ROUNDING * EPS * size).all())


def _term(name):
    return (name,) if isinstance(name, tuple) else name
