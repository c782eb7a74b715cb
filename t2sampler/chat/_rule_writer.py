"""Rules that a language model is asked for once, whatever the number of rows."""

from typing import Any

import numpy as np
import pandas as pd

from t2sampler._schema import TableSchema
from t2sampler.chat._context import PromptContext
from t2sampler.chat._formatting import quote
from t2sampler.chat._parse_reply import find_objects, load_json
from t2sampler.chat._prompts import fill, list_rows, write_table
from t2sampler.chat._reply_schema import strict_object
from t2sampler.chat._rules import parse_rules, rules_schema

MAX_BROKEN = 0.2  # of the real rows; beyond, a rule is wrong rather than strict
MAX_BROKEN_IN_CLASS = 0.5


def write_question(context: PromptContext) -> str:
    """Return the question for rules."""
    return fill(
        "rules",
        table=write_table(context),
        examples=list_rows(context, context.example_rows),
        label=quote(context.label_key),
        forms=fill("rule_forms"),
    )


def make_schema(context: PromptContext) -> dict[str, Any]:
    """Return the JSON schema of the reply; the label is one more column."""
    keys = [*context.columns_by_key(), context.label_key]
    return strict_object({"rules": rules_schema(keys)})


def read_reply(
    text: str, context: PromptContext, table: tuple[pd.DataFrame, TableSchema]
) -> tuple[list[Any], list[str]]:
    """Return the rules that real rows do not often break, and notes on the others.

    Parameters
    ----------
    text : str
        The reply, whatever it is.
    context : PromptContext
    table : (DataFrame, TableSchema)
        Real rows with their label as the last column.
    """
    try:
        content = load_json(text)
    except ValueError:
        # Prose around the rules, or a reply that was cut off.
        objects = list(find_objects(text))
        whole = (part for part in objects if "rules" in part and "rule" not in part)
        parts = [part for part in objects if "rule" in part]
        content = next(whole, {"rules": parts or None})
    if isinstance(content, list):  # without the object around it
        content = {"rules": content}
    if not isinstance(content, dict) or not isinstance(content.get("rules"), list):
        return [], ["The model's reply held no rules."]
    rules, notes = parse_rules(content, context, table, max_broken=MAX_BROKEN)
    # A rule that a rare class breaks would shut out the rows that are wanted.
    shares = {rule.name: _count_broken(rule, table[0]) for rule in rules}
    notes += [
        f"Rule {name!r} of the model was left out: {share:.0%} of the real rows of a "
        "class break it."
        for name, share in shares.items()
        if share > MAX_BROKEN_IN_CLASS
    ]
    return [r for r in rules if shares[r.name] <= MAX_BROKEN_IN_CLASS], notes


def _count_broken(rule: Any, frame: pd.DataFrame) -> float:
    """Return the share of real rows that break a rule, in the class where most do."""
    is_broken = pd.Series(~np.asarray(rule.holds(frame), dtype=bool))
    labels = frame.iloc[:, -1].reset_index(drop=True)
    return float(is_broken.groupby(labels, observed=True).mean().max())
