"""Numbers in words: units, ranges, thousands, decimal commas, read by rule."""

import math
import re
import unicodedata
from typing import NamedTuple

MAX_LENGTH = 200  # characters of a text that may hold one number
DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))

THREE, SOME = "[0-9]{3}", "[0-9]+"
GROUPED = (
    rf"[1-9][0-9]{{0,2}}(?:(?:,{THREE})+(?:\.{SOME})?|(?:[ '_]{THREE})+(?:[.,]{SOME})?)"
)
POINTED = rf"[1-9][0-9]{{0,2}}(?:(?:\.{THREE})+,{SOME}|(?:\.{THREE}){{2,}})"
PLAIN = rf"{SOME},{SOME}|(?:{SOME}(?:\.[0-9]*)?|\.{SOME})(?:[eE][+-]?{SOME})?"
NUMBER = rf"[+-]?(?:{GROUPED}|{POINTED}|{PLAIN})"
BEFORE = r"(?:(?:about|around|approx\.?|approximately|circa|ca\.|~|≈)\s*)?[$€£¥]?\s*"
AFTER = r"%|°\s?[^\W\d_]?|[^\W\d_][^\d\s]*[23]?(?:[ /·*^][^\W\d_]\S*)*|[$€£¥]"
ONE = re.compile(rf"(?P<before>{BEFORE})(?P<number>{NUMBER})\s*(?P<unit>{AFTER})?")
RANGE = re.compile(
    rf"(?:between\s+)?{BEFORE}(?P<low>{NUMBER})\s*(?:{AFTER})??\s*"
    rf"(?:-|to|and|\.\.\.?)\s*{BEFORE}(?P<high>{NUMBER})\s*(?P<unit>{AFTER})?"
)
# A unit that changes the number: which number was meant is not ours to guess.
SCALES = {"k", "K", "M", "MM", "B", "bn", "mn", "mio", "mrd", "tsd", "e", "E", "x"}
SCALES |= {"hundred", "thousand", "million", "billion", "trillion"}
SCALES |= {"dozen", "lakh", "crore"}

AS_TEXT = "numbers written as text"
NO_UNIT = "units left out"
MIDDLE = "ranges replaced by their middle"
NO_SEPARATOR = "thousands separators left out"
NO_COMMA = "decimal commas read as points"
PERCENT = "percent signs read"


class RefusedError(ValueError):
    """A value that cannot be read, and why."""


class ReadNumber(NamedTuple):
    """A number, and what was done to read it."""

    number: float
    mended: tuple[str, ...]


def read_number(text: str) -> ReadNumber:
    """Return the one number a text holds.

    Commas and blanks before groups of three digits separate thousands ("1,234" is 1234,
    "1 234" as well); any other comma is a decimal one ("1,5" is 1.5, "0,123" is 0.123).
    A range stands for its middle, if it rises; numbers with leading zeros make no
    range, since dates have them.

    Raises
    ------
    RefusedError
        No number, several of them, or one that a word multiplies ("5 million").
    """
    if len(text) > MAX_LENGTH:
        raise RefusedError("a long text in place of a number")
    text = unicodedata.normalize("NFKC", text).translate(DASHES).strip(" \t\r\n\"'")
    if match := ONE.fullmatch(text):
        number, mended = _parse(match["number"])
        mended += _read_unit(match["unit"], match["before"])
    elif match := RANGE.fullmatch(text):
        number, mended = _find_middle(match["low"], match["high"])
        mended += _read_unit(match["unit"], "")
    else:
        raise RefusedError("no number")
    return ReadNumber(number, (AS_TEXT, *mended))


def _find_middle(low: str, high: str) -> tuple[float, tuple[str, ...]]:
    if any(re.match(r"[+-]?0\d", bound) for bound in (low, high)):
        raise RefusedError("no number")
    first, mended = _parse(low)
    last, more = _parse(high)
    if first > last:
        raise RefusedError("a range that falls")
    return first / 2 + last / 2, tuple(dict.fromkeys((MIDDLE, *mended, *more)))


def _parse(text: str) -> tuple[float, tuple[str, ...]]:
    mended: tuple[str, ...] = ()
    digits = text.lstrip("+-")
    plain = digits
    if re.fullmatch(GROUPED, digits):
        plain = re.sub(rf"[,'_ ](?={THREE}(?![0-9]))", "", digits)
        plain = plain.replace(",", ".")
        mended = (NO_SEPARATOR,)
    elif re.fullmatch(POINTED, digits):
        plain = digits.replace(".", "").replace(",", ".")
        mended = (NO_SEPARATOR,)
    elif "," in digits:
        plain, mended = digits.replace(",", "."), (NO_COMMA,)
    number = float(plain)
    if not math.isfinite(number):
        raise RefusedError("a number that is too large")
    return (-number if text.startswith("-") else number), mended


def _read_unit(unit: str | None, before: str) -> tuple[str, ...]:
    unit = (unit or "").strip()
    first = re.split(r"[\s/·*^]", unit)[0]
    if first in SCALES or first.casefold() in SCALES:
        raise RefusedError(f"a number times {first!r}")
    if unit == "%" or unit.casefold() in ("percent", "per cent"):
        return (PERCENT,)
    return (NO_UNIT,) if unit or before.strip() else ()
