"""The batch loop, free of models and of scikit-learn: draw, inspect, count."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from math import ceil

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._records import Batch, Request
from t2sampler._schema import TableSchema
from t2sampler._table import Rows
from t2sampler.filters._sequence import FilterResult
from t2sampler.sampling._brake import is_given_up

MIN_BATCHES, BATCH_FACTOR = 200, 4  # the default of max_batches
Draw = Callable[[list[Request]], Iterable[Batch]]
Inspect = Callable[..., FilterResult]  # of Rows, and ``batch``: an id per row
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Wave:
    """Batches that were drawn and inspected together.

    ``taken`` marks the candidates that passed and had room, ``refused`` holds rows that
    the generator could not use. ``asked`` counts the rows that were asked for per label
    code, ``failures`` those since the class last got one, in all waves so far.
    """

    rows: Rows
    batch: NDArray[np.intp]
    result: FilterResult
    taken: NDArray[np.bool_]
    refused: pd.DataFrame
    asked: Counter[int] = field(default_factory=Counter)
    failures: Mapping[int, int] = field(default_factory=dict)


def batch_limit(n_rows: int, batch_size: int, max_batches: int | None) -> int:
    """Return how many batches may be drawn to get ``n_rows`` accepted rows."""
    return max_batches or max(MIN_BATCHES, BATCH_FACTOR * ceil(n_rows / batch_size))


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
    seed: int,
    batch_size: int,
    quotas: Mapping[int, int] | None,
    schema: TableSchema,
    first: int = 0,
) -> Iterator[Request]:
    """Yield requests without end, from an index on; each depends on its index alone.

    Labels are wanted in the mix of the quotas; without quotas the generator decides.
    """
    cycle = label_cycle(quotas) if quotas and sum(quotas.values()) else None
    labels_in_order = schema.label_values
    for index in count(first):
        labels = None
        if cycle is not None:
            positions = np.arange(index * batch_size, (index + 1) * batch_size)
            labels = labels_in_order[cycle[positions % len(cycle)]]
        stream = np.random.SeedSequence(entropy=seed, spawn_key=(index,))
        yield Request(index, batch_size, labels, np.random.default_rng(stream))


def fill_quotas(
    draw: Draw,
    inspect: Inspect,
    schema: TableSchema,
    requests: Iterator[Request],
    quotas: Mapping[int, int],
    *,
    batch_size: int,
    max_batches: int,
    progress: Progress,
) -> list[Wave]:
    """Draw and inspect waves until the quotas are met or ``max_batches`` are drawn.

    A generator that can give no more yields fewer batches than asked for; what it did
    give is inspected, and the drawing ends. It also ends where no row passes any more
    (`is_given_up`).

    Parameters
    ----------
    draw, inspect : callable
        The generator's ``draw``, and the filters.
    schema : TableSchema
        Of the real rows.
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
    failures = dict.fromkeys(quotas, 0)
    waves: list[Wave] = []
    n_drawn = 0
    while sum(room.values()) > 0 and n_drawn < max_batches:
        n_batches = min(ceil(sum(room.values()) / batch_size), max_batches - n_drawn)
        n_drawn += n_batches
        asked = list(islice(requests, n_batches))
        drawn = list(draw(asked))
        if not drawn:
            break
        wave = inspect_wave(drawn, inspect, schema)
        taken = take_rows(wave.rows.labels, wave.result.keep, room)
        n_asked = count_labels(asked[: len(drawn)], schema)
        for label in room:
            n_taken = int(np.sum(taken & (wave.rows.labels == label)))
            room[label] -= n_taken
            failures[label] = 0 if n_taken else failures[label] + n_asked[label]
        failed = dict(failures)
        waves.append(replace(wave, taken=taken, asked=n_asked, failures=failed))
        progress(int(taken.sum()), n_batches)
        short = {label: n_rows for label, n_rows in room.items() if n_rows}
        n_rows = sum(quotas.values()) - sum(short.values())
        if len(drawn) < n_batches or is_given_up(failures, short, batch_size, n_rows):
            break
    return waves


def count_labels(requests: Sequence[Request], schema: TableSchema) -> Counter[int]:
    """Return how many rows were asked for per label code."""
    codes = dict(zip(schema.label_values.tolist(), count(), strict=False))
    labels = np.concatenate([request.labels for request in requests]).tolist()
    return Counter(map(codes.__getitem__, labels))


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


def inspect_wave(drawn: Sequence[Batch], inspect: Inspect, schema: TableSchema) -> Wave:
    """Put batches together, have them inspected, and take all that was kept."""
    X = pd.concat([batch.X for batch in drawn], ignore_index=True)
    y = pd.concat([batch.y for batch in drawn], ignore_index=True)
    ids = np.repeat([batch.index for batch in drawn], [len(batch.X) for batch in drawn])
    lost = [
        batch.refused.assign(batch=batch.index)
        for batch in drawn
        if batch.refused is not None and len(batch.refused)
    ]
    refused = pd.concat(lost, ignore_index=True) if lost else pd.DataFrame()
    rows = Rows(X, y, schema)
    result = inspect(rows, batch=ids)
    return Wave(rows, ids, result, result.keep, refused)


def count_short(quotas: Mapping[int, int], waves: Sequence[Wave]) -> dict[int, int]:
    """Return the rows still missing per label code."""
    missing = dict(quotas)
    for wave in waves:
        codes = wave.rows.labels[wave.taken]
        for label in missing:
            missing[label] -= int(np.sum(codes == label))
    return {label: n_rows for label, n_rows in missing.items() if n_rows > 0}
