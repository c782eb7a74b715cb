"""What a column is: the kind its owner says, or the one inferred from its values.

The inference looks at the column's name and at the values it holds, never at the order
of its rows, and at shares of rows only where nothing else tells words from free text.
"""

import re
from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd

from t2sampler.exceptions import SchemaError

# Kinds that a user may give; "bool" and "empty" are only inferred.
GIVEN_KINDS = ("number", "category", "datetime", "timedelta", "text", "id", "private")
BY_DTYPE = {"b": "bool", "M": "datetime", "m": "timedelta"} | dict.fromkeys(
    "iuf", "number"
)
EXACT_FLOAT = 2**53  # whole numbers up to here are floats, too
# Free text: most values occur once, and they are sentences.
MIN_TEXTS, MIN_DISTINCT, MIN_WORDS, MIN_LENGTH = 5, 0.5, 4, 30
# Or values of one word or two, of which so many rows hold hardly one twice.
MANY_ROWS, NEARLY_ALL = 100, 0.9
# Names of columns, by their words. Ids of persons are ids even where they recur.
ID_WORDS = frozenset(
    [
        "id",
        "ids",
        "uuid",
        "guid",
        "uid",
        "index",
        "key",
        "pk",
        "rowid",
        "recordid",
        "identifier",
    ]
)
PERSONS = frozenset(
    [
        "patient",
        "customer",
        "client",
        "person",
        "user",
        "member",
        "employee",
        "student",
        "subject",
        "account",
        "guest",
        "visitor",
        "citizen",
        "household",
        "policyholder",
        "passenger",
        "participant",
        "respondent",
        "applicant",
        "pupil",
        "tenant",
        "donor",
        "patienten",
        "kunden",
        "mitarbeiter",
        "paciente",
        "cliente",
    ]
)
CODE_ENDS = frozenset(
    ["zip", "zipcode", "postcode", "plz", "fips", "code", "codes", "cap"]
)
COUNTER_ENDS = frozenset(["no", "nr", "num", "number", "nummer"])
PLACES = frozenset(
    [
        "shop",
        "store",
        "branch",
        "depot",
        "plant",
        "site",
        "route",
        "line",
        "gate",
        "room",
        "bus",
        "train",
        "station",
        "department",
        "dept",
        "ward",
        "region",
        "district",
        "postal",
        "machine",
    ]
)
# Or by their values: long, each as frequent, and with so little of the range filled.
MIN_DIGITS, MIN_REPEATS, MAX_FILLED = 3, 5, 0.1
UNNAMED = re.compile(r"unnamed: \d+")
# Ids as text: UUIDs, hashes, and counters behind a prefix.
UUID = re.compile(r"[{(]?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}[)}]?", re.I)
HASH = re.compile(r"(?=.*\d)(?=.*[a-f])[0-9a-f]{16,}", re.I)
COUNTER = re.compile(r"([A-Za-z]+[-_ #./]?)+\d{2,}")
MIN_COUNTERS = 10


def check_kinds(kinds, names) -> dict[Hashable, str]:
    """Return the kinds a user has given, as a dict.

    Parameters
    ----------
    kinds : mapping of column name to kind, or None
    names : iterable of column names

    Raises
    ------
    SchemaError
        A column the table does not have, or a kind there is not.
    """
    kinds, names = dict(kinds or {}), list(names)
    for name, kind in kinds.items():
        if name not in names:
            raise SchemaError(
                f"`column_kinds` expected names of columns, got {name!r}. The table "
                f"has {names[:20]}{' …' if len(names) > 20 else ''}."
            )
        if kind not in GIVEN_KINDS:
            raise SchemaError(
                f"`column_kinds` expected one of {', '.join(GIVEN_KINDS)} for column "
                f"{name!r}, got {kind!r}."
            )
    return kinds


def merge_kinds(*given: Mapping[Hashable, str] | None) -> dict[Hashable, str]:
    """Return the kinds that several parts were given, the first part's first.

    Raises
    ------
    SchemaError
        Two parts say different kinds of one column.
    """
    merged: dict[Hashable, str] = {}
    for kinds in given:
        for name, kind in (kinds or {}).items():
            if merged.setdefault(name, kind) != kind:
                raise SchemaError(
                    f"`column_kinds` expected one kind for column {name!r}, got "
                    f"{merged[name]!r} and {kind!r} from two parts. Say it once."
                )
    return merged


def check_kind(values: pd.Series, name: Hashable, kind: str) -> str:
    """Return the kind a user has given, if the column can be read as one.

    Raises
    ------
    SchemaError
        It cannot; the message has the line of code that converts the column.
    """
    if values.isna().all() and kind not in ("text", "id", "private"):
        return "empty"
    expected = {"datetime": "M", "timedelta": "m", "number": "iufb"}.get(kind)
    is_number = kind == "number" and _holds_numbers(values)
    if expected is None or is_number or values.dtype.kind in expected:
        return kind
    convert = "numeric" if kind == "number" else kind
    how = ".astype(str), errors='coerce')`"
    if values.dtype.kind in "iuf":  # a count of units: only its owner knows of which
        how = f", unit={('s' if kind == 'datetime' else 'D')!r})`, or another unit"
    raise SchemaError(
        f"Column {name!r} expected a {kind}, as `column_kinds` says, got "
        f"{values.dtype}. Convert it: `X[{name!r}] = pd.to_{convert}(X[{name!r}]"
        f"{how}; or give it another kind."
    )


def infer_kind(values: pd.Series, name: Hashable) -> str:
    """Return the kind of a column that was read in an everyday dtype.

    Examples
    --------
    >>> infer_kind(pd.Series([3, 1, 2]), "day"), infer_kind(pd.Series([3, 1]), "id")
    ('number', 'id')
    """
    present = values.dropna()
    if present.empty:
        return "empty"
    if _is_id(present, name):
        return "id"
    is_category = isinstance(values.dtype, pd.CategoricalDtype)
    if is_category or _is_beyond_floats(present) or _is_code(present, name):
        return "category"
    return BY_DTYPE.get(values.dtype.kind) or _kind_of_objects(present)


def _kind_of_objects(present):
    if _holds_numbers(present):
        return "number"
    distinct = present.unique()
    if not all(isinstance(value, str) for value in distinct):
        return "category"
    n_rows, share = len(present), len(distinct) / len(present)
    if n_rows >= MANY_ROWS and share > NEARLY_ALL:
        return "text"
    lengths = sorted(map(len, distinct))
    words = sorted(len(value.split()) for value in distinct)
    middle = len(distinct) // 2
    are_sentences = words[middle] >= MIN_WORDS or (
        lengths[middle] >= MIN_LENGTH and words[middle] > 1
    )
    is_text = n_rows >= MIN_TEXTS and share > MIN_DISTINCT and are_sentences
    return "text" if is_text else "category"


def _is_id(present, name):
    """Tell whether a column names the rows, or the persons they belong to."""
    words = split_name(name)
    named = _end_as_id(words) or _are_numbers_of_persons(present, words)
    is_integer = present.dtype.kind in "iu" or (named and _are_whole(present))
    is_text = not is_integer and present.map(type).eq(str).all()
    if not (is_integer or is_text) or len(present) < 2:
        return False
    is_unique = present.is_unique
    if named and (is_unique or set(words[:-1]) & PERSONS):
        return True
    if is_integer:
        unnamed = UNNAMED.fullmatch(str(name).lower()) or str(name).strip() == ""
        counts = is_unique and int(present.max()) - int(present.min()) < len(present)
        is_key = is_unique and len(present) >= MIN_COUNTERS
        return bool(unnamed and counts) or (is_key and _is_beyond_floats(present))
    return _are_ids(present.unique(), is_unique)


def _end_as_id(words):
    """Tell whether a column's name ends as one of ids; a body mass index is none."""
    if words[-1:] == ["index"] and not set(words[:-1]) <= PERSONS | {"row", "record"}:
        return False
    return bool(words) and words[-1] in ID_WORDS


def _are_numbers_of_persons(present, words):
    """Tell whether values are as in "customer_no": of one length, and none twice."""
    is_named = words[-1:] and words[-1] in COUNTER_ENDS and set(words) & PERSONS
    if not is_named or len(present) < MIN_COUNTERS or not present.is_unique:
        return False
    lengths = present.astype(str).str.len().unique()
    return len(lengths) == 1 and lengths[0] >= MIN_DIGITS


def _are_whole(present):
    """Tell whether values are integers in another dtype: gaps make them floats."""
    values = present
    if isinstance(present.dtype, pd.CategoricalDtype):
        values = present.cat.remove_unused_categories().cat.categories.to_series()
    if values.dtype.kind not in "iuf" and not _holds_numbers(values):
        return False
    return not (values % 1).any()


def _are_ids(distinct, is_unique):
    for pattern in (UUID, HASH):
        if all(pattern.fullmatch(value) for value in distinct):
            return True
    if not is_unique or len(distinct) < MIN_COUNTERS:
        return False
    prefixes = {re.sub(r"\d+", "0", value) for value in distinct}
    return len(prefixes) == 1 and all(COUNTER.fullmatch(value) for value in distinct)


def _is_code(present, name):
    """Tell whether integers are codes by the column's name: "zip", "shop_no"."""
    if present.dtype.kind not in "iu":
        return False
    words = split_name(name)
    last, rest = (words[-1], set(words[:-1])) if words else ("", set())
    is_foreign_key = _end_as_id(words) or (last in COUNTER_ENDS and rest & PLACES)
    return last in CODE_ENDS or bool(is_foreign_key) or _are_codes(present)


def _are_codes(present):
    """Tell whether integers of one length recur and leave most of their range out."""
    distinct = present.unique()
    low, high = int(min(distinct)), int(max(distinct))
    is_long = low > 0 and len(str(low)) == len(str(high)) >= MIN_DIGITS
    recur = len(distinct) <= len(present) / MIN_REPEATS
    return is_long and recur and len(distinct) <= MAX_FILLED * (high - low + 1)


def split_name(name: Hashable) -> list[str]:
    """Return the words of a column's name.

    Examples
    --------
    >>> split_name("PassengerId"), split_name("shop_no.2")
    (['passenger', 'id'], ['shop', 'no', '2'])
    """
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", str(name))
    return re.findall(r"[^\W_]+", text.lower())


def _is_beyond_floats(present):
    """Tell whether a column holds hashes or keys: as floats they would be others."""
    is_integer = present.dtype.kind in "iu"
    return is_integer and not present.between(-EXACT_FLOAT, EXACT_FLOAT).all()


def _holds_numbers(present):
    return present.dtype == object and all(
        isinstance(value, int | float | np.number)
        and not isinstance(value, bool | np.bool_)
        for value in present.dropna()
    )
