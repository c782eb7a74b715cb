"""Sources of real tables: files in the data folder, else OpenML."""

import os
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pandas as pd
import sklearn.datasets

DATA_VARIABLE = "T2SAMPLER_DATA"
BESIDE_CHECKOUT = Path(__file__).resolve().parents[3] / "shared" / "data"
READ_OPTIONS = {"skipinitialspace": True, "na_values": ["?"]}  # "?" as UCI has it


@dataclass(frozen=True)
class Source:
    """Files, OpenML number, label and column names of one table.

    Attributes
    ----------
    files : tuple of str
        CSV files below the data folder, to be concatenated.
    label : str
    dropped : tuple of str
        Columns that identify the row or reveal the label.
    openml_id : int or None
        None if OpenML does not have the table in the same form.
    openml_names : dict of str to str
        From OpenML's column names to ours, where they differ.
    openml_extra : tuple of str
        Columns, by OpenML's names, that our table does not have.
    openml_labels : dict
        From OpenML's labels to ours; empty: the same.
    """

    files: tuple[str, ...]
    label: str
    dropped: tuple[str, ...] = ()
    openml_id: int | None = None
    openml_names: dict[str, str] = field(default_factory=dict)
    openml_extra: tuple[str, ...] = ()
    openml_labels: dict = field(default_factory=dict)


def get_data_home():
    """Return the folder from which loaders read real tables.

    It is the folder named by the environment variable ``T2SAMPLER_DATA``, or else
    ``shared/data`` beside the checkout.

    Returns
    -------
    folder : Path or None
        None if the folder does not exist.

    Examples
    --------
    >>> from t2sampler.datasets import get_data_home, fetch_thyroid
    >>> if get_data_home() is not None:  # without the folder, thyroid has no source
    ...     X, y = fetch_thyroid()
    """
    folder = Path(os.environ.get(DATA_VARIABLE) or BESIDE_CHECKOUT)
    return folder if folder.is_dir() else None


def load_table(source):
    """Return ``X`` and ``y`` of a table; FileNotFoundError if no source has it."""
    folder = get_data_home()
    paths = [folder / file for file in source.files] if folder else []
    if paths and all(path.is_file() for path in paths):
        parts = [pd.read_csv(path, **READ_OPTIONS) for path in paths]
        frame = pd.concat(parts, ignore_index=True)
    elif source.openml_id is not None:
        frame = _fetch_from_openml(source)
    else:
        raise FileNotFoundError(
            f"Expected {' and '.join(source.files)} in the data folder, got "
            f"{folder or 'no folder'}, and the table is not at OpenML in this form. "
            f"Set {DATA_VARIABLE} to a folder that holds it."
        )
    frame = _strip(frame).drop(columns=list(source.dropped))
    y = frame.pop(source.label)
    return frame, y


def _fetch_from_openml(source):
    """Return the table from OpenML in the form of the files."""
    bunch = sklearn.datasets.fetch_openml(data_id=source.openml_id, as_frame=True)
    frame = bunch.frame.drop(columns=list(source.openml_extra), errors="ignore")
    frame = frame.rename(columns=source.openml_names)
    # A round trip through CSV gives the dtypes and missing values of the files.
    frame = pd.read_csv(StringIO(frame.to_csv(index=False)), **READ_OPTIONS)
    if source.openml_labels:
        frame[source.label] = frame[source.label].map(source.openml_labels)
    return frame


def _strip(frame):
    """Strip blanks from both ends of every string."""
    texts = frame.select_dtypes(exclude=["number", "bool"]).columns
    return frame.assign(**{name: frame[name].str.strip() for name in texts})
