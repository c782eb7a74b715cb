"""Numbers in words are read by rule, and by no guess."""

import pytest

from t2sampler.team._numbers import (
    MAX_LENGTH,
    MIDDLE,
    NO_COMMA,
    NO_SEPARATOR,
    NO_UNIT,
    PERCENT,
    RefusedError,
    read_number,
)


@pytest.mark.parametrize(
    ("text", "number", "done"),
    [
        ("23", 23, None),
        (" -2.5 ", -2.5, None),
        ("+.5e2", 50, None),
        ("\u22125", -5, None),  # a minus sign, not a hyphen
        ("\uff15", 5, None),  # a full-width digit
        ("23 kg/m²", 23, NO_UNIT),
        ("23kg", 23, NO_UNIT),
        ("98.6 °F", 98.6, NO_UNIT),
        ("12 years old", 12, NO_UNIT),
        ("85 µU/mL", 85, NO_UNIT),
        ("$12.50", 12.5, NO_UNIT),
        ("~ 7", 7, NO_UNIT),
        ("about 7 mm", 7, NO_UNIT),
        ("5 m", 5, NO_UNIT),
        ("1,234", 1234, NO_SEPARATOR),
        ("1 234", 1234, NO_SEPARATOR),
        ("1\u00a0234\u00a0567", 1234567, NO_SEPARATOR),
        ("1\u202f234,5", 1234.5, NO_SEPARATOR),
        ("1,234,567.8", 1234567.8, NO_SEPARATOR),
        ("1'234", 1234, NO_SEPARATOR),
        ("1.234.567", 1234567, NO_SEPARATOR),
        ("-1.234,5", -1234.5, NO_SEPARATOR),
        ("1,5", 1.5, NO_COMMA),
        ("0,123", 0.123, NO_COMMA),
        ("1234,567", 1234.567, NO_COMMA),
        ("1.234", 1.234, None),
        ("45%", 45, PERCENT),
        ("45 percent", 45, PERCENT),
        ("30-40", 35, MIDDLE),
        ("30 \u2013 40", 35, MIDDLE),
        ("30 to 40 years", 35, MIDDLE),
        ("between 30 and 40", 35, MIDDLE),
        ("30..40", 35, MIDDLE),
        ("-5", -5, None),
        ("-5-3", -1, MIDDLE),
        ("-5 - -3", -4, MIDDLE),
        ("-5--3", -4, MIDDLE),
        ("1,000-1,200", 1100, MIDDLE),
        ("0.5-0.7", 0.6, MIDDLE),
        ("1e-2", 0.01, None),
    ],
)
def test_numbers_are_read(text, number, done):
    read = read_number(text)

    assert read.number == pytest.approx(number)
    assert (done in read.mended) if done else len(read.mended) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "abc", "e5", "1.2.3", "12,34,56", "--5", "1e", "5/6", "1e999"),
        *("2024-01-05", "2024-01", "05-12", "01-02", "40-30", "5'11\"", "<30", "> 5"),
        *("5k", "5 million", "1.2M", "3 thousand", "5 x 10", "10^3", "1h30", "3 of 4"),
        *("30-40-50", "NaN", "Infinity", "-inf", "0x10", "1_0", "one", "1 e5"),
        *("1 2", "12 3456", "(5)", "5; drop", "5 = 5"),
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(RefusedError):
        read_number(text)


def test_a_long_text_is_refused_at_once():
    with pytest.raises(RefusedError, match="long"):
        read_number("1" * (MAX_LENGTH + 1))
