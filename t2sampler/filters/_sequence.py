"""Filters one after the other: each sees what the ones before it have kept."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._brief import BriefRepr

FILTERS = ("sanity", "cost", "diversity")
FIGURES = {  # name in `batches` -> (filter, its name in the filter's stats)
    "gain": ("cost", "gain"),
    "tau": ("cost", "tau"),
    "noise_rate": ("cost", "noise_rate"),
    "noise_limit": ("cost", "noise_limit"),
    "entropy_gain": ("diversity", "entropy_gain"),
    "entropy_threshold": ("diversity", "threshold"),
}


@dataclass(frozen=True, repr=False)
class FilterResult(BriefRepr):
    """What became of every candidate of a wave.

    Attributes
    ----------
    keep : bool ndarray of shape (n,)
        True where every filter kept the row.
    reasons : object ndarray of shape (n,)
        Why a row was trimmed, in words; "" where it was kept.
    trimmed_by : object ndarray of shape (n,)
        Name of the filter that trimmed the row; "" where it was kept.
    scores : dict of str to ndarray of shape (n,)
        Figures per row, such as "cost" or "cluster"; NaN where the row was trimmed
        before the filter that gives the figure.
    batches : DataFrame
        A row per batch id, in order of first appearance: rows drawn, trimmed by each
        filter and accepted; gain, tau, noise_rate, noise_limit, entropy_gain,
        entropy_threshold; whether a row was accepted, and the verdict in words.
    twins : dict of batch id to int ndarray
        Positions of real rows merged with an accepted batch.
    notes : tuple of str
        What the filters say of their decisions, each remark once.
    """

    keep: NDArray[np.bool_]
    reasons: NDArray[np.object_]
    trimmed_by: NDArray[np.object_]
    scores: dict[str, NDArray]
    batches: pd.DataFrame
    twins: dict[Hashable, NDArray[np.intp]]
    notes: tuple[str, ...] = ()


def apply_filters(filters, rows, batch) -> FilterResult:
    """Pass candidates through fitted filters; each sees what the former ones kept.

    Parameters
    ----------
    filters : dict of str to fitted filter
        "sanity", "cost" and "diversity", in this order; leave out what is switched
        off.
    rows : Rows
        Candidates.
    batch : ndarray of shape (n,)
        An id per row.

    Returns
    -------
    result : FilterResult

    Notes
    -----
    With ``update_reference=True`` on the cost filter the batches go one by one, in
    order of first appearance, and the filter's real rows grow by what was accepted
    before the next one is judged: pass a copy. A batch of which no candidate is left
    is trimmed as a whole, its twin rows too.
    """
    codes, ids = pd.factorize(batch, use_na_sentinel=False)
    log = _FilterLog(len(batch))
    growing = [part for part in filters.values() if part.update_reference]
    if not growing:
        log.inspect(filters, rows, batch, np.ones(len(batch), dtype=bool))
        return log.add_up(codes, ids)
    for code, batch_id in enumerate(ids):
        log.inspect(filters, rows, batch, codes == code)
        accepted = rows.take(log.keep & (codes == code))
        for part in growing:
            if len(accepted):
                part.extend_reference(accepted, twin=log.twins.get(batch_id, ()))
    return log.add_up(codes, ids)


class _FilterLog:
    """The fate of every row, filled in filter by filter."""

    def __init__(self, n_rows):
        self.keep = np.ones(n_rows, dtype=bool)
        self.reasons = np.full(n_rows, "", dtype=object)
        self.trimmed_by = np.full(n_rows, "", dtype=object)
        self.scores = {}
        self.stats = {}
        self.twins = {}
        self.notes = {}

    def inspect(self, filters, rows, batch, is_judged):
        """Pass some of the rows through all filters."""
        left, which = rows.take(is_judged), np.flatnonzero(is_judged)
        for name, part in filters.items():
            if not len(left):
                return
            verdict = part.inspect(left, batch=batch[which])
            self._enter(name, which, verdict)
            left, which = left.take(verdict.keep), which[verdict.keep]

    def _enter(self, name, rows, verdict):
        trimmed = rows[~verdict.keep]
        self.keep[trimmed] = False
        self.reasons[trimmed] = verdict.reasons[~verdict.keep]
        self.trimmed_by[trimmed] = name
        for score, values in verdict.scores.items():
            column = self.scores.setdefault(score, np.full(len(self.keep), np.nan))
            column[rows] = values
        self.stats.setdefault(name, []).append(verdict.stats)
        self.twins.update(verdict.twins)
        self.notes.update(dict.fromkeys(verdict.notes))

    def add_up(self, codes, ids):
        """Add up per batch."""
        batches = self._count(codes, ids)
        accepted = set(batches.index[batches["accepted"]])
        twins = {key: rows for key, rows in self.twins.items() if key in accepted}
        return FilterResult(
            self.keep,
            self.reasons,
            self.trimmed_by,
            self.scores,
            batches,
            twins,
            tuple(self.notes),
        )

    def _count(self, codes, ids):
        counts = {"n_drawn": np.bincount(codes, minlength=len(ids))}
        left = counts["n_drawn"].copy()
        verdict = np.full(len(ids), "accepted", dtype=object)
        for name in FILTERS:
            trimmed = np.bincount(codes[self.trimmed_by == name], minlength=len(ids))
            left -= trimmed
            counts[f"trimmed_{name}"] = trimmed
            verdict[(left == 0) & (trimmed > 0)] = f"trimmed by {name}"
        index = pd.Index(ids, name="batch")
        figures = {
            figure: self._figure(name, column, index)
            for figure, (name, column) in FIGURES.items()
        }
        rest = {"n_accepted": left, **figures, "accepted": left > 0, "verdict": verdict}
        return pd.DataFrame(counts | rest, index=index)

    def _figure(self, name, column, ids):
        tables = [
            stats[column] for stats in self.stats.get(name, []) if column in stats
        ]
        if not tables:
            return np.nan
        table = pd.concat(tables) if len(tables) > 1 else tables[0]
        return table.reindex(ids).to_numpy(dtype=float)
