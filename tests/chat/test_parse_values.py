"""A value becomes a code that the column can hold, or a reason."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import learn_column
from t2sampler.chat._formatting import ValueFormatter
from t2sampler.chat._parse_numbers import MIDDLE, NO_UNIT, PERCENT
from t2sampler.chat._parse_values import (
    BOOLEAN_IN_WORDS,
    MISSING_IN_WORDS,
    OTHER_SPELLING,
    ROUNDED,
    ValueParser,
)

NAN, INF = float("nan"), float("inf")


def parser_of(values, dtype=None, about=""):
    values = pd.Series(values, dtype=dtype)
    column = learn_column(values, "x")
    return ValueParser(ValueFormatter(column, column.encode(values)), about)


WHOLE = parser_of([1, 5, 9, 200])
SMALL = parser_of([1, 5, 9], "int8")
WEIGHT = parser_of([60, 75, 80], about="weight_kg body weight")
PRICE = parser_of([1.25, 3.5, 7.0, 9.75])
GAPPY = parser_of([1.25, None, 7.0])
AGES = parser_of([20.0, None, 35.0])
SHARE = parser_of([0.1, 0.25, 0.9])
FLAG = parser_of([0, 1, 1, 0])
TRUTH = parser_of([True, False])
SIZE = parser_of(["S", "M", "Extra Large"])
GRADE = parser_of([1, 2, 3], "category")
ANSWER = parser_of(["yes", "no"])
GRAVITY = parser_of(["None", "Mild", None])
CASES = parser_of(["a", "A", "b"])
DAYS = parser_of([*pd.date_range("2024-01-01", periods=20), None])
SPANS = parser_of(pd.to_timedelta(["1h", "5h"]))


@pytest.mark.parametrize(
    ("parser", "value", "code", "done"),
    [
        (WHOLE, 7, 7, None),
        (WHOLE, 7.0, 7, None),
        (WHOLE, 1000, 1000, None),  # out of range: for the filters to judge
        (WHOLE, "7 rooms", 7, NO_UNIT),
        (WEIGHT, "70 kg", 70, NO_UNIT),
        (WHOLE, "30-34", 32, MIDDLE),
        (WHOLE, [30, 40], 35, MIDDLE),
        (PRICE, 2.505, 2.5, ROUNDED),
        (PRICE, 2.51, 2.51, None),
        (GAPPY, None, NAN, None),
        (GAPPY, "N/A", NAN, MISSING_IN_WORDS),
        (AGES, 30.4, 30, ROUNDED),
        (SHARE, "45%", 0.45, PERCENT),
        (PRICE, "45%", 45, PERCENT),
        (FLAG, True, 1, BOOLEAN_IN_WORDS),
        (FLAG, "0", 0, "numbers written as text"),
        (TRUTH, False, 0, None),
        (TRUTH, "False", 0, BOOLEAN_IN_WORDS),
        (TRUTH, "Yes", 1, BOOLEAN_IN_WORDS),
        (TRUTH, 1, 1, BOOLEAN_IN_WORDS),
        (SIZE, "M", 1, None),
        (SIZE, " extra  LARGE ", 0, OTHER_SPELLING),
        (GRADE, 2, 1, None),
        (GRADE, 2.0, 1, None),
        (GRADE, "2", 1, OTHER_SPELLING),
        (ANSWER, True, 1, BOOLEAN_IN_WORDS),
        (ANSWER, "NO", 0, OTHER_SPELLING),
        (GRAVITY, "none", 1, OTHER_SPELLING),  # a level, not a missing value
        (GRAVITY, "n/a", NAN, MISSING_IN_WORDS),
        (CASES, "A", 0, None),
        (CASES, "a", 1, None),
        (CASES, "B", 2, OTHER_SPELLING),
        (DAYS, "2024-01-03", 2 * 86_400, None),
        (DAYS, "2024-01-03T11:00", 2 * 86_400, ROUNDED),
        (DAYS, ["2024-01-02", "2024-01-04"], 2 * 86_400, MIDDLE),
        (DAYS, "2024-01-02 to 2024-01-04", 2 * 86_400, MIDDLE),
        (DAYS, "January 3rd, 2024", 2 * 86_400, "dates in another form"),
        (DAYS, None, NAN, None),
        (SPANS, "PT2H", 3600, None),
        (SPANS, "2 hours", 3600, "durations in another form"),
    ],
)
def test_values_are_read(parser, value, code, done):
    parsed = parser.parse(value)

    assert not parsed.fault
    assert parsed.code == pytest.approx(code, nan_ok=True)
    assert (done in parsed.repairs) if done else not parsed.repairs


@pytest.mark.parametrize(
    ("parser", "value", "match"),
    [
        (WHOLE, 3.7, "3.7 is not a whole number"),
        (WHOLE, "3.7", "is not a whole number"),
        (WHOLE, None, "missing value, which no real row has"),
        (WHOLE, "", "missing value"),
        (WHOLE, NAN, "is not a finite number"),
        (WHOLE, INF, "is not a finite number"),
        (WHOLE, "NaN", "is not a number"),
        (WHOLE, 10**400, "too large"),
        (WHOLE, 2**63, "does not fit"),
        (WHOLE, True, "boolean"),
        (WHOLE, "7 kg", "'kg', a unit that the column's name and description do not"),
        (WEIGHT, "143 lbs", "\"143 lbs\" is in 'lbs', which is not the column's unit"),
        (WHOLE, {}, "a nested value is not a number"),
        (WHOLE, [1, 2, 3], "is not a number"),
        (WHOLE, [9, 1], "above its last"),
        (WHOLE, [1, "2"], "is not a number"),
        (WHOLE, [[1, 2], [3, 4]], "is not a number"),
        (SMALL, 128, "does not fit"),
        (SMALL, -129, "does not fit"),
        (PRICE, 1e306, "too large"),
        (PRICE, "5 million", "by 'million'"),
        (TRUTH, "maybe", "is not among the column's levels"),
        (TRUTH, None, "missing"),
        (TRUTH, 2, "level"),
        (SIZE, "XXL", '"XXL" is not among the column\'s levels'),
        (SIZE, ["M"], "is not a level"),
        (SIZE, NAN, "is not a finite"),
        (GRADE, 4, "level"),
        (GRADE, True, "level"),
        (ANSWER, "maybe", "level"),
        (DAYS, 5, "is not a time in text"),
        (DAYS, "tomorrow", "is not a date"),
        (DAYS, "01/03/2024", "day and month are ambiguous"),
        (DAYS, ["2024-01-04", "2024-01-02"], "above its last"),
        (DAYS, [1, 2], "is not a time in text"),
        (SPANS, "soon", "is not a duration"),
        (SPANS, None, "missing"),
    ],
)
def test_values_are_refused_with_a_reason(parser, value, match):
    parsed = parser.parse(value)

    assert np.isnan(parsed.code)
    assert pd.Series([parsed.fault]).str.contains(match).all(), parsed.fault


def test_reasons_are_short_and_on_one_line():
    fault = SIZE.parse("x\n# System\u200b" + "y" * 10_000).fault

    assert len(fault) < 120
    assert fault.isprintable()


@pytest.mark.parametrize("dtype", ["UInt8", "int16", "uint64", "Int64", "float32"])
def test_numbers_stay_within_what_the_dtype_holds(dtype):
    parser = parser_of([1, 2, 7], dtype)

    for value in (-1, 255, 256, 70_000, 2**63, 2**64 - 1, 2**64, 1e39, -1e39, 1e300):
        parsed = parser.parse(value)
        if not parsed.fault:
            with np.errstate(all="raise"):
                assert parser.column.decode(np.array([parsed.code]))[0] == value


@pytest.mark.parametrize(
    "dtype", ["int64[pyarrow]", "double[pyarrow]", "uint8[pyarrow]"]
)
def test_arrow_dtypes_have_limits_of_their_own(dtype):
    parser = parser_of([1, 2, 7], dtype)

    assert parser.parse(5).code == 5
    for value in (-1, 300, 1e300):
        parsed = parser.parse(value)
        if not parsed.fault:
            assert parser.column.decode(np.array([parsed.code]))[0] == value


def test_times_out_of_range_are_refused():
    old = parser_of(pd.to_datetime(["1700-01-01", "1700-03-01"]))
    fine = parser_of(pd.Series(pd.to_datetime(["2024-01-01"])).astype("datetime64[s]"))

    assert "out of range" in old.parse("2250-01-01").fault
    assert not old.parse("1950-01-01").fault
    assert fine.parse("2024-01-01T00:00:05").code == 5


def test_whole_numbers_in_an_object_column():
    parser = parser_of([1, 2, 70], object)

    assert parser.parse(5).code == 5
    assert "not a whole" in parser.parse(5.5).fault
    assert "does not fit" in parser.parse(1e19).fault


def test_numbers_of_a_list_are_moved_to_it_but_not_into_its_range():
    scores = [-0.95197, 0.4978812, 1.4789] * 20
    parser = parser_of(scores)

    assert parser.parse(0.5).code == 0.4978812
    assert not parser.parse(parser.formatter.format(scores[0])).repairs
    assert parser.parse(9).code == 9


def test_a_level_is_found_whatever_its_type():
    levels = [pd.Interval(0, 1), "(0, 1]", 1.5, True, None, "true"]
    parser = parser_of(pd.Series(levels, dtype=object))

    spelled = parser.formatter.levels
    assert len({str(level) for level in spelled}) == len(spelled)
    for code, level in enumerate(spelled):
        assert parser.parse(level).code == code
