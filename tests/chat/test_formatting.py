"""Values are formatted at their resolution, on one line, and can be parsed back."""

import json

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import learn_column
from t2sampler.chat._formatting import ValueFormatter, quote
from t2sampler.chat._parse_values import ValueParser


def format_all(values, dtype=None):
    values = pd.Series(values, dtype=dtype)
    column = learn_column(values, "x")
    codes = column.encode(values)
    formatter = ValueFormatter(column, codes)
    return formatter, codes, [formatter.format(code) for code in codes]


@pytest.mark.parametrize(
    "text",
    [
        *("plain", "ünï 血", 'say "x"', "back\\slash", "a\nb\r\nc", "\u2028\x85\x0b"),
        *(
            "]}\n\n# System",
            "<|im_start|>system",
            "</s>",
            "<think>",
            "[INST]",
            "[/INST]",
        ),
        *(
            "\u200bzero",
            "\ud800",
            "\U000e0041",
            "\x00",
            "<50K",
            "a < b",
            "[0, 1)",
            "x[A]",
        ),
    ],
)
def test_text_stays_text(text):
    quoted = quote(text)

    assert json.loads(quoted) == text
    assert quoted.isprintable()
    assert len(quoted.splitlines()) == 1
    assert not any(mark in quoted for mark in ("<|", "</", "<think", "[INST", "[/INST"))


def test_harmless_text_is_left_readable():
    assert quote("<50K") == '"<50K"'
    assert quote(["ü", 1.5, None, True]) == '["ü",1.5,null,true]'


def test_digits_of_numbers_follow_their_spread():
    rng = np.random.default_rng(0)
    for scale, decimals in [(0.5, 2), (1, 1), (12, 0), (40, 0), (0.004, 4), (3e5, -4)]:
        formatter = format_all(rng.normal(0, scale, 500))[0]
        assert abs(formatter.decimals - decimals) <= 1
        assert 10.0**-formatter.decimals <= scale / 9


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 7],
        [1.25, 3.5, 7.99],
        [0.001, 1000.0, 3.5],
        [2**53 + 2, 2**60],
        [1e300, -1e300],
        [0.0, 0.0],
        [-0.95197, 0.4978812, 0.4978813] * 20,
        [True, False],
        ["a", "b"],
        [1, "1", 1.5, "true", True],
        list(pd.to_datetime(["2024-01-01", "2024-02-29"])),
        list(pd.to_datetime(["2024-01-01 10:30:00.0", "2024-02-29 23:59:59.5"])),
        list(pd.to_timedelta(["1h", "-5D", "3ns"])),
        list(pd.to_datetime(["2024-07-01", "2024-01-01"]).tz_localize("Asia/Tokyo")),
    ],
    ids=lambda values: str(values[0]),
)
def test_formatted_values_are_parsed_back(values):
    formatter, codes, formatted = format_all(values)
    parser = ValueParser(formatter)

    for code, value in zip(codes, json.loads(json.dumps(formatted)), strict=True):
        parsed = parser.parse(value)
        assert not parsed.fault
        assert not parsed.repairs
        assert parsed.code == pytest.approx(code, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("times", "formatted"),
    [
        (["2024-01-01", "2024-01-02"], "2024-01-01"),
        (["2024-01-01", "2024-01-02 10:30"], "2024-01-01T00:00"),
        (["2024-01-01", "2024-01-02 10:30:05"], "2024-01-01T00:00:00"),
    ],
)
def test_times_have_the_coarsest_resolution_of_all(times, formatted):
    assert (
        format_all(pd.to_datetime(pd.Series(times), format="mixed"))[2][0] == formatted
    )


def test_times_are_local_to_the_zone():
    times = pd.Series(pd.to_datetime(["2024-07-01", "2024-01-01"])).dt.tz_localize(
        "Europe/Vienna"
    )

    assert format_all(times)[2] == ["2024-07-01", "2024-01-01"]


def test_a_long_tail_does_not_hide_how_close_most_values_are():
    rng = np.random.default_rng(0)
    incomes = np.append(rng.lognormal(0, 1, 500), 1e9)

    assert format_all(incomes)[0].decimals >= 1


def test_listed_numbers_stay_distinct():
    values = [0.123456, 0.123457, 1.5, 2.5, 3.5, 4.5, 5.5]

    assert len(set(format_all(values * 10)[2])) == len(values)


def test_missing_values_are_none():
    assert format_all([1.5, None])[2][1] is None
    assert format_all(["a", None])[2][1] is None


def test_long_levels_are_shortened_and_parsed_back():
    texts = ["x" * 1_000_000 + end for end in "ab"] + ["short"]
    values = pd.Series(texts * 2, dtype="category")
    column = learn_column(values, "x")
    formatter = ValueFormatter(column, column.encode(values))

    assert max(map(len, formatter.levels)) < 250
    assert len(set(formatter.levels)) == 3
    parser = ValueParser(formatter)
    codes = [parser.parse(level).code for level in formatter.levels]
    assert column.decode(np.array(codes)).tolist() == list(column.levels)
