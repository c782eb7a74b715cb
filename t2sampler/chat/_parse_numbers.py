"""Numbers in text: ranges, thousands, decimal commas and units, read by rule.

Nothing is guessed: a text that could mean two numbers, or a number in a unit that is
not the column's, is refused.
"""

import math
import re
import unicodedata
from typing import NamedTuple

from t2sampler.chat._units import (
    DASHES,
    KINDS_BESIDE_MONEY,
    NO_UNITS,
    PLAIN_WORD,
    SIGNS,
    Units,
    find_kind,
    find_unit,
    fold,
)

MAX_LENGTH = 200  # characters of a text that may hold one number
DEGREES = str.maketrans(dict.fromkeys("\u00ba\u02da", "°"))  # signs that look like it

THREE_DIGITS, DIGITS = "[0-9]{3}", "[0-9]+"
WITH_COMMAS = rf"(?:,{THREE_DIGITS})+(?:\.{DIGITS})?"
WITH_BLANKS = rf"(?:[ '_]{THREE_DIGITS})+(?:[.,]{DIGITS})?"
GROUPED = rf"[1-9][0-9]{{0,2}}(?:{WITH_COMMAS}|{WITH_BLANKS})"
WITH_POINTS = rf"(?:\.{THREE_DIGITS})+,{DIGITS}|(?:\.{THREE_DIGITS}){{2,}}"
POINTED = rf"[1-9][0-9]{{0,2}}(?:{WITH_POINTS})"
PLAIN = rf"{DIGITS},{DIGITS}|(?:{DIGITS}(?:\.[0-9]*)?|\.{DIGITS})(?:[eE][+-]?{DIGITS})?"
NUMBER = rf"[+-]?(?:{GROUPED}|{POINTED}|{PLAIN})"
HEDGE = r"(?:about|around|approx\.?|approximately|circa|ca\.|~|≈)\s*"
# Letters right before a point and digits would leave ".5" of "Rs.5".
LETTERS = r"[^\W\d_]+(?!\.[0-9])\.?\s*"
UNIT_WORD = r"[^\W\d_][^\d\s/·*^]*(?:\^?[23])?"
UNIT_WORDS = rf"{UNIT_WORD}(?:(?:\s?[/·*]\s?|\s){UNIT_WORD})*(?:/1\.73\s?m\^?2)?"
UNIT = rf"°\s?[^\W\d_]*|[%{SIGNS}](?:\s?/\s?{UNIT_WORD})?|/\s?{UNIT_WORDS}|{UNIT_WORDS}"
# Anywhere but behind a letter: NFKC makes 102 of 10².
SUPERSCRIPT = re.compile("(?<![^\\W\\d_])[\u00b2\u00b3\u00b9\u2070-\u209f]")


def _name_groups(name: str, end: str = "?") -> str:
    """Return a pattern for a number and what may stand around it, in named groups."""
    return (
        rf"(?P<{name}_hedge>{HEDGE})?(?P<{name}_front>(?:{LETTERS})?[{SIGNS}]?)\s*"
        rf"(?P<{name}>{NUMBER})\s*(?P<{name}_unit>{UNIT}){end}"
    )


ONE_NUMBER = re.compile(rf"(?P<minus>-(?=[{SIGNS}]))?{_name_groups('low')}")
RANGE = re.compile(
    rf"(?:between\s+)?{_name_groups('low', '??')}\s*(?:-|to|and|\.\.\.?)\s*"
    rf"{_name_groups('high')}"
)
# Words that multiply a number: which one was meant is not ours to guess.
MULTIPLIERS = {
    *("k", "K", "M", "MM", "B", "bn", "mn", "mio", "mrd", "tsd", "e", "E", "x"),
    *("hundred", "thousand", "million", "billion", "trillion", "dozen", "lakh"),
    *("crore", "mln", "bln", "mil", "bil", "tn", "half", "halve", "tausend", "mille"),
    *("tenth", "hundredth", "thousandth", "millionth"),
}
# Words behind a number that make it another one: "5 or more", "5 below zero".
CHANGING_WORDS = {
    *("and", "or", "to", "point", "minus", "plus", "below", "under", "negative"),
    *("less", "more", "than", "over", "above", "not", "out", "zero", "one", "two"),
    *("three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "twenty", "thirty"),
}
HEDGE_WORDS = {
    *("approx", "approximately", "about", "around", "circa", "ca", "roughly"),
    *("estimated", "est"),
}

AS_TEXT = "numbers written as text"
NO_UNIT = "units left out"
MIDDLE = "ranges replaced by their middle"
NO_SEPARATOR = "thousands separators left out"
NO_COMMA = "decimal commas read as points"
PERCENT = "percent signs read"


class ParseError(ValueError):
    """A value that cannot be read; the text is a predicate of the value."""


class ParsedNumber(NamedTuple):
    """A number, and the repairs that reading it took."""

    number: float
    repairs: tuple[str, ...]


def parse_number(text: str, units: Units = NO_UNITS) -> ParsedNumber:
    """Return the one number a text holds.

    Commas and blanks before groups of three digits separate thousands ("1,234" is 1234,
    "1 234" as well); any other comma is a decimal one ("1,5" is 1.5, "0,123" is 0.123).
    A range stands for its middle, if it rises; numbers with leading zeros make no
    range, since dates have them.

    Parameters
    ----------
    text : str
    units : Units, default=NO_UNITS
        Those that the column's name and description give it.

    Raises
    ------
    ParseError
        No number, several of them, one that a word multiplies ("5 million"), or one in
        a unit that is not the column's, as far as anybody can know.
    """
    if len(text) > MAX_LENGTH:
        raise ParseError("is too long for a number")
    if SUPERSCRIPT.search(text):  # before NFKC, which makes digits of them
        raise ParseError("is not a number")
    text = unicodedata.normalize("NFKC", text.translate(DEGREES)).translate(DASHES)
    text = _unquote(text)
    if match := ONE_NUMBER.fullmatch(text):
        number, repairs = _parse_digits(match["minus"] or "", match["low"])
    elif match := RANGE.fullmatch(text):
        number, repairs = _find_middle(match["low"], match["high"])
    else:
        raise ParseError("is not a number")
    for name, words in match.groupdict(default="").items():
        if words and name.endswith(("_hedge", "_front", "_unit")):
            repairs += _leave_out(words.strip(), name, units)
    return ParsedNumber(number, (AS_TEXT, *dict.fromkeys(repairs)))


def _unquote(text: str) -> str:
    """Take quotes away, but not the one sign that stands for inches or feet."""
    text = text.strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text.lstrip("\"'")


def _find_middle(low: str, high: str) -> tuple[float, tuple[str, ...]]:
    if any(re.match(r"[+-]?0\d", bound) for bound in (low, high)):  # "05-12": a date
        raise ParseError("is not a number")
    first, repairs = _parse_digits("", low)
    last, more_repairs = _parse_digits("", high)
    if first > last:
        raise ParseError("is a range whose first value is above its last")
    # Halved first, since the sum of two large numbers overflows.
    return first / 2 + last / 2, (MIDDLE, *repairs, *more_repairs)


def _parse_digits(minus: str, text: str) -> tuple[float, tuple[str, ...]]:
    repairs: tuple[str, ...] = ()
    digits = text.lstrip("+-")
    plain = digits
    if re.fullmatch(GROUPED, digits):
        plain = re.sub(rf"[,'_ ](?={THREE_DIGITS}(?![0-9]))", "", digits)
        plain = plain.replace(",", ".")
        repairs = (NO_SEPARATOR,)
    elif re.fullmatch(POINTED, digits):
        plain = digits.replace(".", "").replace(",", ".")
        repairs = (NO_SEPARATOR,)
    elif "," in digits:
        plain, repairs = digits.replace(",", "."), (NO_COMMA,)
    number = float(plain)
    if not math.isfinite(number):
        raise ParseError("is too large")
    if minus and digits != text:
        raise ParseError("has two signs")
    return (-number if minus or text.startswith("-") else number), repairs


def _leave_out(words: str, name: str, units: Units) -> tuple[str, ...]:
    """Return the repair for words around a number, or refuse the number for them."""
    if name.endswith("_hedge"):
        return (NO_UNIT,)
    _refuse_changing_words(words)
    plain = [word.strip(".,;:()") for word in fold(words).split()]
    named = [find_unit(word) for word in plain if word and word not in HEDGE_WORDS]
    # A sign alone is the currency of a column that names none; a code is not.
    if words in SIGNS:
        is_fine = units.accepts(named[0]) or units.kinds <= KINDS_BESIDE_MONEY
    elif named[:1] == ["%"] and units.takes_percent:
        is_fine = _are_harmless(named[1:], Units(units.named))
    else:
        is_fine = _are_harmless(named, units)
    if not is_fine:
        _refuse_unit(words, units)
    is_unit = words in SIGNS or not named or bool(find_kind(named[0]))
    if name.endswith("_front") and not is_unit:
        raise ParseError("is not a number")
    return (PERCENT if named and named[0].startswith("%") else NO_UNIT,)


def _are_harmless(named: list[str], units: Units) -> bool:
    """Tell whether words behind a number can be left out: the column's unit, or none.

    Where a unit is known, a word that is not in any table may be another one.
    """
    others = [unit for unit in named if not units.accepts(unit)]
    if any(find_kind(unit) or not PLAIN_WORD.fullmatch(unit) for unit in others):
        return False
    return len(others) < len(named) or not others or not units.kinds


def _refuse_changing_words(words: str) -> None:
    for word in re.split(r"[\s/·*^]+", words):
        plain = word.strip(".,;:()").casefold()
        if word in MULTIPLIERS or {plain, plain.removesuffix("s")} & MULTIPLIERS:
            raise ParseError(f"multiplies a number by {word[:20]!r}")
        if plain in CHANGING_WORDS:
            raise ParseError(f"has {word[:20]!r} beside its number")


def _refuse_unit(words: str, units: Units) -> None:
    unit = words[:20]
    if units.kinds:
        raise ParseError(f"is in {unit!r}, which is not the column's unit")
    raise ParseError(
        f"is in {unit!r}, a unit that the column's name and description do not give"
    )
