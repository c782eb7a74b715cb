"""Numbers in text are read by rule, never guessed."""

import random

import pytest

from t2sampler.chat._parse_numbers import (
    AS_TEXT,
    MAX_LENGTH,
    MIDDLE,
    NO_COMMA,
    NO_SEPARATOR,
    NO_UNIT,
    PERCENT,
    ParseError,
    parse_number,
)
from t2sampler.chat._units import ALSO_MEANS, KIND_OF_UNIT, find_units

GIVEN = [  # units as a user may give them, and as a model may write them
    ("weight_kg", ["kg", "KGs", "kilograms", "kilo", "Kg."]),
    ("body weight (pounds)", ["lbs", "lb", "pound"]),
    ("heightCm", ["cm", "centimetres", "centimeter"]),
    ("height_in standing height", ["in", "inches"]),
    ("temp.C", ["\u00b0C", "\u2103", "\u00baC", "degrees Celsius", "\u00b0", "C"]),
    ("plasma glucose, mg/dl", ["mg/dL", "mg per dl", "mg / dL", "milligrams/dl"]),
    ("glucose_mg_dl", ["mg/dL"]),
    ("bmi", ["kg/m\u00b2", "kg/m^2", "kg/m2"]),
    ("serum insulin (mu U/ml)", ["\u00b5U/mL", "\u03bcU/ml", "mu U/ml"]),
    ("Age age (years)", ["years old", "y.o.", "yrs", "year", "years of age"]),
    ("hours-per-week", ["hours", "h/wk", "hours per week"]),
    ("area_m2", ["m\u00b2", "sqm", "square meters", "sq. m"]),
    ("egfr ml/min/1.73m\u00b2", ["mL/min/1.73 m\u00b2"]),
    ("heart rate in beats per minute", ["bpm", "beats/min", "beats"]),
    ("income in dollars", ["$", "USD", "dollars", "US dollars", "US$"]),
    ("price_eur", ["\u20ac", "EUR", "euros"]),
    ("power in MW", ["MW", "megawatts"]),
    ("household size, in people", ["persons", "people", "rooms"]),
]
WRONG = [  # the column's words, and what was measured in another unit
    ("body weight in kg", ["143 lbs", "12 stone", "5 g", "75 kg - 165 lbs", "9 pood"]),
    ("body height in cm", ["5 in", "6 ft", "1.8 m", '70"', "5'", "1.8 \u20ac", "60%"]),
    ("glucose, mg/dl", ["6.7 mmol/L", "120 mg", "120 mg/l"]),
    ("bmi in kg/m2", ["80 kg", "23 kg m-2", "23 lb/in\u00b2"]),
    ("temperature in degrees", ["37 \u00b0C", "98 F"]),
    ("temp_C", ["98.6 \u00b0F", "98.6F", "310 kelvin"]),
    ("age in months, up to 5 years", ["3 years", "3 y.o."]),
    ("weight in kg, not in lbs", ["80 kg", "143 lbs"]),  # who knows
    ("price in euros", ["$5", "5 $", "USD 5", "5 k\u20ac", "\u20ac5k", "5 TEUR"]),
    ("power in MW", ["5 mW", "5 kW"]),
    ("hba1c in mmol/mol", ["7%", "7 percent"]),
    ("hours-per-week", ["3 weeks", "8 hours/day", "40 min"]),
    ("sales in the U.S.", ["5 s", "5 u"]),
    ("the patient's score", ["5 s"]),
    ("", ["23 kg", "5 m", "85 \u00b5U/mL", "12 years old", "50 USD", "5 kEUR", "3 ft"]),
    ("number of rooms", ["30 m\u00b2", "5 or six", "5 point five", "3 and a half"]),
    (
        "degrees",
        ["5 below zero", "5 plus two", "5 halves", "1.5 e3", "1,234e2", "10\u00b2"],
    ),
]


@pytest.mark.parametrize(
    ("text", "number", "done"),
    [
        ("23", 23, None),
        (" -2.5 ", -2.5, None),
        ("+.5e2", 50, None),
        ("\u22125", -5, None),  # a minus sign, not a hyphen
        ("\uff15", 5, None),  # a full-width digit
        ("3 rooms", 3, NO_UNIT),
        ("42 approx", 42, NO_UNIT),
        ("5persons", 5, NO_UNIT),
        ("$12.50", 12.5, NO_UNIT),
        ("-$12.50", -12.5, NO_UNIT),
        ("12,50 €", 12.5, NO_UNIT),
        ("~ 7", 7, NO_UNIT),
        ("about 7 items", 7, NO_UNIT),
        ("est. 7", 7, NO_UNIT),
        ("'70'", 70, None),
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
        ("30 to 40 rooms", 35, MIDDLE),
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
    read = parse_number(text)

    assert read.number == pytest.approx(number)
    assert (done in read.repairs) if done else len(read.repairs) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "abc", "e5", "1.2.3", "12,34,56", "--5", "1e", "5/6", "1e999"),
        *("2024-01-05", "2024-01", "05-12", "01-02", "40-30", "5'11\"", "<30", "> 5"),
        *("5k", "5 million", "1.2M", "3 thousand", "5 x 10", "10^3", "1h30", "3 of 4"),
        *("30-40-50", "NaN", "Infinity", "-inf", "0x10", "1_0", "one", "1 e5"),
        *(
            "1 2",
            "12 3456",
            "(5)",
            "5; drop",
            "5 = 5",
            "USD 5",
            "no 5",
            "Rs.5",
            "-$-5",
            "²5",
            ".²",
            "³",
        ),
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ParseError):
        parse_number(text)


def test_a_long_text_is_refused_at_once():
    with pytest.raises(ParseError, match="long"):
        parse_number("1" * (MAX_LENGTH + 1))


@pytest.mark.parametrize(("about", "units"), GIVEN)
def test_the_unit_of_the_column_is_left_out(about, units):
    for unit in units:
        read = parse_number(f"7.5 {unit}", find_units(about))
        assert read == (7.5, (AS_TEXT, NO_UNIT)), unit


def is_refused(text, units):
    try:
        parse_number(text, units)
    except ParseError:
        return True
    return False


@pytest.mark.parametrize(("about", "texts"), WRONG)
def test_another_unit_is_refused(about, texts):
    for text in texts:
        assert is_refused(text, find_units(about)), text


def test_reasons_name_the_unit_and_what_is_missing():
    with pytest.raises(ParseError, match="'lbs', which is not the column's unit"):
        parse_number("143 lbs", find_units("weight_kg"))
    with pytest.raises(ParseError, match="'lbs', a unit that the column's name and"):
        parse_number("143 lbs", find_units("weight"))


def test_units_of_one_kind_are_never_taken_for_each_other():
    for given, kind in KIND_OF_UNIT.items():
        units = find_units(f"measured in {given}")
        assert parse_number(f"5 {given}", units).number == 5
        for other in (unit for unit in KIND_OF_UNIT if KIND_OF_UNIT[unit] == kind):
            if other == given or given in ALSO_MEANS.get(other, ()):
                continue
            for text in (f"5 {other}", f"{other} 5", f"5{other} approx", f"4-5{other}"):
                assert is_refused(text, units), (given, text)


@pytest.mark.parametrize(
    "about", ["share of days at work", "growth per year", "", "rate per kg"]
)
def test_percent_signs_are_read_where_no_unit_contradicts(about):
    for text in ("45%", "45 percent", "45 per cent", "45 pct"):
        assert parse_number(text, find_units(about)) == (45, (AS_TEXT, PERCENT))


def test_a_currency_sign_needs_no_words_but_a_code_does():
    for about in ("pay", "pay per year", "pay in dollars", "pay_usd"):
        assert parse_number("$ 1,250.50", find_units(about)).number == 1250.5
    assert parse_number("USD 1250,50", find_units("pay_usd")).number == 1250.5
    assert parse_number("$50,000 per year", find_units("annual pay")).number == 50_000
    with pytest.raises(ParseError, match="/month"):
        parse_number("$5,000/month", find_units("annual pay"))


STYLES = [("'", "."), ("", ","), ("\u202f", "."), (".", ","), ("_", "."), (" ", ",")]
STYLES += [("\u00a0", ","), ("", "."), (",", "."), (" ", ".")]


def spell(number, rng):
    """Write a number in one of many ways; None where the text means another one."""
    thousands, point = rng.choice(STYLES)
    decimals = rng.randrange(5)
    text = f"{abs(number):,.{decimals}f}"
    value = float(text.replace(",", ""))
    text = text.translate({ord(","): thousands, ord("."): point})
    if rng.random() < 0.2:
        text, value = f"{value:.12e}", float(f"{value:.12e}")
    marks = [mark for mark in text if mark in ".,"]
    if marks in ([","], ["."]) and len(text.partition(marks[0])[2]) == 3:
        is_english = thousands != "." and point != ","
        text = text if is_english else None  # "1,234" and "1.234" are read as English
    is_negative = rng.random() < 0.3
    sign = rng.choice("-\u2212\u2013") if is_negative else rng.choice(["", "", "+"])
    return text and sign + text, -value if is_negative else value


def test_a_number_in_any_notation_is_the_same_number_or_refused():
    rng = random.Random(41)
    fates = {"read": 0, "refused": 0}
    for _ in range(4000):
        text, number = spell(10 ** rng.uniform(-3, 9), rng)
        about, units = rng.choice([*GIVEN, ("", [""])])
        unit = rng.choice(units)
        around = rng.choice(
            ["{0}", "{0} {1}", "{0}{1}", "{1} {0}", "about {0} {1}", "'{0}'"]
        )
        if text is None:
            continue
        try:
            read = parse_number(around.format(text, unit), find_units(about))
        except ParseError:
            fates["refused"] += 1
            continue
        fates["read"] += 1
        assert read.number == pytest.approx(number, rel=1e-12), around.format(
            text, unit
        )
    assert fates["read"] > 3 * fates["refused"]


@pytest.mark.parametrize("piece", ["a/", "a ", "kg-", "$", "a", "1,", "1 ", "5 to "])
def test_no_text_takes_long(piece):
    text = f"5 {piece * MAX_LENGTH}"[: MAX_LENGTH - 1] + "!"

    with pytest.raises(ParseError):
        parse_number(text, find_units(piece * 500))
