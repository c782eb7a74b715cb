"""Rules a manager proposes: each is tried alone, on the real rows, before it counts."""

import json
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np

from t2sampler.chat._context import Briefing
from t2sampler.chat._parse_values import ValueReader
from t2sampler.chat._reply_schema import closed_object
from t2sampler.constraints import (
    AllOf,
    AnyOf,
    Between,
    Implies,
    Linear,
    OneOf,
    rules_from_json,
)
from t2sampler.constraints._rule_checks import check_rule
from t2sampler.exceptions import ConstraintError

MAX_RULES = 50
MAX_NOTE = 120  # characters of a rule nobody could read


def take_rules(content: object, briefing: Briefing) -> tuple[list[Any], list[str]]:
    """Return the rules that every real row obeys, and a note for each other one.

    Parameters
    ----------
    content : object
        The manager's answer, as JSON has it; its rules name columns by key.
    briefing : Briefing
    """
    listed = content.get("rules") if isinstance(content, dict) else None
    rules: list[Any] = []
    notes: list[str] = []
    proposed = listed if isinstance(listed, list) else []
    for part in proposed[:MAX_RULES]:
        try:
            rule = read_rule(part, briefing)
            with np.errstate(all="ignore"):
                n_broken = int((~rule.holds(briefing.frame)).sum())
        # A model may write anything: no rule of its own may stop the fit.
        except Exception as error:
            notes.append(f"Proposed rule not used: {_shorten(part)}: {error}")
            continue
        if n_broken:
            notes.append(
                f"Proposed rule not enforced: {rule.name}: {n_broken:,} of "
                f"{len(briefing.frame):,} real rows break it."
            )
        elif rule not in rules:
            rules.append(rule)
    if len(proposed) > MAX_RULES:
        notes.append(f"Proposed rules beyond the first {MAX_RULES} were not read.")
    return rules, notes


def read_rule(part: object, briefing: Briefing) -> Any:
    """Return one rule about the real table's columns.

    Raises
    ------
    ConstraintError
        No rule, unknown columns, or values the columns do not have.
    """
    text = part if isinstance(part, str) else json.dumps(part)
    (rule,) = rules_from_json(text)
    rule = _translate(rule, briefing)
    check_rule(rule, briefing.schema)
    return rule


def rules_schema(keys: list[str]) -> dict[str, Any]:
    """Return the JSON schema of proposed rules; rules made of rules hold plain ones."""
    column = (
        {"type": "string", "enum": keys} if len(keys) <= 100 else {"type": "string"}
    )
    value = {"type": ["string", "number", "boolean"]}
    bound = {"type": ["string", "number", "null"]}
    term = {"type": "array", "items": {"type": ["string", "number"]}}
    terms = {"type": "array", "items": term}
    number, flag = {"type": "number"}, {"type": "boolean"}
    plain = [
        _rule_schema("Between", column=column, low=bound, high=bound),
        _rule_schema("OneOf", column=column, values={"type": "array", "items": value}),
        _rule_schema("Linear", weights=terms, bias=number, equals=flag),
    ]
    some = {"anyOf": plain}
    several = {"type": "array", "items": some}
    return {
        "type": "array",
        "items": {
            "anyOf": [
                *plain,
                _rule_schema("Implies", if_=some, then=some),
                _rule_schema("AnyOf", rules=several),
                _rule_schema("AllOf", rules=several),
            ]
        },
    }


def _rule_schema(kind: str, **fields: Any) -> dict[str, Any]:
    return closed_object({"rule": {"type": "string", "enum": [kind]}, **fields})


def _translate(rule: Any, briefing: Briefing) -> Any:
    """Return a rule with column names for keys, and levels and times for texts."""
    if isinstance(rule, Implies):
        return Implies(_translate(rule.if_, briefing), _translate(rule.then, briefing))
    if isinstance(rule, AllOf | AnyOf):
        return type(rule)(*(_translate(part, briefing) for part in rule.rules))
    if isinstance(rule, Linear):
        weights = {_term(k, briefing): w for k, w in rule.weights.items()}
        return replace(rule, weights=weights)
    return _translate_column_rule(rule, briefing)


def _translate_column_rule(rule: Any, briefing: Briefing) -> Any:
    if not isinstance(rule, Between | OneOf):
        raise ConstraintError(f"a rule of another kind than those named: {rule!r:.80}")
    name = _name(rule.column, briefing)
    if isinstance(rule, Between):
        low, high = (_bound(rule.column, b, briefing) for b in (rule.low, rule.high))
        return Between(name, low, high)
    values = [_value(rule.column, value, briefing) for value in rule.values]
    return OneOf(name, tuple(values))


def _name(key: Hashable, briefing: Briefing) -> Hashable:
    columns = briefing.columns_by_key()
    known = briefing.names().get(str(key), str(key))
    if known not in columns:
        raise ConstraintError(f"no column has the key {key!r:.40}")
    name: Hashable = columns[known].name
    return name


def _term(term: Hashable, briefing: Briefing) -> Hashable:
    """Return a weight's key: a column, or a column and one of its levels."""
    if not isinstance(term, tuple):
        name = _name(term, briefing)
        return (name,) if isinstance(name, tuple) else name
    key, level = term
    return (_name(key, briefing), _value(key, level, briefing))


def _bound(key: Hashable, value: object, briefing: Briefing) -> object:
    return _value(key, value, briefing) if isinstance(value, str) else value


def _value(key: Hashable, value: object, briefing: Briefing) -> Any:
    """Return a value as the table has it; numbers stay, on the grid or not."""
    name = _name(key, briefing)
    column = next(c for c in briefing.columns if c.name == name)
    if column.kind == "number" and not isinstance(value, str | bool):
        return value
    key = briefing.key_of(name)
    read = ValueReader(briefing.spelling(key), briefing.about(key)).read(value)
    if read.fault or read.code != read.code:
        raise ConstraintError(read.fault or "a missing value in a rule")
    if column.levels:
        return column.levels[int(read.code)]
    found = column.decode(np.array([read.code])).iloc[0]
    return found.item() if column.kind == "number" and hasattr(found, "item") else found


def _shorten(part: object) -> str:
    try:
        text = part if isinstance(part, str) else json.dumps(part)
    except (RecursionError, ValueError):
        return "nested beyond reason"
    return text if len(text) <= MAX_NOTE else f"{text[: MAX_NOTE - 1]}…"
