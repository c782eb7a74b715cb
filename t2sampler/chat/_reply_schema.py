"""What a reply must look like, and how it becomes codes: the two sides of one form."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from t2sampler.chat._formatting import Json, Spelling, quote
from t2sampler.chat._parse_reply import ID, find_words, parse_rows
from t2sampler.chat._parse_values import ValueReader

MAX_ENUM = 30  # levels that are listed in the schema
MAX_LEVEL = 80  # characters of a level that is listed there
JSON_TYPES = {"bool": "boolean", "datetime": "string", "timedelta": "string"}


@dataclass(frozen=True)
class ReadRows:
    """Codes per row number and key, faults of rows that are wrong, and counts."""

    codes: dict[int, dict[str, float]] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    mended: Counter[str] = field(default_factory=Counter)


class ReplyForm:
    """The form of a reply: one object per row, its number and one value per key.

    Parameters
    ----------
    spellings : dict of str to Spelling
        By key, in the order in which values are asked for.
    names : dict of str to str, default=None
        Other words a model may use for a key.
    about : callable, default=None
        From a key to the words that say what its values are, units included.
    optional : collection of str, default=()
        Keys of values that a reply may leave out, though they are asked for.
    """

    def __init__(
        self,
        spellings: Mapping[str, Spelling],
        names: Mapping[str, str] | None = None,
        about: Callable[[str], str] | None = None,
        *,
        optional: Collection[str] = (),
    ):
        self.spellings = dict(spellings)
        self._optional = optional
        self._find_key = find_words(list(self.spellings), names or {})
        self._readers = {
            key: ValueReader(spelling, about(key) if about else "")
            for key, spelling in self.spellings.items()
        }

    def schema(self) -> dict[str, Any]:
        """Return the form as JSON schema: strict, without bounds on numbers."""
        properties = {key: _type_of(s) for key, s in self.spellings.items()}
        row = closed_object({ID: {"type": "integer"}, **properties})
        return closed_object({"rows": {"type": "array", "items": row}})

    def example(self) -> str:
        """Return the form as one row of JSON, with words for values."""
        values = ",".join(f"{quote(key)}:…" for key in self.spellings)
        return f'{{"rows":[{{"{ID}":1,{values}}},…]}}'

    def read(
        self, text: str, wanted: Collection[int], *, is_numbered: bool = True
    ) -> ReadRows:
        """Return the rows of a reply as codes; raises nothing, whatever the text."""
        parsed = parse_rows(
            text,
            list(self.spellings),
            wanted,
            self._find_key,
            optional=self._optional,
            is_numbered=is_numbered,
        )
        found = ReadRows(faults=parsed.faults, mended=parsed.mended)
        for number, values in parsed.rows.items():
            read = {
                key: reader.read(values[key])
                for key, reader in self._readers.items()
                if key in values
            }
            faults = [
                f"{self._title(key)}: {value.fault}"
                for key, value in read.items()
                if value.fault
            ]
            if faults:
                found.faults[number] = "; ".join(faults)
                continue
            found.codes[number] = {key: value.code for key, value in read.items()}
            found.mended.update(note for v in read.values() for note in v.mended)
        return found

    def _title(self, key: str) -> str:
        return f"column {self.spellings[key].column.name!r}"


def closed_object(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has these properties, all of them."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _type_of(spelling: Spelling) -> dict[str, Any]:
    column = spelling.column
    types = [JSON_TYPES.get(column.kind, "number")]
    if column.kind == "number" and spelling.column.grid.is_integer:
        types = ["integer"]
    if column.kind == "category":
        types = sorted({_json_type(level) for level in spelling.levels})
    nulls = ["null"] if column.missing > 0 else []
    every = [*types, *nulls]
    found: dict[str, Any] = {"type": every if len(every) > 1 else every[0]}
    if column.kind == "category" and _can_be_listed(spelling.levels):
        found["enum"] = [*spelling.levels, *([None] if nulls else [])]
    return found


def _json_type(level: Json) -> str:
    if isinstance(level, bool):
        return "boolean"
    return "number" if isinstance(level, int | float) else "string"


def _can_be_listed(levels: list[Json]) -> bool:
    """Servers turn enums into grammars, and trip over long or odd ones."""
    texts = [level for level in levels if isinstance(level, str)]
    return len(levels) <= MAX_ENUM and all(
        len(text) <= MAX_LEVEL and quote(text) == f'"{text}"' for text in texts
    )
