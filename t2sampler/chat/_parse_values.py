"""Value parser: one value of a reply becomes a code of its column, or a fault."""

import math
import unicodedata
from dataclasses import dataclass

import numpy as np

from t2sampler._calendar import to_wall_time
from t2sampler._schema import find_zone
from t2sampler.chat._formatting import Json, ValueFormatter, quote
from t2sampler.chat._parse_numbers import MIDDLE, PERCENT, ParseError, parse_number
from t2sampler.chat._parse_times import MAX_NANOSECONDS, parse_duration, parse_time
from t2sampler.chat._units import find_units

MAX_NUMBER = 1e305  # sums and differences of larger numbers overflow
RANGE_LENGTH = 2  # of a range written as a list
MISSING_WORDS = {"", "null", "none", "n/a", "na", "missing", "unknown", "-", "nil"}
TRUE_WORDS = {"true", "yes", "y", "t", "on", "1"}
FALSE_WORDS = {"false", "no", "n", "f", "off", "0"}

MISSING_IN_WORDS = "words for a missing value"
BOOLEAN_IN_WORDS = "booleans in words or as 0 and 1"
OTHER_SPELLING = "levels in another spelling"
ROUNDED = "numbers rounded to the column's resolution"

Parsed = tuple[float, tuple[str, ...]]  # a code, or a number, and the repairs


@dataclass(frozen=True)
class ParsedValue:
    """A code (NaN: missing) and its repairs, or the fault that forbids it."""

    code: float = np.nan
    fault: str = ""
    repairs: tuple[str, ...] = ()


class ValueParser:
    """Parse values of one column; nothing that the column cannot hold gets through.

    What is off the column's grid is moved to it, but a number that is not whole is
    refused where the dtype holds whole numbers only: 3.7 does not become 3. A value
    beyond the real ones passes, since filters decide on it. A missing value is refused
    where no real row misses one. The word for levels that are not sent has the code
    after the last level's.

    Parameters
    ----------
    formatter : ValueFormatter
        How the column's values were shown to the model.
    about : str, default=""
        The column's name and description: the words that tell its unit. A number in
        another one is refused.
    """

    def __init__(self, formatter: ValueFormatter, about: str = ""):
        self.formatter, self.column = formatter, formatter.column
        self._units = find_units(about)
        self._is_whole = _is_whole(formatter)
        whole = np.dtype(np.int64) if self._is_whole else None  # objects become these
        dtype = whole if _is_object(self.column.dtype) else self.column.dtype
        self._low, self._high = _find_limits(dtype)
        # By JSON text, since 1, 1.0 and True are one key of a dict.
        words = [*formatter.names, *([formatter.other] if formatter.withheld else [])]
        self._exact = {quote(value): k for k, value in enumerate(words)}
        self._normalized = _index_normalized(words)
        self._parse = {
            "number": self._parse_number,
            "bool": self._parse_level,
            "category": self._parse_level,
            "datetime": self._parse_time,
            "timedelta": self._parse_time,
        }[self.column.kind]

    def parse(self, value: object) -> ParsedValue:
        """Return a code or a fault; raises nothing, whatever the value."""
        try:
            if value is None or self._is_missing(value):
                return self._parse_missing(value)
            code, repairs = self._parse(value)
        except RecursionError:
            return ParsedValue(fault=f"{_shorten(value)} is nested too deeply")
        except ParseError as error:
            return ParsedValue(fault=f"{_shorten(value)} {error}")
        return ParsedValue(code, "", tuple(dict.fromkeys(repairs)))

    def _is_missing(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        if quote(value) in self._exact or _normalize(value) in self._normalized:
            return False  # a level may be called "None"
        return value.strip().casefold() in MISSING_WORDS

    def _parse_missing(self, value: object) -> ParsedValue:
        if self.column.missing == 0:
            raise ParseError("is a missing value, which no real row has")
        return ParsedValue(repairs=() if value is None else (MISSING_IN_WORDS,))

    def _parse_number(self, value: object) -> Parsed:
        number, repairs = self._find_number(value)
        if not -MAX_NUMBER < number < MAX_NUMBER:
            raise ParseError("is too large")
        if self._is_whole and number != round(number) and MIDDLE not in repairs:
            raise ParseError("is not a whole number")
        snapped = self._snap(number)
        if self._is_whole:
            snapped = float(round(snapped))
        # A number as coarse as the prompt shows it counts as unchanged.
        shown = round(snapped, max(0, self.formatter.decimals))
        if min(abs(snapped - number), abs(shown - number)) > 1e-9 * max(1, abs(number)):
            repairs = (*repairs, ROUNDED)
        # Whole numbers beyond 2**53 compare exactly as integers only.
        exact = int(snapped) if self._is_whole else snapped
        if not self._low <= exact <= self._high:
            raise ParseError("does not fit the column's dtype")
        return snapped, repairs

    def _find_number(self, value: object) -> Parsed:
        if isinstance(value, str):
            return self._parse_text(value)
        if isinstance(value, bool):
            if {self.column.low, self.column.high} != {0, 1}:
                raise ParseError("is a boolean, not a number")
            return float(value), (BOOLEAN_IN_WORDS,)
        if isinstance(value, list) and len(value) == RANGE_LENGTH:
            low, high = map(_as_float, value)
            if low > high:
                raise ParseError("is a range whose first value is above its last")
            return low / 2 + high / 2, (MIDDLE,)
        return _as_float(value), ()

    def _parse_text(self, text: str) -> Parsed:
        number, repairs = parse_number(text, self._units)
        is_share = self.column.low >= 0 and self.column.high <= 1
        if PERCENT in repairs and is_share:  # else the column holds percents
            number /= 100
        return number, repairs

    def _snap(self, number: float) -> float:
        """Move a number to the column's grid; beyond a list of values it stays."""
        grid, snapped = self.column.grid, number
        if grid.values and self.column.low <= number <= self.column.high:
            snapped = float(grid.snap(np.array([number]))[0])
        elif grid.step:  # one number: an array would cost more than the arithmetic
            steps = (number - grid.offset) / grid.step
            if abs(steps) < 2**53:
                snapped = round(grid.offset + round(steps) * grid.step, grid.decimals)
        return snapped

    def _parse_level(self, value: object) -> Parsed:
        if isinstance(value, dict | list):
            raise ParseError("is not a level of the column")
        if isinstance(value, float):
            number = _as_float(value)
            value = int(number) if number.is_integer() else number
        code = self._exact.get(quote(_as_json(value)))
        if code is not None:
            return float(code), ()
        code = self._normalized.get(_normalize(value))
        if code is None:
            raise ParseError("is not among the column's levels")
        levels = self.formatter.levels
        is_boolean = isinstance(value, bool) or isinstance(levels[0], bool)
        return float(code), (BOOLEAN_IN_WORDS if is_boolean else OTHER_SPELLING,)

    def _parse_time(self, value: object) -> Parsed:
        parsed = [self._find_time(part) for part in _split_times(value)]
        repairs = tuple(repair for _, repairs in parsed for repair in repairs)
        if len(parsed) > 1:
            repairs = (MIDDLE, *repairs)
        first, last = parsed[0][0], parsed[-1][0]
        if first > last:
            raise ParseError("is a range whose first value is above its last")
        code = (first + last) / 2
        snapped = self._snap(code)
        nanoseconds = snapped * 1e9
        farthest = max(abs(nanoseconds), abs(self.column.origin + nanoseconds))
        if farthest >= MAX_NANOSECONDS:
            raise ParseError("is out of range")
        is_moved = abs(snapped - code) > 1e-6 + 1e-12 * abs(code)
        return snapped, (*repairs, ROUNDED) if is_moved else repairs

    def _find_time(self, text: str) -> Parsed:
        """Return seconds since the column's origin."""
        if self.column.kind == "timedelta":
            nanoseconds, repairs = parse_duration(text)
        else:
            zone = find_zone(self.column.dtype)
            nanoseconds, repairs = parse_time(text, zone)
            if zone is not None:
                nanoseconds = int(to_wall_time(np.array([nanoseconds]), zone)[0])
        return (nanoseconds - self.column.origin) / 1e9, repairs


def _shorten(value: object) -> str:
    """Return a value for a report: short, on one line, without markup."""
    if isinstance(value, dict | list):
        return "a nested value"
    text = quote(value[:40] if isinstance(value, str) else _as_json(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _as_json(value: object) -> Json:
    """Return a plain value as JSON has it; whole numbers beyond floats as text."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else "a huge number"
    return value if isinstance(value, float) else str(type(value).__name__)


def _as_float(value: object) -> float:
    if not isinstance(value, int | float):
        raise ParseError("is not a number")
    try:
        number = float(value)
    except OverflowError as error:
        raise ParseError("is too large") from error
    if not math.isfinite(number):
        raise ParseError("is not a finite number")
    return number


def _split_times(value: object) -> list[str]:
    """Return one time, or the two ends of a range."""
    parts = value.split(" to ") if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) not in (1, RANGE_LENGTH):
        raise ParseError("is not a time in text")
    if not all(isinstance(part, str) for part in parts):
        raise ParseError("is not a time in text")
    return [str(part) for part in parts]


def _find_limits(dtype: object) -> tuple[float, float]:
    """Return the smallest and largest number a dtype holds; integers stay exact."""
    plain = getattr(dtype, "numpy_dtype", dtype)
    if not isinstance(plain, np.dtype) or plain.kind not in "iuf":
        return -MAX_NUMBER, MAX_NUMBER
    if plain.kind == "f":
        largest = min(MAX_NUMBER, float(np.finfo(plain).max))
        return -largest, largest
    limits = np.iinfo(plain)
    return int(limits.min), int(limits.max)


def _is_object(dtype: object) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def _is_whole(formatter: ValueFormatter) -> bool:
    """Tell whether the dtype, not only the grid, allows whole numbers only."""
    dtype = formatter.column.dtype
    if getattr(dtype, "kind", "O") in "iu":
        return True
    return formatter.column.grid.is_integer and _is_object(dtype)


def _index_normalized(levels: list[Json]) -> dict[str, int]:
    """Return codes by the normalized level, where that tells levels apart.

    Of two levels, such as "yes" and "no", the other words for true and false stand for
    the one that is such a word, too.
    """
    codes: dict[str, set[int]] = {}
    for code, level in enumerate(levels):
        codes.setdefault(_normalize(level), set()).add(code)
    for words in (TRUE_WORDS, FALSE_WORDS):
        meant = set().union(*(found for word, found in codes.items() if word in words))
        if len(meant) == 1 and len(levels) == 2:
            codes |= dict.fromkeys(words - codes.keys(), meant)
    return {word: min(found) for word, found in codes.items() if len(found) == 1}


def _normalize(level: object) -> str:
    text = "true" if level is True else "false" if level is False else str(level)
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(text.strip(" \t\n\"'").split())
