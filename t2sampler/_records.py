"""Frozen records that travel between the rooms: they hold facts and do nothing."""

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Request:
    """What a generator is asked for: one batch.

    Everything here is a function of ``index`` (and the sampler's settings) alone,
    never of what the filters kept, so that strict and lax filters ask for the very
    same batches.
    """

    index: int
    n_rows: int
    labels: NDArray | None  # wanted label per row, shape (n_rows,); None: free
    rng: np.random.Generator  # this batch's own stream


@dataclass(frozen=True)
class Batch:
    """Candidates drawn together, in the dtypes of the real table."""

    index: int
    X: pd.DataFrame
    y: pd.Series
    refused: pd.DataFrame | None = None  # rows no codec could read, column "reason"


@dataclass(frozen=True)
class Verdict:
    """What a filter decided about ``n`` candidates in one or more batches.

    Attributes
    ----------
    keep : bool ndarray of shape (n,)
        True where the row was kept.
    reasons : object ndarray of shape (n,)
        Why a row was dropped, in words; "" where it was kept.
    scores : dict of str to ndarray of shape (n,)
        Figures per row, such as "cost" or "cluster".
    accepted : Series of bool
        Per batch id, in order of first appearance: did the batch as a whole pass.
    stats : DataFrame
        Per batch id, the figures the decision rests on.
    twins : dict of batch id to int ndarray
        Positions of real rows that the batch's twin contributed; empty unless the
        filter keeps them.
    """

    keep: NDArray[np.bool_]
    reasons: NDArray[np.object_]
    scores: dict[str, NDArray] = field(default_factory=dict)
    accepted: pd.Series = field(default_factory=lambda: pd.Series(dtype=bool))
    stats: pd.DataFrame = field(default_factory=pd.DataFrame)
    twins: dict[Hashable, NDArray[np.intp]] = field(default_factory=dict)
