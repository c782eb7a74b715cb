"""When drawing is given up: row after row of a class that is short fails."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

MIN_ROWS, MIN_BATCHES = 1000, 50


def is_given_up(
    failures: Mapping[int, int], short: Mapping[int, int], batch_size: int
) -> bool:
    r"""Tell whether all classes that are short have failed for too long.

    A class has if 1,000 rows and the rows of 50 batches were asked for since it last
    got one. If a share p of the rows passes, n rows in a row fail by chance with
    probability

    .. math:: (1 - p)^n

    For 1,000 rows this is 2e-9 where one in 50 passes, and 4e-5 where one in 100 does.
    Some filters judge whole batches: for 50 batches it is 1e-5 where one in five
    passes, and 0.005 where one in ten does. A class that fills up slowly is therefore
    filled as without a limit.

    Parameters
    ----------
    failures : dict of int to int
        Rows asked for per label code since the class last got one.
    short : dict of int to int
        Rows missing per label code.
    batch_size : int

    Examples
    --------
    >>> is_given_up({0: 0, 1: 1000}, short={1: 5}, batch_size=20)
    True
    >>> is_given_up({0: 980, 1: 1000}, short={0: 2, 1: 5}, batch_size=20)
    False
    """
    limit = max(MIN_ROWS, MIN_BATCHES * batch_size)
    return bool(short) and all(failures.get(label, 0) >= limit for label in short)


def explain_end(schema, waves, short, batch_size):
    """Return why drawing was given up, as notes; none where it was not.

    Parameters
    ----------
    schema : TableSchema
    waves : list of Wave
    short : dict of int to int
        Rows missing per label code.
    batch_size : int
    """
    if not waves or not is_given_up(waves[-1].failures, short, batch_size):
        return []
    found = [
        f"none of the last {waves[-1].failures[label]:,} rows of class "
        f"{schema.target.levels[label]} passed ({_count_reasons(waves, label)})"
        for label in short
    ]
    n_batches = sum(len(np.unique(wave.batch)) for wave in waves)
    return [
        f"Drawing ended after {n_batches:,} batches: {'; '.join(found)}. More batches "
        "would hardly help. Make the filter that trims most laxer."
    ]


def _count_reasons(waves, label):
    """Tell what became of the rows of a class since it last got one."""
    fates, n_written = Counter(), 0
    for wave in reversed(waves):
        is_own = wave.rows.labels == label
        if wave.taken[is_own].any():
            break
        fates.update(wave.result.trimmed_by[is_own])
        n_written += int(is_own.sum())
    parts = [f"{name} trimmed {n:,}" for name, n in fates.most_common()]
    n_unwritten = waves[-1].failures[label] - n_written
    if n_unwritten > 0:
        parts.append(f"{n_unwritten:,} were not written")
    return ", ".join(parts)
