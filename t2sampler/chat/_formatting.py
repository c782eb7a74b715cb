"""Values as JSON for a model: numbers at their resolution, text that stays text."""

import json
import re
from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema
from t2sampler.team._plan import find_free_name

Json = str | int | float | bool | list["Json"] | dict[str, "Json"] | None

STEPS_PER_SD = 6  # so fine a step adds a quarter of a percent to the variance
MAX_SPREAD_RATIO = 3  # standard deviation to the narrowest part of the middle
MIN_DECIMALS = 3  # decimals that the real values have are kept up to here
CONSTANT_SPREAD = 1e-4  # of a constant's size: the spread it is shown with
MAX_DECIMALS = 300  # 5e-324 is the smallest number above zero
OTHER = "other"  # stands for levels that are not sent
MAX_LEVEL_LENGTH = 200  # characters of a level that are shown
MAX_WHOLE = 1e15  # whole numbers below are exact as floats, and have no exponent
# What chat templates use as markup: a cell with "<|im_end|>" could end the message.
MARKUP = re.compile(r"<(?=[^\s\d=<>.,-])|\[(?=/?[A-Z_]{3})")
NANOSECONDS = {"D": 86_400 * 10**9, "H": 3600 * 10**9, "M": 60 * 10**9}


def quote(value: Json) -> str:
    """Return JSON on one line, in which no text can pass for anything but text.

    Line breaks, invisible characters and what looks like the markup of a chat template
    are escaped; a reader of JSON sees the same value.
    """
    return escape(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def escape(text: str) -> str:
    """Return text in which invisible characters and markup are escaped, as in JSON.

    Line breaks stay.
    """
    if not text.isprintable():
        is_plain = {c: c.isprintable() or c == "\n" for c in set(text)}
        text = "".join(c if is_plain[c] else json.dumps(c)[1:-1] for c in text)
    return MARKUP.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class ValueFormatter:
    """Turn the codes of one column into values of JSON.

    Numbers are rounded to the column's decimals: where any number may occur, to a sixth
    of the spread. Dates are ISO text in the column's own time zone, as coarse as all
    real values allow; durations are ISO text.

    Parameters
    ----------
    column : ColumnSchema
    codes : float ndarray of shape (n_rows,)
        Of the real rows.
    withheld : collection of int, default=()
        Codes of levels that are not sent: one word stands for all of them.

    Attributes
    ----------
    names : list of JSON values
        Of the levels, by code; no two are the same.
    other : str
        The word for those withheld, none of the names.
    levels : list of JSON values
        As they are sent, by code.
    decimals : int
        Of numbers; negative where tens or thousands are the resolution.
    timespec : str
        Resolution of dates.
    """

    def __init__(
        self,
        column: ColumnSchema,
        codes: NDArray[np.float64],
        withheld: Collection[int] = (),
    ):
        self.column, self.withheld = column, frozenset(withheld)
        self.names = _format_levels(column.levels)
        taken = {str(name).casefold() for name in self.names}
        self.other = str(find_free_name(OTHER, taken))
        self.levels = [
            self.other if code in self.withheld else name
            for code, name in enumerate(self.names)
        ]
        self.decimals = 0
        self.timespec = "auto"
        present = codes[~np.isnan(codes)]
        if column.kind == "number":
            self.decimals = _find_decimals(column, present)
        elif column.kind == "datetime":
            self.timespec = _find_timespec(self._local_times(present))

    def format(self, code: float) -> Json:
        """Return the value of a code; None where it is missing."""
        if np.isnan(code) or self.levels:
            return None if np.isnan(code) else self.levels[int(code)]
        if self.column.kind == "datetime":
            return self._format_time(code)
        if self.column.kind == "timedelta":
            return format_duration(self.column.origin + round(code * 1e9))
        return self._format_number(code)

    def _format_number(self, code: float) -> Json:
        number = round(float(code), self.decimals)
        is_whole = self.decimals <= 0 and abs(number) < MAX_WHOLE
        return int(number) if is_whole or self.column.grid.is_integer else number

    def _local_times(self, codes: NDArray[np.float64]) -> pd.DatetimeIndex:
        """Return codes as times in the column's zone, without the zone."""
        nanoseconds = self.column.origin + np.round(codes * 1e9).astype(np.int64)
        return pd.DatetimeIndex(nanoseconds.astype("datetime64[ns]"))

    def _format_time(self, code: float) -> str:
        time = self._local_times(np.array([code]))[0]
        if self.timespec == "days":
            return str(time.date())
        text: str = time.isoformat(timespec=self.timespec)
        return text


def format_duration(nanoseconds: int) -> str:
    """Return a duration as ISO text without empty parts: "P2DT3H", "PT0S"."""
    sign = "-" if nanoseconds < 0 else ""
    remainder = abs(nanoseconds)
    counts = {}
    for unit, size in NANOSECONDS.items():
        counts[unit], remainder = divmod(remainder, size)
    seconds = f"{remainder // 10**9}.{remainder % 10**9:09d}".rstrip("0").rstrip(".")
    date = f"{counts['D']}D" if counts["D"] else ""
    parts = [(str(counts["H"]), "H"), (str(counts["M"]), "M"), (seconds, "S")]
    time = "".join(number + unit for number, unit in parts if number != "0")
    if not date and not time:
        time = "0S"
    return f"{sign}P{date}{'T' if time else ''}{time}"


def _find_decimals(column: ColumnSchema, present: NDArray[np.float64]) -> int:
    """Return the decimals that tell real values apart as far as their spread asks."""
    largest = float(np.abs(present).max(initial=0))
    if largest == 0 or column.grid.is_integer:
        return 0
    is_constant = present.min() == present.max()
    # Divided by the largest, since squares of 1e300 overflow.
    spread = CONSTANT_SPREAD if is_constant else _find_spread(present / largest)
    decimals = int(np.ceil(-np.log10(largest * spread / STEPS_PER_SD) - 1e-9))
    if column.grid.values:
        return _keep_distinct(column.grid.values, decimals)
    if column.grid.step:
        return min(column.grid.decimals, max(MIN_DECIMALS, decimals))
    return min(decimals, MAX_DECIMALS)


def _find_spread(present: NDArray[np.float64]) -> float:
    """Return the standard deviation, or that of the narrowest part of the middle.

    A long tail, or classes far apart, hide how close most values are.
    """
    q10, q25, q50, q75, q90 = np.quantile(present, (0.1, 0.25, 0.5, 0.75, 0.9))
    # Each is the standard deviation where values are normal.
    parts = (q50 - q10) / 1.28, (q75 - q25) / 1.35, (q90 - q50) / 1.28
    sd = float(present.std())
    narrowest = min([sd, *(float(part) for part in parts if part > 0)])
    return narrowest if MAX_SPREAD_RATIO * narrowest < sd else sd


def _keep_distinct(values: tuple[float, ...], decimals: int) -> int:
    """Return decimals, at least as many as given, that keep listed values distinct."""
    for n_decimals in range(decimals, MAX_DECIMALS):
        if len({round(value, n_decimals) for value in values}) == len(values):
            return n_decimals
    return MAX_DECIMALS


def _find_timespec(times: pd.DatetimeIndex) -> str:
    """Return the coarsest unit in which all times can be written."""
    if (times == times.normalize()).all():
        return "days"
    for unit, name in (("min", "minutes"), ("s", "seconds")):
        if (times == times.floor(unit)).all():
            return name
    return "auto"


def _format_levels(levels: tuple[object, ...]) -> list[Json]:
    """Return a value of JSON per level, no two alike."""
    values: list[Json] = []
    taken: set[str] = set()
    for code, level in enumerate(levels):
        value = _format_level(level)
        if isinstance(value, str):
            if len(value) > MAX_LEVEL_LENGTH:
                value = f"{value[:MAX_LEVEL_LENGTH]}… {code}"
            value = find_free_name(value, taken)  # an interval may read like a text
            taken.add(value)
        values.append(value)
    return values


def _format_level(level: object) -> Json:
    if isinstance(level, np.generic):
        level = level.item()
    if isinstance(level, str | bool | int):
        return level
    if isinstance(level, float) and np.isfinite(level):
        return int(level) if level.is_integer() and abs(level) < MAX_WHOLE else level
    return str(level)
