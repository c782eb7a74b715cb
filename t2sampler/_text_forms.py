"""Numbers, dates and times that are stored as text: found, read, and written alike."""

import re
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from t2sampler.exceptions import SchemaError

# Words that stand for a missing value among numbers and dates.
MISSING_WORD = re.compile(
    r"|\?+|-{1,3}|\.|#?n/?a|n\.a\.?|nan|nat|null|none|nil|missing|unk|unknown|undefined|"
    r"unspecified|tba|tbd|not[ _]available|not[ _]known|no[ _]data|k\.a\.",
    re.IGNORECASE,
)
MOST_WORDS = 3  # different words for a missing value in one column
# Text of which so much can be read as numbers or dates is not meant to be words.
MIN_READABLE, MIN_DISTINCT, MANY_COUNTS = 0.9, 5, 20
CODE_DIGITS = 5  # whole numbers of one length, from here on: codes, not amounts
# Signs of thousands and of decimals.
MARKS = (
    *((",", "."), (".", ","), ("'", "."), ("\u2019", "."), (" ", ","), (" ", ".")),
    *(("\u00a0", ","), ("\u00a0", "."), ("\u202f", ","), ("\u202f", ".")),
)
CURRENCIES = (
    r"[$€£¥₹₩₽฿]|[A-Z]{1,3}\$|Rs\.?|kr\.?|Fr\.?|EUR|USD|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK"
    r"|NOK|DKK|PLN|CZK|HUF|RUB|BRL|MXN|ZAR|KRW|TRY|SGD|HKD|NZD"
)
NUMBER = re.compile(
    rf"(?P<sign>[+-]?)(?P<prefix>(?:(?:{CURRENCIES})\s?)?)(?P<inner>[+-]?)"
    r"(?P<digits>\d[\d.,'\u2019\u00a0\u202f ]*\d|\d|[.,]\d+)"
    r"(?P<exponent>(?:[eE][+-]?\d+)?)"
    r"(?P<suffix>\s?[^\d\s.,+-][^\d+-]{0,15}|\s?)"
)
DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"),
    *("%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y"),
    *("%b %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%B %d, %Y", "%a, %d %b %Y"),
    *("%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%B %Y"),
)
CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")
CLOCK = re.compile(
    r"(?P<between>T| |, )\d{1,2}:\d\d(?P<second>:\d\d(?P<fraction>\.\d+)?)?"
    r"(?P<half>(?P<space> ?)[AaPp][Mm])?(?P<zone>(?P<gap> ?)(Z|[+-]\d\d:?\d\d))?$"
)
EPOCH = pd.Timestamp("1970-01-01")


@dataclass(frozen=True)
class TextForm:
    """What forms of text share: the user's dtype, and words for a missing value.

    Attributes
    ----------
    dtype : dtype
    missing : object
        What new rows hold where a value is missing.
    margins : tuple of str
        Spaces before and after each value.
    """

    dtype: Any
    missing: Any
    margins: tuple[str, str]

    def _read_words(self, values: pd.Series) -> pd.Series:
        """Return stripped text, with words for a missing value as None."""
        cells = [
            None if is_missing else str(cell).strip()
            for cell, is_missing in zip(values, values.isna(), strict=True)
        ]
        cells = [None if c is None or _is_missing_word(c) else c for c in cells]
        return pd.Series(cells, index=values.index, name=values.name, dtype=object)

    def _write_words(self, cells: list[Any], values: pd.Series) -> pd.Series:
        before, after = self.margins
        text = [
            before + cell + after if is_present else self.missing
            for cell, is_present in zip(cells, values.notna(), strict=True)
        ]
        text = pd.Series(text, index=values.index, name=values.name, dtype=object)
        return text.astype(self.dtype)


@dataclass(frozen=True)
class NumberText(TextForm):
    """Numbers as text, such as "1,234.50", "12%", "$5" or "12,50".

    Attributes
    ----------
    prefix, suffix : str
    thousands, decimal : str
        Signs between groups of digits and before decimal places.
    decimals : int or None
        Decimal places that all values have; None: as many as each needs.
    is_scientific : bool
        True for values such as "1.5e-3".
    """

    prefix: str = ""
    suffix: str = ""
    thousands: str = ""
    decimal: str = "."
    decimals: int | None = None
    is_scientific: bool = False

    def read(self, values: pd.Series) -> pd.Series:
        """Return floats; raise where a cell is of another form."""
        if values.dtype.kind == "f":
            return values
        text = self._read_words(values)
        cells = {
            cell: self._read_cell(cell, values.name) for cell in set(text) - {None}
        }
        numbers = [cells.get(cell, np.nan) for cell in text]
        return pd.Series(numbers, index=values.index, name=values.name, dtype=float)

    def write(self, values: pd.Series) -> pd.Series:
        """Return text."""
        return self._write_words([self._write_cell(value) for value in values], values)

    def _read_cell(self, cell, name):
        match = NUMBER.fullmatch(cell)
        if match is None:
            raise _unreadable(name, cell, "number")
        digits = match["digits"].replace(self.decimal, "\0")
        digits = re.sub(r"[.,'\u2019\u00a0\u202f ]", "", digits).replace("\0", ".")
        sign = "-" if "-" in (match["sign"], match["inner"]) else ""
        try:
            return float(sign + digits + match["exponent"])
        except ValueError as error:
            raise _unreadable(name, cell, "number") from error

    def _write_cell(self, value):
        if np.isnan(value):
            return ""
        if self.is_scientific:
            digits = f"{value:.{self.decimals or 0}e}".replace(".", self.decimal)
            return self.prefix + digits + self.suffix
        if self.decimals is None:
            digits = np.format_float_positional(abs(value), trim="-")
        else:
            digits = f"{abs(value):.{self.decimals}f}"
        whole, _, places = digits.partition(".")
        whole = f"{int(whole):,}".replace(",", self.thousands)
        digits = whole + self.decimal * bool(places) + places
        sign = "-" if value < 0 and digits.strip("0.,") else ""
        return sign + self.prefix + digits + self.suffix


@dataclass(frozen=True)
class MixedNumbers(NumberText):
    """Numbers among words for a missing value, in an object column."""

    def write(self, values: pd.Series) -> pd.Series:
        """Return numbers, integers where they are whole."""
        cells = [
            self.missing if np.isnan(x) else int(x) if x == int(x) else x
            for x in values
        ]
        return pd.Series(cells, index=values.index, name=values.name, dtype=object)


@dataclass(frozen=True)
class DateText(TextForm):
    """Dates as text, such as "3/14/2021" or "2021-03-14T09:00:00Z".

    Attributes
    ----------
    pattern : str
        For `strftime`.
    is_padded : bool
        False: days and months have no leading zero.
    zone : str
        How all values name their zone, "" if they name none.
    places : int
        Digits of fractions of a second.
    """

    pattern: str = ""
    is_padded: bool = True
    zone: str = ""
    places: int = 6

    def read(self, values: pd.Series) -> pd.Series:
        """Return datetimes, in UTC where cells name a zone; raise for another form."""
        if values.dtype.kind == "M":
            return values
        text = self._read_words(values)
        pattern = self.pattern + ("%z" if self.zone else "")
        dates = pd.to_datetime(
            text, format=pattern, errors="coerce", utc=bool(self.zone)
        )
        lost = dates.isna() & text.notna()
        if lost.any():
            raise _unreadable(values.name, text[lost].iloc[0], "date")
        return dates

    def write(self, values: pd.Series) -> pd.Series:
        """Return text."""
        if self.zone and values.dt.tz is not None:
            offset = pd.Timestamp(f"2000-01-01T00:00:00{self.zone.strip()}")
            values = values.dt.tz_convert(offset.tz).dt.tz_localize(None)
        return self._write_words(self._write_cells(values), values)

    def _write_cells(self, values):
        # What is to be cut from a value is marked: "#" a leading zero, "~" a fraction.
        pattern = self.pattern.replace("%f", "~%f")
        if not self.is_padded:
            pattern = re.sub("(%[dmHI])", r"#\1", pattern)
        cells = values.dt.strftime(pattern).fillna("").tolist()
        cells = [re.sub("#0?", "", cell) for cell in cells]
        short = re.compile(rf"~(\d{{{self.places}}})\d*")
        return [short.sub(r"\1", cell) + self.zone for cell in cells]


@dataclass(frozen=True)
class ClockText(TextForm):
    """Times of the day as text, such as "09:30"."""

    pattern: str = ""

    def read(self, values: pd.Series) -> pd.Series:
        """Return timedeltas since midnight."""
        if values.dtype.kind == "m":
            return values
        text = self._read_words(values)
        moments = pd.to_datetime(text, format=self.pattern, errors="coerce")
        lost = moments.isna() & text.notna()
        if lost.any():
            raise _unreadable(values.name, text[lost].iloc[0], "time of the day")
        return moments - moments.dt.normalize()

    def write(self, values: pd.Series) -> pd.Series:
        """Return text."""
        moments = EPOCH + values
        text = moments.dt.strftime(self.pattern).fillna("").tolist()
        return self._write_words(text, values)


def find_text_form(
    values: pd.Series, name: Hashable, kind: str | None = None
) -> TextForm | None:
    """Return the form of a column that stores numbers, dates or times as text.

    Parameters
    ----------
    values : Series
        Of strings, or of objects.
    name : hashable
        For messages.
    kind : str or None
        The kind the user has given.

    Returns
    -------
    form : TextForm or None
        None: the column holds words.

    Raises
    ------
    SchemaError
        Most values are numbers or dates, but not all; dates whose day and month
        cannot be told apart; or a kind that the text does not have.
    """
    if kind not in (None, "number", "datetime", "timedelta"):
        return None
    counts = values.dropna().value_counts()
    cells, is_text = _collect_cells(counts)
    words = {cell for cell in cells if _is_missing_word(cell)}
    found = Counter({cell: n for cell, n in cells.items() if cell not in words})
    form = None
    if found and len(words) <= MOST_WORDS:
        missing = _choose_missing(values, cells, words)
        shared = values.dtype, missing, _find_margins(counts, words)
        form = _find_form(found, shared, kind, name)
    if not is_text:
        is_number = isinstance(form, NumberText) and words
        return MixedNumbers(values.dtype, missing, ("", "")) if is_number else None
    if form is None and kind is not None:
        raise _unreadable(name, next(iter(found or words)), kind)
    if isinstance(form, NumberText) and kind is None and _are_codes(found, words):
        return None
    return form


def _collect_cells(counts):
    """Return the text of cells with their counts, and whether all cells are text."""
    is_text = all(isinstance(cell, str) for cell in counts.index)
    is_plain = is_text or all(
        isinstance(cell, str | int | float | np.number) and not isinstance(cell, bool)
        for cell in counts.index
    )
    cells: Counter = Counter()
    for cell, n in counts.items() if is_plain else ():
        cells[str(cell).strip()] += n
    return cells, is_text


def _is_missing_word(cell):
    return MISSING_WORD.fullmatch(cell) is not None


def _find_margins(counts, words):
    """Return the spaces before and after values, those that are most frequent."""
    margins: Counter = Counter()
    for cell, n in counts.items():
        if isinstance(cell, str) and cell.strip() not in words:
            before = cell[: len(cell) - len(cell.lstrip())]
            margins[before, cell[len(cell.rstrip()) :]] += n
    return max(sorted(margins), key=margins.__getitem__, default=("", ""))


def _choose_missing(values, cells, words):
    """Return what stands for a missing value most often."""
    n_missing = int(values.isna().sum())
    best = max(sorted(words), key=lambda word: cells[word], default=None)
    if best is not None and cells[best] > n_missing:
        originals = values.dropna()
        is_best = originals.map(lambda cell: str(cell).strip() == best)
        return originals[is_best].iloc[0]
    return values[values.isna()].iloc[0] if n_missing else None


def _find_form(found, shared, kind, name):
    if kind != "number":
        form = _find_time_form(found, shared, kind, name)
        if form is not None:
            return form
    if kind in (None, "number"):
        return _find_number_form(found, shared, name)
    return None


def _find_number_form(found, shared, name):
    matches = {cell: match for cell in found if (match := NUMBER.fullmatch(cell))}
    prefix, suffix = (
        max(
            sorted({m[part] for m in matches.values()}),
            default="",
            key=[m[part] for m in matches.values()].count,
        )
        for part in ("prefix", "suffix")
    )
    read = {
        cell: m["digits"]
        for cell, m in matches.items()
        if m["prefix"] in ("", prefix) and m["suffix"] == suffix
    }
    thousands, decimal, fitting = _find_marks(read)
    if len(fitting) < len(found):
        _refuse_stray(found, fitting, name)
        return None
    places = [
        len(d.rpartition(decimal)[2]) if decimal in d else 0 for d in read.values()
    ]
    decimals = places[0] if len(set(places)) == 1 else None
    is_scientific = any(m["exponent"] for m in matches.values())
    return NumberText(
        *shared, prefix, suffix, thousands, decimal, decimals, is_scientific
    )


def _find_marks(digits):
    """Return the signs of thousands and decimals that fit most, and what they fit."""
    best = "", ".", []
    for thousands, decimal in MARKS:
        mark, point = re.escape(thousands), re.escape(decimal)
        # A group never starts with 0: "0,125" has decimal places.
        pattern = re.compile(
            rf"((?!0{mark})\d{{1,3}}({mark}\d{{3}})+|\d*)({point}\d+)?"
        )
        fitting = [cell for cell, d in digits.items() if pattern.fullmatch(d)]
        if len(fitting) > len(best[2]):
            is_used = any(thousands in digits[cell] for cell in fitting)
            best = (thousands if is_used else ""), decimal, fitting
    return best


def _refuse_stray(found, fitting, name):
    """Refuse text of which most is an amount; house numbers and codes are words."""
    amounts = [cell for cell in fitting if not cell.isdigit()]
    strays = set(found) - set(fitting)
    # Among counts, "12a" is another house number and "abc" is not.
    are_odd = len(fitting) >= MANY_COUNTS and not re.search(r"\d", "".join(strays))
    many = len(fitting) >= max(MIN_DISTINCT, MIN_READABLE * len(found))
    if many and (are_odd or len(amounts) > len(fitting) / 2):
        raise _unreadable(name, min(strays), "number")


def _are_codes(found, words):
    """Tell whether whole numbers as text are codes: the user made them text."""
    if words or not all(re.fullmatch(r"\d+", cell) for cell in found):
        return False
    lengths = {len(cell) for cell in found}
    is_fixed = len(lengths) == 1 and min(lengths) >= CODE_DIGITS
    starts_with_0 = any(cell.startswith("0") and len(cell) > 1 for cell in found)
    recur = len(found) <= sum(found.values()) / 2
    return is_fixed or starts_with_0 or recur


def _find_time_form(found, shared, kind, name):
    cells = sorted(found)
    some = cells[:: max(1, len(cells) // 100)]
    if not any(re.search(r"\d[-/.: ]|[a-z] \d", cell) for cell in some):
        return None
    clocks = [p for p in CLOCKS if all(_parses(cell, p) for cell in some)]
    if clocks and kind != "datetime":
        return ClockText(*shared, clocks[0])
    if kind == "timedelta":
        return None
    patterns = _find_patterns(some)
    forms = [_make_date_form(cells, shared, pattern) for pattern in patterns]
    forms = [form for form in forms if form is not None]
    if len({form.pattern for form in forms}) > 1:
        raise SchemaError(
            f"Column {name!r} holds dates such as {cells[0]!r}, in which day and month "
            f"cannot be told apart. Convert it: `X[{name!r}] = "
            f"pd.to_datetime(X[{name!r}], format={forms[0].pattern!r})`, or "
            f"format={forms[1].pattern!r}."
        )
    if patterns and not forms:
        stray = [cell for cell in cells if not _parses(cell, patterns[0])]
        raise _unreadable(name, (stray or cells)[0], "date")
    return forms[0] if forms else None


def _find_patterns(cells):
    """Return the patterns that read nearly all cells, the best ones only."""
    # A pattern that reads most cells reads one of any few.
    first = cells[:: max(1, len(cells) // 3)]
    patterns = dict.fromkeys(p for cell in first for p in _list_patterns(cell))
    patterns = [p for p in patterns if any(_parses(cell, p) for cell in first)]
    counts = {p: sum(_parses(cell, p) for cell in cells) for p in patterns}
    most = max(counts.values(), default=0)
    if most < max(1, MIN_READABLE * len(cells)):
        return []
    return [pattern for pattern, count in counts.items() if count == most]


def _list_patterns(cell):
    """Return patterns that a cell might be written in."""
    match = CLOCK.search(cell)
    clock = ""
    if match is not None:
        clock = match["between"] + ("%I:%M" if match["half"] else "%H:%M")
        clock += ":%S" * bool(match["second"]) + ".%f" * bool(match["fraction"])
        clock += match["space"] + "%p" if match["half"] else ""
        clock += match["gap"] + "%z" if match["zone"] else ""
    return [day + clock for day in DATES]


def _parses(cell, pattern):
    try:
        datetime.strptime(cell, pattern)
    except ValueError:
        return False
    return True


def _make_date_form(cells, shared, pattern):
    """Return the form of dates that a pattern reads, None if it does not read all."""
    plain = pattern.removesuffix("%z").removesuffix(" ")
    zones = {""}
    if plain != pattern:
        found = (re.search(r"\s?(Z|[+-]\d\d:?\d\d)$", cell) for cell in cells)
        zones = {match.group() if match else "" for match in found}
    places = {len(m.group(1)) for cell in cells if (m := re.search(r"\.(\d+)", cell))}
    if len(zones) > 1:
        return None
    form = DateText(*shared, plain, True, zones.pop(), max(places, default=6))
    text = pd.Series(cells, dtype=object)
    try:
        dates = form.read(text)
    except SchemaError:
        return None
    form = replace(form, margins=("", ""))
    is_padded = form.write(dates).astype(object).tolist() == cells
    loose = replace(form, is_padded=False)
    is_loose = not is_padded and loose.write(dates).astype(object).tolist() == cells
    return replace(form, is_padded=not is_loose, margins=shared[2])


def _unreadable(name, cell, kind):
    convert = {
        "number": f"pd.to_numeric(X[{name!r}], errors='coerce')",
        "timedelta": f"pd.to_timedelta(X[{name!r}], errors='coerce')",
    }.get(kind, f"pd.to_datetime(X[{name!r}], errors='coerce')")
    return SchemaError(
        f"Column {name!r} expected a {kind} in every cell, got {cell!r}. Convert it: "
        f"`X[{name!r}] = {convert}`; or say that it holds words: "
        f"column_kinds={{{name!r}: 'category'}}."
    )
