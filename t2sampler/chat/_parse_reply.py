"""Reply text to rows: strict JSON first, then whatever objects are whole."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

MAX_REPLY_LENGTH = 1_000_000  # characters that are looked at
# Braces at which no whole object begins: each may cost a look at all of the text.
MAX_BROKEN_OBJECTS = 100
MAX_DIGITS = 400  # of a whole number: more are beyond any float
ID = "i"

NOT_CLEAN_JSON = "replies that were not clean JSON, complete rows kept"
OTHER_FRAME = "rows in another JSON structure than asked for"
ID_AS_TEXT = "row numbers written as text"
OTHER_KEY = "columns under another of their names"
REPEATED_ROW = "rows sent twice, the first kept"
UNKNOWN_NUMBER = "rows with a number that was not asked for"
NO_ROW = "items that are not rows"
SURPLUS_VALUE = "values that were not asked for"
REPEATED_VALUE = "values sent twice, the first kept"

FindKey = Callable[[str], str]


@dataclass(frozen=True)
class ReplyRows:
    """Values by row number and key, faults of incomplete rows, counts of repairs."""

    rows: dict[int, dict[str, object]] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    repairs: Counter[str] = field(default_factory=Counter)


def parse_rows(
    text: str,
    keys: Sequence[str],
    wanted: Collection[int],
    find_key: FindKey | None = None,
    *,
    optional: Collection[str] = (),
    is_numbered: bool = True,
) -> ReplyRows:
    """Return the rows a reply holds; raises nothing, whatever the text.

    Parameters
    ----------
    text : str
    keys : sequence of str
        Of the values each row must have.
    wanted : collection of int
        Row numbers that were asked for.
    find_key : callable, default=None
        From a word to the key that it means; None: keys only.
    optional : collection of str, default=()
        Keys of values that a row may lack.
    is_numbered : bool, default=True
        False: rows are numbered as they come, since any row will do. Where some have a
        number of their own, or the text is no clean JSON, only these count.
    """
    reply, find_key = ReplyRows(), find_key or make_key_finder(keys, {})
    items = _find_items(text[:MAX_REPLY_LENGTH], reply.repairs)
    if not is_numbered:
        items = _number_rows(items, is_clean=not reply.repairs[NOT_CLEAN_JSON])
    for item in items:
        number, values = _parse_item(item, keys, find_key, reply.repairs)
        if number is None:
            reply.repairs[NO_ROW] += 1
        elif number not in wanted:
            reply.repairs[UNKNOWN_NUMBER] += 1
        elif number in reply.rows:
            reply.repairs[REPEATED_ROW] += 1
        elif missing := [k for k in keys if k not in values and k not in optional]:
            reply.faults[number] = f"the row has no value for {', '.join(missing[:3])}"
        else:
            reply.rows[number] = values
    return reply


def load_json(text: str) -> object:
    """Return what strict JSON text holds; its NaN and Infinity come as floats.

    Raises
    ------
    ValueError
        The text is no JSON, or is nested too deeply.
    """
    try:
        return DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def find_objects(text: str) -> Iterator[dict[str, object]]:
    """Yield whole JSON objects in a text that is none, outermost ones first to last.

    At each brace the longest is taken; what a cut-off object holds is found inside it.
    """
    position, n_broken = 0, 0
    text = text[:MAX_REPLY_LENGTH]
    while n_broken < MAX_BROKEN_OBJECTS:
        position = text.find("{", position)
        if position < 0:
            return
        try:
            value, position = DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            n_broken, position = n_broken + 1, position + 1
            continue
        yield value


def make_key_finder(keys: Sequence[str], aliases: Mapping[str, str]) -> FindKey:
    """Return a function from a word to the key that it means; "" for none.

    A word is a key, an alias, or one of these without case, blanks and punctuation
    where that tells all of them apart.

    Parameters
    ----------
    keys : sequence of str
    aliases : dict of str to str
        Other words, and the keys they stand for; those of other keys do not count.

    Examples
    --------
    >>> find_key = make_key_finder(["Age"], {"c1": "Age", "c2": "BMI"})
    >>> [find_key(word) for word in ("Age", "c1", " AGE", "c2", "bmi")]
    ['Age', 'Age', 'Age', '', '']
    """
    exact = {**aliases, **{key: key for key in keys}}
    normalized: dict[str, set[str]] = {}
    for word, key in exact.items():
        normalized.setdefault(_normalize(word), set()).add(key)

    def find_key(word: str) -> str:
        is_exact = word in exact
        meant = {exact[word]} if is_exact else normalized.get(_normalize(word), set())
        key = next(iter(meant)) if len(meant) == 1 else ""
        return key if key in keys else ""

    return find_key


def _normalize(word: str) -> str:
    """Return a word without case, blanks and punctuation."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(c for c in folded if c.isalnum()) or folded


# The parser of the standard library would keep the last of two values; the first is
# what a model wrote before it began to repeat itself.
class _FirstValues(dict[str, object]):
    """An object of JSON; of two values with one key it has the first."""

    def __init__(self, pairs: list[tuple[str, object]]):
        super().__init__(reversed(pairs))
        self.n_repeated = len(pairs) - len(self)


def _parse_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


DECODER = json.JSONDecoder(parse_int=_parse_integer, object_pairs_hook=_FirstValues)


def _find_items(text: str, repairs: Counter[str]) -> list[object]:
    """Return what may be rows, from the strictest reading that finds some."""
    try:
        content = load_json(text)
    except ValueError:
        repairs[NOT_CLEAN_JSON] += 1
        return [item for value in find_objects(text) for item in _unwrap(value)]
    is_asked_for = isinstance(content, dict) and isinstance(content.get("rows"), list)
    items = _unwrap(content)
    if items and not is_asked_for:
        repairs[OTHER_FRAME] += 1
    return items


def _unwrap(content: object) -> list[object]:
    """Return the rows inside whatever they came in."""
    if isinstance(content, list):
        return content
    if not isinstance(content, dict) or ID in content:  # a row by itself
        return [content] if isinstance(content, dict) else []
    rows = content.get("rows", content)
    return _unwrap_groups(rows) if isinstance(rows, dict) else _unwrap(rows)


def _unwrap_groups(rows: dict[str, object]) -> list[object]:
    """Return the rows of an object: its lists' (one per label), or one per number."""
    # {"yes": [row, …], "no": [row, …]} or {"1": row, "2": row, …}
    lists = [value for value in rows.values() if isinstance(value, list)]
    listed: list[object] = [r for rows in lists for r in rows if isinstance(r, dict)]
    numbered = [_with_id(r, n) for n, r in rows.items() if isinstance(r, dict)]
    return listed or list(numbered) or [rows]


def _with_id(row: dict[str, object], number: str) -> dict[str, object]:
    """Put the number of a row into it, where it was the row's key."""
    row.setdefault(ID, number)
    return row


def _number_rows(items: list[object], *, is_clean: bool) -> list[object]:
    """Return rows, numbered as they come; those without a number may be an echo."""
    rows = [item for item in items if isinstance(item, dict)]
    numbered = [row for row in rows if ID in row]
    rows = numbered or (rows if is_clean else [])
    return [{**row, ID: number} for number, row in enumerate(rows, start=1)]


def _parse_item(
    item: object, keys: Sequence[str], find_key: FindKey, repairs: Counter[str]
) -> tuple[int | None, dict[str, object]]:
    """Return a row's number and its values by key; without a number it is no row."""
    if not isinstance(item, dict):
        return None, {}
    repairs[REPEATED_VALUE] += getattr(item, "n_repeated", 0)
    values = {key: item[key] for key in keys if key in item}
    for word, value in item.items():
        if word == ID or word in keys:
            continue
        key = find_key(word)
        if key and key not in values:
            values[key] = value
            repairs[OTHER_KEY] += 1
        else:
            repairs[SURPLUS_VALUE] += 1
    return _parse_id(item.get(ID), repairs), values


def _parse_id(value: object, repairs: Counter[str]) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        repairs[ID_AS_TEXT] += 1
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None  # True is an instance of int, too
