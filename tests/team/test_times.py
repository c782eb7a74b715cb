"""Dates and durations are read without guessing."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from t2sampler.team._numbers import RefusedError
from t2sampler.team._spelling import spell_span
from t2sampler.team._times import (
    NO_ZONE,
    OTHER_DATE,
    OTHER_SPAN,
    read_moment,
    read_span,
)

VIENNA = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize(
    ("text", "moment", "done"),
    [
        ("2024-05-03", "2024-05-03", None),
        ("2024-05-03T06:07", "2024-05-03 06:07", None),
        ("2024-05-03 06:07:08.5", "2024-05-03 06:07:08.5", None),
        ("2024-5-3", "2024-05-03", None),
        ("2024/05/03", "2024-05-03", OTHER_DATE),
        ("3.5.2024", "2024-05-03", OTHER_DATE),
        ("2024-05", "2024-05-01", OTHER_DATE),
        ("2024-05-03T06:07Z", "2024-05-03 06:07", NO_ZONE),
        ("2024-05-03T06:07+02:00", "2024-05-03 06:07", NO_ZONE),
    ],
)
def test_dates(text, moment, done):
    nanoseconds, mended = read_moment(text, None)

    assert nanoseconds == pd.Timestamp(moment).as_unit("ns").value
    assert mended == (() if done is None else (done,))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-07-03T06:07", "2024-07-03 04:07"),
        ("2024-07-03T06:07+05:30", "2024-07-03 00:37"),
        ("2024-07-03T06:07-0300", "2024-07-03 09:07"),
        ("2024-07-03T06:07Z", "2024-07-03 06:07"),
        ("2024-03-31T02:30", "2024-03-31 01:00"),  # skipped when clocks went forward
        ("2024-10-27T02:30", "2024-10-27 00:30"),  # the first of two
    ],
)
def test_wall_times_of_a_zone(text, utc):
    assert read_moment(text, VIENNA)[0] == pd.Timestamp(utc).as_unit("ns").value


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "today", "05/03/2024", "2024-13-01", "2024-02-30", "2024", "NaT"),
        *("9999-12-31", "0001-01-01", "1677-09-21", "2262-04-11", "20240503", "12:30"),
        *("2024-05-03T25:00", "2024-05-03T06:07+99:99 x", "2024-05-03 to", "2024-0-1"),
        "2024-05-03" * 100,
    ],
)
def test_no_dates(text):
    for zone in (None, VIENNA):
        with pytest.raises(RefusedError):
            read_moment(text, zone)


@pytest.mark.parametrize(
    "text", ["P2DT3H", "-PT5M", "PT0S", "PT0.5S", "P300D", "PT23H59M59.000000001S"]
)
def test_spans_are_read_as_they_are_spelled(text):
    nanoseconds, mended = read_span(text)

    assert spell_span(nanoseconds) == text
    assert not mended


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("3:30:00", "3h30min"),
        ("2 days 04:00:00", "52h"),
        ("5 hours", "5h"),
        ("-5 hours", "-5h"),
    ],
)
def test_other_spans(text, span):
    assert read_span(text) == (pd.Timedelta(span).as_unit("ns").value, (OTHER_SPAN,))


def test_weeks_are_days():
    assert read_span("P1W")[0] == read_span("P7D")[0]


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "5", "NaT", "nat", "P1Y", "5 parsecs", "P99999999999D"),
        *("999999999999 days", "two hours", "PT1e9S"),
    ],
)
def test_no_spans(text):
    with pytest.raises(RefusedError):
        read_span(text)
