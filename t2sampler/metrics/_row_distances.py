"""Distances between rows of mixed tables."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from t2sampler._encoding import TableEncoder

N_SPARE = 3  # candidates beyond those asked for, since the search rounds
MAX_ABS = 1e100  # larger numbers are clipped: their squares would overflow


def encode_rows(tables):
    """Return one matrix per table, in the units of the real rows.

    Encoded by `TableEncoder`, fitted on the real rows. The encoder ignores what no real
    row holds: a level, a missing value, or another value where real rows have only one.
    Each column that has such values in any table gets an indicator of them.
    """
    encoder = TableEncoder(tables.schema).fit_codes(tables.codes[0])
    novelties = [_find_novelties(tables, codes) for codes in tables.codes]
    used = np.any([marks.any(axis=0) for marks in novelties], axis=0)
    return [
        np.hstack(
            [encoder.transform_codes(codes).clip(-MAX_ABS, MAX_ABS), marks[:, used]]
        )
        for codes, marks in zip(tables.codes, novelties, strict=True)
    ]


def _find_novelties(tables, codes):
    """Return True for every value that the encoder would ignore."""
    real = tables.codes[0]
    novel = np.isnan(codes) & ~np.isnan(real).any(axis=0)
    for j, column in enumerate(tables.schema.columns):
        known = np.unique(real[~np.isnan(real[:, j]), j])
        if not column.is_numeric or len(known) == 1:
            novel[:, j] |= ~np.isin(codes[:, j], known) & ~np.isnan(codes[:, j])
    return novel


def scale_to_unit(matrices):
    """Scale the columns of all matrices so that those of the first lie in [0, 1]."""
    first, *others = matrices
    low, width = first.min(axis=0), np.ptp(first, axis=0)
    width[width == 0] = 1.0
    return [(matrix - low) / width for matrix in (first, *others)]


def find_nearest(rows, pool, k=1):
    """Return distances to the ``k`` nearest rows of a pool, and their positions.

    Returns
    -------
    distances, positions : ndarray of shape (n_rows, k), nearest first
    """
    n_candidates = min(k + N_SPARE, len(pool))
    search = NearestNeighbors(n_neighbors=n_candidates, algorithm="brute").fit(pool)
    positions = search.kneighbors(rows, return_distance=False)
    # The search expands (a - b)**2 and loses digits. Distances are computed anew for a
    # few candidates, so that a copy is at distance 0 exactly.
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
    # A row is not its own neighbour. Among equal rows it may be missing from the two
    # nearest; the distance is 0 then, as it should be.
    distances[positions == chosen[:, None]] = np.inf
    return distances.min(axis=1)
