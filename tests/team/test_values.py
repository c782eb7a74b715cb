"""A value becomes a code that the column can hold, or a reason."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from t2sampler._grid import Grid
from t2sampler._schema import learn_column
from t2sampler.chat._formatting import Spelling
from t2sampler.chat._parse_numbers import MIDDLE, NO_UNIT, PERCENT
from t2sampler.chat._parse_values import (
    AS_BLANK,
    AS_WORD,
    OTHER_LEVEL,
    ROUNDED,
    ValueReader,
)

NAN, INF = float("nan"), float("inf")


def reader_of(values, dtype=None, about=""):
    values = pd.Series(values, dtype=dtype)
    column = learn_column(values, "x")
    return ValueReader(Spelling(column, column.encode(values)), about)


WHOLE = reader_of([1, 5, 9, 200])
SMALL = reader_of([1, 5, 9], "int8")
WEIGHT = reader_of([60, 75, 80], about="weight_kg body weight")
PRICE = reader_of([1.25, 3.5, 7.0, 9.75])
GAPPY = reader_of([1.25, None, 7.0])
AGES = reader_of([20.0, None, 35.0])
SHARE = reader_of([0.1, 0.25, 0.9])
FLAG = reader_of([0, 1, 1, 0])
TRUTH = reader_of([True, False])
SIZE = reader_of(["S", "M", "Extra Large"])
GRADE = reader_of([1, 2, 3], "category")
ANSWER = reader_of(["yes", "no"])
GRAVITY = reader_of(["None", "Mild", None])
CASES = reader_of(["a", "A", "b"])
DAYS = reader_of([*pd.date_range("2024-01-01", periods=20), None])
SPANS = reader_of(pd.to_timedelta(["1h", "5h"]))


@pytest.mark.parametrize(
    ("reader", "value", "code", "done"),
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
        (GAPPY, "N/A", NAN, AS_BLANK),
        (AGES, 30.4, 30, ROUNDED),
        (SHARE, "45%", 0.45, PERCENT),
        (PRICE, "45%", 45, PERCENT),
        (FLAG, True, 1, AS_WORD),
        (FLAG, "0", 0, "numbers written as text"),
        (TRUTH, False, 0, None),
        (TRUTH, "False", 0, AS_WORD),
        (TRUTH, "Yes", 1, AS_WORD),
        (TRUTH, 1, 1, AS_WORD),
        (SIZE, "M", 1, None),
        (SIZE, " extra  LARGE ", 0, OTHER_LEVEL),
        (GRADE, 2, 1, None),
        (GRADE, 2.0, 1, None),
        (GRADE, "2", 1, OTHER_LEVEL),
        (ANSWER, True, 1, AS_WORD),
        (ANSWER, "NO", 0, OTHER_LEVEL),
        (GRAVITY, "none", 1, OTHER_LEVEL),  # a level, not a missing value
        (GRAVITY, "n/a", NAN, AS_BLANK),
        (CASES, "A", 0, None),
        (CASES, "a", 1, None),
        (CASES, "B", 2, OTHER_LEVEL),
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
def test_values_are_read(reader, value, code, done):
    read = reader.read(value)

    assert not read.fault
    assert read.code == pytest.approx(code, nan_ok=True)
    assert (done in read.mended) if done else not read.mended


@pytest.mark.parametrize(
    ("reader", "value", "match"),
    [
        (WHOLE, 3.7, "no whole number: 3.7"),
        (WHOLE, "3.7", "no whole number"),
        (WHOLE, None, "missing value, which no real row has"),
        (WHOLE, "", "missing value"),
        (WHOLE, NAN, "no finite number"),
        (WHOLE, INF, "no finite number"),
        (WHOLE, "NaN", "no number"),
        (WHOLE, 10**400, "too large"),
        (WHOLE, 2**63, "cannot hold"),
        (WHOLE, True, "boolean"),
        (WHOLE, "7 kg", "'kg', which the column's name and description do not"),
        (WEIGHT, "143 lbs", "a number in 'lbs', which is not the column's unit: \"1"),
        (WHOLE, {}, "no number: a nested value"),
        (WHOLE, [1, 2, 3], "no number"),
        (WHOLE, [9, 1], "falls"),
        (WHOLE, [1, "2"], "no number"),
        (WHOLE, [[1, 2], [3, 4]], "no number"),
        (SMALL, 128, "cannot hold"),
        (SMALL, -129, "cannot hold"),
        (PRICE, 1e306, "too large"),
        (PRICE, "5 million", "times 'million'"),
        (TRUTH, "maybe", "no level|level that no real row"),
        (TRUTH, None, "missing"),
        (TRUTH, 2, "level"),
        (SIZE, "XXL", 'level that no real row has: "XXL"'),
        (SIZE, ["M"], "no level"),
        (SIZE, NAN, "no finite"),
        (GRADE, 4, "level"),
        (GRADE, True, "level"),
        (ANSWER, "maybe", "level"),
        (DAYS, 5, "no text"),
        (DAYS, "tomorrow", "no date"),
        (DAYS, "01/03/2024", "day and month cannot be told apart"),
        (DAYS, ["2024-01-04", "2024-01-02"], "falls"),
        (DAYS, [1, 2], "no text"),
        (SPANS, "soon", "no duration"),
        (SPANS, None, "missing"),
    ],
)
def test_values_are_refused_with_a_reason(reader, value, match):
    read = reader.read(value)

    assert np.isnan(read.code)
    assert pd.Series([read.fault]).str.contains(match).all(), read.fault


def test_reasons_are_short_and_on_one_line():
    fault = SIZE.read("x\n# System\u200b" + "y" * 10_000).fault

    assert len(fault) < 120
    assert fault.isprintable()


@pytest.mark.parametrize("dtype", ["UInt8", "int16", "uint64", "Int64", "float32"])
def test_numbers_stay_within_what_the_dtype_holds(dtype):
    reader = reader_of([1, 2, 7], dtype)

    for value in (-1, 255, 256, 70_000, 2**63, 2**64 - 1, 2**64, 1e39, -1e39, 1e300):
        read = reader.read(value)
        if not read.fault:
            with np.errstate(all="raise"):
                assert reader.column.decode(np.array([read.code]))[0] == value


@pytest.mark.parametrize(
    "dtype", ["int64[pyarrow]", "double[pyarrow]", "uint8[pyarrow]"]
)
def test_arrow_tells_itself_what_it_holds(dtype):
    reader = reader_of([1, 2, 7], dtype)

    assert reader.read(5).code == 5
    for value in (-1, 300, 1e300):
        read = reader.read(value)
        if not read.fault:
            assert reader.column.decode(np.array([read.code]))[0] == value


def test_times_beyond_what_the_codec_can_count_are_refused():
    old = reader_of(pd.to_datetime(["1700-01-01", "1700-03-01"]))
    fine = reader_of(pd.Series(pd.to_datetime(["2024-01-01"])).astype("datetime64[s]"))

    assert "too far off" in old.read("2250-01-01").fault
    assert not old.read("1950-01-01").fault
    assert fine.read("2024-01-01T00:00:05").code == 5


def test_arrow_refuses_what_it_would_have_to_cut():
    times = pd.Series(pd.to_datetime(["2024-01-01"])).astype("timestamp[s][pyarrow]")
    reader = reader_of(times, times.dtype)
    column = replace(reader.column, grid=Grid())
    reader = ValueReader(Spelling(column, np.zeros(1)))

    assert reader.read("2024-01-01T00:00:05").code == 5
    assert "cannot hold" in reader.read("2024-01-01T00:00:05.5").fault


def test_whole_numbers_in_an_object_column():
    reader = reader_of([1, 2, 70], object)

    assert reader.read(5).code == 5
    assert "no whole" in reader.read(5.5).fault
    assert "cannot hold" in reader.read(1e19).fault


def test_numbers_of_a_list_are_moved_to_it_but_not_into_its_range():
    scores = [-0.95197, 0.4978812, 1.4789] * 20
    reader = reader_of(scores)

    assert reader.read(0.5).code == 0.4978812
    assert not reader.read(reader.spelling.spell(scores[0])).mended
    assert reader.read(9).code == 9


def test_a_level_is_found_whatever_its_type():
    levels = [pd.Interval(0, 1), "(0, 1]", 1.5, True, None, "true"]
    reader = reader_of(pd.Series(levels, dtype=object))

    spelled = reader.spelling.levels
    assert len({str(level) for level in spelled}) == len(spelled)
    for code, level in enumerate(spelled):
        assert reader.read(level).code == code
