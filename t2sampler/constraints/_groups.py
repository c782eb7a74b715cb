"""Which columns of zeros and ones are one category, spread out."""

from math import comb

import numpy as np

from t2sampler.constraints._linear import Linear, as_term

MAX_STEPS = 1000  # of the search that starts at one column


def find_groups(names, dummies, max_chance):
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
    patterns = np.unique(dummies, axis=0)
    together = (patterns.T.astype(int) @ patterns.astype(int)) > 0
    free = np.ones(len(names), dtype=bool)
    rules = []
    for start in range(len(names)):
        if not free[start]:
            continue
        group = _cover(patterns, together, start, free)
        if group and _chance(shares[group], dummies.shape) < max_chance:
            free[group] = False
            rules.append(_rule([names[i] for i in sorted(group)]))
    return rules


def _rule(group):
    """Say that exactly one of the columns is 1."""
    terms = list(map(as_term, group))
    return Linear(dict.fromkeys(terms, 1), bias=-1, equals=True)


def _cover(patterns, together, start, free):
    """Return columns, the start among them, with one 1 per pattern; None: no such.

    An exact cover, searched depth first; near columns are tried first, as the columns
    of one category mostly stand side by side.
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


def _chance(shares, shape):
    """Return the chance that unrelated columns look like a group, over all sets."""
    n_rows, n_columns = shape
    one = (shares / (1 - shares)).sum() * np.prod(1 - shares)
    return comb(n_columns, len(shares)) * one**n_rows
