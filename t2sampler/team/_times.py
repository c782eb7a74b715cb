"""Dates and durations in text, read without guessing."""

import re
from datetime import tzinfo
from decimal import Decimal

import pandas as pd

from t2sampler.team._numbers import MAX_LENGTH, RefusedError

DATE = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2})"
    r"(?:[T ]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?(?:\[[\w/+-]+\])?",
    re.ASCII,
)
YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?!\d)", re.ASCII)
DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)", re.ASCII)
MONTH_ONLY = re.compile(r"\d{4}-\d{2}", re.ASCII)
SPAN = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<W>\d+)W)?(?:(?P<D>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<H>\d+(?:\.\d+)?)H)?(?:(?P<M>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<S>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
SECONDS = {"W": 604_800, "D": 86_400, "H": 3600, "M": 60, "S": 1}
UNITS = "weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s"
PIECE = rf"\d+(?:\.\d+)?\s*(?:{UNITS})\b"
CLOCK = r"(?P<H>\d+):(?P<M>\d{2})(?::(?P<S>\d{2}(?:\.\d+)?))?"
WORDS = re.compile(
    rf"(?P<sign>[+-]?)(?P<pieces>(?:{PIECE}(?:,|\s+and)?\s*)*)(?:{CLOCK})?",
    re.ASCII | re.IGNORECASE,
)
NUMBER_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z])", re.ASCII)
EDGE = 2 * 86_400 * 10**9  # from the ends of what nanoseconds can hold
MOST = 2**63 - EDGE

OTHER_DATE = "dates in another form"
OTHER_SPAN = "durations in another form"
NO_ZONE = "time zones left out"


def read_moment(text: str, zone: tzinfo | None) -> tuple[int, tuple[str, ...]]:
    """Return nanoseconds (of UTC where the column has a time zone).

    ISO dates with or without a time, "2024/05/03", "3.5.2024" and "2024-05" (its first
    day). "05/03/2024" is refused: nobody knows which number is the month. A time
    without a zone is the column's local time.

    Raises
    ------
    RefusedError
    """
    given = text.strip()[: MAX_LENGTH + 1]
    iso = YEAR_FIRST.sub(r"\1-\2-\3", DAY_FIRST.sub(r"\3-\2-\1", given, count=1), 1)
    iso = f"{iso}-01" if MONTH_ONLY.fullmatch(iso) else iso
    match = DATE.fullmatch(iso)
    if match is None:
        raise RefusedError("no date of the form 2024-05-31")
    year, month, day = match["date"].split("-")
    hour, _, rest = (match["time"] or "0:00").partition(":")
    plain = f"{year}-{int(month):02d}-{int(day):02d}T{int(hour):02d}:{rest}"
    mended = () if iso == given else (OTHER_DATE,)
    try:
        moment = pd.Timestamp(plain)
        offset = _read_offset(match["zone"])
        if offset is not None and zone is None:
            mended = (*mended, NO_ZONE)
        elif offset is not None:
            moment -= offset
        elif zone is not None:
            moment = _to_utc(moment, zone)
        nanoseconds = int(moment.as_unit("ns").value)
    except (ValueError, OverflowError) as error:
        raise RefusedError("a date that does not exist, or is too far off") from error
    return _check_reach(nanoseconds), mended


def read_span(text: str) -> tuple[int, tuple[str, ...]]:
    """Return the nanoseconds of a duration: ISO, "3:30:00", "2 days 04:00", "5 hours".

    Raises
    ------
    RefusedError
    """
    text = text.strip()[: MAX_LENGTH + 1]
    match = SPAN.fullmatch(text)
    mended = () if match else (OTHER_SPAN,)
    match = match or WORDS.fullmatch(text)
    if match is None:
        raise RefusedError("no duration of the form P2DT3H")
    parts = match.groupdict()
    pieces = NUMBER_UNIT.findall((parts.pop("pieces", "") or "").lower())
    sizes = [(parts.get(unit), size) for unit, size in SECONDS.items()]
    sizes += [(number, SECONDS[unit.upper()]) for number, unit in pieces]
    if not any(number for number, _ in sizes):
        raise RefusedError("no duration of the form P2DT3H")
    seconds = sum(Decimal(number or 0) * size for number, size in sizes)
    sign = -1 if match["sign"] == "-" else 1
    return _check_reach(sign * round(seconds * 10**9)), mended


def _read_offset(zone: str | None) -> pd.Timedelta | None:
    if zone is None:
        return None
    if zone in ("Z", "UTC"):
        return pd.Timedelta(0)
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    offset = pd.Timedelta(hours=hours, minutes=minutes)
    return -offset if zone.startswith("-") else offset


def _to_utc(moment: pd.Timestamp, zone: tzinfo) -> pd.Timestamp:
    """Read a wall time: the first of two, or the next where clocks went forward."""
    local = moment.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return local.tz_convert("UTC").tz_localize(None)


def _check_reach(nanoseconds: int) -> int:
    if not -MOST < nanoseconds < MOST:
        raise RefusedError("a time that is too far off")
    return nanoseconds
