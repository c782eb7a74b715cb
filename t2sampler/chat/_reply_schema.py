"""Reply schema: the JSON schema of a reply, and the way from its text to codes."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from t2sampler.chat._formatting import Json, ValueFormatter, quote
from t2sampler.chat._parse_reply import ID, make_key_finder, parse_rows
from t2sampler.chat._parse_values import ValueParser

MAX_LISTED_LEVELS = 30
MAX_LISTED_LENGTH = 80  # characters of a level
# Of what is no number or category; times are ISO text.
JSON_TYPES = {"bool": "boolean", "datetime": "string", "timedelta": "string"}

Codes = dict[int, dict[str, float]]


@dataclass(frozen=True)
class DecodedRows:
    """Codes by row and key, the fault of each wrong row, and counts of repairs."""

    codes: Codes = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    repairs: Counter[str] = field(default_factory=Counter)


class ReplySchema:
    """What a reply holds: one object per row, its number and one value per key.

    Parameters
    ----------
    formatters : dict of str to ValueFormatter
        By key, in the order in which values are asked for.
    aliases : dict of str to str, default=None
        Other words a model may use for a key.
    words_about : callable, default=None
        From a key to its column's name and description, which may tell a unit.
    optional : collection of str, default=()
        Keys of values that a reply may leave out, though they are asked for.
    """

    def __init__(
        self,
        formatters: Mapping[str, ValueFormatter],
        aliases: Mapping[str, str] | None = None,
        words_about: Callable[[str], str] | None = None,
        *,
        optional: Collection[str] = (),
    ):
        self.formatters = dict(formatters)
        self._optional = optional
        self.find_key = make_key_finder(list(self.formatters), aliases or {})
        self._parsers = {
            key: ValueParser(formatter, words_about(key) if words_about else "")
            for key, formatter in self.formatters.items()
        }

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema: strict, without bounds on numbers."""
        properties = {key: _value_schema(f) for key, f in self.formatters.items()}
        row = strict_object({ID: {"type": "integer"}, **properties})
        return strict_object({"rows": {"type": "array", "items": row}})

    def parse(
        self, text: str, wanted: Collection[int], *, is_numbered: bool = True
    ) -> DecodedRows:
        """Return the rows of a reply as codes; raises nothing, whatever the text.

        Parameters
        ----------
        text : str
        wanted : collection of int
            Row numbers that were asked for.
        is_numbered : bool, default=True
            False: rows are numbered as they come.
        """
        reply = parse_rows(
            text,
            list(self.formatters),
            wanted,
            self.find_key,
            optional=self._optional,
            is_numbered=is_numbered,
        )
        decoded = DecodedRows(faults=reply.faults, repairs=reply.repairs)
        for number, values in reply.rows.items():
            self.decode_row(number, values, decoded)
        return decoded

    def decode_row(
        self, number: int, values: Mapping[str, object], decoded: DecodedRows
    ) -> None:
        """Add the codes of a row's values by key, or the row's fault."""
        parsed = {
            key: parser.parse(values[key])
            for key, parser in self._parsers.items()
            if key in values
        }
        faults = [
            f"column {self.formatters[key].column.name!r}: {value.fault}"
            for key, value in parsed.items()
            if value.fault
        ]
        # One such value refuses the row: the others were written to go with it.
        if faults:
            decoded.faults[number] = "; ".join(faults)
            return
        decoded.codes[number] = {key: value.code for key, value in parsed.items()}
        for value in parsed.values():
            decoded.repairs.update(value.repairs)


def strict_object(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has these properties, all of them.

    What strict modes of endpoints demand: nothing optional, nothing beside.
    """
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _value_schema(formatter: ValueFormatter) -> dict[str, Any]:
    column, levels = formatter.column, formatter.levels
    types = [JSON_TYPES.get(column.kind, "number")]
    if column.kind == "number" and column.grid.is_integer:
        types = ["integer"]
    if column.kind == "category":
        types = sorted({_json_type(level) for level in levels})
    if column.missing > 0:
        types = [*types, "null"]
    schema: dict[str, Any] = {"type": types if len(types) > 1 else types[0]}
    # A level that is not sent may be known to the model: it can be written, too.
    is_open = bool(formatter.withheld) or not _can_be_listed(levels)
    if column.kind == "category" and not is_open:
        schema["enum"] = [*levels, *([None] if column.missing > 0 else [])]
    return schema


def _json_type(level: Json) -> str:
    if isinstance(level, bool):  # before int, of which it is one
        return "boolean"
    return "number" if isinstance(level, int | float) else "string"


def _can_be_listed(levels: list[Json]) -> bool:
    """Servers turn enums into grammars, and fail on long or odd ones."""
    texts = [level for level in levels if isinstance(level, str)]
    return len(levels) <= MAX_LISTED_LEVELS and all(
        len(text) <= MAX_LISTED_LENGTH and quote(text) == f'"{text}"' for text in texts
    )
