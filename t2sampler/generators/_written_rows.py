"""Rows that models wrote for a batch: which are kept, which are refused, and why."""

from collections import Counter

import numpy as np
import pandas as pd

from t2sampler._records import Batch, put_beside
from t2sampler.exceptions import ChatError, GeneratorError
from t2sampler.generators._base import encode_wanted

MAX_ATTEMPTS = 3  # times that a row is asked for
ASKED_AGAIN = "rows asked for again"
COPY = "a copy of a real row"
NO_VALUE = "{}: a value is missing, and the column cannot hold that"
NOT_WRITTEN = "the model wrote no row with this label"
NOT_READ = "the reply held no row that could be read"


def fill_batch(context, request, ask_for, *, max_attempts=MAX_ATTEMPTS):
    """Ask for whole rows until all of a batch are written.

    A wanted label gets a row that was written with it. Where none is wanted, rows keep
    the labels that they were written with; of more than are missing, some are drawn by
    chance, copies of real rows last, for models write class by class.

    Parameters
    ----------
    context : PromptContext
    request : Request
    ask_for : callable
        ``ask_for(labels, n_missing, attempt)`` returns `DecodedRows`, the label's code
        under ``context.label_key``. ``labels`` are the codes wanted of rows that are
        missing, or None; ``attempt`` is 0, then 1, ….
    max_attempts : int, default=3

    Returns
    -------
    batch : Batch
        In the dtypes of the schema.
    repairs : Counter
        How often something in replies was repaired, by what.

    Raises
    ------
    GeneratorError
        A wanted label that the table does not have; whatever ``ask_for`` raises, but
        for a `ChatError` that is not fatal: then these rows are refused.
    """
    wanted = None
    if request.labels is not None:
        wanted = _encode_known(request.labels, context.schema)
    rare = _list_withheld(context)
    noise = request.rng.random((request.n_rows, 1 + len(rare)))
    written, faults, repairs = {}, {}, Counter()
    for attempt in range(max_attempts):
        missing = [i for i in range(request.n_rows) if i not in written]
        if not missing:
            break
        repairs[ASKED_AGAIN] += len(missing) if attempt else 0
        labels = None if wanted is None else wanted[missing]
        try:
            decoded = ask_for(labels, len(missing), attempt)
        except ChatError as error:
            if error.is_fatal:
                raise
            faults |= dict.fromkeys(missing, str(error))
            break
        repairs.update(decoded.repairs)
        written |= _assign(context, decoded.codes, missing, labels, request.rng)
        missing = [i for i in missing if i not in written]
        # Wrong rows have no place in the batch: their faults go to missing ones.
        faults |= dict.fromkeys(missing, NOT_WRITTEN if decoded.codes else NOT_READ)
        faults |= dict(zip(missing, decoded.faults.values(), strict=False))
    faults = {i: why for i, why in faults.items() if i not in written}
    codes, labels = _tabulate(context, written, request.n_rows, wanted)
    _draw_withheld(context, rare, codes, labels, noise)
    reasons = faults | find_unusable(context, codes, list(written), noise[0, 0])
    return build_batch(context.schema, request, codes, labels, reasons), +repairs


def write_typical(context, keys, labels, n_rows):
    """Return rows as a model would write them: real ones, for a dry run.

    Parameters
    ----------
    context : PromptContext
    keys : sequence of str
    labels : int ndarray of shape (n_rows,) or None
        Label codes that are wanted; None: labels as they come.
    n_rows : int

    Returns
    -------
    rows : list of dict
        Values by key.
    """
    last = len(context.labels) - 1
    positions = np.linspace(0, last, n_rows).astype(int).tolist()
    rows = [context.format_row(position, keys) for position in positions]
    if labels is not None:
        levels = context.formatter(context.label_key).levels
        for row, label in zip(rows, labels.tolist(), strict=True):
            row[context.label_key] = levels[label]
    return rows


def find_unusable(context, codes, rows, uniform):
    """Return why rows cannot be used: a value is missing, or they copy a real row.

    Parameters
    ----------
    context : PromptContext
    codes : float ndarray of shape (n_rows, n_columns)
        Of the whole batch.
    rows : list of int
        Those that were written.
    uniform : float in [0, 1)
        By which the number of copies that may stay is rounded.

    Returns
    -------
    reasons : dict of int to str
    """
    reasons = {}
    for j, column in enumerate(context.schema.columns):
        if column.is_modelled and not column.can_be_missing:
            for row in np.flatnonzero(np.isnan(codes[:, j])).tolist():
                reasons.setdefault(row, NO_VALUE.format(column.name))
    reasons = {row: reasons[row] for row in rows if row in reasons}
    are_copies = context.are_copies(codes)
    copies = [row for row in rows if are_copies[row] and row not in reasons]
    # As many copies stay as real rows repeat each other, rounded at random.
    n_allowed = int(context.copies_allowed * len(codes) + float(uniform))
    return reasons | dict.fromkeys(copies[n_allowed:], COPY)


def build_batch(schema, request, codes, labels, reasons):
    """Return the rows of a batch, those with a reason as refused.

    Parameters
    ----------
    schema : TableSchema
    request : Request
    codes : float ndarray of shape (n_rows, n_columns)
    labels : int ndarray of shape (n_rows,)
        -1 where that of a refused row is not known.
    reasons : dict of int to str
        Of refused rows.

    Returns
    -------
    batch : Batch
    """
    is_lost = np.isin(np.arange(len(labels)), list(reasons))
    lost, kept = np.flatnonzero(is_lost), np.flatnonzero(~is_lost)
    X, y = schema.decode(codes[kept]), _decode_labels(schema, labels[kept])
    if not len(lost):
        return Batch(request.index, X, y)
    values = {
        j: _decode_some(column, codes[lost, j])
        for j, column in enumerate(schema.columns)
    }
    frame = pd.DataFrame(values, index=pd.RangeIndex(len(lost)))
    frame.columns = pd.Index(schema.names)
    names = np.where(labels[lost] < 0, np.nan, labels[lost])
    figures = {
        "batch": request.index,
        "label": _decode_some(schema.target, names),
        "fate": "refused",
        "reason": [reasons[row] for row in lost.tolist()],
    }
    return Batch(request.index, X, y, put_beside(pd.DataFrame(figures), frame))


def _encode_known(labels, schema):
    """Return wanted codes; refuse a label that is neither real nor a new class."""
    codes, _ = encode_wanted(labels, schema)
    if (codes < 0).any():
        raise GeneratorError(
            f"Expected labels that the table has, got {labels[codes < 0][0]}. Name it "
            "in `new_classes`."
        )
    return codes


def _draw_some(context, codes, n_rows, rng):
    """Return so many written rows, in their order, copies only if too few are none."""
    matrix, _ = _tabulate(context, dict(enumerate(codes.values())), len(codes), None)
    by_chance = np.lexsort((rng.random(len(codes)), context.are_copies(matrix)))
    kept = set(by_chance[:n_rows].tolist())
    return {row: codes[row] for place, row in enumerate(codes) if place in kept}


def _assign(context, codes, missing, labels, rng):
    """Return the values of each place that gets a written row, in order."""
    if labels is None:
        if len(codes) > len(missing):
            codes = _draw_some(context, codes, len(missing), rng)
        return dict(zip(missing, codes.values(), strict=False))
    by_label = {}
    for values in codes.values():
        by_label.setdefault(int(values[context.label_key]), []).append(values)
    placed = {}
    for row, label in zip(missing, labels.tolist(), strict=True):
        if same_label := by_label.get(label):
            placed[row] = same_label.pop(0)
    return placed


def _tabulate(context, written, n_rows, wanted):
    """Return codes of shape (n_rows, n_columns), and label codes."""
    codes = np.full((n_rows, len(context.schema.columns)), np.nan)
    labels = np.full(n_rows, -1) if wanted is None else wanted
    for row, values in written.items():
        labels[row] = int(values[context.label_key])
    for j, column in enumerate(context.schema.columns):
        if column.is_modelled:
            key = context.key_of(column.name)
            for row, values in written.items():
                codes[row, j] = values[key]
    return codes, labels


def _list_withheld(context):
    """Return positions and keys of columns with levels that are not sent."""
    keys = {
        j: context.key_of(c.name)
        for j, c in enumerate(context.schema.columns)
        if c.is_modelled
    }
    return {j: key for j, key in keys.items() if context.formatter(key).withheld}


def _draw_withheld(context, rare, codes, labels, noise):
    """Draw a level where a model wrote the word for those that are not sent."""
    for n, (j, key) in enumerate(rare.items(), start=1):
        rows = np.flatnonzero(codes[:, j] == len(context.formatter(key).names))
        drawn = context.draw_withheld(key, labels[rows], noise[rows, n])
        codes[rows, j] = drawn


def _decode_labels(schema, codes):
    target = schema.target.decode(codes.astype(float))
    return target.set_axis(pd.RangeIndex(len(codes)))


def _decode_some(column, codes):
    """Return values as objects, None for what is missing, whatever the dtype."""
    values = pd.Series(None, index=range(len(codes)), dtype=object)
    present = np.flatnonzero(~np.isnan(codes))
    if len(present):
        found = column.decode(codes[present])
        values.iloc[present] = found.to_numpy(dtype=object)
    return values
