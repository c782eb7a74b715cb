"""What a worker of a team is asked for, and what it answers: codes of rows, not text.

A worker, fitted or a language model, has a method ``write`` from a `RowTask` to an
`Answer`, and ``n_uniforms``, the random numbers it takes per row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema


@dataclass(frozen=True)
class RowTask:
    """Rows to write: the columns asked for, and the values that are given.

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
    """

    columns: tuple[ColumnSchema, ...]
    reads: tuple[ColumnSchema, ...]
    given: NDArray[np.float64]
    labels: NDArray[np.intp]
    noise: NDArray[np.float64]
    are_wanted: bool = True


@dataclass(frozen=True)
class Answer:
    """What a worker wrote.

    Attributes
    ----------
    codes : float ndarray of shape (n_rows, n_columns)
        NaN where a value is missing, and in every column of a row with a fault.
    faults : dict of int to str
        Why a row could not be written, by its position.
    repairs : dict of str to int
        How often a reply was repaired by a rule, by the kind of repair.
    """

    codes: NDArray[np.float64]
    faults: Mapping[int, str] = field(default_factory=dict)
    repairs: Mapping[str, int] = field(default_factory=dict)
