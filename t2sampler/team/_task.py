"""The seam between the team and whoever answers it: rows, not text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema, TableSchema


@dataclass(frozen=True)
class RowTask:
    """Ask for values of some columns beside each row of given ones.

    The rows of several batches stand one after another, so that a worker may answer
    them in one pass. Whatever is random about a row's answer must come from its own
    ``noise``: then a batch does not depend on what is drawn beside it.

    Attributes
    ----------
    columns : tuple of ColumnSchema
        To write.
    reads : tuple of ColumnSchema
        What ``given`` holds.
    given : float ndarray of shape (n_rows, n_reads)
        Codes.
    labels : int ndarray of shape (n_rows,)
        Label code per row: wanted, or drawn from the class shares.
    are_wanted : bool
        False where ``labels`` are only drawn, and the label worker writes them last.
    noise : float ndarray of shape (n_rows, n_uniforms)
        Uniform on [0, 1), from the streams of the batches.
    sizes : tuple of int
        Rows per batch.
    """

    columns: tuple[ColumnSchema, ...]
    reads: tuple[ColumnSchema, ...]
    given: NDArray[np.float64]
    labels: NDArray[np.intp]
    noise: NDArray[np.float64]
    sizes: tuple[int, ...]
    are_wanted: bool = True

    def given_frame(self) -> pd.DataFrame:
        """Return the given columns in the real table's dtypes."""
        frame: pd.DataFrame = _schema_of(self.reads).decode(self.given)
        return frame


@dataclass(frozen=True)
class Answer:
    """What a worker wrote.

    Attributes
    ----------
    codes : float ndarray of shape (n_rows, n_columns)
        NaN where a value is missing, and all over a row with a fault.
    faults : dict of int to str
        Why a row could not be had, by its position.
    repairs : dict of str to int
        How often a reply was put right by rule, by what was done.
    """

    codes: NDArray[np.float64]
    faults: Mapping[int, str] = field(default_factory=dict)
    repairs: Mapping[str, int] = field(default_factory=dict)


class RowWorker(Protocol):
    """Anything that can answer a `RowTask`: fitted statistics, or a chat model."""

    @property
    def n_uniforms(self) -> int:
        """Uniform numbers it takes per row."""
        ...

    def write(self, task: RowTask) -> Answer:
        """Return codes of shape (n_rows, n_columns), and what went wrong."""
        ...


class LeaveMissing:
    """Writes nothing: the codec gives text, ids and empty columns their blanks."""

    n_uniforms = 0

    def write(self, task: RowTask) -> Answer:
        """Return missing values."""
        return Answer(np.full((len(task.given), len(task.columns)), np.nan))


def _schema_of(columns: tuple[ColumnSchema, ...]) -> TableSchema:
    return TableSchema(columns, None, 0, {})
