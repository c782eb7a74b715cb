"""Tables and pages on disk: what is read comes back the same when it is written."""

import secrets

import pandas as pd

from t2sampler.exceptions import SchemaError

DAY, MOMENT = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"  # as pandas writes them
CODE = r"[+-]?0\d+$"
NUMPY = {"Int64": "int64", "boolean": "bool"}


def read_table(path, target):
    """Return a table that has the column ``target`` from a CSV or Parquet file.

    In a CSV, integers with blanks among them stay integers, codes with leading zeros
    stay text, and ISO dates become dates.

    Raises
    ------
    SchemaError
        The file is no table, or has no column ``target``.
    OSError
        The file cannot be opened.
    """
    frame = (
        _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    )
    if target not in frame.columns:
        names = ", ".join(str(name) for name in frame.columns[:20])
        dots = ", …" if len(frame.columns) > 20 else ""
        raise SchemaError(
            f"{path} has no column {target!r}; its columns are {names}{dots}. Name the "
            "column of labels with --target."
        )
    return frame


def split_table(frame, target):
    """Return ``X`` and ``y`` of a table."""
    return frame.drop(columns=target), frame[target]


def join_table(X, y, columns):
    """Return ``X`` and ``y`` as one table with columns in the order of the file."""
    return pd.concat([X, y], axis=1)[list(columns)]


def write_table(frame, path):
    """Write a table as CSV or Parquet; an interrupted run leaves no half file."""
    if path.suffix.lower() == ".parquet":
        _replace_file(path, frame.to_parquet)
    else:
        _replace_file(path, lambda draft: frame.to_csv(draft, index=False))


def write_text(text, path):
    """Write text as UTF-8; an interrupted run leaves no half file."""
    _replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def _read_csv(path):
    try:
        text = pd.read_csv(path, dtype=str)
        words = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        frame = pd.read_csv(path, dtype_backend="numpy_nullable")
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SchemaError(f"{path} cannot be read as a table: {error}.") from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise SchemaError(
            f"{path} has rows with more cells than its first line has names. Name "
            "every column."
        )
    for name in frame.columns[frame.dtypes == "string"]:
        text[name] = words[name]  # among words, "None" and "NA" are words too
    return pd.DataFrame({name: _settle(frame[name], text[name]) for name in frame})


def _settle(values, text):
    """Return a CSV column in the dtype that loses nothing of its text."""
    kind = str(values.dtype)
    if kind == "string":
        return _as_dates(text)
    if kind == "Float64":
        return text.astype("float64")  # to the last bit, on every pandas
    if kind == "Int64" and text.str.match(CODE, na=False).any():
        return text
    is_full = kind in NUMPY and values.notna().all()
    return values.astype(NUMPY[kind]) if is_full else values


def _as_dates(text):
    """Return dates where every cell is a date and would be written as it was read."""
    for pattern in (DAY, MOMENT):
        dates = pd.to_datetime(text, format=pattern, errors="coerce")
        if dates.notna().any() and dates.dt.strftime(pattern).equals(text):
            present = dates.dropna()
            only_days = present.equals(present.dt.normalize())
            return dates if only_days == (pattern == DAY) else text
    return text


def _read_parquet(path):
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise SchemaError(_without_pyarrow(path)) from error


def _without_pyarrow(path):
    return (
        f"{path} needs pyarrow, which is not installed or too old. Run: pip install "
        "--upgrade pyarrow"
    )


def _replace_file(path, write):
    """Let ``write`` make a draft in the same folder, then put it in place at once."""
    draft = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    try:
        write(draft)
        draft.replace(path)
    except ImportError as error:
        raise SchemaError(_without_pyarrow(path)) from error
    finally:
        draft.unlink(missing_ok=True)
