"""Rules that do not fit the table are refused, with what would."""

import numpy as np
import pandas as pd
import pytest

from t2sampler import SanityFilter
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
)
from t2sampler.exceptions import ConstraintError

DAY = pd.Timestamp("2024-03-01")
BANDS = Bands("band", "age", [(0, 17, "young"), (30, 64, "adult"), (65, 90, "old")])


@pytest.fixture
def table():
    """Return a table with a number, text, a category and a date."""
    return pd.DataFrame(
        {
            "age": [20, 40, 60],
            "sex": ["F", "M", "F"],
            "size": pd.Categorical(["S", "M", "S"], categories=["S", "M", "L"]),
            "day": [DAY] * 3,
            "old": [False, False, True],
            "note": [np.nan] * 3,
        }
    )


@pytest.fixture
def schema(table):
    return TableSchema.learn(table)


def test_any_object_with_name_and_holds_is_a_rule(held, schema):
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


@pytest.mark.filterwarnings("ignore::t2sampler.exceptions.BrokenRuleWarning")
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
def test_a_rule_that_fits_is_accepted(table, rule):
    sanity = SanityFilter([rule]).fit(table, [0, 1, 1])

    assert sanity.constraints_ == (rule,)
