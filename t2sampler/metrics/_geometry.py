"""Where the rows of mixed tables lie, and which of them are neighbours."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from t2sampler._encoding import TableEncoder

SPARE = 3  # more candidates than asked for, since the search rounds
FAR = 1e100  # as far as a number may lie from the real ones: its square still fits


def place_rows(tables):
    """Return one matrix per table, in the units of the real rows.

    Encoded by `TableEncoder`, fitted on the real rows. What no real row holds (a level,
    a missing value, another value where real rows have only one) would leave no trace
    there, so each column that has some gets an indicator of it.
    """
    encoder = TableEncoder(tables.schema).fit(tables.frames[0])
    novelties = [_find_novelties(tables, codes) for codes in tables.codes]
    used = np.any([marks.any(axis=0) for marks in novelties], axis=0)
    return [
        np.hstack([encoder.transform(frame).clip(-FAR, FAR), marks[:, used]])
        for frame, marks in zip(tables.frames, novelties, strict=True)
    ]


def _find_novelties(tables, codes):
    real = tables.codes[0]
    novel = np.isnan(codes) & ~np.isnan(real).any(axis=0)
    for j, column in enumerate(tables.schema.columns):
        known = np.unique(real[~np.isnan(real[:, j]), j])
        if not column.is_numeric or len(known) == 1:
            novel[:, j] |= ~np.isin(codes[:, j], known) & ~np.isnan(codes[:, j])
    return novel


def scale_to_unit(matrices):
    """Return the matrices with the real rows' columns stretched to [0, 1]."""
    low = matrices[0].min(axis=0)
    width = np.ptp(matrices[0], axis=0)
    width[width == 0] = 1.0
    return [(matrix - low) / width for matrix in matrices]


def find_nearest(rows, pool, k=1):
    """Return distances to the ``k`` nearest rows of a pool, and their positions.

    The search itself works with rounded squares; the distances returned are exact, so
    that copies are exactly 0 apart.

    Returns
    -------
    distances, positions : ndarray of shape (n_rows, k), nearest first
    """
    n_candidates = min(k + SPARE, len(pool))
    search = NearestNeighbors(n_neighbors=n_candidates, algorithm="brute").fit(pool)
    positions = search.kneighbors(rows, return_distance=False)
    distances = np.stack(
        [np.linalg.norm(rows - pool[column], axis=1) for column in positions.T], axis=1
    )
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return (
        np.take_along_axis(distances, order, axis=1),
        np.take_along_axis(positions, order, axis=1),
    )


def find_nearest_other(chosen, pool):
    """Return how far the chosen rows of a pool are from their nearest other row.

    Parameters
    ----------
    chosen : int ndarray of shape (n_chosen,)
        Positions in the pool.
    """
    distances, positions = find_nearest(pool[chosen], pool, k=2)
    distances[positions == chosen[:, None]] = np.inf
    return distances.min(axis=1)
