"""Cells of CSV files: read as numbers, dates or bools where nothing is lost by it.

What else is stored as text, such as "12%" or "3/14/2021", is left as it is: the sampler
reads it, whatever kind of file it comes from.
"""

from collections import Counter

import pandas as pd

TEXT = pd.Series(["a"]).dtype  # str as of pandas 3, before it object
DAY, MOMENT = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"  # as pandas writes them
CODE = r"[+-]?0\d+"
# Words for a missing value among numbers, dates and bools; those that pandas knows.
# Among other words they are words.
GAPS = {
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"),
    *("1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
}
INFINITE = r"[+-]?inf(?:inity)?"
NUMBER = {
    ".": r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?",
    ",": r"[+-]?(?:(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d*)?|,\d+)(?:e[+-]?\d+)?",
}
POINT = r"[+-]?\d*\.\d+"
COMMA = r"[+-]?(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+),\d+"
THOUSANDS = r"[+-]?[1-9]\d{0,2}(?:[.,]\d{3})+"  # or three decimal places


def find_decimal(columns, sep):
    """Return the decimal mark of a file, "." or ",".

    Parameters
    ----------
    columns : list of Series
        The text of cells.
    sep : str
        Where it is a comma, a number with a decimal comma is quoted, and the sampler
        reads it. The other numbers of the file say nothing about it.
    """
    if sep == ",":
        return "."
    has_comma = False
    for cells in columns:
        present = cells.str.strip()
        present = present[~present.isin(GAPS | {""})]
        clear = present[~present.str.fullmatch(THOUSANDS)]
        if clear.str.fullmatch(POINT).any() and _are_numbers(present, "."):
            return "."
        if clear.str.fullmatch(COMMA).any() and _are_numbers(present, ","):
            has_comma = True
    return "," if has_comma else "."


def read_cells(cells, *, decimal=".", na_values=(), is_text=False):
    """Return a column in the dtype that loses nothing of its text, and how to write it.

    Parameters
    ----------
    cells : Series of str
    decimal : {".", ","}
    na_values : collection of str
        Cells that stand for a missing value, beside empty ones.
    is_text : bool
        True: leave it as it is.

    Returns
    -------
    values : Series
    write : callable
        Returns the text of a value that is not missing.
    """
    text = cells.str.strip()
    is_blank = text.isin({"", *na_values})
    present = text[~is_blank & ~text.isin(GAPS)]
    read = None
    if not is_text and len(present):
        read = (
            _read_numbers(present, decimal)
            or _read_bools(present)
            or _read_dates(present)
        )
    if read is None:
        return cells.mask(is_blank).astype(TEXT), str
    values, write = read
    if len(values) < len(cells):
        nullable = {"i": "Int64", "b": "boolean"}.get(values.dtype.kind)
        values = values.astype(nullable or values.dtype).reindex(cells.index)
    return values, write


def _are_numbers(present, decimal):
    lower = present.str.lower()
    pattern = rf"(?:{NUMBER[decimal]}|{INFINITE})"
    return len(present) > 0 and lower.str.fullmatch(pattern).all()


def _read_numbers(present, decimal):
    if not _are_numbers(present, decimal):
        return None
    plain = present
    if decimal == ",":
        plain = present.str.replace(".", "").str.replace(",", ".")
    if not plain.str.fullmatch(r"[+-]?\d+").all():
        values = plain.astype("float64")  # to the last bit, on every pandas
    elif plain.str.fullmatch(CODE).any():
        return None
    else:
        values = _as_integers(plain)
    return None if values is None else (values, _find_number_writer(present, decimal))


def _as_integers(plain):
    try:
        return pd.Series(list(map(int, plain)), index=plain.index, dtype="int64")
    except OverflowError:  # no amount is that large
        return None


def _find_number_writer(present, decimal):
    """Return a function that writes numbers with as many places as the real ones."""
    places = present.str.partition(decimal)[2].str.len()
    least, most = int(places.min()), int(places.max())
    has_groups = decimal == "," and present.str.contains(".", regex=False).any()
    is_scientific = present.str.contains("[eE]").any()

    def write(value):
        if is_scientific:
            return repr(float(value)).replace(".", decimal)
        text = str(value) if value == int(value) else repr(float(value))
        whole, _, digits = text.partition(".")
        if "e" in text or len(digits) > most:
            whole, _, digits = f"{value:.{most}f}".partition(".")
        digits = digits.rstrip("0").ljust(least, "0")
        if has_groups:
            whole = f"{int(whole):,}".replace(",", ".")
        return whole + (decimal + digits if digits else "")

    return write


def _read_bools(present):
    lower = present.str.lower()
    if not lower.isin(["true", "false"]).all():
        return None
    values = (lower == "true").astype(bool)
    words = {bool(v): _most_frequent(present[values == v]) for v in values.unique()}
    return values, lambda value: words[bool(value)]


def _most_frequent(cells):
    counts = Counter(cells)
    return max(sorted(counts), key=counts.__getitem__)


def _read_dates(present):
    """Return dates where every cell is one and would be written as it was read."""
    for pattern in (DAY, MOMENT):
        dates = pd.to_datetime(present, format=pattern, errors="coerce")
        if dates.notna().all() and dates.dt.strftime(pattern).eq(present).all():
            return dates, lambda date, pattern=pattern: date.strftime(pattern)
    return None
