"""Rules as JSON text, with the types of their values."""

import dataclasses
import json
import math

import pandas as pd

from t2sampler.constraints._cells import to_builtin
from t2sampler.constraints._columns import Between, NotMissing, OneOf
from t2sampler.constraints._formulas import Elapsed, Product
from t2sampler.constraints._linear import Linear
from t2sampler.constraints._logic import AllOf, AnyOf, Implies
from t2sampler.constraints._lookups import Bands, Lookup
from t2sampler.exceptions import ConstraintError

RULES = {
    "AllOf": lambda rules: AllOf(*rules),
    "AnyOf": lambda rules: AnyOf(*rules),
    "Bands": Bands,
    "Between": Between,
    "Elapsed": Elapsed,
    "Implies": Implies,
    "Linear": Linear,
    "Lookup": Lookup,
    "OneOf": OneOf,
    "Product": Product,
    "NotMissing": NotMissing,
}
WRITERS = {  # types that JSON lacks are written as {kind: text or list}
    "float": (float, repr),  # infinities only
    "timestamp": (pd.Timestamp, lambda x: [x.isoformat(), x.tz and str(x.tz)]),
    "timedelta": (pd.Timedelta, pd.Timedelta.isoformat),
    "interval": (pd.Interval, lambda x: [_encode(x.left), _encode(x.right), x.closed]),
}
READERS = {kind: of_type for kind, (of_type, _) in WRITERS.items()} | {
    "timestamp": lambda parts: _in_zone(pd.Timestamp(parts[0]), parts[1]),
    "interval": lambda parts: pd.Interval(*map(_decode, parts)),
}


def rules_to_json(rules):
    """Return rules as JSON text; values keep their types.

    Parameters
    ----------
    rules : sequence of rules of `t2sampler.constraints`

    Returns
    -------
    text : str

    Raises
    ------
    ConstraintError
        A rule is of another kind, or has a value that JSON cannot represent.

    Examples
    --------
    >>> from t2sampler.constraints import Between, rules_from_json, rules_to_json
    >>> text = rules_to_json([Between("age", low=18)])
    >>> text
    '[{"rule": "Between", "column": "age", "low": 18, "high": null}]'
    >>> rules_from_json(text)
    (Between(column='age', low=18, high=None),)
    """
    return json.dumps([_encode(rule) for rule in rules], allow_nan=False)


def rules_from_json(text):
    """Return the rules that `rules_to_json` wrote.

    Parameters
    ----------
    text : str

    Returns
    -------
    rules : tuple

    Raises
    ------
    ConstraintError
        The text is no JSON, or does not consist of rules.
    """
    try:
        parts = json.loads(text)
    except (TypeError, ValueError) as error:
        raise ConstraintError(
            f"Expected rules as JSON text, got {text!r:.60}. Pass what `rules_to_json` "
            "returned."
        ) from error
    if not isinstance(parts, list):
        parts = [parts]
    return tuple(_decode_rule(part) for part in parts)


def _encode(value):
    """Turn a rule, or a value in it, into JSON types."""
    if type(value).__name__ in RULES and dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        parts = {name: _encode(part) for name, part in fields.items()}
        return {"rule": type(value).__name__, **parts}
    value = to_builtin(value)  # numpy scalars are no JSON types
    if isinstance(value, tuple):
        return [_encode(part) for part in value]
    if isinstance(value, dict):
        # As pairs: a key of JSON is text, and would lose the type of the column's name.
        return [[_encode(key), _encode(part)] for key, part in value.items()]
    return _encode_cell(value)


def _encode_cell(value):
    is_finite = isinstance(value, float) and math.isfinite(value)
    if is_finite or isinstance(value, str | bool | int | None):
        return value
    for kind, (of_type, write) in WRITERS.items():
        if isinstance(value, of_type):
            return {kind: write(value)}
    raise ConstraintError(
        "Rules in JSON expected numbers, text, booleans, dates, durations, intervals "
        f"or None, got {value!r} of type {type(value).__name__}. Convert it first."
    )


def _decode(part):
    """Undo `_encode`; lists come back as tuples."""
    if isinstance(part, list):
        return tuple(_decode(value) for value in part)
    if not isinstance(part, dict):
        return part
    if "rule" in part:
        return _decode_rule(part)
    ((kind, value),) = part.items()
    return READERS[kind](value)


def _in_zone(time, zone):
    return time if zone is None else time.tz_convert(zone)


def _decode_rule(part):
    try:
        fields = {name: _decode(value) for name, value in part.items()}
        return RULES[fields.pop("rule")](**fields)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConstraintError(
            f"Expected a rule, one of {', '.join(RULES)} with its own fields, got "
            f"{part!r:.80}. Pass what `rules_to_json` returned."
        ) from error
