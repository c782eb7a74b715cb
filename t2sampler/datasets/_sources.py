"""Where the real tables come from: a folder, or OpenML for everybody else."""

import os
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pandas as pd
import sklearn.datasets

VARIABLE = "T2SAMPLER_DATA"
BESIDE_CHECKOUT = Path(__file__).resolve().parents[3] / "shared" / "data"
READ = {"skipinitialspace": True, "na_values": ["?"]}  # "?" is UCI's missing value


@dataclass(frozen=True)
class Source:
    """One table: its files, its number at OpenML, its label and its columns.

    Attributes
    ----------
    files : tuple of str
        CSV files below the data folder, to be stacked.
    label : str
    dropped : tuple of str
        Columns that name the row or give the label away.
    openml_id : int or None
        None where the table is not known to be there in the same form.
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


def data_folder():
    """Return the folder that holds real tables, or None.

    It is the folder named by the environment variable ``T2SAMPLER_DATA``, or else
    ``shared/data`` beside the checkout. Loaders look there first.

    Returns
    -------
    folder : Path or None
        None where there is no such folder.

    Examples
    --------
    >>> from t2sampler.datasets import data_folder, fetch_thyroid
    >>> if data_folder() is not None:  # without the folder, thyroid has no source
    ...     X, y = fetch_thyroid()
    """
    folder = Path(os.environ.get(VARIABLE) or BESIDE_CHECKOUT)
    return folder if folder.is_dir() else None


def load(source):
    """Return ``X`` and ``y`` of a table.

    Raises
    ------
    FileNotFoundError
        The files are not there, and OpenML does not have the table.
    """
    folder = data_folder()
    paths = [folder / file for file in source.files] if folder else []
    if paths and all(path.is_file() for path in paths):
        parts = [pd.read_csv(path, **READ) for path in paths]
        frame = pd.concat(parts, ignore_index=True)
    elif source.openml_id is not None:
        frame = _fetch(source)
    else:
        raise FileNotFoundError(
            f"Expected {' and '.join(source.files)} in the data folder, got "
            f"{folder or 'no folder'}, and the table is not at OpenML in this form. "
            f"Set {VARIABLE} to a folder that holds it."
        )
    frame = _strip(frame).drop(columns=list(source.dropped))
    y = frame.pop(source.label)
    return frame, y


def _fetch(source):
    """Return the table from OpenML, as if it had been read from a file of ours."""
    bunch = sklearn.datasets.fetch_openml(data_id=source.openml_id, as_frame=True)
    frame = bunch.frame.drop(columns=list(source.openml_extra), errors="ignore")
    frame = frame.rename(columns=source.openml_names)
    frame = pd.read_csv(StringIO(frame.to_csv(index=False)), **READ)
    if source.openml_labels:
        frame[source.label] = frame[source.label].map(source.openml_labels)
    return frame


def _strip(frame):
    """Take the blanks off both ends of every string."""
    texts = frame.select_dtypes(exclude=["number", "bool"]).columns
    return frame.assign(**{name: frame[name].str.strip() for name in texts})
