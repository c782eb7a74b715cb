"""Rows as CSV: how real rows are written for a model, and how its lines are read."""

import re
from collections.abc import Iterator, Mapping, Sequence

from t2sampler.chat._context import PromptContext
from t2sampler.chat._formatting import MARKUP, Json, ValueFormatter, quote
from t2sampler.chat._parse_reply import MAX_REPLY_LENGTH, OTHER_KEY, SURPLUS_VALUE
from t2sampler.chat._reply_schema import DecodedRows, ReplySchema

SEPARATORS = (",", ";", "\t", "|")
OTHER_SEPARATOR = "replies with other separators than commas"
MIN_COUNTED = 3  # lines whose surplus first cells count up: fewer may do so by chance
NUMBERINGS = {"", "#", "i", "id", "index", "n", "no", "no.", "nr", "nr.", "row"}
FENCE = "```"
RULE = re.compile(r":?-{2,}:?")  # a cell below the header of a table in Markdown
NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")
# Separators or line breaks may stand inside quotes; a quote inside is doubled.
QUOTED = {
    s: re.compile(rf' *("[^"]*(?:""[^"]*)*") *(?=[{s}\n]|\Z)') for s in SEPARATORS
}
PLAIN = {s: re.compile(rf"[^{s}\n]*") for s in SEPARATORS}

Cells = list[str]  # of a line, as they stand there, with their quotes


class CsvRows:
    """Write real rows as lines of CSV, and read the lines of a reply.

    The cells of a reply go to columns by the names in its header, in any order, or by
    position where it has none. A line with another number of cells is a fault: no value
    moves to another column. An empty cell is a missing value.

    Parameters
    ----------
    context : PromptContext
    keys : sequence of str
        Of the columns, in the order of the cells. The label's may be among them.
    tokens : dict of str to sequence of str, default=None
        By key, words that stand for the levels, in the order of their codes.

    Attributes
    ----------
    header : str
    """

    def __init__(
        self,
        context: PromptContext,
        keys: Sequence[str],
        tokens: Mapping[str, Sequence[str]] | None = None,
    ):
        self.keys, self.header = list(keys), ",".join(keys)
        self._context = context
        formatters = {key: context.formatter(key) for key in keys}
        self._schema = ReplySchema(formatters, context.aliases(), context.words_about)
        # As they are written, so that "1" and 1 are two levels, and stay two.
        self._levels = {
            key: _spell_levels(formatter, (tokens or {}).get(key))
            for key, formatter in formatters.items()
        }
        self._cells = {
            key: {quote(value): cell for cell, value in levels.items()}
            for key, levels in self._levels.items()
        }
        for levels in self._levels.values():
            for cell, value in list(levels.items()):  # a model may leave quotes out
                levels.setdefault(_unquote(cell), value)

    def write(self, rows: Sequence[int]) -> str:
        """Return real rows by position, one a line."""
        real = [self._context.format_row(row, self.keys) for row in rows]
        return "\n".join(map(self.write_values, real))

    def write_values(self, values: Mapping[str, Json]) -> str:
        """Return a line of the values by key that `PromptContext.format_row` gives."""
        return ",".join(
            self._cells[key].get(quote(values[key])) or _spell(values[key])
            for key in self.keys
        )

    def parse(self, text: str) -> DecodedRows:
        """Return the rows of a reply as codes, numbered from 1 as they come.

        Of the separators, the one by which most lines are rows is taken. Raises
        nothing, whatever the text.
        """
        text = re.sub(r"\r\n?", "\n", text[:MAX_REPLY_LENGTH])
        found = [s for s in SEPARATORS if s == "," or s in text]
        readings = {s: self._read(list(_split_lines(text, s))) for s in found}
        best = max(found, key=lambda s: (readings[s][0], len(readings[s][1].codes)))
        decoded = readings[best][1]
        if best != "," and decoded.codes:
            decoded.repairs[OTHER_SEPARATOR] += 1
        return decoded

    def _read(self, lines: list[Cells]) -> tuple[bool, DecodedRows]:
        """Return whether lines have a header, and their rows."""
        decoded, places, number = DecodedRows(), self.keys, 0
        lines = [line for line in lines if len(line) > 1 or len(self.keys) == 1]
        headers = [self._read_header(cells, decoded) for cells in lines]
        start = self._find_start(lines, headers)
        lines, headers = lines[start:], headers[start:]
        rows = [c for c, h in zip(lines, headers, strict=True) if not h]
        width = len(next(filter(None, headers), self.keys))
        first = int(_count_up(rows, width))  # cell of a row's values
        for cells, header in zip(lines, headers, strict=True):
            places = header or places
            number += not header
            if not header:
                self._read_row(number, cells[first:], places, decoded)
        return any(headers), decoded

    def _find_start(self, lines: list[Cells], headers: list[Cells]) -> int:
        """Return the first line that is no chatter."""
        has_header = any(headers)
        for place, (cells, header) in enumerate(zip(lines, headers, strict=True)):
            is_long = not has_header and len(cells) >= len(self.keys)
            # A model that goes on with a list may write rows before the header.
            if header or is_long or self._is_row(cells):
                return place
        return 0

    def _read_header(self, cells: Cells, decoded: DecodedRows) -> Cells:
        """Return the key of each cell, "" for none; nothing where it is no header."""
        names = [_unquote(cell) for cell in _drop_empty(cells, len(self.keys))]
        firsts: dict[str, int] = {}
        for place, name in enumerate(names):
            firsts.setdefault(self._schema.find_key(name), place)
        places = [""] * len(names)
        for key, place in firsts.items():
            places[place] = key
        missing = [key for key in self.keys if key not in places]
        is_whole = not missing
        is_most = len(names) == len(self.keys) > 2 * len(missing)
        if not (is_whole or is_most) or self._is_row(names):
            return []  # a level may be called like a column
        # One name that is none, and one column without a name: they belong together.
        if len(missing) == 1 and names[places.index("")].casefold() not in NUMBERINGS:
            places[places.index("")] = missing[0]
        pairs = zip(places, names, strict=True)
        n_other = sum(key not in ("", name) for key, name in pairs)
        decoded.repairs.update([OTHER_KEY] * n_other)
        return places

    def _is_row(self, cells: Cells) -> bool:
        """Tell whether cells are the values of a row, in the order of the keys."""
        scratch = DecodedRows()
        self._read_row(1, cells, self.keys, scratch)
        return bool(scratch.codes)

    def _read_row(
        self, number: int, cells: Cells, places: Cells, decoded: DecodedRows
    ) -> None:
        cells = _drop_empty(cells, len(places))
        if len(cells) != len(places):
            fault = f"the line has {len(cells)} cells where {len(places)} are expected"
            decoded.faults[number] = fault
            return
        values = {
            key: self._read_cell(key, cell)
            for key, cell in zip(places, cells, strict=True)
            if key
        }
        if missing := [key for key in self.keys if key not in values]:
            fault = f"the row has no value for {', '.join(missing[:3])}"
            decoded.faults[number] = fault
            return
        decoded.repairs.update([SURPLUS_VALUE] * places.count(""))
        self._schema.decode_row(number, values, decoded)

    def _read_cell(self, key: str, cell: str) -> Json:
        """Return a cell as a value of JSON; None where it is empty."""
        text = _unquote(cell)
        for spelling in (cell, text):
            if spelling in self._levels[key]:
                return self._levels[key][spelling]
        if not cell or text.casefold() == "nan":  # as data frames write it
            return None
        column = self._context.formatter(key).column
        if column.kind in ("number", "category") and (match := NUMBER.fullmatch(text)):
            return float(text) if match[1] or match[2] else int(text)
        return text


def _split_lines(text: str, separator: str) -> Iterator[Cells]:
    """Yield the cells of each line that may be a row or a header."""
    position, cells = 0, Cells()
    while position <= len(text):
        match = QUOTED[separator].match(text, position)
        match = match or PLAIN[separator].match(text, position)
        if match is None:  # PLAIN matches anything
            return
        cells.append(match[0].strip())
        position = match.end() + 1
        if text[match.end() : position] == separator:
            continue
        if separator == "|" and not cells[0] and not cells[-1]:
            cells = cells[1:-1]  # a line of a table in Markdown
        is_rule = all(RULE.fullmatch(cell) for cell in cells)
        if any(cells) and not is_rule and not cells[0].startswith(FENCE):
            yield cells
        cells = []


def _count_up(rows: list[Cells], n_cells: int) -> bool:
    """Tell whether each row has its number before its first cell."""
    rows = [_drop_empty(cells, n_cells) for cells in rows]
    counted = [cells[0] for cells in rows if len(cells) == n_cells + 1]
    is_mixed = any(len(cells) == n_cells for cells in rows)
    if is_mixed or len(counted) < MIN_COUNTED or not counted[0].isdecimal():
        return False
    first = int(counted[0][:9])
    return counted == [str(first + n) for n in range(len(counted))]


def _drop_empty(cells: Cells, n_cells: int) -> Cells:
    """Return cells without empty last ones, where there are too many."""
    end = len(cells)
    while end > n_cells and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _unquote(cell: str) -> str:
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if is_quoted else cell


def _spell_levels(
    formatter: ValueFormatter, tokens: Sequence[str] | None
) -> dict[str, Json]:
    """Return the levels of a column by their cells; nothing for other columns."""
    # A level that is not sent may be known to the model: it can be written, too.
    values = formatter.levels if tokens else [*formatter.levels, *formatter.names]
    levels: dict[str, Json] = {}
    seen = set()
    for code, value in enumerate(values):
        if quote(value) in seen:  # one word stands for all that are not sent
            continue
        seen.add(quote(value))
        cell = tokens[code] if tokens else _spell(value)
        levels[_quote_cell(cell) if cell in levels else cell] = value
    return levels


def _spell(value: Json) -> str:
    """Return a value as a cell; a text that may pass for anything else is quoted."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return quote(value)
    is_plain = value.isprintable() and not MARKUP.search(value)
    is_bare = bool(value) and value == value.strip() and not value.startswith(FENCE)
    is_one_cell = not any(sign in value for sign in (*SEPARATORS, '"'))
    return value if is_plain and is_bare and is_one_cell else _quote_cell(value)


def _quote_cell(text: str) -> str:
    is_plain = text.isprintable() and not MARKUP.search(text) and "\\" not in text
    inner = text if is_plain else quote(text)[1:-1]
    return '"' + inner.replace('"', '""') + '"'
