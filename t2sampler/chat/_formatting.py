"""How values are spelled for a model: JSON on one line, numbers at their resolution."""

import json
import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema, find_zone

Json = str | int | float | bool | list["Json"] | dict[str, "Json"] | None

STEPS_PER_SD = 6  # so fine a step adds a quarter of a percent to the variance
MUCH_CLOSER = 3  # the middle or a side, than the standard deviation
SURE_DECIMALS = 3  # decimals that the real values have are kept up to here
CONSTANT = 1e-4  # of itself: the spread a constant is shown with
MOST_DECIMALS = 300  # 5e-324 is the smallest number above zero
MOST_TEXT = 200  # characters of a level that are shown; it stands for all of it
EXACT = 1e15  # whole numbers below are exact as floats, and written without exponent
MARKUP = re.compile(r"<(?=[^\s\d=<>.,-])|\[(?=/?[A-Z_]{3})")  # of chat templates
DAY = 86_400 * 10**9


def quote(value: Json) -> str:
    """Return JSON on one line, in which no text can pass for anything but text.

    Line breaks, invisible characters and what looks like the markup of a chat template
    are escaped; a reader of JSON sees the same value.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if not text.isprintable():
        text = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
    return MARKUP.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class Spelling:
    """Turn the codes of one column into values of JSON.

    Numbers are rounded to the column's decimals; where any number may occur, to a sixth
    of the spread. Dates are ISO text in the column's own time zone, as
    coarse as all real values allow; durations are ISO text.

    Parameters
    ----------
    column : ColumnSchema
    codes : float ndarray of shape (n_rows,)
        Of the real rows.
    """

    def __init__(self, column: ColumnSchema, codes: NDArray[np.float64]):
        self.column = column
        self.levels = _spell_levels(column.levels)
        self.decimals = 0
        self.timespec = "auto"
        present = codes[~np.isnan(codes)]
        if column.kind == "number":
            self.decimals = _find_decimals(column, present)
        elif column.kind == "datetime":
            self.timespec = _find_timespec(self._moments(present))

    def spell(self, code: float) -> Json:
        """Return the value a code stands for; None where it is missing."""
        if np.isnan(code) or self.levels:
            return None if np.isnan(code) else self.levels[int(code)]
        if self.column.kind == "datetime":
            return self._spell_moment(code)
        if self.column.kind == "timedelta":
            return spell_span(self.column.origin + round(code * 1e9))
        return self._spell_number(code)

    def _spell_number(self, code: float) -> Json:
        number = round(float(code), self.decimals)
        is_whole = self.decimals <= 0 and abs(number) < EXACT
        return int(number) if is_whole or self.column.grid.is_integer else number

    def _moments(self, codes: NDArray[np.float64]) -> pd.DatetimeIndex:
        """Return the wall times that codes stand for."""
        nanoseconds = self.column.origin + np.round(codes * 1e9).astype(np.int64)
        moments = pd.DatetimeIndex(nanoseconds.astype("datetime64[ns]"))
        zone = find_zone(self.column.dtype)
        if zone is None:
            return moments
        return moments.tz_localize("UTC").tz_convert(zone).tz_localize(None)

    def _spell_moment(self, code: float) -> str:
        moment = self._moments(np.array([code]))[0]
        if self.timespec == "days":
            return str(moment.date())
        text: str = moment.isoformat(timespec=self.timespec)
        return text


def spell_span(nanoseconds: int) -> str:
    """Return a duration as ISO text without empty parts: "P2DT3H", "PT0S"."""
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    days, rest = divmod(rest, DAY)
    hours, rest = divmod(rest, 3600 * 10**9)
    minutes, rest = divmod(rest, 60 * 10**9)
    seconds = f"{rest // 10**9}.{rest % 10**9:09d}".rstrip("0").rstrip(".")
    date = f"{days}D" if days else ""
    parts = [(str(hours), "H"), (str(minutes), "M"), (seconds, "S")]
    time = "".join(number + unit for number, unit in parts if number != "0")
    if not date and not time:
        time = "0S"
    return f"{sign}P{date}{'T' if time else ''}{time}"


def _find_decimals(column: ColumnSchema, present: NDArray[np.float64]) -> int:
    """Return decimals that tell the real values apart as far as their spread asks."""
    most = float(np.abs(present).max(initial=0))
    if most == 0 or column.grid.is_integer:
        return 0
    is_constant = present.min() == present.max()
    scale = most * (CONSTANT if is_constant else _find_spread(present / most))
    enough = int(np.ceil(-np.log10(scale / STEPS_PER_SD) - 1e-9))
    if column.grid.values:
        return _tell_apart(column.grid.values, enough)
    if column.grid.step:
        return min(column.grid.decimals, max(SURE_DECIMALS, enough))
    return min(enough, MOST_DECIMALS)


def _find_spread(present: NDArray[np.float64]) -> float:
    """Return the standard deviation, or what the middle or a side has for it.

    A long tail, or classes far apart, hide how close most values are.
    """
    low, q25, q50, q75, high = np.quantile(present, (0.1, 0.25, 0.5, 0.75, 0.9))
    spreads = (q50 - low) / 1.28, (q75 - q25) / 1.35, (high - q50) / 1.28
    sd = float(present.std())
    least = min([sd, *(float(s) for s in spreads if s > 0)])
    return least if MUCH_CLOSER * least < sd else sd


def _tell_apart(values: tuple[float, ...], decimals: int) -> int:
    """Return decimals, at least as many as given, that keep listed values distinct."""
    tries = range(decimals, MOST_DECIMALS)
    apart = (d for d in tries if len({round(v, d) for v in values}) == len(values))
    return next(apart, MOST_DECIMALS)


def _find_timespec(moments: pd.DatetimeIndex) -> str:
    """Return the coarsest unit in which all moments can be written."""
    if (moments == moments.normalize()).all():
        return "days"
    for unit, name in (("min", "minutes"), ("s", "seconds")):
        if (moments == moments.floor(unit)).all():
            return name
    return "auto"


def _spell_levels(levels: tuple[object, ...]) -> list[Json]:
    """Return a value of JSON per level, no two alike."""
    spelled: list[Json] = []
    taken: set[str] = set()
    for place, level in enumerate(levels):
        value = _spell_level(level)
        if isinstance(value, str) and len(value) > MOST_TEXT:
            value = f"{value[:MOST_TEXT]}… {place}"
        while quote(value) in taken:
            value = f"{value}'"
        taken.add(quote(value))
        spelled.append(value)
    return spelled


def _spell_level(level: object) -> Json:
    if isinstance(level, np.generic):
        level = level.item()
    if isinstance(level, str | bool | int):
        return level
    if isinstance(level, float) and np.isfinite(level):
        return int(level) if level.is_integer() and abs(level) < EXACT else level
    return str(level)
