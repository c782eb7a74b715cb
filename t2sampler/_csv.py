"""CSV text: its form is found, its cells are read, and new rows are written alike.

Real rows are kept as the text they are. Whatever a cell was read as, "007", "1.50",
quotes and spaces come back.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd

from t2sampler._csv_cells import TEXT, find_decimal, read_cells
from t2sampler.exceptions import SchemaError

SEPARATORS = ",;\t|"
BOMS = (  # the longer ones first, as two of UTF-32 start like those of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Python adds a mark when it encodes in these, and the file may have none.
WITHOUT_MARK = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
SAMPLE = 1000  # records whose text tells how cells are quoted
SEP_LINE = re.compile(r'"?sep=(.)"?[\r\n]+', re.I)  # Excel's way to name the separator


@dataclass(frozen=True)
class ColumnStyle:
    """How the cells of a column are written.

    Attributes
    ----------
    write : callable
        Returns the text of a value.
    lead : str
        What stands before each cell: nothing, or a space.
    is_quoted : bool
        True: every cell is quoted, not those alone that have to be.
    gap : str
        What stands for a missing value, with its quotes.
    """

    write: Callable[[Any], str] = str
    lead: str = ""
    is_quoted: bool = False
    gap: str = ""

    def render(self, value, sep):
        """Return a value as it stands in a file with the separator ``sep``."""
        if pd.isna(value):
            return self.lead + self.gap
        return self.lead + _quote(self.write(value), sep, self.is_quoted)


@dataclass(frozen=True)
class CsvForm:
    """The form of a CSV file, and its records as text.

    Attributes
    ----------
    bom, encoding : bytes, str
    preamble, header : str
        What stands before the first line, and that line.
    sep, newline, end : str
        Separator, end of a line, and end of the file: that of a line, or nothing.
    records : list of str
        A text per row, without the end of the line.
    cells : list of list of str
        The cells of these records.
    names : list of list of str
        The cells of the first line.
    styles : list of ColumnStyle
        One per column of the file.
    has_index : bool
        True: the first column has no name, and is the index of the table.
    """

    bom: bytes
    encoding: str
    preamble: str
    header: str
    sep: str
    newline: str
    end: str
    records: list[str]
    cells: list[list[str]]
    names: list[str]
    styles: list[ColumnStyle]
    has_index: bool

    def render(self, frame, rows, sep=None):
        """Return a file in this form.

        Parameters
        ----------
        frame : DataFrame
            The columns of the file, and maybe others, which are added on the right.
        rows : sequence of int
            Which records the first rows of ``frame`` are; all others are new.
        sep : str or None
            Another separator.

        Returns
        -------
        content : bytes
        """
        sep = sep or self.sep
        head, real = [self.header], [self.records[row] for row in rows]
        if sep != self.sep:
            head = [_join(self.names, self.styles, sep)]
            real = [_join(self.cells[row], self.styles, sep) for row in rows]
        is_quoted = all(style.is_quoted for style in self.styles)
        other = ColumnStyle(is_quoted=is_quoted)
        for name in frame.columns[len(self.styles) - self.has_index :]:
            head = [head[0] + sep + _quote(name, sep, is_quoted)]
            cells = frame[name].iloc[: len(rows)]
            pairs = zip(real, cells, strict=True)
            real = [record + sep + other.render(cell, sep) for record, cell in pairs]
        new = frame.iloc[len(rows) :]
        columns = [new.index] * self.has_index + [new[name] for name in new]
        styles = self.styles + [other] * (len(columns) - len(self.styles))
        cells = [
            [style.render(value, sep) for value in column]
            for style, column in zip(styles, columns, strict=True)
        ]
        lines = head + real + [sep.join(row) for row in zip(*cells, strict=True)]
        preamble = self.preamble if sep == self.sep else ""
        text = preamble + self.newline.join(lines) + self.end
        return self.bom + text.encode(self.encoding)


def read_csv(
    data, path, target, *, sep=None, decimal=None, encoding=None, na_values=(), words=()
):
    """Return the table of a CSV file, and the form of the file.

    Parameters
    ----------
    data : bytes
    path : Path
        For messages.
    target : str
        Name of the column of labels. The separator under which the first line has it
        is the likelier one.
    sep, decimal, encoding : str or None
        None: found.
    na_values : collection of str
        Cells that stand for a missing value, beside empty ones.
    words : collection of str
        Names of the columns whose cells are not read as numbers, dates or bools.

    Returns
    -------
    frame : DataFrame
    form : CsvForm

    Raises
    ------
    SchemaError
        The file is no text, or no table.
    """
    bom, encoding, text = _decode(data, path, encoding)
    said = SEP_LINE.match(text)
    preamble = said.group() if said else ""
    lines = io.StringIO(text[len(preamble) :], newline="").readlines()
    sep = sep or (said and said.group(1)) or _find_sep(lines, target)
    records, rows = _split(lines, sep, path)
    if not rows:
        raise SchemaError(f"{path} is empty: expected a line of names, then rows.")
    names, *rows = rows
    _pad(names, rows)
    has_index = not names[0].strip() and len(names) > 1
    columns = [pd.Series(column, dtype=TEXT) for column in zip(*rows, strict=True)]
    columns = columns or [pd.Series(dtype=TEXT)] * len(names)
    read = _read_columns(
        *(names, columns, target, words),
        decimal=decimal or find_decimal(columns, sep),
        na_values=na_values,
    )
    frame = pd.concat([values for values, _ in read], axis=1)
    frame.columns = name_columns(names)
    if has_index:
        frame = frame.set_index(frame.columns[0]).rename_axis(index=None)
    newline = re.search(r"\r\n|\n|\r|$", text).group() or "\n"
    form = CsvForm(
        *(bom, encoding, preamble, records[0], sep, newline),
        end=newline if text.endswith(("\r", "\n")) else "",
        records=records[1:],
        cells=rows,
        names=names,
        styles=_find_styles(records[1:], sep, columns, read),
        has_index=has_index,
    )
    return frame, form


def name_columns(names):
    """Return the names of a first line without spaces around; none is empty."""
    return [str(name).strip() or f"Unnamed: {i}" for i, name in enumerate(names)]


def _decode(data, path, encoding):
    """Return the byte-order mark, the encoding and the text."""
    for bom, found in BOMS:
        if data.startswith(bom):
            encoding = found
            break
    else:
        bom = b""
        encoding = codecs.lookup(encoding or "utf-8").name
        encoding = WITHOUT_MARK.get(encoding, encoding)
    try:
        text = data[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SchemaError(
            f"{path} is no text in {encoding.upper()}: line {line} has the byte "
            f"0x{error.object[error.start]:02x}. Name its encoding, for example "
            "--encoding latin-1 or --encoding cp1252."
        ) from error
    if "\0" in text:
        raise SchemaError(
            f"{path} has NUL characters: it is no text in {encoding.upper()}. Name its "
            "encoding, for example --encoding utf-16."
        )
    return bom, encoding, text


def _find_sep(lines, target):
    """Return the separator under which the first lines are a table best."""
    return max(SEPARATORS, key=lambda sep: _rate_sep(lines, sep, target))


def _rate_sep(lines, sep, target):
    """Return how well a separator fits: better ones compare greater."""
    try:
        reader = csv.reader(lines, delimiter=sep, skipinitialspace=True)
        rows = [row for row in islice(reader, 100) if row]
    except csv.Error:  # a quote that opens under this separator only
        rows = []
    names, *rows = rows or [[]]
    has_target = target in name_columns(names)
    n_alike = sum(len(row) == len(names) for row in rows)
    is_table = len(names) > 1
    return is_table and has_target, is_table * (n_alike + 1), len(names)


def _split(lines, sep, path):
    """Return records as text, and their cells; blank ones are left out."""
    reader = csv.reader(lines, delimiter=sep, skipinitialspace=True)
    records, rows, start = [], [], 0
    try:
        for cells in reader:
            record = "".join(lines[start : reader.line_num]).rstrip("\r\n")
            n_lines, start = reader.line_num - start, reader.line_num
            if any(cell.strip() for cell in cells) or (cells and not rows):
                records.append(record)
                rows.append(cells)
                _check_record(rows, record, n_lines, start, path)
    except csv.Error as error:
        raise SchemaError(
            f"{path} cannot be read as a table: line {reader.line_num}: {error}."
        ) from error
    return records, rows


def _check_record(rows, record, n_lines, line, path):
    n_cells, n_names = len(rows[-1]), len(rows[0])
    if n_lines > 1 and (n_cells < n_names or record.count('"') % 2):
        raise SchemaError(
            f"{path} cannot be read as a table: a quote that opens in line "
            f"{line - n_lines + 1} is not closed in it."
        )
    if n_cells > n_names:
        raise SchemaError(
            f"{path} cannot be read as a table: line {line} has {n_cells} cells, which "
            f"is more cells than the first line has names ({n_names}). Name every "
            "column, or name what separates cells with --sep."
        )


def _pad(names, rows):
    """Fill up rows whose last cells are missing, as spreadsheets write them."""
    for row in rows:
        row.extend([""] * (len(names) - len(row)))


def _read_columns(names, columns, target, words, **settings):
    """Return values and a writer per column."""
    read = []
    for name, cells in zip(name_columns(names), columns, strict=True):
        values, write = read_cells(cells, is_text=name in words, **settings)
        if name == target and not _says_it_all(values, cells):
            values, write = read_cells(cells, is_text=True, **settings)
        read.append((values, write))
    return read


def _says_it_all(values, cells):
    """Tell whether labels are no more than their values: 1, not 01, 1.0 or NA."""
    if values.dtype.kind == "f" and not values.dropna().mod(1).eq(0).all():
        return True  # no labels at all
    return values.dtype.kind in "ib" and values.astype(str).tolist() == cells.tolist()


def _find_styles(records, sep, columns, read):
    """Return a `ColumnStyle` per column."""
    samples = _find_raw_cells(records[:SAMPLE], sep, len(columns))
    return [
        _find_style(sample, cells, values, write)
        for sample, cells, (values, write) in zip(samples, columns, read, strict=True)
    ]


def _find_raw_cells(records, sep, n_columns):
    """Return a list per column of the cells in a file, with their quotes."""
    mark = re.escape(sep)
    cell = re.compile(rf'( *"(?:[^"]|"")*"[^{mark}]*|[^{mark}]*)(?:{mark}|$)')
    rows = [cell.findall(record) for record in records]
    rows = [row[:n_columns] for row in rows if len(row) >= n_columns]
    return [list(column) for column in zip(*rows, strict=True)] or [[]] * n_columns


def _find_style(sample, cells, values, write):
    filled = [cell for cell in sample if cell.strip(' "')]
    is_quoted = bool(filled) and all(c.lstrip().startswith('"') for c in filled)
    lead = " " if filled and all(cell.startswith(" ") for cell in filled) else ""
    gaps = Counter(cells[values.isna().to_numpy()].str.strip())
    gap = max(sorted(gaps), key=gaps.__getitem__, default="")
    if is_quoted and (gap or any(c.strip() == '""' for c in sample)):
        gap = f'"{gap}"'
    return ColumnStyle(write, lead, is_quoted, gap)


def _join(cells, styles, sep):
    """Return cells that are text as a record."""
    pairs = zip(cells, styles, strict=True)
    return sep.join(_quote(cell, sep, style.is_quoted) for cell, style in pairs)


def _quote(cell, sep, is_quoted):
    if is_quoted or any(sign in cell for sign in (sep, '"', "\n", "\r")):
        return '"' + cell.replace('"', '""') + '"'
    return cell
