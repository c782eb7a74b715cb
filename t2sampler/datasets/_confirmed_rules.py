"""Rules that are learnt from one half of a table and confirmed by the other half.

`inject_errors` breaks them. They are not those of `infer_constraints`, which the sanity
filter uses: a benchmark of that filter must not share its code.
"""

from itertools import permutations

import numpy as np
import pandas as pd

from t2sampler._forms import Form
from t2sampler._schema import learn_column
from t2sampler.constraints import Bands, Linear, Lookup

MIN_EVIDENCE = 10  # rows in which a true rule breaks once columns are shuffled
MAX_BANDS = 6
N_PROBE = 200  # rows that suffice to rule out most pairs of columns


def find_confirmed_rules(frame, rng):
    """Return rules between two columns that hold in all rows, and not by chance.

    A rule is learnt from one half of the rows. It is confirmed if it holds in the other
    half, and breaks in at least `MIN_EVIDENCE` rows of it once each column is shuffled.
    A table of fewer than 20 rows therefore has no confirmed rules.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_features)
    rng : RandomState instance

    Returns
    -------
    rules : list
        Orders of two numbers, and columns that are a function of another column.
    """
    if len(frame) < 2 * MIN_EVIDENCE:
        return []
    columns = [learn_column(frame[name], name) for name in frame.columns]
    columns = [column for column in columns if type(column.form) is Form]
    first, second = np.array_split(rng.permutation(len(frame)), 2)
    probe = frame.iloc[first[:N_PROBE]].apply(lambda values: pd.factorize(values)[0])
    halves = frame.iloc[first], frame.iloc[second]
    # Shuffled columns are unrelated: a rule that still holds there proves nothing.
    shuffled = _shuffle_each_column(halves[1], rng)
    rules = []
    for by, column in permutations(columns, 2):
        for read in _choose_readers(probe, by, column):
            trial = read(halves[0], by, column)
            # The confirmed rule is read anew from all rows, so that it holds in each.
            rule = read(frame, by, column)
            if trial is None or rule is None or not trial.holds(halves[1]).all():
                continue
            if (~trial.holds(shuffled)).sum() >= MIN_EVIDENCE:
                rules.append(rule)
    return rules


def _shuffle_each_column(frame, rng):
    """Shuffle each column on its own."""
    columns = [
        frame[name].iloc[rng.permutation(len(frame))].reset_index(drop=True)
        for name in frame.columns
    ]
    return pd.concat(columns, axis=1)


def _choose_readers(probe, by, column):
    """Return the readers that may find a rule, by the columns' kinds and a few rows."""
    is_ordered = by.kind == column.kind == "number"
    codes = probe[[by.name, column.name]]
    codes = codes[(codes >= 0).all(axis=1)]  # -1 stands for a missing value
    follows = len(codes.drop_duplicates()) == codes[by.name].nunique()
    readers = [_read_order] if is_ordered else []
    if follows and column.is_modelled:
        readers.append(_read_bands if by.kind == "number" else _read_lookup)
    return readers


def _read_order(frame, by, column):
    """Return the rule ``by >= column``, None if a row breaks it."""
    rule = Linear({by.name: 1, column.name: -1})
    return rule if rule.holds(frame).all() else None


def _read_bands(frame, by, column):
    """Return the bands of a number within which a column is constant."""
    pairs = _distinct_pairs(frame, by, column)
    if pairs is None:
        return None
    pairs = pairs.sort_values(by.name, kind="stable")
    starts = pairs[column.name].ne(pairs[column.name].shift())
    if not 1 < starts.sum() <= MAX_BANDS:
        return None
    groups = pairs.groupby(starts.cumsum().to_numpy())
    bands = [
        (band[by.name].iloc[0], band[by.name].iloc[-1], band[column.name].iloc[0])
        for _, band in groups
    ]
    return Bands(column.name, by.name, tuple(bands))


def _read_lookup(frame, by, column):
    """Return the level of a column that goes with each level of another."""
    if by.kind not in ("category", "bool"):
        return None
    pairs = _distinct_pairs(frame, by, column)
    if pairs is None or pairs[column.name].nunique() < 2:
        return None
    return Lookup(column.name, by.name, dict(pairs.itertuples(index=False)))


def _distinct_pairs(frame, by, column):
    """Return the distinct pairs of values, None if a value of ``by`` has two."""
    pairs = frame[[by.name, column.name]].dropna().drop_duplicates()
    return pairs if pairs[by.name].is_unique and len(pairs) else None
