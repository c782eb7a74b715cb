"""Values of the command line's options: each function reads the text of one.

By the standard library alone, as `t2sampler.cli`, which says what the options are.
"""

import argparse
import csv
import importlib.util
import json
import math
import os
from pathlib import Path

CSV_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
TABLE_SUFFIXES = (*CSV_SUFFIXES, ".parquet", ".xlsx")
LIBRARIES = {  # by suffix: the extra that a file needs, and what is in it
    ".parquet": ("parquet", "pyarrow"),
    ".xlsx": ("excel", "openpyxl"),
}
KINDS = ("number", "category", "datetime", "timedelta", "text", "id", "private")
STRATEGIES = ("auto", "minority", "not minority", "not majority", "all")


def read_input(text):
    """Return the path of a table that can be opened."""
    path = _check_suffix(text, TABLE_SUFFIXES)
    _open(path).close()
    return path


def read_output(text, suffixes):
    """Return the path of a file to write, in a folder that exists."""
    path = _check_suffix(text, suffixes)
    folder = path.absolute().parent
    reason = None
    if not folder.is_dir():
        reason = "its folder does not exist"
    elif path.is_dir():
        reason = "it is a folder"
    elif not os.access(folder, os.W_OK):
        reason = "its folder is read-only"
    if reason:
        raise argparse.ArgumentTypeError(f"{path} cannot be written: {reason}")
    return path


def read_output_or_folder(text):
    """Return the path of a table to write, or of a folder of Parquet files."""
    if is_table(text):
        return read_output(text, TABLE_SUFFIXES)
    if Path(text).suffix and not (text.endswith(("/", os.sep)) or Path(text).is_dir()):
        raise argparse.ArgumentTypeError(
            f"{text} must end with {', '.join(TABLE_SUFFIXES)}. With --rows it is a "
            "folder, such as rows/"
        )
    _check_library(text, ".parquet")
    return read_folder(text)


def is_table(path):
    """Return whether a path ends as those of tables do."""
    return str(path).lower().endswith(TABLE_SUFFIXES)


def read_folder(text):
    """Return the path of a folder, which may not exist yet."""
    if Path(text).exists() and not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a file, not a folder")
    return Path(text)


def _check_suffix(text, suffixes):
    if not text.lower().endswith(suffixes):
        raise argparse.ArgumentTypeError(
            f"{text} must end with {', '.join(suffixes[:-1])} or {suffixes[-1]}. The "
            "suffix names the format"
        )
    path = Path(text)
    _check_library(text, path.suffix.lower())
    return path


def _check_library(text, suffix):
    extra, library = LIBRARIES.get(suffix, ("", ""))
    if library and importlib.util.find_spec(library) is None:
        raise argparse.ArgumentTypeError(
            f"{text} needs {library}, the extra `{extra}` of t2sampler. Run: pip "
            f"install {library}"
        )


def _open(path):
    try:
        return path.open(encoding="utf-8-sig")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from error


def read_sep(text):
    """Return a separator of cells: one character."""
    sep = {r"\t": "\t", "tab": "\t"}.get(text, text)
    if len(sep) != 1 or sep in '"\r\n':
        raise argparse.ArgumentTypeError(
            rf"expected one character, such as ; or | or \t, got {text!r}"
        )
    return sep


def read_encoding(text):
    try:
        "".encode(text)
    except LookupError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no encoding of text; examples are utf-8, latin-1 and cp1252"
        ) from error
    return text


def split_list(text):
    """Return the parts of a list with commas; a part in quotes may hold some."""
    return [part.strip() for part in next(csv.reader([text], skipinitialspace=True))]


def read_kinds(text):
    """Return pairs of a column and its kind."""
    pairs, name = [], ""
    for part in split_list(text):
        before, mark, kind = part.rpartition("=")
        if not mark:  # a name with a comma in it
            name += f"{part},"
        elif kind.strip() not in KINDS:
            raise argparse.ArgumentTypeError(
                f"{kind.strip()!r} in {part!r} is no kind of column; the kinds are "
                f"{', '.join(KINDS)}"
            )
        else:
            pairs.append(((name + before).strip(), kind.strip()))
            name = ""
    if name or not pairs:
        raise argparse.ArgumentTypeError(
            f"expected COLUMN=KIND, such as day=number,zip=category, got {text!r}"
        )
    return pairs


def read_test_size(text):
    """Return a number of rows, or a share of them."""
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if not (0 < size < 1 or (1 <= size < math.inf and size == int(size))):
        raise argparse.ArgumentTypeError(
            f"expected a share between 0 and 1 or a number of rows, got {text!r}"
        )
    return size if size < 1 else int(size)


def read_count(text):
    """Return a number of rows, which may be written as 1e8."""
    count = read_number(text, float, low=1)
    if count != int(count):
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}")
    return int(count)


def read_number(text, kind, low=0, high=math.inf):
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high or number == math.inf:
        noun = {int: "an integer", float: "a number"}[kind]
        reach = "" if high == math.inf else f" and at most {high}"
        raise argparse.ArgumentTypeError(
            f"expected {noun} of at least {low}{reach}, got {text!r}"
        )
    return number


def read_strategy(text):
    """Return a ``sampling_strategy``: a word, a ratio, or a dict with text as keys."""
    try:
        strategy = json.loads(text)
    except json.JSONDecodeError:
        strategy = text
    is_counts = isinstance(strategy, dict) and all(
        type(count) is int and count >= 0 for count in strategy.values()
    )
    is_ratio = type(strategy) in (int, float) and 0 < strategy <= 1
    if not is_counts and not is_ratio and strategy not in STRATEGIES:
        raise argparse.ArgumentTypeError(
            f"expected a sampling_strategy: {', '.join(STRATEGIES)}, a ratio in (0, 1] "
            f"or a JSON object from labels to numbers of rows, got {text!r}"
        )
    return float(strategy) if is_ratio else strategy


def read_examples(text):
    """Return a number of rows, or "summary"."""
    if text == "summary":
        return text
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(
            f'expected a number of rows or "summary", got {text!r}'
        )
    return int(text)


def read_descriptions(text):
    """Return a dict from names of columns to what they mean."""
    try:
        with _open(Path(text)) as file:
            content = json.load(file)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no JSON text: {error}") from error
    is_read = isinstance(content, dict)
    if not is_read or not all(isinstance(text, str) for text in content.values()):
        raise argparse.ArgumentTypeError(
            f"{text} must hold a JSON object that maps names of columns to text"
        )
    return content
