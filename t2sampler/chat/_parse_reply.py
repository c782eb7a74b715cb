"""The text of a reply becomes rows by id: strict first, then whatever is whole."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

MAX_TEXT = 1_000_000  # characters of a reply that are looked at
MAX_BROKEN = 100  # places at which no whole value begins
MAX_DIGITS = 400  # of a whole number: more are beyond any float
ID = "i"

CUT_OFF = "replies that were no clean JSON, whole rows kept"
BARE = "rows in another frame than asked for"
ID_AS_TEXT = "row numbers written as text"
NAMED = "columns called by another of their names"
TWICE = "rows sent twice, the first kept"
STRANGER = "rows with a number not asked for"
NO_ROW = "things in place of a row"
SURPLUS = "values not asked for"
DOUBLED = "values sent twice, the first kept"


FindKey = Callable[[str], str]


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
    find_key: FindKey | None = None,
    *,
    optional: Collection[str] = (),
    is_numbered: bool = True,
) -> Parsed:
    """Return the rows a reply holds; raises nothing, whatever the text.

    Parameters
    ----------
    text : str
    keys : sequence of str
        Of the values each row must have.
    wanted : set of int
        Row numbers that were asked for.
    find_key : callable, default=None
        From a word to the key that it means; None: keys only.
    optional : collection of str, default=()
        Keys of values that a row may lack.
    is_numbered : bool, default=True
        False: one row is as good as another, and they are numbered as they come; where
        some have a number of their own, or the text is no clean JSON, only these count.
    """
    parsed, find_key = Parsed(), find_key or find_words(keys, {})
    items = _find_items(text[:MAX_TEXT], parsed.mended)
    if not is_numbered:
        items = _number_rows(items, is_clean=not parsed.mended[CUT_OFF])
    for item in items:
        number, values = _read_item(item, keys, find_key, parsed.mended)
        if number is None:
            parsed.mended[NO_ROW] += 1
        elif number not in wanted:
            parsed.mended[STRANGER] += 1
        elif number in parsed.rows:
            parsed.mended[TWICE] += 1
        elif lacking := [k for k in keys if k not in values and k not in optional]:
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
        return content
    if not isinstance(content, dict) or ID in content:
        return [content] if isinstance(content, dict) else []
    rows = content.get("rows", content)
    return _open_groups(rows) if isinstance(rows, dict) else _open_frame(rows)


def _open_groups(rows: dict[str, object]) -> list[object]:
    """Return the rows of an object: its lists' (one per label), or one per number."""
    lists = [value for value in rows.values() if isinstance(value, list)]
    listed: list[object] = [r for rows in lists for r in rows if isinstance(r, dict)]
    numbered = [_number(r, n) for n, r in rows.items() if isinstance(r, dict)]
    return listed or list(numbered) or [rows]


def _number_rows(items: list[object], *, is_clean: bool) -> list[object]:
    """Return rows, numbered as they come; those without a number may be an echo."""
    rows = [item for item in items if isinstance(item, dict)]
    numbered = [row for row in rows if ID in row]
    rows = numbered or (rows if is_clean else [])
    return [{**row, ID: number} for number, row in enumerate(rows, start=1)]


def _number(row: dict[str, object], number: str) -> dict[str, object]:
    """Put the number of a row into it, where it was the row's key."""
    row.setdefault(ID, number)
    return row


def _scan(text: str) -> Iterator[object]:
    """Yield whole objects of JSON in a text that is none.

    From left to right, the longest at each place; what a cut-off frame holds is found
    inside it.
    """
    place, n_broken = 0, 0
    while n_broken < MAX_BROKEN and (place := text.find("{", place)) >= 0:
        try:
            value, place = DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            n_broken, place = n_broken + 1, place + 1
            continue
        yield value


def find_words(keys: Sequence[str], names: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function from a word to the key that it means; "" for none.

    A word is a key, another name of it, or one of these without case, blanks and
    punctuation where that tells all of them apart.

    Parameters
    ----------
    keys : sequence of str
    names : dict of str to str
        Other names, and the keys they stand for; those of other keys do not count.

    Examples
    --------
    >>> find_key = find_words(["Age"], {"c1": "Age", "c2": "BMI"})
    >>> [find_key(word) for word in ("Age", "c1", " AGE", "c2", "bmi")]
    ['Age', 'Age', 'Age', '', '']
    """
    exact = {**names, **{key: key for key in keys}}
    loose: dict[str, set[str]] = {}
    for word, key in exact.items():
        loose.setdefault(loosen(word), set()).add(key)

    def find_key(word: str) -> str:
        found = exact.get(word) or loose.get(loosen(word), set())
        found = {found} if isinstance(found, str) else found
        key = next(iter(found)) if len(found) == 1 else ""
        return key if key in keys else ""

    return find_key


def loosen(word: str) -> str:
    """Return a word without case, blanks and punctuation."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(c for c in folded if c.isalnum()) or folded


def _read_item(
    item: object, keys: Sequence[str], find_key: FindKey, mended: Counter[str]
) -> tuple[int | None, dict[str, object]]:
    """Return a row's number and its values by key; without a number it is no row."""
    if not isinstance(item, dict):
        return None, {}
    mended[DOUBLED] += getattr(item, "n_doubled", 0)
    values = {key: item[key] for key in keys if key in item}
    for word, value in item.items():
        if word == ID or word in keys:
            continue
        key = find_key(word)
        if key and key not in values:
            values[key] = value
            mended[NAMED] += 1
        else:
            mended[SURPLUS] += 1
    return _read_id(item.get(ID), mended), values


def _read_id(value: object, mended: Counter[str]) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        mended[ID_AS_TEXT] += 1
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None
