"""Dates and durations in text, read without guessing."""

import re
import unicodedata
from datetime import tzinfo
from decimal import Decimal

import pandas as pd

from t2sampler.chat._parse_numbers import MAX_LENGTH, RefusedError
from t2sampler.chat._units import DASHES

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun"]
MONTHS += ["jul", "aug", "sep", "oct", "nov", "dec"]
MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?"
    r"|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
FULL_YEAR, YEAR = r"(?P<year>\d{4})", r"(?P<year>\d{4}|'?\d{2})"
DAY, NTH = r"(?P<day>\d{1,2})", "(?:st|nd|rd|th)?"
WEEKDAY = (
    r"(?:(?P<weekday>mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"(?:\.?,\s*|\.?\s+))?"
)
SECOND = r"(?::(?P<second>\d{2}(?:\.\d{1,9})?))?"
ZONE = r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
IN_PLACE = r"(?:\[[\w/+-]+\])?"
TIME = rf"(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}}){SECOND}{ZONE}"
ANY_TIME = (
    rf"(?P<hour>\d{{1,2}})(?:(?=\s*[ap])|:(?P<minute>\d{{2}}){SECOND})"
    rf"\s*(?P<half>[ap]\.?m\b\.?)?{ZONE}"
)
ISO = re.compile(
    rf"{FULL_YEAR}-(?P<month>\d{{1,2}})-{DAY}(?:[T ]+{TIME})?{IN_PLACE}", re.ASCII
)
OTHERS = [
    re.compile(
        rf"{WEEKDAY}{date}(?:(?:\s*T|,?\s+|,)(?:at\s+)?{ANY_TIME})?{IN_PLACE}",
        re.ASCII | re.IGNORECASE,
    )
    for date in (
        rf"{FULL_YEAR}(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark){DAY}",
        rf"{FULL_YEAR}[-/.,\s]*{MONTH}[-/.,\s]*{DAY}",
        rf"{DAY}\.(?P<month>\d{{1,2}})\.{YEAR}",
        rf"(?P<one>\d{{1,2}})(?P<mark>[-/])(?P<two>\d{{1,2}})(?P=mark){YEAR}",
        rf"{MONTH}[-/\s]*{DAY}{NTH}(?:,\s*|[-/\s]+){YEAR}",
        rf"(?:the\s+)?{DAY}{NTH}\.?(?:\s+of\s+|[-/\s]*){MONTH}[-/,\s]*{YEAR}",
    )
]
OTHERS += [
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})", re.ASCII),
    re.compile(rf"{MONTH}(?:\s+of\s+|,?\s+){FULL_YEAR}", re.ASCII | re.IGNORECASE),
]
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
    rf"(?P<sign>[+-]?)(?P<pieces>(?:{PIECE}(?:,?\s+and|,)?\s*)*)"
    rf"(?:(?P<plus>\+?){CLOCK})?",
    re.ASCII | re.IGNORECASE,
)
NUMBER_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z])", re.ASCII)
NOON = 12
EDGE = 2 * 86_400 * 10**9  # from the ends of what nanoseconds can hold
MOST = 2**63 - EDGE

OTHER_DATE = "dates in another form"
OTHER_SPAN = "durations in another form"
NO_ZONE = "time zones left out"


def read_moment(text: str, zone: tzinfo | None) -> tuple[int, tuple[str, ...]]:
    """Return nanoseconds (of UTC where the column has a time zone).

    ISO dates with or without a time, "2024/05/03", "3.5.2024", "May 3, 2024", "3 May
    2024", and "2024-05" or "May 2024" (its first day). "05/13/2024" holds one number
    that can be a month; "05/03/2024" is refused: nobody knows which number is the
    month. A time without a zone is the column's local time.

    Raises
    ------
    RefusedError
    """
    given = unicodedata.normalize("NFKC", text.strip()[: MAX_LENGTH + 1])
    parts, mended = _match_date(given.translate(DASHES))
    plain = f"{_find_day(parts)}T{_find_time(parts)}"
    try:
        moment = pd.Timestamp(plain)
        weekday = moment.day_name()
        offset = _read_offset(parts.get("zone"))
        if offset is not None and zone is None:
            mended = (*mended, NO_ZONE)
        elif offset is not None:
            moment -= offset
        elif zone is not None:
            moment = _to_utc(moment, zone)
        nanoseconds = int(moment.as_unit("ns").value)
    except (ValueError, OverflowError) as error:
        raise RefusedError("a date that does not exist, or is too far off") from error
    if not weekday.casefold().startswith((parts.get("weekday") or "")[:3].casefold()):
        raise RefusedError("a date that falls on another weekday")
    return _check_reach(nanoseconds), mended


def read_span(text: str) -> tuple[int, tuple[str, ...]]:
    """Return the nanoseconds of a duration: ISO, "3:30:00", "2 days 04:00", "5 hours".

    "-1 days +03:00" is 21 hours before; "-1 day, 3:00" is refused: Python writes this
    for the same, others for 27 hours before.

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
    named = [(number, SECONDS[unit.upper()]) for number, unit in pieces]
    placed = [(parts.get(unit), size) for unit, size in SECONDS.items()]
    if not any(number for number, _ in (*named, *placed)):
        raise RefusedError("no duration of the form P2DT3H")
    first, rest = _add_up(named), _add_up(placed)
    if match["sign"] == "-":
        is_up = bool(parts.get("plus"))  # to the clock time of the day named first
        if not named if is_up else named and rest:
            raise RefusedError("a duration whose sign can be read in two ways")
        first, rest = -first, rest if is_up else -rest
    return _check_reach(round((first + rest) * 10**9)), mended


def _add_up(sizes: list[tuple[str | None, int]]) -> Decimal:
    return sum((Decimal(number or 0) * size for number, size in sizes), Decimal(0))


def _match_date(text: str) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Return the parts of a date by name, and the note if they are not ISO's."""
    if match := ISO.fullmatch(text):
        return match.groupdict(), ()
    for form in OTHERS:
        if match := form.fullmatch(text):
            return match.groupdict(), (OTHER_DATE,)
    raise RefusedError("no date of the form 2024-05-31")


def _find_day(parts: dict[str, str | None]) -> str:
    """Return a date as ISO has it, unless two could be meant."""
    year, day = parts["year"] or "", int(parts.get("day") or 1)
    if len(year) != len("2024"):
        raise RefusedError("a date whose year has two digits")
    if "name" in parts:
        month = MONTHS.index((parts["name"] or "")[:3].lower()) + 1
    elif "one" in parts:
        month, day = sorted((int(parts["one"] or 0), int(parts["two"] or 0)))
        if month < day <= len(MONTHS):
            raise RefusedError("a date whose day and month cannot be told apart")
    else:
        month = int(parts["month"] or 0)
    return f"{year}-{month:02d}-{day:02d}"


def _find_time(parts: dict[str, str | None]) -> str:
    hour, half = int(parts.get("hour") or 0), (parts.get("half") or "").lower()
    if half and not 1 <= hour <= NOON:
        raise RefusedError(f"a time of {hour} o'clock {half[0]}m")
    if half:
        hour = hour % NOON + (NOON if half.startswith("p") else 0)
    minute, second = parts.get("minute") or "00", parts.get("second") or "00"
    return f"{hour:02d}:{minute}:{second}"


def _read_offset(zone: str | None) -> pd.Timedelta | None:
    if zone is None:
        return None
    if zone.upper() in ("Z", "UTC", "GMT"):
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
