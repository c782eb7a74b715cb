"""The batch loop, free of models and of scikit-learn: draw, judge, count."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._records import Batch, Request
from t2sampler.filters._sequence import ChainResult

Draw = Callable[[list[Request]], Iterable[Batch]]
Judge = Callable[[pd.DataFrame, pd.Series, NDArray[np.intp]], ChainResult]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Wave:
    """Batches that were drawn and judged together.

    ``taken`` marks the candidates that passed and had room.
    """

    X: pd.DataFrame
    y: pd.Series
    batch: NDArray[np.intp]
    result: ChainResult
    taken: NDArray[np.bool_]
    refused: pd.DataFrame


def label_cycle(quotas: Mapping[int, int]) -> NDArray[np.intp]:
    """Return wanted labels in an order in which every stretch has the quotas' mix.

    The i-th row of a class with quota q stands at (i + 1/2) / q on a common line.

    Examples
    --------
    >>> label_cycle({0: 2, 1: 4}).tolist()
    [1, 0, 1, 1, 0, 1]
    """
    places = [(np.arange(n) + 0.5) / n for n in quotas.values() if n]
    labels = [np.full(n, label) for label, n in quotas.items() if n]
    order = np.argsort(np.concatenate(places), kind="stable")
    wanted: NDArray[np.intp] = np.concatenate(labels)[order]
    return wanted


def make_requests(
    seed: int, batch_size: int, cycle: NDArray[np.intp] | None, levels: NDArray[Any]
) -> Iterator[Request]:
    """Yield requests without end; each depends on its index alone."""
    for index in count():
        labels = None
        if cycle is not None:
            positions = np.arange(index * batch_size, (index + 1) * batch_size)
            labels = levels[cycle[positions % len(cycle)]]
        stream = np.random.SeedSequence(entropy=seed, spawn_key=(index,))
        yield Request(index, batch_size, labels, np.random.default_rng(stream))


def fill_quotas(
    draw: Draw,
    judge: Judge,
    encode: Callable[[pd.Series], NDArray[np.float64]],
    requests: Iterator[Request],
    quotas: Mapping[int, int],
    *,
    batch_size: int,
    max_batches: int,
    progress: Progress,
) -> list[Wave]:
    """Draw and judge waves until the quotas are met or ``max_batches`` are drawn.

    A generator that can give no more yields fewer batches than asked for; what it did
    give is judged, and the drawing ends.

    Parameters
    ----------
    draw, judge : callable
        The generator's ``draw``, and the chain of filters.
    encode : callable
        Labels to their codes.
    requests : iterator of Request
        In order of their index.
    quotas : dict of int to int
        Rows wanted per label code.
    batch_size, max_batches : int
    progress : callable
        Told the rows accepted and the batches drawn by each wave.

    Returns
    -------
    waves : list of Wave
        What was accepted in one wave stays accepted.
    """
    room = dict(quotas)
    waves: list[Wave] = []
    n_drawn = 0
    while sum(room.values()) > 0 and n_drawn < max_batches:
        n_batches = min(ceil(sum(room.values()) / batch_size), max_batches - n_drawn)
        n_drawn += n_batches
        drawn = list(draw(list(islice(requests, n_batches))))
        if not drawn:
            break
        wave = judge_wave(drawn, judge)
        codes = encode(wave.y)
        taken = take_rows(codes, wave.result.keep, room)
        for label in room:
            room[label] -= int(np.sum(taken & (codes == label)))
        waves.append(Wave(wave.X, wave.y, wave.batch, wave.result, taken, wave.refused))
        progress(int(taken.sum()), n_batches)
        if len(drawn) < n_batches:
            break
    return waves


def take_rows(
    codes: NDArray[np.float64], keep: NDArray[np.bool_], room: Mapping[int, int]
) -> NDArray[np.bool_]:
    """Take, per label and in order, as many kept rows as there is room for.

    Examples
    --------
    >>> take_rows(np.array([0, 0, 1, 0.]), np.array([True, False, True, True]), {0: 1})
    array([ True, False, False, False])
    """
    taken = np.zeros(len(keep), dtype=bool)
    for label, n_rows in room.items():
        taken[np.flatnonzero(keep & (codes == label))[:n_rows]] = True
    return taken


def judge_wave(drawn: Sequence[Batch], judge: Judge) -> Wave:
    """Put batches together, have them judged, and take all that was kept."""
    X = pd.concat([batch.X for batch in drawn], ignore_index=True)
    y = pd.concat([batch.y for batch in drawn], ignore_index=True)
    ids = np.repeat([batch.index for batch in drawn], [len(batch.X) for batch in drawn])
    lost = [
        batch.refused.assign(batch=batch.index)
        for batch in drawn
        if batch.refused is not None and len(batch.refused)
    ]
    refused = pd.concat(lost, ignore_index=True) if lost else pd.DataFrame()
    result = judge(X, y, ids)
    return Wave(X, y, ids, result, result.keep, refused)
