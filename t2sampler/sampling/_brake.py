"""When drawing is given up: row after row of a class that is short fails."""

from collections import Counter
from collections.abc import Mapping

MIN_ROWS, MIN_BATCHES = 1000, 50


def is_given_up(
    failures: Mapping[int, int], short: Mapping[int, int], batch_size: int, n_taken: int
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

    While no class has got a row at all, 50 batches of any size are enough: a batch is a
    call of a language model. A class that is asked for in few rows can then have had
    too few of them to tell, so what is bounded is the loss. If a batch gives x rows on
    average, m batches give none with a chance of at most exp(-m x), and those up to
    ``max_batches`` M would have given

    .. math:: (M - m) x e^{-m x} \leq (M - m) / (m e)

    rows on average, whatever x: 1.1 rows of all classes together for 50 of 200 batches.
    This holds for the start only. If each row that passes began the count anew, slow
    runs would end too often.

    Parameters
    ----------
    failures : dict of int to int
        Rows asked for per label code since the class last got one.
    short : dict of int to int
        Rows missing per label code.
    batch_size : int
    n_taken : int
        Rows that all classes have got.

    Examples
    --------
    >>> is_given_up({0: 0, 1: 1000}, short={1: 5}, batch_size=20, n_taken=9)
    True
    >>> is_given_up({0: 980, 1: 1000}, short={0: 2, 1: 5}, batch_size=20, n_taken=9)
    False
    >>> is_given_up({0: 20, 1: 230}, short={0: 2, 1: 5}, batch_size=5, n_taken=0)
    True
    """
    failed = [failures.get(label, 0) for label in short]
    if not failed:
        return False
    limit = MIN_BATCHES * batch_size
    return min(failed) >= max(MIN_ROWS, limit) if n_taken else sum(failed) >= limit


def explain_end(schema, waves, short, batch_size, max_batches):
    """Return why drawing ended before all rows were there, as notes.

    None where all are there, or the generator gave no more.

    Parameters
    ----------
    schema : TableSchema
    waves : list of Wave
    short : dict of int to int
        Rows missing per label code.
    batch_size, max_batches : int
    """
    if not waves or not short:
        return []
    n_batches = sum(sum(wave.asked.values()) for wave in waves) // batch_size
    n_taken = sum(int(wave.taken.sum()) for wave in waves)
    names = {label: f"class {schema.target.levels[label]}" for label in short}
    if is_given_up(waves[-1].failures, short, batch_size, n_taken):
        found = [_tell_last(waves, label, name) for label, name in names.items()]
        end = f"after {n_batches:,} batches"
        advice = (
            "More batches would hardly help. Make the filter that trims most laxer."
        )
    elif n_batches >= max_batches:
        found = [_tell_all(waves, label, name) for label, name in names.items()]
        end = f"at `max_batches`, {max_batches:,}"
        advice = "Raise `max_batches`, or make the filter that trims most laxer."
    else:
        return []
    return [f"Drawing ended {end}: {'; '.join(found)}. {advice}"]


def _tell_last(waves, label, name):
    """Tell what became of the rows of a class since it last got one."""
    n_failed = waves[-1].failures[label]
    first = len(waves)
    while first and not _is_own(waves[first - 1], label)[waves[first - 1].taken].any():
        first -= 1
    reasons = _count_reasons(waves[first:], label, n_failed)
    return f"none of the last {n_failed:,} rows of {name} passed ({reasons})"


def _tell_all(waves, label, name):
    """Tell what became of all rows of a class."""
    n_asked = sum(wave.asked[label] for wave in waves)
    n_passed = sum(int(wave.taken[_is_own(wave, label)].sum()) for wave in waves)
    reasons = _count_reasons(waves, label, n_asked)
    return f"{n_passed:,} of {n_asked:,} rows of {name} passed" + (
        f" ({reasons})" if reasons else ""
    )


def _count_reasons(waves, label, n_asked):
    """Tell who trimmed how many of the rows asked for of a class."""
    fates, n_written = Counter(), 0
    for wave in waves:
        own = wave.result.trimmed_by[_is_own(wave, label)]
        fates.update(own[own != ""])
        n_written += len(own)
    parts = [f"{name} trimmed {n:,}" for name, n in fates.most_common()]
    if n_asked > n_written:
        parts.append(f"{n_asked - n_written:,} were not written")
    return ", ".join(parts)


def _is_own(wave, label):
    return wave.rows.labels == label
