"""Dates and durations are read without guessing."""

import random
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from t2sampler.chat._formatting import format_duration
from t2sampler.chat._parse_numbers import ParseError
from t2sampler.chat._parse_times import (
    NO_ZONE,
    OTHER_DATE_FORM,
    OTHER_DURATION_FORM,
    parse_duration,
    parse_time,
)

VIENNA = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize(
    ("text", "moment", "done"),
    [
        ("2024-05-03", "2024-05-03", None),
        ("2024-05-03T06:07", "2024-05-03 06:07", None),
        ("2024-05-03 06:07:08.5", "2024-05-03 06:07:08.5", None),
        ("2024-5-3", "2024-05-03", None),
        ("2024/05/03", "2024-05-03", OTHER_DATE_FORM),
        ("3.5.2024", "2024-05-03", OTHER_DATE_FORM),
        ("2024-05", "2024-05-01", OTHER_DATE_FORM),
        ("May 2024", "2024-05-01", OTHER_DATE_FORM),
        ("March 5, 2021, 14:30", "2021-03-05 14:30", OTHER_DATE_FORM),
        ("5th of March, 2021 at 2:30 p.m.", "2021-03-05 14:30", OTHER_DATE_FORM),
        ("5. March 2021", "2021-03-05", OTHER_DATE_FORM),
        ("13/03/2021", "2021-03-13", OTHER_DATE_FORM),
        ("03/13/2021, 2:30:15\u202fPM", "2021-03-13 14:30:15", OTHER_DATE_FORM),
        ("05-05-2021", "2021-05-05", OTHER_DATE_FORM),
        ("2021-03-05 12:30 PM", "2021-03-05 12:30", OTHER_DATE_FORM),
        ("2021-03-05T12:30am", "2021-03-05 00:30", OTHER_DATE_FORM),
        ("2021-03-05 2 pm", "2021-03-05 14:00", OTHER_DATE_FORM),
        ("2024-05-03T06:07Z", "2024-05-03 06:07", NO_ZONE),
        ("2024-05-03T06:07+02:00", "2024-05-03 06:07", NO_ZONE),
    ],
)
def test_dates(text, moment, done):
    nanoseconds, repairs = parse_time(text, None)

    assert nanoseconds == pd.Timestamp(moment).as_unit("ns").value
    assert repairs == (() if done is None else (done,))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-07-03T06:07", "2024-07-03 04:07"),
        ("2024-07-03T06:07+05:30", "2024-07-03 00:37"),
        ("2024-07-03T06:07-0300", "2024-07-03 09:07"),
        ("2024-07-03T06:07Z", "2024-07-03 06:07"),
        ("Wed, 03 Jul 2024 06:07:00 GMT", "2024-07-03 06:07"),
        ("July 3, 2024 6:07 am", "2024-07-03 04:07"),
        ("2024-03-31T02:30", "2024-03-31 01:00"),  # skipped when clocks went forward
        ("2024-10-27T02:30", "2024-10-27 00:30"),  # the first of two
    ],
)
def test_times_are_local_to_the_zone(text, utc):
    assert parse_time(text, VIENNA)[0] == pd.Timestamp(utc).as_unit("ns").value


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "today", "05/03/2024", "2024-13-01", "2024-02-30", "2024", "NaT"),
        *("9999-12-31", "0001-01-01", "1677-09-21", "2262-04-11", "20240503", "12:30"),
        *("2024-05-03T25:00", "2024-05-03T06:07+99:99 x", "2024-05-03 to", "2024-0-1"),
        *(
            "2021-03-05 2",
            "2021-03-05 14:30 pm",
            "2021-03-05 0:30 am",
            "March 5",
            "May",
        ),
        *(
            "31 February 2021",
            "5 Marc 2021",
            "May 3-15, 2024",
            "1-3 May 2024",
            "Mar 21",
        ),
        *("March 5, 12:30", "13/14/2021", "3.13.2021", "03/13.2021", "2 pm"),
        "2024-05-03" * 100,
    ],
)
def test_texts_that_are_no_dates(text):
    for zone in (None, VIENNA):
        with pytest.raises(ParseError):
            parse_time(text, zone)


@pytest.mark.parametrize(
    "text", ["P2DT3H", "-PT5M", "PT0S", "PT0.5S", "P300D", "PT23H59M59.000000001S"]
)
def test_durations_are_read_as_they_are_formatted(text):
    nanoseconds, repairs = parse_duration(text)

    assert format_duration(nanoseconds) == text
    assert not repairs


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("3:30:00", "3h30min"),
        ("2 days 04:00:00", "52h"),
        ("5 hours", "5h"),
        ("-5 hours", "-5h"),
        ("1 day, 3:00:00", "27h"),
        ("1 hour, 20 min, and 5 s", "1h20min5s"),
        ("-3 hours 20 min", "-3h20min"),
        ("-1 days +03:00:00", "-21h"),  # as pandas writes it
        ("-1 days +00:00:00", "-24h"),
    ],
)
def test_durations_in_other_forms(text, span):
    assert parse_duration(text) == (
        pd.Timedelta(span).as_unit("ns").value,
        (OTHER_DURATION_FORM,),
    )


def test_weeks_are_days():
    assert parse_duration("P1W")[0] == parse_duration("P7D")[0]


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "5", "NaT", "nat", "P1Y", "5 parsecs", "P99999999999D"),
        *("999999999999 days", "two hours", "PT1e9S", "-1 day, 3:00:00", "-+3:00"),
    ],
)
def test_texts_that_are_no_durations(text):
    with pytest.raises(ParseError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("Mar 5, 21", "year has two digits"),
        ("05/03/2021", "day and month are ambiguous"),
        ("05-03-2021 14:30", "day and month are ambiguous"),
        ("Monday, March 5, 2021", "another weekday"),
        ("13/03/21", "year has two digits"),
        ("2021-03-05 14:30 pm", "has the hour 14 pm"),
        ("05MAR21", "year has two digits"),
        ("February 29, 2021", "does not exist"),
    ],
)
def test_the_reason_tells_what_is_wrong_with_a_date(text, match):
    with pytest.raises(ParseError, match=match):
        parse_time(text, None)


FORMS = [  # of C's strftime, with the day and the year without zeros in front
    *("{B} {d}, %Y", "{b} {d} %Y", "{d} {B} %Y", "{d}{th} of {B}, %Y", "%d-{b}-%Y"),
    *("%A, {B} {d}, %Y", "%a {d} {b} %Y", "%d{b}%Y", "{b}. {d}{th}, %Y", "%Y {B} {d}"),
    *("%Y/%m/%d", "%Y.%m.%d", "{d}.%m.%Y", "%Y-{b}-%d", "the {d}{th} of {B} %Y"),
    *("%d/%m/%Y", "%m/%d/%Y", "%m-%d-%Y", "{d}-%m-%Y", "%a, %Y-%m-%d", "%Y-%m-%d"),
]
CLOCKS = [
    ("", 0),
    (", 14:30", 870),
    (" 2:30 pm", 870),
    (" 12 am", 0),
    (" at 12:05 PM", 725),
]
ORDINALS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}


def format_day(day, form, rng):
    change = rng.choice([str, str.upper, str.lower])
    short = "Sept" if day.month == 9 and rng.random() < 0.5 else f"{day:%b}"
    names = {"B": f"{day:%B}", "b": short, "d": day.day}
    names["th"] = ORDINALS.get(day.day, "th")
    return change(day.strftime(form.format(**names)))


def test_every_day_in_every_form_is_that_day_or_ambiguous():
    rng = random.Random(23)
    ends = [date(2000, 2, 29), date(1999, 12, 31), date(2023, 1, 1), date(1970, 5, 5)]
    days = [date(1700, 1, 1) + timedelta(rng.randrange(200_000)) for _ in range(60)]
    cases = [(day, form) for day in days + ends for form in FORMS]
    rng.shuffle(cases)
    for day, form in cases:
        clock, minutes = rng.choice(CLOCKS)
        text = format_day(day, form, rng) + clock
        is_open = "%m" in form and form[-2:] == "%Y" and "." not in form
        if is_open and day.month != day.day <= 12:
            with pytest.raises(ParseError, match="are ambiguous"):
                parse_time(text, None)
            continue
        moment = pd.Timestamp(day) + pd.Timedelta(minutes=minutes)
        assert parse_time(text, None)[0] == moment.as_unit("ns").value, text
