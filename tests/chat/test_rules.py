"""Rules that a manager proposes are tried on the real rows before they count."""

import json

import pandas as pd
import pytest

from t2sampler.chat._rules import MAX_RULES, parse_rules
from t2sampler.constraints import AnyOf, Between, Implies, Linear, OneOf


def propose(*rules):
    return {"rules": list(rules)}


def between(column, low, high=None):
    return {"rule": "Between", "column": column, "low": low, "high": high}


@pytest.mark.parametrize(
    ("proposed", "rule"),
    [
        (between("c1", 0), Between("int64", 0)),
        (between("int64", 0), Between("int64", 0)),
        (between("c11", "2020-01-01"), Between("datetime", pd.Timestamp("2020-01-01"))),
        (between("c13", "PT0S"), Between("timedelta", pd.Timedelta(0))),
        (
            {"rule": "OneOf", "column": "c7", "values": ["a", "B", "c"]},
            OneOf("category", ["a", "b", "c"]),
        ),
        (
            {"rule": "OneOf", "column": "c5", "values": [True, False]},
            OneOf("bool", [True, False]),
        ),
        (
            {"rule": "Linear", "weights": [["c1", 1], [["c7", "a"], 2]], "bias": 1},
            Linear({"int64": 1, ("category", "a"): 2}, bias=1),
        ),
        (
            {
                "rule": "Implies",
                "if_": {"rule": "OneOf", "column": "c9", "values": ["red"]},
                "then": {
                    "rule": "AnyOf",
                    "rules": [between("c1", 0), between("c3", 9)],
                },
            },
            Implies(
                OneOf("str", ["red"]), AnyOf(Between("int64", 0), Between("float64", 9))
            ),
        ),
        (json.dumps(between("c1", 0)), Between("int64", 0)),
        (between("c1", "0"), Between("int64", 0)),
        (
            {"rule": "OneOf", "column": "c1", "values": list(range(100))},
            OneOf("int64", range(100)),
        ),
    ],
)
def test_proposed_rules_name_columns_by_key(mixed, proposed, rule):
    assert parse_rules(propose(proposed), mixed) == ([rule], [])


@pytest.mark.parametrize(
    "proposed",
    [
        *(None, 5, "text", [], {}, {"rule": "Eval", "code": "1"}, {"rule": "Between"}),
        *(
            between("c99", 0),
            between("y", 0),
            between("c1", None),
            between("c1", "low"),
        ),
        *(
            between("c7", 0),
            between("c1", [1]),
            between(["c1"], 0),
            between("c1", 9, 0),
        ),
        {"rule": "OneOf", "column": "c7", "values": ["purple"]},
        {"rule": "OneOf", "column": "c7", "values": [None]},
        {"rule": "Linear", "weights": [["c1", "one"]]},
        {"rule": "Linear", "weights": []},
        {"rule": "Linear", "weights": [["c1", 1e308], ["c2", 1e999]]},
        {"rule": "NotMissing", "column": "c1"},
        {"rule": "AllOf", "rules": []},
        {"rule": "Implies", "if_": 5, "then": between("c1", 0)},
        {"rule": "Lookup", "column": "c1", "by": "c2", "table": [[1, 2]]},
        json.loads('{"rule":"AllOf","rules":[' * 300 + "]}" * 300),
    ],
    ids=lambda proposed: str(proposed)[:40],
)
def test_rules_that_cannot_be_read_are_noted(mixed, proposed):
    rules, notes = parse_rules(propose(proposed, between("c1", 0)), mixed)

    assert rules == [Between("int64", 0)]
    (note,) = notes
    assert note.startswith("Proposed rule not used: ")
    assert len(note) < 500
    assert len(note.splitlines()) == 1


def test_a_rule_nested_too_deeply_is_noted(mixed):
    rule = between("c1", 0)
    for _ in range(5000):
        rule = {"rule": "AllOf", "rules": [rule]}

    rules, notes = parse_rules(propose(rule), mixed)

    assert rules == []
    assert len(notes) == 1


@pytest.mark.parametrize("content", [None, [], {"rules": 5}, {}])
def test_no_rules(mixed, content):
    assert parse_rules(content, mixed) == ([], [])


def test_rules_beyond_the_limit_are_noted(mixed):
    rules, notes = parse_rules(propose(*[between("c1", -k) for k in range(99)]), mixed)

    assert len(rules) == MAX_RULES
    assert len(notes) == 1


def test_column_names_that_are_tuples(make_context):
    X = pd.DataFrame([[1, 2], [3, 4], [5, 9]])
    X.columns = pd.Index([("a", 1), "b"], dtype=object, tupleize_cols=False)
    context = make_context(X, pd.Series([0, 1, 0]))
    order = {
        "rule": "Linear",
        "weights": [["c2", 1], ["c1", -1]],
        "bias": 0,
        "equals": False,
    }

    rules, notes = parse_rules(propose(order), context)

    assert rules[0].columns == ("b", ("a", 1))
    assert notes == []
