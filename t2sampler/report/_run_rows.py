"""The rows of a run, for pictures: references to them, and choices among them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t2sampler._table import Rows

MIN_PER_CLASS = 25  # rows of a class that a choice has, if there are so many

Positions = NDArray[np.intp]


@dataclass(frozen=True)
class RunRows:
    """The real rows and the candidates of a run, as the run held them.

    Attributes
    ----------
    real : Rows
    candidates : sequence of Rows
        Wave by wave.
    fates : sequence of str ndarray
        What became of each of them: "accepted", "surplus", or the filter's name.
    """

    real: Rows
    candidates: Sequence[Rows]
    fates: Sequence[NDArray[np.str_]]

    def select(self, *fates: str) -> tuple[NDArray[np.float64], Positions]:
        """Return codes and label codes of the candidates with these fates.

        The code of a label is negative where it is missing, or none of the table.
        """
        masks = [np.isin(fate, fates) for fate in self.fates]
        pairs = list(zip(self.candidates, masks, strict=True))
        codes = [rows.codes[mask] for rows, mask in pairs]
        labels = [
            np.nan_to_num(rows.labels[mask], nan=-1).astype(np.intp)
            for rows, mask in pairs
        ]
        no_codes = np.zeros((0, len(self.real.schema.columns)))
        return np.concatenate([no_codes, *codes]), np.concatenate(
            [np.zeros(0, dtype=np.intp), *labels]
        )


def match_classes(real: Positions, new: Positions) -> tuple[Positions, Positions]:
    """Choose rows of both sides whose classes have the same shares.

    New rows are of some classes more than of others, so that all real rows would differ
    from them however good they are.

    Parameters
    ----------
    real, new : int ndarray
        Label codes.

    Returns
    -------
    real, new : int ndarray
        Positions. Real rows may occur several times, or be left out at even intervals.
        New rows of classes without real rows are left out, unless there are no others.

    Examples
    --------
    >>> real, new = np.array([0, 0, 0, 0, 1, 1]), np.array([1, 0, 1, 2])
    >>> [positions.tolist() for positions in match_classes(real, new)]
    [[0, 2, 4, 4, 5, 5], [0, 1, 2]]
    """
    n_classes = max(real.max(initial=-1), new.max(initial=-1)) + 1
    n_real, n_new = (np.bincount(side, minlength=n_classes) for side in (real, new))
    shared = np.flatnonzero((n_real > 0) & (n_new > 0))
    if not len(shared):
        return np.arange(len(real)), np.arange(len(new))
    wanted = n_new[shared] / n_new[shared].sum() * n_real[shared].sum()
    parts = []
    for label, n_wanted in zip(shared, np.ceil(wanted).astype(int), strict=True):
        parts.append(_space(np.flatnonzero(real == label), n_wanted))
    return np.concatenate(parts), np.flatnonzero(np.isin(new, shared))


def choose_rows(labels: Positions, n_rows: int) -> Positions:
    """Return positions of about so many rows, with some of every class.

    Examples
    --------
    >>> choose_rows(np.repeat([0, 1], [96, 4]), 50).tolist()[-6:]
    [92, 94, 96, 97, 98, 99]
    """
    if len(labels) <= n_rows:
        return np.arange(len(labels))
    parts = []
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        share = int(n_rows * count / len(labels))
        n_taken = min(count, max(share, MIN_PER_CLASS))
        parts.append(_space(np.flatnonzero(labels == label), n_taken))
    return np.concatenate(parts)


def _space(positions: Positions, n_wanted: int) -> Positions:
    """Return so many of these positions at even intervals, repeated if need be."""
    return positions[np.arange(n_wanted) * len(positions) // n_wanted]
