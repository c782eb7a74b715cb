"""Dates and durations in text: what could mean two of them is refused."""

import re
import unicodedata
from datetime import tzinfo
from decimal import Decimal

import pandas as pd

from t2sampler.chat._parse_numbers import MAX_LENGTH, ParseError
from t2sampler.chat._units import DASHES

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun"]
MONTHS += ["jul", "aug", "sep", "oct", "nov", "dec"]
MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?"
    r"|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
FULL_YEAR, YEAR = r"(?P<year>\d{4})", r"(?P<year>\d{4}|'?\d{2})"
DAY, ORDINAL = r"(?P<day>\d{1,2})", "(?:st|nd|rd|th)?"
WEEKDAY = (
    r"(?:(?P<weekday>mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"(?:\.?,\s*|\.?\s+))?"
)
SECOND = r"(?::(?P<second>\d{2}(?:\.\d{1,9})?))?"
ZONE = r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
ZONE_NAME = r"(?:\[[\w/+-]+\])?"  # "[Europe/Vienna]" behind an offset
TIME = rf"(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}}){SECOND}{ZONE}"
CLOCK_TIME = (
    rf"(?P<hour>\d{{1,2}})(?:(?=\s*[ap])|:(?P<minute>\d{{2}}){SECOND})"
    rf"\s*(?P<half>[ap]\.?m\b\.?)?{ZONE}"
)
# re.ASCII, since digits of all scripts match \d otherwise.
ISO_DATE = re.compile(
    rf"{FULL_YEAR}-(?P<month>\d{{1,2}})-{DAY}(?:[T ]+{TIME})?{ZONE_NAME}", re.ASCII
)
OTHER_DATES = [
    re.compile(
        rf"{WEEKDAY}{date}(?:(?:\s*T|,?\s+|,)(?:at\s+)?{CLOCK_TIME})?{ZONE_NAME}",
        re.ASCII | re.IGNORECASE,
    )
    for date in (
        rf"{FULL_YEAR}(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark){DAY}",
        rf"{FULL_YEAR}[-/.,\s]*{MONTH}[-/.,\s]*{DAY}",
        rf"{DAY}\.(?P<month>\d{{1,2}})\.{YEAR}",
        rf"(?P<one>\d{{1,2}})(?P<mark>[-/])(?P<two>\d{{1,2}})(?P=mark){YEAR}",
        rf"{MONTH}[-/\s]*{DAY}{ORDINAL}(?:,\s*|[-/\s]+){YEAR}",
        rf"(?:the\s+)?{DAY}{ORDINAL}\.?(?:\s+of\s+|[-/\s]*){MONTH}[-/,\s]*{YEAR}",
    )
]
OTHER_DATES += [
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})", re.ASCII),
    re.compile(rf"{MONTH}(?:\s+of\s+|,?\s+){FULL_YEAR}", re.ASCII | re.IGNORECASE),
]
ISO_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<W>\d+)W)?(?:(?P<D>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<H>\d+(?:\.\d+)?)H)?(?:(?P<M>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<S>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
SECONDS = {"W": 604_800, "D": 86_400, "H": 3600, "M": 60, "S": 1}
DURATION_UNITS = "weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s"
AMOUNT = rf"\d+(?:\.\d+)?\s*(?:{DURATION_UNITS})\b"
CLOCK = r"(?P<H>\d+):(?P<M>\d{2})(?::(?P<S>\d{2}(?:\.\d+)?))?"
DURATION_IN_WORDS = re.compile(
    rf"(?P<sign>[+-]?)(?P<amounts>(?:{AMOUNT}(?:,?\s+and|,)?\s*)*)"
    rf"(?:(?P<plus>\+?){CLOCK})?",
    re.ASCII | re.IGNORECASE,
)
AMOUNT_PARTS = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z])", re.ASCII)
NOON = 12
MAX_NANOSECONDS = 2**63 - 2 * 86_400 * 10**9  # two days less than 64 bits hold

OTHER_DATE_FORM = "dates in another form"
OTHER_DURATION_FORM = "durations in another form"
NO_ZONE = "time zones left out"


def parse_time(text: str, zone: tzinfo | None) -> tuple[int, tuple[str, ...]]:
    """Return nanoseconds (of UTC where the column has a time zone).

    ISO dates with or without a time, "2024/05/03", "3.5.2024", "May 3, 2024", "3 May
    2024", and "2024-05" or "May 2024" (its first day). "05/13/2024" holds one number
    that can be a month; "05/03/2024" is refused: nobody knows which number is the
    month. A time without a zone is the column's local time.

    Raises
    ------
    ParseError
    """
    # Cut, so that no pattern takes long.
    cleaned = unicodedata.normalize("NFKC", text.strip()[: MAX_LENGTH + 1])
    parts, repairs = _match_date(cleaned.translate(DASHES))
    iso = f"{_format_day(parts)}T{_format_clock(parts)}"
    try:
        time = pd.Timestamp(iso)
        weekday = time.day_name().casefold()
        offset = _parse_offset(parts.get("zone"))
        if offset is not None and zone is None:
            repairs = (*repairs, NO_ZONE)
        elif offset is not None:
            time -= offset
        elif zone is not None:
            time = _to_utc(time, zone)
        nanoseconds = int(time.as_unit("ns").value)
    except (ValueError, OverflowError) as error:
        raise ParseError("is a date that does not exist, or is out of range") from error
    if not weekday.startswith((parts.get("weekday") or "")[:3].casefold()):
        raise ParseError("names another weekday than its date has")
    return _check_range(nanoseconds), repairs


def parse_duration(text: str) -> tuple[int, tuple[str, ...]]:
    """Return the nanoseconds of a duration: ISO, "3:30:00", "2 days 04:00", "5 hours".

    "-1 days +03:00" is 21 hours before; "-1 day, 3:00" is refused: Python writes this
    for the same, others for 27 hours before.

    Raises
    ------
    ParseError
    """
    text = text.strip()[: MAX_LENGTH + 1]
    match = ISO_DURATION.fullmatch(text)
    repairs = () if match else (OTHER_DURATION_FORM,)
    match = match or DURATION_IN_WORDS.fullmatch(text)
    if match is None:
        raise ParseError("is not a duration such as P2DT3H")
    parts = match.groupdict()
    amounts = AMOUNT_PARTS.findall((parts.pop("amounts", "") or "").lower())
    in_words = [(number, SECONDS[unit.upper()]) for number, unit in amounts]
    in_fields = [(parts.get(unit), size) for unit, size in SECONDS.items()]
    if not any(number for number, _ in (*in_words, *in_fields)):
        raise ParseError("is not a duration such as P2DT3H")
    first, second = _add_up(in_words), _add_up(in_fields)
    if match["sign"] == "-":
        # In "-1 days +03:00" the sign is that of the days alone.
        is_plus = bool(parts.get("plus"))
        is_open = not in_words if is_plus else in_words and second
        if is_open:
            raise ParseError("is a duration whose sign is ambiguous")
        first, second = -first, second if is_plus else -second
    return _check_range(round((first + second) * 10**9)), repairs


def _add_up(sizes: list[tuple[str | None, int]]) -> Decimal:
    return sum((Decimal(number or 0) * size for number, size in sizes), Decimal(0))


def _match_date(text: str) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Return the parts of a date by name, and the repair if it is not ISO's."""
    if match := ISO_DATE.fullmatch(text):
        return match.groupdict(), ()
    for form in OTHER_DATES:
        if match := form.fullmatch(text):
            return match.groupdict(), (OTHER_DATE_FORM,)
    raise ParseError("is not a date such as 2024-05-31")


def _format_day(parts: dict[str, str | None]) -> str:
    """Return a date as ISO has it, unless two could be meant."""
    # "21" may be 1921 or 2021.
    year, day = parts["year"] or "", int(parts.get("day") or 1)
    if len(year) != len("2024"):
        raise ParseError("is a date whose year has two digits")
    if "name" in parts:
        month = MONTHS.index((parts["name"] or "")[:3].lower()) + 1
    elif "one" in parts:
        # Of "05/13" only one can be a month; "05/05" is the same either way.
        month, day = sorted((int(parts["one"] or 0), int(parts["two"] or 0)))
        if month < day <= len(MONTHS):
            raise ParseError("is a date whose day and month are ambiguous")
    else:
        month = int(parts["month"] or 0)
    return f"{year}-{month:02d}-{day:02d}"


def _format_clock(parts: dict[str, str | None]) -> str:
    hour, half = int(parts.get("hour") or 0), (parts.get("half") or "").lower()
    if half and not 1 <= hour <= NOON:
        raise ParseError(f"has the hour {hour} {half[0]}m")
    if half:
        hour = hour % NOON + (NOON if half.startswith("p") else 0)
    minute, second = parts.get("minute") or "00", parts.get("second") or "00"
    return f"{hour:02d}:{minute}:{second}"


def _parse_offset(zone: str | None) -> pd.Timedelta | None:
    if zone is None:
        return None
    if zone.upper() in ("Z", "UTC", "GMT"):
        return pd.Timedelta(0)
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    offset = pd.Timedelta(hours=hours, minutes=minutes)
    return -offset if zone.startswith("-") else offset


def _to_utc(time: pd.Timestamp, zone: tzinfo) -> pd.Timestamp:
    """Read a local time: the first of two, or the next where clocks went forward."""
    local = time.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return local.tz_convert("UTC").tz_localize(None)


def _check_range(nanoseconds: int) -> int:
    if not -MAX_NANOSECONDS < nanoseconds < MAX_NANOSECONDS:
        raise ParseError("is out of range")
    return nanoseconds
