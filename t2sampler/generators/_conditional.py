"""Conditions on rows that a language model writes: stated, and checked."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from t2sampler._records import Request
from t2sampler.chat._chat_worker import split_rows
from t2sampler.chat._formatting import quote
from t2sampler.exceptions import GeneratorError, QuotaNotMetWarning
from t2sampler.team._conditions import read_conditions

BATCH_SIZE, N_ROUNDS = 20, 3  # rows of a batch; how often missing ones are drawn again


@dataclass(frozen=True)
class ConditionalRequest(Request):
    """A request for rows that meet conditions.

    Attributes
    ----------
    conditions : dict of str to Condition
        By key.
    """

    conditions: Mapping = field(default_factory=dict)


def open_conditions(given, context):
    """Return the condition of each key that has one.

    Parameters
    ----------
    given : dict of column name to condition
    context : PromptContext

    Raises
    ------
    GeneratorError
        No row can meet a condition, or it asks for levels that are not sent.
    """
    by_name = read_conditions(given, context.schema)
    conditions = {context.key_of(name): found for name, found in by_name.items()}
    for key, condition in conditions.items():
        withheld = context.formatter(key).withheld
        if condition.values and withheld.issuperset(condition.values):
            raise GeneratorError(
                f"Condition {{{condition.description}}} expected a level that models "
                f"are told, got one of fewer than min_level_rows="
                f"{context.min_level_rows} real rows. Drop the condition, or set "
                "`min_level_rows=1`."
            )
    return conditions


def describe_conditions(conditions, context):
    """Return conditions in words, for a prompt; "" for none."""
    return " and ".join(
        f"{quote(key)} {_describe(condition, context.formatter(key))}"
        for key, condition in conditions.items()
    )


def refuse_unmet(decoded, conditions):
    """Return decoded rows, those that do not meet a condition as faults.

    Parameters
    ----------
    decoded : DecodedRows
    conditions : dict of str to Condition
    """
    codes, faults = {}, dict(decoded.faults)
    for number, values in decoded.codes.items():
        unmet = [
            condition.description
            for key, condition in conditions.items()
            if not condition.holds(np.array([values[key]]))[0]
        ]
        if unmet:
            faults[number] = f"the row does not meet the condition {{{unmet[0]}}}"
        else:
            codes[number] = values
    return replace(decoded, codes=codes, faults=faults)


def find_meeting(conditions, context):
    """Return which real rows meet the conditions."""
    meets = np.ones(len(context.labels), dtype=bool)
    for key, condition in conditions.items():
        meets &= condition.holds(context.codes_of(key))
    return meets


def share_labels(conditions, context):
    """Return the share of each label among real rows that meet the conditions.

    One row more, with the shares of all rows, stands for what few rows do not show; a
    class without real rows has the share of the rarest one.
    """
    meets = find_meeting(conditions, context)
    n_labels = len(context.schema.n_per_label)
    shares = np.bincount(context.labels, minlength=n_labels) / len(context.labels)
    shares[shares == 0] = shares[shares > 0].min()
    weights = np.bincount(context.labels[meets], minlength=n_labels) + shares
    return weights / weights.sum()


def draw_meeting(draw, n_rows, conditions, label, seed):
    """Return batches of rows that meet conditions, drawn until there are enough.

    Parameters
    ----------
    draw : callable
        From requests to batches, and why rows are missing.
    n_rows : int
    conditions : dict of str to Condition
    label : label or None
        Of all rows.
    seed : int

    Returns
    -------
    batches : list of Batch
        With a `QuotaNotMetWarning`, where they have fewer rows.

    Raises
    ------
    GeneratorError
        There are no rows.
    """
    batches, n_missing, why = [], int(n_rows), ""
    for attempt in range(N_ROUNDS):
        requests = [
            ConditionalRequest(
                index,
                len(part),
                None if label is None else np.full(len(part), label, dtype=object),
                np.random.default_rng([seed, attempt, index]),
                conditions,
            )
            for index, part in enumerate(split_rows(range(n_missing), BATCH_SIZE))
        ]
        drawn, why = draw(requests) if requests else ([], why)
        batches += [batch for batch in drawn if len(batch.X)]
        n_missing -= sum(len(batch.X) for batch in drawn)
    if n_missing:
        _tell_missing(n_rows, n_missing, conditions, why)
    return batches


def join(parts):
    """Return frames or series one after the other; the first is empty, with dtypes."""
    full = [part for part in parts[1:] if len(part)]
    return pd.concat(full or parts[:1], ignore_index=True)


def _tell_missing(n_rows, n_missing, conditions, why):
    """Warn that rows are missing; raise where all are."""
    descriptions = ", ".join(c.description for c in conditions.values())
    text = (
        f"Expected {n_rows:,} rows that meet {{{descriptions}}}, got "
        f"{n_rows - n_missing:,}; the last one because: {why.rstrip('.')}. Draw again "
        "with another `random_state`, or relax a condition."
    )
    if n_missing == n_rows:
        raise GeneratorError(text)
    warnings.warn(text, QuotaNotMetWarning, stacklevel=4)


def _describe(condition, formatter):
    if condition.values:
        sent = [value for value in condition.values if value not in formatter.withheld]
        values = ", ".join(quote(formatter.format(value)) for value in sent)
        return values if len(sent) == 1 else f"one of {values}"
    low, high = (_format_end(end, formatter) for end in (condition.low, condition.high))
    return f"from {low} to {high}"


def _format_end(end, formatter):
    """Return the end of a range; numbers with all their decimals, which counts here."""
    if formatter.column.kind != "number":
        return quote(formatter.format(end))
    return quote(int(end) if float(end).is_integer() else float(end))
