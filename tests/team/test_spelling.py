"""Values are spelled at their resolution, on one line, and read back as they were."""

import json

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import learn_column
from t2sampler.chat._formatting import Spelling, quote
from t2sampler.chat._parse_values import ValueReader


def spell(values, dtype=None):
    values = pd.Series(values, dtype=dtype)
    column = learn_column(values, "x")
    codes = column.encode(values)
    spelling = Spelling(column, codes)
    return spelling, codes, [spelling.spell(code) for code in codes]


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


def test_numbers_have_no_more_digits_than_their_spread_asks_for():
    rng = np.random.default_rng(0)
    for scale, decimals in [(0.5, 2), (1, 1), (12, 0), (40, 0), (0.004, 4), (3e5, -4)]:
        spelling = spell(rng.normal(0, scale, 500))[0]
        assert abs(spelling.decimals - decimals) <= 1
        assert 10.0**-spelling.decimals <= scale / 9


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
def test_what_is_spelled_is_read_back(values):
    spelling, codes, spelled = spell(values)
    reader = ValueReader(spelling)

    for code, value in zip(codes, json.loads(json.dumps(spelled)), strict=True):
        read = reader.read(value)
        assert not read.fault
        assert not read.mended
        assert read.code == pytest.approx(code, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("times", "spelled"),
    [
        (["2024-01-01", "2024-01-02"], "2024-01-01"),
        (["2024-01-01", "2024-01-02 10:30"], "2024-01-01T00:00"),
        (["2024-01-01", "2024-01-02 10:30:05"], "2024-01-01T00:00:00"),
    ],
)
def test_times_are_as_coarse_as_all_of_them_allow(times, spelled):
    assert spell(pd.to_datetime(pd.Series(times), format="mixed"))[2][0] == spelled


def test_wall_times_of_a_zone():
    times = pd.Series(pd.to_datetime(["2024-07-01", "2024-01-01"])).dt.tz_localize(
        "Europe/Vienna"
    )

    assert spell(times)[2] == ["2024-07-01", "2024-01-01"]


def test_a_long_tail_does_not_hide_how_close_most_values_are():
    rng = np.random.default_rng(0)
    incomes = np.append(rng.lognormal(0, 1, 500), 1e9)

    assert spell(incomes)[0].decimals >= 1


def test_listed_numbers_stay_apart():
    values = [0.123456, 0.123457, 1.5, 2.5, 3.5, 4.5, 5.5]

    assert len(set(spell(values * 10)[2])) == len(values)


def test_missing_values_are_none():
    assert spell([1.5, None])[2][1] is None
    assert spell(["a", None])[2][1] is None


def test_long_levels_are_shown_in_short_and_stand_for_themselves():
    texts = ["x" * 1_000_000 + end for end in "ab"] + ["short"]
    values = pd.Series(texts * 2, dtype="category")
    column = learn_column(values, "x")
    spelling = Spelling(column, column.encode(values))

    assert max(map(len, spelling.levels)) < 250
    assert len(set(spelling.levels)) == 3
    reader = ValueReader(spelling)
    codes = [reader.read(level).code for level in spelling.levels]
    assert column.decode(np.array(codes)).tolist() == list(column.levels)
