"""Batches among the rows of a call: who belongs to which, and chance for each."""

import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

MAX_ROWS = 16_384  # candidates that are encoded and judged at a time
TWINS, NULL, ROWS = 0, 1, 2  # streams of chance, first number of a spawn key


@dataclass(frozen=True)
class Wave:
    """The batches of one call.

    Attributes
    ----------
    ids : list
        Batch ids in order of first appearance.
    order : int ndarray of shape (n_rows,)
        Rows batch by batch; within a batch as they came.
    sizes : int ndarray of shape (n_batches,)
    """

    ids: list
    order: np.ndarray
    sizes: np.ndarray

    def pieces(self, max_rows, max_batches):
        """Yield numbers and rows of neighbouring batches, as many as fit, one at least.

        Yields
        ------
        batches : range
            Numbers of the batches.
        rows : int ndarray
            Their rows in the call, batch by batch.
        """
        stops = np.cumsum(self.sizes)
        first = 0
        while first < len(self.sizes):
            begin = stops[first] - self.sizes[first]
            last = int(np.searchsorted(stops, begin + max_rows, side="right"))
            last = max(first + 1, min(last, first + max_batches))
            yield range(first, last), self.order[begin : stops[last - 1]]
            first = last


@dataclass(frozen=True)
class Candidates:
    """Encoded rows of neighbouring batches, batch by batch.

    Attributes
    ----------
    numbers : range
        Numbers of the batches in the call.
    ids : list
        Their ids.
    sizes : int ndarray of shape (n_batches,)
    rows : int ndarray of shape (n_rows,)
        Where the candidates stand in the call.
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
        Labels; those that no real row has come last.
    """

    numbers: range
    ids: list
    sizes: np.ndarray
    rows: np.ndarray
    X: np.ndarray
    codes: np.ndarray

    @property
    def batch(self):
        """Each row's batch, counted from 0."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


def find_batches(batch):
    """Return the `Wave` that an array with a batch id per row describes.

    Examples
    --------
    >>> import numpy as np
    >>> wave = find_batches(np.array(["b", "a", "b"]))
    >>> wave.ids, wave.order.tolist(), wave.sizes.tolist()
    (['b', 'a'], [0, 2, 1], [2, 1])
    """
    codes, ids = pd.factorize(np.asarray(batch), use_na_sentinel=False)
    sizes = np.bincount(codes, minlength=len(ids))
    order = np.argsort(codes, kind="stable")
    return Wave(ids.tolist(), order, sizes)


def batch_rng(seed, batch_id):
    """Return a batch's own stream, whatever other batches there are."""
    return np.random.default_rng(
        np.random.SeedSequence(seed, spawn_key=(TWINS, *batch_key(batch_id)))
    )


def batch_key(batch_id):
    """Return a batch id as whole numbers that stay the same from run to run.

    Examples
    --------
    >>> batch_key(7)
    (0, 7)
    >>> batch_key("north") == batch_key("north")
    True
    """
    is_integer = isinstance(batch_id, int) and not isinstance(batch_id, bool)
    if is_integer and batch_id >= 0:
        return 0, batch_id
    return 1, zlib.crc32(repr(batch_id).encode())
