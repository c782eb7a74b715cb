"""One value of a reply becomes a code of its column, or a reason why it cannot."""

import math
import unicodedata
from dataclasses import dataclass

import numpy as np
from pandas import ArrowDtype

from t2sampler._schema import find_zone
from t2sampler.chat._formatting import Json, Spelling, quote
from t2sampler.chat._parse_numbers import (
    MIDDLE,
    PERCENT,
    RefusedError,
    read_number,
)
from t2sampler.chat._parse_times import MOST, read_moment, read_span
from t2sampler.chat._units import find_units
from t2sampler.exceptions import SchemaError

HUGE = 1e305  # sums and differences of larger numbers overflow
LIST_LENGTH = 2  # of a range written as a list
BLANKS = {"", "null", "none", "n/a", "na", "missing", "unknown", "-", "nil"}
WORDS = {"true": True, "yes": True, "y": True, "t": True, "on": True, "1": True}
WORDS |= {"false": False, "no": False, "n": False, "f": False, "off": False, "0": False}

AS_BLANK = "words for a missing value"
AS_WORD = "booleans in words or as 0 and 1"
OTHER_LEVEL = "levels in another spelling"
ROUNDED = "numbers rounded to the column's resolution"


@dataclass(frozen=True)
class ReadValue:
    """A code (NaN: missing) and what was mended, or a fault that forbids it."""

    code: float = np.nan
    fault: str = ""
    mended: tuple[str, ...] = ()


class ValueReader:
    """Read values of one column; nothing that the column cannot hold gets through.

    What is off the column's grid is moved to it, but a number that is not whole is
    refused where the dtype holds whole numbers only: 3.7 does not become 3. What lies
    beyond the real values passes, for the filters to judge. A missing value is refused
    where no real row misses one.

    Parameters
    ----------
    spelling : Spelling
        How the column's values were shown to the model.
    about : str, default=""
        The column's name and description: the words that tell its unit. A number in
        another one is refused.
    """

    def __init__(self, spelling: Spelling, about: str = ""):
        self.spelling, self.column = spelling, spelling.column
        self._units = find_units(about)
        self._is_whole = _is_whole(spelling)
        whole = np.dtype(np.int64) if self._is_whole else None  # objects become these
        dtype = whole if is_object(self.column.dtype) else self.column.dtype
        self._low, self._high = _find_limits(dtype)
        self._needs_trial = isinstance(self.column.dtype, ArrowDtype)
        self._exact = {quote(value): k for k, value in enumerate(spelling.levels)}
        self._loose = _find_loose(spelling.levels)
        self._read = {
            "number": self._read_number,
            "bool": self._read_level,
            "category": self._read_level,
            "datetime": self._read_time,
            "timedelta": self._read_time,
        }[self.column.kind]

    def read(self, value: object) -> ReadValue:
        """Return a code or a fault; raises nothing, whatever the value."""
        try:
            if value is None or self._is_blank(value):
                return self._read_blank(value)
            code, mended = self._read(value)
            self._try_out(code)
        except (RefusedError, RecursionError) as error:
            return ReadValue(fault=f"{str(error) or 'nested'}: {describe(value)}")
        return ReadValue(code, "", tuple(dict.fromkeys(mended)))

    def _is_blank(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        if quote(value) in self._exact or _loosen(value) in self._loose:
            return False  # a level may be called "None"
        return value.strip().casefold() in BLANKS

    def _read_blank(self, value: object) -> ReadValue:
        if self.column.missing == 0:
            raise RefusedError("a missing value, which no real row has")
        return ReadValue(mended=() if value is None else (AS_BLANK,))

    def _read_number(self, value: object) -> tuple[float, tuple[str, ...]]:
        number, mended = self._find_number(value)
        if not -HUGE < number < HUGE:
            raise RefusedError("a number that is too large")
        if self._is_whole and number != round(number) and MIDDLE not in mended:
            raise RefusedError("no whole number")
        snapped = self._snap(number)
        if self._is_whole:
            snapped = float(round(snapped))
        shown = round(snapped, max(0, self.spelling.decimals))
        if min(abs(snapped - number), abs(shown - number)) > 1e-9 * max(1, abs(number)):
            mended = (*mended, ROUNDED)
        bounded = int(snapped) if self._is_whole else snapped
        if not self._low <= bounded <= self._high:
            raise RefusedError("a number the column cannot hold")
        return snapped, mended

    def _find_number(self, value: object) -> tuple[float, tuple[str, ...]]:
        if isinstance(value, bool):
            if {self.column.low, self.column.high} != {0, 1}:
                raise RefusedError("a boolean in place of a number")
            return float(value), (AS_WORD,)
        if isinstance(value, list) and len(value) == LIST_LENGTH:
            low, high = map(_as_float, value)
            if low > high:
                raise RefusedError("a range that falls")
            return low / 2 + high / 2, (MIDDLE,)
        return (
            self._read_text(value) if isinstance(value, str) else (_as_float(value), ())
        )

    def _read_text(self, text: str) -> tuple[float, tuple[str, ...]]:
        number, mended = read_number(text, self._units)
        is_share = self.column.low >= 0 and self.column.high <= 1
        if PERCENT in mended and is_share:
            number /= 100
        return number, mended

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

    def _read_level(self, value: object) -> tuple[float, tuple[str, ...]]:
        if isinstance(value, dict | list):
            raise RefusedError("no level")
        if isinstance(value, float):
            number = _as_float(value)
            value = int(number) if number.is_integer() else number
        place = self._exact.get(quote(_as_json(value)))
        if place is not None:
            return float(place), ()
        place = self._loose.get(_loosen(value))
        if place is None:
            raise RefusedError("a level that no real row has")
        as_word = isinstance(value, bool) or isinstance(self.spelling.levels[0], bool)
        return float(place), (AS_WORD if as_word else OTHER_LEVEL,)

    def _read_time(self, value: object) -> tuple[float, tuple[str, ...]]:
        read = [self._find_time(part) for part in _split_times(value)]
        mended = tuple(note for _, notes in read for note in notes)
        if len(read) > 1:
            mended = (MIDDLE, *mended)
        if read[0][0] > read[-1][0]:
            raise RefusedError("a range that falls")
        code = (read[0][0] + read[-1][0]) / 2
        snapped = self._snap(code)
        nanoseconds = snapped * 1e9
        if max(abs(nanoseconds), abs(self.column.origin + nanoseconds)) >= MOST:
            raise RefusedError("a time that is too far off")
        is_moved = abs(snapped - code) > 1e-6 + 1e-12 * abs(code)
        return snapped, (*mended, ROUNDED) if is_moved else mended

    def _find_time(self, text: str) -> tuple[float, tuple[str, ...]]:
        if self.column.kind == "timedelta":
            nanoseconds, mended = read_span(text)
        else:
            zone = find_zone(self.column.dtype)
            nanoseconds, mended = read_moment(text, zone)
        return (nanoseconds - self.column.origin) / 1e9, mended

    def _try_out(self, code: float) -> None:
        """Have the codec itself tell, where the dtype has limits of its own."""
        if self._needs_trial and not self.column.levels:
            try:
                self.column.decode(np.array([code]))
            except (ArithmeticError, SchemaError, TypeError, ValueError) as error:
                raise RefusedError("a value the column cannot hold") from error


def describe(value: object) -> str:
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
        raise RefusedError("no number")
    try:
        number = float(value)
    except OverflowError as error:
        raise RefusedError("a number that is too large") from error
    if not math.isfinite(number):
        raise RefusedError("no finite number")
    return number


def _split_times(value: object) -> list[str]:
    """Return one time, or the two ends of a range."""
    parts = value.split(" to ") if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) not in (1, LIST_LENGTH):
        raise RefusedError("no text in place of a time")
    if not all(isinstance(part, str) for part in parts):
        raise RefusedError("no text in place of a time")
    return [str(part) for part in parts]


def _find_limits(dtype: object) -> tuple[float, float]:
    """Return the smallest and largest number a dtype holds; integers stay exact."""
    plain = getattr(dtype, "numpy_dtype", dtype)
    if not isinstance(plain, np.dtype) or plain.kind not in "iuf":
        return -HUGE, HUGE
    if plain.kind == "f":
        most = min(HUGE, float(np.finfo(plain).max))
        return -most, most
    limits = np.iinfo(plain)
    return int(limits.min), int(limits.max)


def is_object(dtype: object) -> bool:
    """Tell whether a column holds plain Python objects."""
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def _is_whole(spelling: Spelling) -> bool:
    """Tell whether the dtype, not only the grid, allows whole numbers only."""
    dtype = spelling.column.dtype
    if getattr(dtype, "kind", "O") in "iu":
        return True
    return spelling.column.grid.is_integer and is_object(dtype)


def _find_loose(levels: list[Json]) -> dict[str, int]:
    """Return levels by their loosened spelling, where that tells them apart."""
    places: dict[str, set[int]] = {}
    for place, level in enumerate(levels):
        places.setdefault(_loosen(level), set()).add(place)
    for word, truth in WORDS.items():
        alike = [found for w, found in places.items() if WORDS.get(w) == truth]
        same = set().union(*alike)
        if len(same) == 1 and len(levels) == len(set(WORDS.values())):
            places.setdefault(word, same)
    return {word: found.pop() for word, found in places.items() if len(found) == 1}


def _loosen(level: object) -> str:
    text = "true" if level is True else "false" if level is False else str(level)
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(text.strip(" \t\n\"'").split())
