"""Numbers in words: ranges, thousands, decimal commas and units, read by rule."""

import math
import re
import unicodedata
from typing import NamedTuple

from t2sampler.chat._units import (
    DASHES,
    NOTHING_SAID,
    PLAIN_WORD,
    SIGNS,
    UNPRICED,
    Units,
    find_kind,
    find_unit,
    fold,
)

MAX_LENGTH = 200  # characters of a text that may hold one number
DEGREES = str.maketrans(dict.fromkeys("\u00ba\u02da", "°"))  # signs that look like it

THREE, SOME = "[0-9]{3}", "[0-9]+"
GROUPED = (
    rf"[1-9][0-9]{{0,2}}(?:(?:,{THREE})+(?:\.{SOME})?|(?:[ '_]{THREE})+(?:[.,]{SOME})?)"
)
POINTED = rf"[1-9][0-9]{{0,2}}(?:(?:\.{THREE})+,{SOME}|(?:\.{THREE}){{2,}})"
PLAIN = rf"{SOME},{SOME}|(?:{SOME}(?:\.[0-9]*)?|\.{SOME})(?:[eE][+-]?{SOME})?"
NUMBER = rf"[+-]?(?:{GROUPED}|{POINTED}|{PLAIN})"
HEDGE = r"(?:about|around|approx\.?|approximately|circa|ca\.|~|≈)\s*"
# Letters right before a point and digits would leave ".5" of "Rs.5".
LETTERS = r"[^\W\d_]+(?!\.[0-9])\.?\s*"
WORD = r"[^\W\d_][^\d\s/·*^]*(?:\^?[23])?"
WORDS = rf"{WORD}(?:(?:\s?[/·*]\s?|\s){WORD})*(?:/1\.73\s?m\^?2)?"
UNIT = rf"°\s?[^\W\d_]*|[%{SIGNS}](?:\s?/\s?{WORD})?|/\s?{WORDS}|{WORDS}"
# Anywhere but behind a letter: NFKC makes 102 of 10².
SUPERSCRIPT = re.compile("(?<![^\\W\\d_])[\u00b2\u00b3\u00b9\u2070-\u209f]")


def _name_parts(name: str, end: str = "?") -> str:
    return (
        rf"(?P<{name}_hedge>{HEDGE})?(?P<{name}_front>(?:{LETTERS})?[{SIGNS}]?)\s*"
        rf"(?P<{name}>{NUMBER})\s*(?P<{name}_unit>{UNIT}){end}"
    )


ONE = re.compile(rf"(?P<minus>-(?=[{SIGNS}]))?{_name_parts('low')}")
RANGE = re.compile(
    rf"(?:between\s+)?{_name_parts('low', '??')}\s*(?:-|to|and|\.\.\.?)\s*"
    rf"{_name_parts('high')}"
)
# A unit that changes the number: which number was meant is not ours to guess.
SCALES = {"k", "K", "M", "MM", "B", "bn", "mn", "mio", "mrd", "tsd", "e", "E", "x"}
SCALES |= {"hundred", "thousand", "million", "billion", "trillion", "tenth"}
SCALES |= {"dozen", "lakh", "crore", "mln", "bln", "mil", "bil", "tn", "half", "halve"}
SCALES |= {"hundredth", "thousandth", "millionth", "tausend", "mille"}
# Words behind a number that make it another one: "5 or more", "5 below zero".
CHANGES = {"and", "or", "to", "point", "minus", "plus", "below", "under", "negative"}
CHANGES |= {"less", "more", "than", "over", "above", "not", "out", "zero", "one", "two"}
CHANGES |= {"three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"}
CHANGES |= {"twelve", "twenty", "thirty"}
HEDGES = {"approx", "approximately", "about", "around", "circa", "ca", "roughly"}
HEDGES |= {"estimated", "est"}

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


def read_number(text: str, units: Units = NOTHING_SAID) -> ReadNumber:
    """Return the one number a text holds.

    Commas and blanks before groups of three digits separate thousands ("1,234" is 1234,
    "1 234" as well); any other comma is a decimal one ("1,5" is 1.5, "0,123" is 0.123).
    A range stands for its middle, if it rises; numbers with leading zeros make no
    range, since dates have them.

    Raises
    ------
    RefusedError
        No number, several of them, one that a word multiplies ("5 million"), or one in
        a unit that is not the column's, as far as anybody can know.
    """
    if len(text) > MAX_LENGTH:
        raise RefusedError("a long text in place of a number")
    if SUPERSCRIPT.search(text):
        raise RefusedError("no number")
    text = unicodedata.normalize("NFKC", text.translate(DEGREES)).translate(DASHES)
    text = _unquote(text)
    if match := ONE.fullmatch(text):
        number, mended = _parse(match["minus"] or "", match["low"])
    elif match := RANGE.fullmatch(text):
        number, mended = _find_middle(match["low"], match["high"])
    else:
        raise RefusedError("no number")
    for name, part in match.groupdict(default="").items():
        if part and name.endswith(("_hedge", "_front", "_unit")):
            mended += _leave_out(part.strip(), name, units)
    return ReadNumber(number, (AS_TEXT, *dict.fromkeys(mended)))


def _unquote(text: str) -> str:
    """Take quotes away, but not the one sign that stands for inches or feet."""
    text = text.strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text.lstrip("\"'")


def _find_middle(low: str, high: str) -> tuple[float, tuple[str, ...]]:
    if any(re.match(r"[+-]?0\d", bound) for bound in (low, high)):
        raise RefusedError("no number")
    first, mended = _parse("", low)
    last, more = _parse("", high)
    if first > last:
        raise RefusedError("a range that falls")
    return first / 2 + last / 2, (MIDDLE, *mended, *more)


def _parse(minus: str, text: str) -> tuple[float, tuple[str, ...]]:
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
    if minus and digits != text:
        raise RefusedError("a number with two signs")
    return (-number if minus or text.startswith("-") else number), mended


def _leave_out(part: str, name: str, units: Units) -> tuple[str, ...]:
    """Return the note for what stands around a number, or refuse the number for it."""
    if name.endswith("_hedge"):
        return (NO_UNIT,)
    _refuse_changes(part)
    words = [word.strip(".,;:()") for word in fold(part).split()]
    found = [find_unit(word) for word in words if word and word not in HEDGES]
    if part in SIGNS:
        is_fine = units.holds(found[0]) or units.kinds <= UNPRICED
    elif found[:1] == ["%"] and units.takes_percent:
        is_fine = _is_harmless(found[1:], Units(units.own))
    else:
        is_fine = _is_harmless(found, units)
    if not is_fine:
        _refuse_unit(part, units)
    is_unit = part in SIGNS or not found or bool(find_kind(found[0]))
    if name.endswith("_front") and not is_unit:
        raise RefusedError("no number")
    return (PERCENT if found and found[0].startswith("%") else NO_UNIT,)


def _is_harmless(found: list[str], units: Units) -> bool:
    """Tell whether words behind a number can be left out: the column's unit, or none.

    Where a unit is known, a word that is not in any table may be another one.
    """
    others = [unit for unit in found if not units.holds(unit)]
    if any(find_kind(unit) or not PLAIN_WORD.fullmatch(unit) for unit in others):
        return False
    return len(others) < len(found) or not others or not units.kinds


def _refuse_changes(part: str) -> None:
    for word in re.split(r"[\s/·*^]+", part):
        plain = word.strip(".,;:()").casefold()
        if word in SCALES or {plain, plain.removesuffix("s")} & SCALES:
            raise RefusedError(f"a number times {word[:20]!r}")
        if plain in CHANGES:
            raise RefusedError(f"a number and {word[:20]!r}")


def _refuse_unit(part: str, units: Units) -> None:
    number = f"a number in {part[:20]!r}"
    if units.kinds:
        raise RefusedError(f"{number}, which is not the column's unit")
    raise RefusedError(f"{number}, which the column's name and description do not give")
