"""Files that are whole or not there, and tables in Parquet by pyarrow, an extra."""

import json
import secrets

import pandas as pd

from t2sampler.exceptions import SchemaError

NOTE = b"t2sampler"  # the key of our own words in the metadata of a Parquet file


def replace_file(path, write):
    """Let ``write`` make a draft in the same folder, then put it in place at once."""
    path = path.resolve()  # a link stays one
    draft = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    try:
        write(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(text, path):
    """Write text as UTF-8; an interrupted run leaves no half file."""
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def import_pyarrow():
    """Return pyarrow with its part for Parquet, or say which extra has it.

    Raises
    ------
    ImportError
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Parquet files need pyarrow. Install it with `pip install "
            "'t2sampler[parquet]'`."
        ) from error
    return pyarrow


def read_parquet(path):
    """Return a table, and the types of its columns where pandas has not written it."""
    schema = import_pyarrow().parquet.read_schema(path)
    if schema.pandas_metadata is not None:
        return pd.read_parquet(path), None
    return pd.read_parquet(path, dtype_backend="numpy_nullable"), schema


def write_parquet(frame, path, schema=None, note=None):
    """Write a table; an interrupted run leaves no half file.

    Parameters
    ----------
    frame : DataFrame
    path : Path
    schema : pyarrow.Schema, default=None
        Types of the first columns. None: found in the values.
    note : dict, default=None
        Is kept beside the table; needs ``schema``.
    """
    if schema is not None:
        for name in frame.columns[len(schema) :]:
            schema = schema.append(type(schema).from_pandas(frame[[name]]).field(0))
    if note is not None:
        own = {NOTE: json.dumps(note).encode()}
        schema = schema.with_metadata({**(schema.metadata or {}), **own})
    replace_file(path, lambda draft: frame.to_parquet(draft, schema=schema))


def read_note(path):
    """Return the note that `write_parquet` has kept beside a table, or None."""
    note = (import_pyarrow().parquet.read_schema(path).metadata or {}).get(NOTE)
    return None if note is None else json.loads(note)


def find_types(frame):
    """Return the types that columns have in Parquet, a pyarrow.Schema.

    Raises
    ------
    ImportError
    SchemaError
        Values of a column have no common type.
    """
    pyarrow = import_pyarrow()
    try:
        return pyarrow.Schema.from_pandas(frame, preserve_index=False)
    except (TypeError, ValueError, NotImplementedError) as error:
        reason = ", ".join(map(str, error.args)).rstrip(".")
        raise SchemaError(
            f"A column cannot be written as Parquet: {reason}. Give its values one "
            "type, or drop the column."
        ) from error
