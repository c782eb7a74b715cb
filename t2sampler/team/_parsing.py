"""The text of a reply becomes rows by id: strict first, then whatever is whole."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

MAX_TEXT = 1_000_000  # characters of a reply that are looked at
MAX_BROKEN = 100  # places at which no whole value begins
MAX_DIGITS = 400  # of a whole number: more are beyond any float
ID = "i"
OBJECT = re.compile(r"\{|^\[", re.MULTILINE)
OBJECT_OR_LIST = re.compile(r'\{|^[ \t]*\[|"rows"\s*:\s*\[', re.MULTILINE)
BROKEN_ROW = re.compile(r'\{\s*"i"')
BETWEEN = re.compile(r"[\s,]*")

CUT_OFF = "replies that were no clean JSON, whole rows kept"
BARE = "rows in another frame than asked for"
AS_LIST = "rows as lists in the header's order"
ID_AS_TEXT = "row numbers written as text"
NAMED = "columns named in place of their key"
TWICE = "rows sent twice, the first kept"
STRANGER = "rows with a number not asked for"
NO_ROW = "things in place of a row"
SURPLUS = "values not asked for"
DOUBLED = "values sent twice, the first kept"


@dataclass(frozen=True)
class Parsed:
    """Rows by their number: values by key. ``faults``: rows that were not whole."""

    rows: dict[int, dict[str, object]] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    mended: Counter[str] = field(default_factory=Counter)


def parse_rows(
    text: str,
    keys: Sequence[str],
    wanted: Collection[int],
    names: Mapping[str, str] | None = None,
) -> Parsed:
    """Return the rows a reply holds; raises nothing, whatever the text.

    Parameters
    ----------
    text : str
    keys : sequence of str
        Of the values each row must have.
    wanted : set of int
        Row numbers that were asked for.
    names : dict of str to str, default=None
        Other words a model may use for a key.
    """
    parsed = Parsed()
    for item in _find_items(text[:MAX_TEXT], parsed.mended):
        number, values = _read_item(item, keys, names or {}, parsed.mended)
        if number is None:
            parsed.mended[NO_ROW] += 1
        elif number not in wanted:
            parsed.mended[STRANGER] += 1
        elif number in parsed.rows:
            parsed.mended[TWICE] += 1
        elif lacking := [key for key in keys if key not in values]:
            parsed.faults[number] = f"no value for {', '.join(lacking[:3])}"
        else:
            parsed.rows[number] = values
    return parsed


def load(text: str) -> object:
    """Return what strict JSON text holds; its NaN and Infinity come as floats.

    Raises
    ------
    ValueError
        The text is no JSON, or nested beyond reason.
    """
    try:
        return DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("nested beyond reason") from error


def find_objects(text: str) -> Iterator[dict[str, object]]:
    """Yield the JSON objects in a text, outermost ones first to last."""
    for value in _scan(text[:MAX_TEXT]):
        if isinstance(value, dict):
            yield value


def _read_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


class Pairs(dict[str, object]):
    """An object of JSON; of two values with one key it has the first."""

    def __init__(self, pairs: list[tuple[str, object]]):
        super().__init__(reversed(pairs))
        self.n_doubled = len(pairs) - len(self)


DECODER = json.JSONDecoder(parse_int=_read_integer, object_pairs_hook=Pairs)


def _find_items(text: str, mended: Counter[str]) -> list[object]:
    """Return what may be rows, from the strictest reading that finds some."""
    try:
        content = load(text)
    except ValueError:
        mended[CUT_OFF] += 1
        return [item for value in _scan(text) for item in _open_frame(value)]
    is_framed = isinstance(content, dict) and isinstance(content.get("rows"), list)
    items = _open_frame(content)
    if items and not is_framed:
        mended[BARE] += 1
    return items


def _open_frame(content: object) -> list[object]:
    """Return the rows inside whatever they came in."""
    if isinstance(content, list):
        is_row = content and not isinstance(content[0], list)
        is_row = is_row and not any(isinstance(part, dict) for part in content)
        return [content] if is_row else content
    if not isinstance(content, dict):
        return []
    lists = [value for value in content.values() if isinstance(value, list)]
    rows = content.get("rows", lists[0] if len(lists) == 1 else content)
    if ID in content or isinstance(rows, list):
        return [content] if ID in content else _open_frame(rows)
    numbered = rows.items() if isinstance(rows, dict) else ()
    return [_number(row, n) for n, row in numbered if isinstance(row, dict)]


def _number(row: dict[str, object], number: str) -> dict[str, object]:
    """Put the number of a row into it, where it was the row's key."""
    row.setdefault(ID, number)
    return row


def _scan(text: str) -> Iterator[object]:
    """Yield whole values of JSON in a text that is none.

    From left to right, the longest at each place. Inside a list that is cut off each
    whole element counts; behind a broken row only objects do, since a list there may
    be part of that row.
    """
    place, in_rows, n_broken = 0, False, 0
    while n_broken < MAX_BROKEN:
        start = _find_start(text, place, in_rows)
        if start < 0:
            return
        value, place = _decode_at(text, start)
        n_broken += value is None
        if value is not None:
            in_rows = True
            yield value
        elif text[start] == "[" and not in_rows:
            elements, place = _walk(text, start + 1)
            in_rows = bool(elements)
            yield from ([element] for element in elements)
        else:
            in_rows = in_rows or bool(BROKEN_ROW.match(text, start))


def _find_start(text: str, place: int, in_rows: bool) -> int:
    """Return where the next object begins, or a list of rows or at a line's head."""
    match = (OBJECT if in_rows else OBJECT_OR_LIST).search(text, place)
    return -1 if match is None else match.end() - 1


def _decode_at(text: str, start: int) -> tuple[object, int]:
    """Return the whole value that begins at a place, or None, and where to go on."""
    try:
        return DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start + 1


def _walk(text: str, place: int) -> tuple[list[object], int]:
    """Return the whole rows at the head of a list, and where the first broken is."""
    elements: list[object] = []
    while True:
        start = BETWEEN.match(text, place).end()  # type: ignore[union-attr]  # may be ""
        if text[start : start + 1] not in ("{", "["):
            return elements, start
        value, end = _decode_at(text, start)
        if value is None:
            return elements, start
        elements.append(value)
        place = end


def _read_item(
    item: object, keys: Sequence[str], names: Mapping[str, str], mended: Counter[str]
) -> tuple[int | None, dict[str, object]]:
    """Return a row's number and its values by key; without a number it is no row."""
    if isinstance(item, list):
        if len(item) != 1 + len(keys):
            return None, {}
        mended[AS_LIST] += 1
        item = dict(zip((ID, *keys), item, strict=True))
    if not isinstance(item, dict):
        return None, {}
    mended[DOUBLED] += getattr(item, "n_doubled", 0)
    number = _read_id(item.get(ID), mended)
    values = {}
    for key, value in item.items():
        known = key if key in keys else names.get(key, "")
        if known == key or (known and known not in item):
            values[known] = value
            mended[NAMED] += known != key
        elif key != ID:
            mended[SURPLUS] += 1
    return number, values


def _read_id(value: object, mended: Counter[str]) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        mended[ID_AS_TEXT] += 1
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None
