"""Proposed rules: each is tried alone, on the real rows, before it counts."""

import json
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from t2sampler._schema import TableSchema
from t2sampler.chat._context import PromptContext
from t2sampler.chat._parse_values import ValueParser
from t2sampler.chat._reply_schema import strict_object
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
from t2sampler.team._skeleton import name_label

MAX_RULES = 50  # each is tried on all real rows
MAX_QUOTED = 120  # characters of a rule that could not be read
MAX_LISTED_KEYS = 100  # servers turn enums into grammars, and fail on long ones


def parse_rules(
    content: object,
    context: PromptContext,
    table: tuple[pd.DataFrame, TableSchema] | None = None,
    *,
    max_broken: float = 0.0,
) -> tuple[list[Any], list[str]]:
    """Return the proposed rules that real rows obey, and a note per other one.

    Parameters
    ----------
    content : object
        The model's answer, as JSON has it; its rules name columns by key.
    context : PromptContext
    table : (DataFrame, TableSchema), default=None
        Real rows with their label as the last column; None: no rule may read the label.
    max_broken : float, default=0.0
        Share of the real rows that may break a rule.
    """
    frame, schema = table or (context.rows.frame, context.schema)
    listed = content.get("rules") if isinstance(content, dict) else None
    rules: list[Any] = []
    notes: list[str] = []
    proposed = listed if isinstance(listed, list) else []
    for part in proposed[:MAX_RULES]:
        try:
            rule = parse_rule(part, context, schema)
            with np.errstate(all="ignore"):
                n_broken = int((~rule.holds(frame)).sum())
        # A model may write anything: no rule of its own may stop the fit.
        except Exception as error:
            notes.append(f"Proposed rule not used: {_shorten(part)}: {error}")
            continue
        if n_broken > max_broken * len(frame):
            notes.append(
                f"Proposed rule not enforced: {rule.name}: {n_broken:,} of "
                f"{len(frame):,} real rows break it."
            )
        elif rule not in rules:
            rules.append(rule)
    if len(proposed) > MAX_RULES:
        notes.append(f"Proposed rules beyond the first {MAX_RULES} were not read.")
    return rules, notes


def parse_rule(
    part: object, context: PromptContext, schema: TableSchema | None = None
) -> Any:
    """Return one rule about the real table's columns.

    Parameters
    ----------
    part : object
    context : PromptContext
    schema : TableSchema, default=None
        With the label as last column, where a rule may read it.

    Raises
    ------
    ConstraintError
        No rule, unknown columns, or values the columns do not have.
    """
    # A rule may come as a string of JSON.
    text = part if isinstance(part, str) else json.dumps(part)
    (rule,) = rules_from_json(text)
    rule = _translate(rule, context)
    check_rule(rule, context.schema if schema is None else schema)
    return rule


def rules_schema(keys: list[str]) -> dict[str, Any]:
    """Return the JSON schema of proposed rules; rules made of rules hold plain ones."""
    column: dict[str, Any] = {"type": "string"}
    if len(keys) <= MAX_LISTED_KEYS:
        column["enum"] = keys
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
    any_plain = {"anyOf": plain}
    several = {"type": "array", "items": any_plain}
    return {
        "type": "array",
        "items": {
            "anyOf": [
                *plain,
                _rule_schema("Implies", if_=any_plain, then=any_plain),
                _rule_schema("AnyOf", rules=several),
                _rule_schema("AllOf", rules=several),
            ]
        },
    }


def _rule_schema(kind: str, **fields: Any) -> dict[str, Any]:
    return strict_object({"rule": {"type": "string", "enum": [kind]}, **fields})


def _translate(rule: Any, context: PromptContext) -> Any:
    """Return a rule with column names for keys, and levels and times for texts."""
    if isinstance(rule, Implies):
        return Implies(_translate(rule.if_, context), _translate(rule.then, context))
    if isinstance(rule, AllOf | AnyOf):
        return type(rule)(*(_translate(part, context) for part in rule.rules))
    if isinstance(rule, Linear):
        weights = {_term(k, context): w for k, w in rule.weights.items()}
        return replace(rule, weights=weights)
    return _translate_column_rule(rule, context)


def _translate_column_rule(rule: Any, context: PromptContext) -> Any:
    if not isinstance(rule, Between | OneOf):
        raise ConstraintError(f"its kind is not among those asked for: {rule!r:.80}")
    name = _name(rule.column, context)
    if isinstance(rule, Between):
        low, high = (_bound(rule.column, b, context) for b in (rule.low, rule.high))
        return Between(name, low, high)
    values = [_value(rule.column, value, context) for value in rule.values]
    return OneOf(name, tuple(values))


def _find_key(key: Hashable, context: PromptContext) -> str:
    known_key = context.aliases().get(str(key), str(key))
    if known_key not in {*context.columns_by_key(), context.label_key}:
        raise ConstraintError(f"no column has the key {key!r:.40}")
    return known_key


def _name(key: Hashable, context: PromptContext) -> Hashable:
    known_key = _find_key(key, context)
    if known_key == context.label_key:
        return name_label(context.schema)
    name: Hashable = context.columns_by_key()[known_key].name
    return name


def _term(term: Hashable, context: PromptContext) -> Hashable:
    """Return a weight's key: a column, or a column and one of its levels."""
    if not isinstance(term, tuple):
        name = _name(term, context)
        # A tuple would be read as a column and a level.
        return (name,) if isinstance(name, tuple) else name
    key, level = term
    return (_name(key, context), _value(key, level, context))


def _bound(key: Hashable, value: object, context: PromptContext) -> object:
    return _value(key, value, context) if isinstance(value, str) else value


def _value(key: Hashable, value: object, context: PromptContext) -> Any:
    """Return a value as the table has it; numbers stay, on the grid or not."""
    key = _find_key(key, context)
    column = context.formatter(key).column
    if column.kind == "number" and not isinstance(value, str | bool):
        return value
    parser = ValueParser(context.formatter(key), context.words_about(key))
    parsed = parser.parse(value)
    if parsed.fault or np.isnan(parsed.code):
        raise ConstraintError(parsed.fault or "the rule has a missing value")
    if column.levels and parsed.code >= len(column.levels):
        raise ConstraintError(f"{value!r:.40} stands for several levels")
    if column.levels:
        return column.levels[int(parsed.code)]
    decoded = column.decode(np.array([parsed.code])).iloc[0]
    is_number = column.kind == "number" and hasattr(decoded, "item")
    return decoded.item() if is_number else decoded


def _shorten(part: object) -> str:
    try:
        text = part if isinstance(part, str) else json.dumps(part)
    except (RecursionError, ValueError):
        return "a rule nested too deeply"
    return text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 1]}…"
