"""Rules say what they mean, refuse what does not fit, and travel as JSON."""

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
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


@pytest.fixture
def schema():
    """Return the schema of a table with a number, text, a category and a date."""
    table = pd.DataFrame(
        {
            "age": [20, 40, 60],
            "sex": ["F", "M", "F"],
            "size": pd.Categorical(["S", "M", "S"], categories=["S", "M", "L"]),
            "day": [DAY] * 3,
            "old": [False, False, True],
            "note": [np.nan] * 3,
        }
    )
    return TableSchema.learn(table)


def held(rule, **columns):
    return rule.holds(pd.DataFrame(columns)).tolist()


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        (Between("x", 1, 3), [0.9, 1, 3, 3.1], [False, True, True, False]),
        (Between("x", low=2), [1, 2], [False, True]),
        (Between("x", high=2), [3, 2], [False, True]),
        (Between("x", 1, 3), ["2", 2, None], [False, True, True]),
        (Between("x", 1, 3), [DAY, 2, 10**400], [False, True, False]),
        (Between("x", DAY), [DAY, DAY - pd.Timedelta(1, "s")], [True, False]),
        (Between("x", DAY.date()), [pd.Timestamp("2023-01-01"), None], [False, True]),
        (Between("x", DAY), [5, 6], [False, False]),
        (Between("x", high=np.timedelta64(1, "D")), [pd.Timedelta("2D")], [False]),
        (OneOf("x", [1, 2]), [1.0, 2, 3], [True, True, False]),
        (OneOf("x", [1]), [1, True, "1", None], [True, False, False, True]),
        (OneOf("x", [True]), [1, True, "1", None], [False, True, False, True]),
        (OneOf("x", ["a"]), ["a", "A", None], [True, False, True]),
        (NotMissing("x"), ["a", None, np.nan], [True, False, False]),
    ],
    ids=str,
)
def test_rules_on_one_column(rule, values, expected):
    assert held(rule, x=pd.Series(values, dtype=object)) == expected
    by_inference = pd.Series(values)
    if by_inference.dtype != object:
        assert held(rule, x=by_inference) == expected


@pytest.mark.parametrize("dtype", ["Int64", "category", "float32", "Float64"])
def test_numbers_of_every_dtype_are_compared(dtype):
    values = pd.Series([1, 5, None], dtype=dtype)

    assert held(Between("x", 2, 9), x=values) == [False, True, True]
    assert held(OneOf("x", [5]), x=values) == [False, True, True]
    assert held(Linear({"x": 1}, bias=-2), x=values) == [False, True, True]


def test_a_naive_date_counts_as_utc():
    zoned = pd.Series(pd.to_datetime(["2024-03-01"])).dt.tz_localize("Europe/Vienna")

    # Midnight in Vienna is 23:00 of the day before in UTC.
    assert held(Between("x", low=DAY), x=zoned) == [False]
    assert held(Between("x", DAY - pd.Timedelta("1h"), DAY), x=zoned) == [True]


def test_linear_weighs_numbers_and_dummies():
    # 2 a - 3 [b = 'x'] - 1 >= 0
    rule = Linear({"a": 2, ("b", "x"): -3}, bias=-1)

    answers = held(rule, a=[2, 1.9, 0.5, 0.4], b=["x", "x", "y", "y"])

    assert answers == [True, False, True, False]


def test_linear_forgives_rounding_but_no_more():
    rule = Linear({"a": 1, "b": 1}, bias=-0.3, equals=True)
    single = np.array([0.1, 0.1001], dtype=np.float32)

    assert held(rule, a=[0.1, 0.1], b=[0.2, 0.2 + 1e-9]) == [True, False]  # 0.1 + 0.2
    assert held(rule, a=single, b=[0.2, 0.2]) == [True, False]


def test_linear_compares_dates_to_the_second():
    start = pd.Series([DAY, DAY, None])
    end = pd.Series([DAY, DAY - pd.Timedelta("1s"), DAY])

    assert held(Linear({"end": 1, "start": -1}), start=start, end=end) == [
        True,
        False,
        True,
    ]


def test_linear_tells_missing_from_unreadable():
    a = pd.Series([None, None, 1], dtype=object)
    b = pd.Series([5, "x", "x"], dtype=object)

    assert held(Linear({"a": 1, "b": 1}), a=a, b=b) == [True, False, False]
    assert held(Linear({("a", 1): 1}), a=a) == [True, True, True]


def test_one_hot_group_needs_exactly_one():
    rule = Linear({"a": 1, "b": 1}, bias=-1, equals=True)

    assert rule.name == "exactly one of a, b is 1"
    assert held(rule, a=[1, 0, 1, 0], b=[0, 1, 1, 0]) == [True, True, False, False]


def test_lookup_leaves_unlisted_levels_open():
    rule = Lookup("code", "city", {"Graz": 8010, "Wien": 1010})
    city = ["Graz", "Wien", "Linz", None, "Graz"]

    answers = held(rule, city=city, code=[8010, 8010, 1, 1, None])

    assert answers == [True, False, True, True, True]
    assert held(Lookup("a", "b", {"x": 1}), a=[1, 2, 2], b=["x", "x", None]) == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("age", "allowed"),
    [
        (17, {"young"}),
        (20, {"young", "adult"}),  # between two bands
        (30, {"adult"}),
        (64.5, {"adult", "old"}),
        (99, {"old"}),  # beyond the last one
        (-1, {"young"}),
        (np.nan, {"young", "adult", "old", "else"}),
        ("17", set()),
    ],
)
def test_bands(age, allowed):
    values = ["young", "adult", "old", "else"]

    answers = held(BANDS, age=pd.Series([age] * 4, dtype=object), band=values)

    assert answers == [value in allowed for value in values]


def test_implication_is_broken_only_where_both_sides_are_known():
    rule = Implies(OneOf("pregnant", [True]), OneOf("sex", ["F"]))
    pregnant = pd.array([True, True, False, None, True], dtype="boolean")

    answers = held(rule, pregnant=pregnant, sex=["F", "M", "M", "M", None])

    assert answers == [True, False, True, True, True]


def test_kleene_logic_of_any_and_all():
    low, high = Between("x", high=0), Between("y", low=9)
    known, missing = [-1.0, 1.0], [np.nan, np.nan]

    # A missing value may still decide: unknown or False passes, unknown and False not.
    assert held(AnyOf(low, high), x=known, y=[1, 1]) == [True, False]
    assert held(AnyOf(low, high), x=known, y=missing) == [True, True]
    assert held(AllOf(low, high), x=known, y=missing) == [True, False]
    assert held(AllOf(low, high), x=known, y=[9, 9]) == [True, False]


def test_any_object_with_name_and_holds_is_a_rule(schema):
    class Even:
        name = "age is even"

        def holds(self, frame):
            return frame["age"] % 2 == 0

    rule = AnyOf(Even(), Between("age", low=50))
    rule.check(schema)

    assert rule.name == "age is even or age is at least 50"
    assert rule.columns == ("age",)
    assert held(rule, age=[20, 21, 51]) == [True, False, True]


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (Between("age", 18, 96.5), "age is from 18 to 96.5"),
        (Between("day", high=DAY), "day is at most 2024-03-01"),
        (OneOf("n", range(8)), "n is one of 0, 1, 2, 3, 4, 5 and 2 more"),
        (Between(0, low=1), "column 0 is at least 1"),
        (Linear({"b": 1, "a": -1}), "b >= a"),
        (Linear({"b": 1, "a": -1}, equals=True), "b = a"),
        (Linear({"a": 2, ("s", "F"): 1}, bias=3), "2 a + 1 [s = 'F'] + 3 >= 0"),
        (Lookup("a", "b", {1: 2}), "a follows from b (1: 2)"),
        (
            Lookup("a", "b", dict.fromkeys(range(7), 0)),
            "a follows from b (0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 2 more)",
        ),
        (
            Implies(AnyOf(NotMissing("a"), NotMissing("b")), NotMissing("c")),
            "if (a is not missing or b is not missing), then c is not missing",
        ),
    ],
)
def test_names_are_sentences(rule, name):
    assert rule.name == name


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


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            NotMissing("Age"),
            r"NotMissing expected a column .* \('age', .* got 'Age'",
        ),
        (Between("age", 9, 3), "`low` <= `high` for column 'age', got 9 and 3"),
        (Between("age", low=np.nan), "number as bound of column 'age', got nan"),
        (Between("age", low=DAY), "number as bound of column 'age', got Timestamp"),
        (Between("day", low=pd.NaT), "datetime as bound of column 'day', got NaT"),
        (Between("day", low=3), "datetime as bound of column 'day', got 3"),
        (Between("day", low="2024"), "got '2024'. .* pandas.Timestamp for dates"),
        (Between("note", low="x"), "number as bound of column 'note', got 'x'"),
        (Between("age"), "at least one bound, got none"),
        (
            Between("sex", 1),
            "dates or durations in column 'sex', got category",
        ),
        (OneOf("sex", ["f"]), r"a level \('F', 'M'\) of column 'sex', got 'f'"),
        (OneOf("old", [1]), r"a level \(False, True\) of column 'old', got 1"),
        (OneOf("age", ["20"]), "a number of column 'age', got '20'"),
        (OneOf("sex", []), "got none"),
        (Linear({"sex": 1}), "column 'sex', got category. Use OneOf, or a"),
        (Linear({("sex", "X"): 1}), "of column 'sex', got 'X'"),
        (Linear({"age": "1"}), "finite numbers as weights and bias, got '1'"),
        (Linear({"age": np.inf}), "finite numbers as weights and bias, got inf"),
        (Linear({}), "at least one weight, got none"),
        (Lookup("sex", "size", {"XL": "F"}), "of column 'size', got 'XL'"),
        (Lookup("sex", "size", {"S": "X"}), "of column 'sex', got 'X'"),
        (Lookup("sex", "size", {}), "at least one entry"),
        (Bands("sex", "age", []), "at least one band"),
        (Bands("sex", "age", [(5, 3, "F")]), "`low` <= `high` .* got 5 and 3"),
        (Bands("sex", "age", [(5, 9, "F"), (7, 8, "M")]), "got 9 and 7"),
        (Bands("age", "sex", [(5, 9, 20)]), "in column 'sex', got category"),
        (Implies(NotMissing("age"), NotMissing("x")), "got 'x'"),
        (AllOf(NotMissing("age"), "age > 3"), "Expected a rule, .* got 'age > 3'"),
        (AnyOf(), "at least one rule"),
    ],
    ids=str,
)
def test_a_rule_that_does_not_fit_is_refused(schema, rule, message):
    with pytest.raises(ConstraintError, match=message):
        rule.check(schema)


@pytest.mark.parametrize(
    "rule",
    [
        OneOf("size", ["L"]),  # declared by the dtype, though no real row has it
        OneOf("sex", ["F", "X"]),  # one known level is enough
        OneOf("note", ["anything"]),
        Between("note", 1, 2),
        Between("old", 0, 1),
        Linear({"old": 1, "age": 1, ("size", "L"): 1}),
        Lookup("sex", "age", {20: "F"}),
        AllOf(
            NotMissing("note"), Between("day", DAY.date(), np.datetime64("2025-01-01"))
        ),
    ],
    ids=str,
)
def test_a_rule_that_fits_is_accepted(schema, rule):
    rule.check(schema)


def test_a_frame_without_the_column_is_refused():
    with pytest.raises(ConstraintError, match="a table without 'b'"):
        Linear({"a": 1, "b": 1}).holds(pd.DataFrame({"a": [1]}))


def test_tuple_names_are_columns_of_their_own():
    frame = pd.DataFrame({0: [1, 5]})
    frame.columns = pd.Index([("t", 1)], tupleize_cols=False)
    rule = Linear({(("t", 1),): 1}, bias=-3)

    rule.check(TableSchema.learn(frame))

    assert rule.columns == (("t", 1),)
    assert rule.holds(frame).tolist() == [False, True]
