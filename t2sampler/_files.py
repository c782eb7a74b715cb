"""Tables and pages on disk: what is read comes back the same when it is written."""

import gzip
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from t2sampler._csv import CsvForm, name_columns, read_csv
from t2sampler._storage import read_parquet, replace_file, write_parquet
from t2sampler.exceptions import SchemaError

# Kinds of columns whose cells are words, also where they look like numbers.
WORD_KINDS = ("category", "text", "private")
SIGNATURES = {b"PK\x03\x04": ".xlsx", b"\x1f\x8b": ".csv.gz", b"PAR1": ".parquet"}
MOST_SHOWN = 20


@dataclass(frozen=True)
class TableFile:
    """A table and the file it comes from.

    Attributes
    ----------
    path : Path
    frame : DataFrame
    target : str
        Name of the column of labels in ``frame``.
    form : CsvForm or None
        None: the file is no CSV.
    schema : pyarrow.Schema or None
        Types of the columns of a Parquet file that pandas has not written.
    """

    path: Path
    frame: pd.DataFrame
    target: str
    form: CsvForm | None = None
    schema: Any = None

    @property
    def features(self):
        """Names of all columns but the target."""
        return [str(name) for name in self.frame.columns if name != self.target]


def read_table(path, target, *, kinds=None, **options):
    """Return a table that has a label in the column ``target`` in each row.

    In a CSV, integers with blanks among them stay integers, codes with leading zeros
    stay text, and ISO dates become dates.

    Parameters
    ----------
    path : Path
        CSV, Parquet or Excel file; the suffix names the format.
    target : str
        With or without spaces around.
    kinds : dict or None
        Kinds by names of columns, as far as the user has given any.
    **options
        ``sep``, ``decimal``, ``encoding`` and ``na_values``, as `read_csv` takes them.

    Returns
    -------
    table : TableFile

    Raises
    ------
    SchemaError
        The file is no such table.
    OSError
        The file cannot be opened.
    """
    target, form, schema = target.strip(), None, None
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        frame, schema = _read_with(path, read_parquet)
    elif suffix == ".xlsx":
        frame = _read_excel(path, options.get("na_values") or ())
    else:
        words = {name for name, kind in (kinds or {}).items() if kind in WORD_KINDS}
        if _has_tabs(path):
            options["sep"] = options.get("sep") or "\t"
        data = _read_bytes(path)
        frame, form = read_csv(data, path, target, words=words, **options)
    names = [str(name).strip() for name in frame.columns]
    _check_names(names, target, path)
    table = TableFile(path, frame, frame.columns[names.index(target)], form, schema)
    _check_rows(table)
    return table


def split_table(frame, target):
    """Return ``X`` and ``y`` of a table; integers and bools of ``X`` may be missing.

    Files have gaps where dtypes of NumPy have none: new rows would hold a zero.
    """
    X, nullable = frame.drop(columns=target), {}
    for name, dtype in X.dtypes.items():
        if isinstance(dtype, np.dtype) and dtype.kind in "iub":
            integer = dtype.name.replace("int", "Int").replace("uI", "UI")
            nullable[name] = "boolean" if dtype.kind == "b" else integer
    return X.astype(nullable), frame[target]


def take_rows(frame, rows):
    """Return some rows of a table; an index that only counts goes on counting."""
    part = frame.iloc[rows]
    return part.reset_index(drop=True) if _is_counted(frame) else part


def join_table(X, y, frame):
    """Undo `split_table`: give columns their order and, where full, their dtype."""
    joined = X.copy()
    joined[y.name] = y.array
    full = [name for name in frame if joined[name].notna().all()]
    return joined[list(frame.columns)].astype(frame.dtypes[full])


def write_table(frame, path, *, source=None, rows=()):
    """Write a table; an interrupted run leaves no half file.

    Parameters
    ----------
    frame : DataFrame
    path : Path
        Its suffix names the format.
    source : TableFile or None
        The file that the table comes from. From one CSV to another the form stays.
    rows : sequence of int
        Which rows of ``source`` the first ones of ``frame`` are; all others are new.
    """
    suffix = path.suffix.lower()
    has_index = not _is_counted(frame)
    if suffix == ".parquet":
        schema = None if source is None else source.schema
        write_parquet(frame, path, schema)
    elif suffix == ".xlsx":
        replace_file(path, lambda draft: frame.to_excel(draft, index=has_index))
    else:
        sep = _choose_sep(path, source)
        if source is not None and source.form is not None:
            data = source.form.render(frame, rows, sep)
        else:
            data = frame.to_csv(index=has_index, sep=sep, lineterminator="\n").encode()
        if suffix == ".gz":
            data = gzip.compress(data, mtime=0)  # same table, same file
        replace_file(path, lambda draft: draft.write_bytes(data))


def _is_counted(frame):
    return isinstance(frame.index, pd.RangeIndex)


def _has_tabs(path):
    return path.name.lower().endswith((".tsv", ".tsv.gz"))


def _choose_sep(path, source):
    """Return the separator of a file to write: that of its source, or of its suffix."""
    if _has_tabs(path):
        return "\t"
    if source is None or source.form is None or _has_tabs(source.path):
        return ","
    return source.form.sep


def _read_bytes(path):
    """Return the content of a file that is CSV."""
    data = path.read_bytes()
    if path.suffix.lower() == ".gz":
        try:
            return gzip.decompress(data)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise SchemaError(f"{path} is no whole gzip file: {error}.") from error
    for signature, suffix in SIGNATURES.items():
        if data.startswith(signature):
            raise SchemaError(
                f"{path} is no CSV file. It starts as files in {suffix} do: rename it."
            )
    return data


def _read_with(path, read):
    """Read a file with a library, whose errors become one sentence."""
    try:
        return read(path)
    except Exception as error:  # damaged files raise what they like
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        reason = str(error).split("\n")[0].rstrip(".")
        raise SchemaError(
            f"{path} cannot be read as a {path.suffix.lower()} file: {reason}."
        ) from error


def _read_excel(path, na_values):
    """Return the first sheet of a workbook."""
    cells = _read_with(
        path,
        lambda path: pd.read_excel(
            path, header=None, dtype=object, keep_default_na=False, na_values=[""]
        ),
    )
    if cells.empty:
        raise SchemaError(f"{path} is empty: expected a line of names, then rows.")
    names = cells.iloc[0].astype(object)
    frame = cells[1:].dropna(how="all").reset_index(drop=True)
    frame = frame.mask(frame.isin([*na_values])).infer_objects()
    frame.columns = name_columns(names.where(names.notna(), ""))
    if pd.isna(names.iloc[0]) and len(names) > 1:
        frame = frame.set_index(frame.columns[0]).rename_axis(index=None)
    return frame


def _check_names(names, target, path):
    """Refuse columns of one name, no target, and nothing beside it."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise SchemaError(
            f"{path} has more than one column named {', '.join(repeated)}. Give each "
            "column a name of its own."
        )
    if target not in names:
        dots = ", …" if len(names) > MOST_SHOWN else ""
        raise SchemaError(
            f"{path} has no column {target!r}; its columns are "
            f"{', '.join(names[:MOST_SHOWN])}{dots}. Name the column of labels with "
            "--target"
            + (", or what separates cells with --sep." if len(names) == 1 else ".")
        )
    if len(names) == 1:
        raise SchemaError(
            f"{path} has one column only, that of the labels. It needs others, from "
            "which labels are predicted; if it has some, say what separates cells with "
            "--sep."
        )


def _check_rows(table):
    """Refuse a table without rows, rows without labels, and labels that are none."""
    path, labels = table.path, table.frame[table.target]
    if not len(labels):
        raise SchemaError(f"{path} has no rows below its first line.")
    rows = np.flatnonzero(labels.isna()) + 1
    if len(rows):
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise SchemaError(
            f"{path} has no label in column {table.target!r} in row "
            f"{', '.join(map(str, rows[:5]))}{more} (the first row after the names is "
            "row 1). Write a label there, or delete the row."
        )
    counts = labels.value_counts()
    is_float = labels.dtype.kind == "f" and not np.equal(np.mod(labels, 1), 0).all()
    if is_float or (len(counts) > 2 and len(counts) > len(labels) / 2):
        raise SchemaError(
            f"Column {table.target!r} of {path} has {len(counts)} different values in "
            f"{len(labels)} rows, such as {counts.index[0]}: its values are continuous "
            "or names, not classes. Name a column of classes with --target, or write "
            "one that has ranges of these values."
        )
