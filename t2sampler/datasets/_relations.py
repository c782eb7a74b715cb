"""Relations that hold in a table too often to be chance.

Found here, not by the filters that are measured on tables with broken relations: an
instrument shares no code with what it measures.
"""

from itertools import permutations

import numpy as np
import pandas as pd

from t2sampler._schema import learn_column
from t2sampler.constraints import Bands, Linear, Lookup

MIN_EVIDENCE = 10  # rows in which a true relation breaks once columns are shuffled
MAX_BANDS = 6
N_PROBE = 200  # rows by which most pairs of columns are ruled out


def find_relations(frame, rng):
    """Return rules by which columns hang together.

    A rule is read from one half of the rows. It counts if the other half obeys it, and
    would break it in at least `MIN_EVIDENCE` rows if the columns were independent; a
    table of fewer than 20 rows therefore has none.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_features)
    rng : RandomState instance

    Returns
    -------
    rules : list
        Orders of two numbers, and columns that follow from another one. Each holds on
        every row.
    """
    if len(frame) < 2 * MIN_EVIDENCE:
        return []
    columns = [learn_column(frame[name], name) for name in frame.columns]
    first, second = np.array_split(rng.permutation(len(frame)), 2)
    probe = frame.iloc[first[:N_PROBE]].apply(lambda values: pd.factorize(values)[0])
    halves = frame.iloc[first], frame.iloc[second]
    shuffled = _shuffle(halves[1], rng)
    rules = []
    for by, column in permutations(columns, 2):
        for read in _choose_readers(probe, by, column):
            trial = read(halves[0], by, column)
            rule = read(frame, by, column)
            if trial is None or rule is None or not trial.holds(halves[1]).all():
                continue
            if (~trial.holds(shuffled)).sum() >= MIN_EVIDENCE:
                rules.append(rule)
    return rules


def _shuffle(frame, rng):
    """Return the rows with each column in an order of its own."""
    columns = [
        frame[name].iloc[rng.permutation(len(frame))].reset_index(drop=True)
        for name in frame.columns
    ]
    return pd.concat(columns, axis=1)


def _choose_readers(probe, by, column):
    """Return the readers worth a try, judged by a few rows."""
    is_ordered = by.kind == column.kind == "number"
    codes = probe[[by.name, column.name]]
    codes = codes[(codes >= 0).all(axis=1)]  # -1 stands for a missing value
    follows = len(codes.drop_duplicates()) == codes[by.name].nunique()
    readers = [_read_order] if is_ordered else []
    if follows and column.is_modelled:
        readers.append(_read_bands if by.kind == "number" else _read_lookup)
    return readers


def _read_order(frame, by, column):
    """Return the rule by >= column, None where a row breaks it."""
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
    """Return the pairs of values there are, None where one value goes with two."""
    pairs = frame[[by.name, column.name]].dropna().drop_duplicates()
    return pairs if pairs[by.name].is_unique and len(pairs) else None
