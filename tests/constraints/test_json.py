"""Rules travel as JSON, in pickles and as copies, or are refused."""

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from t2sampler.constraints import (
    AllOf,
    AnyOf,
    Bands,
    Between,
    Implies,
    Linear,
    Lookup,
    NotMissing,
    OneOf,
    rules_from_json,
    rules_to_json,
)
from t2sampler.exceptions import ConstraintError

DAY = pd.Timestamp("2024-03-01")
BANDS = Bands("band", "age", [(0, 17, "young"), (30, 64, "adult"), (65, 90, "old")])
RULES = [
    NotMissing("age"),
    Between("age", low=18),
    Between(3, 0.5, float("inf")),
    Between("day", DAY, pd.Timestamp("2024-04-01T12:30", tz="Europe/Vienna")),
    Between("wait", pd.Timedelta(1, "ns"), pd.Timedelta("3 days")),
    OneOf("mixed", (1, "1", True, None, 2.5, DAY)),
    OneOf("bin", (pd.Interval(0, 1), pd.Interval(1, 2, closed="left"))),
    Linear({"a": 1, ("b", "x"): -2.5, ("a", "b"): 1, (("t", 1),): 3}, bias=-1),
    Linear({"a": 1, "b": 1}, bias=-1, equals=True),
    Lookup("band", "age", [(1, "young"), (True, "old"), ("1", None)]),
    BANDS,
    Implies(OneOf("pregnant", [True]), OneOf("sex", ["F"])),
    AnyOf(Between("age", high=17), AllOf(NotMissing("job"), OneOf(("t", 1), ["x"]))),
]
KINDS = [f"{i}-{type(rule).__name__}" for i, rule in enumerate(RULES)]


@pytest.mark.parametrize("rule", RULES, ids=KINDS)
def test_json_pickle_and_copies_keep_a_rule(rule):
    (back,) = rules_from_json(rules_to_json([rule]))

    assert back == rule
    assert repr(back) == repr(rule)  # 1 is neither 1.0 nor True
    assert back.columns == rule.columns
    assert pickle.loads(pickle.dumps(rule)) == rule
    assert copy.deepcopy(rule) == rule
    assert hash(rule) == hash(back)


def test_json_takes_numpy_values_as_plain_ones():
    rule = OneOf(
        np.int64(3), [np.float64(0.5), np.str_("a"), np.datetime64("2024-03-01")]
    )

    (back,) = rules_from_json(rules_to_json([rule]))

    assert back == OneOf(3, (0.5, "a", DAY))
    assert [type(value) for value in back.values[:2]] == [float, str]


def test_json_of_one_rule_without_a_list():
    text = json.dumps({"rule": "NotMissing", "column": "a"})

    assert rules_from_json(text) == (NotMissing("a"),)


def test_json_refuses_what_it_cannot_carry():
    with pytest.raises(ConstraintError, match=r"got <object .* of type object"):
        rules_to_json([OneOf("a", [object()])])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age > 3", "JSON text, got 'age > 3'"),
        (None, "JSON text, got None"),
        ('[{"rule": "Beyond", "column": "a"}]', "one of AllOf, AnyOf, .*Beyond"),
        ('[{"rule": "NotMissing", "table": "a"}]', "with its own fields"),
        ("[3]", "Expected a rule.* got 3"),
        ('[{"rule": "OneOf", "column": "a", "values": [{"date": 1}]}]', "Expected a"),
    ],
)
def test_json_that_holds_no_rules_is_refused(text, message):
    with pytest.raises(ConstraintError, match=message):
        rules_from_json(text)
