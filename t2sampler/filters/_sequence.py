"""Judge a wave of batches by one filter after the other, and keep the books."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ORDER = ("sanity", "cost", "diversity")
FIGURES = {  # name in the books -> (filter, its name in the filter's stats)
    "gain": ("cost", "gain"),
    "tau": ("cost", "tau"),
    "suspects": ("cost", "suspects"),
    "entropy_gain": ("diversity", "entropy_gain"),
    "entropy_threshold": ("diversity", "threshold"),
}


@dataclass(frozen=True)
class ChainResult:
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
        A row per batch id, in order of first appearance: rows drawn, dropped by each
        filter and accepted; gain, tau, suspects, entropy_gain, entropy_threshold;
        whether a row was accepted, and the verdict in words.
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


def run_chain(filters, X, y, batch) -> ChainResult:
    """Pass candidates through fitted filters; each sees what the former ones kept.

    Parameters
    ----------
    filters : dict of str to fitted filter
        "sanity", "cost" and "diversity", in this order; leave out what is switched
        off.
    X : DataFrame of shape (n, n_features)
    y : Series of shape (n,)
    batch : ndarray of shape (n,)
        An id per row.

    Returns
    -------
    result : ChainResult

    Notes
    -----
    With ``grow=True`` on the cost filter the batches go one by one, in order of first
    appearance, and what was accepted is absorbed before the next one is judged. A
    batch of which no candidate is left is trimmed, its twin rows too.
    """
    batch = np.asarray(batch)
    codes, ids = pd.factorize(batch, use_na_sentinel=False)
    books = _Books(len(batch))
    if getattr(filters.get("cost"), "grow", False):
        for code in range(len(ids)):
            rows = np.flatnonzero(codes == code)
            books.judge(filters, X, y, batch, rows)
            rows = rows[books.keep[rows]]
            if len(rows):
                twin = books.twins.get(ids[code], ())
                filters["cost"].absorb(X.iloc[rows], y.iloc[rows], twin)
    else:
        books.judge(filters, X, y, batch, np.arange(len(batch)))
    return books.close(codes, ids)


class _Books:
    """The fate of every row, filled in filter by filter."""

    def __init__(self, n_rows):
        self.keep = np.ones(n_rows, dtype=bool)
        self.reasons = np.full(n_rows, "", dtype=object)
        self.trimmed_by = np.full(n_rows, "", dtype=object)
        self.scores = {}
        self.stats = {}
        self.twins = {}
        self.notes = {}

    def judge(self, filters, X, y, batch, rows):
        """Run all filters over some rows."""
        for name, judge in filters.items():
            if not len(rows):
                return
            everything = len(rows) == len(batch)
            verdict = judge.inspect(
                X if everything else X.iloc[rows],
                y if everything else y.iloc[rows],
                batch=batch[rows],
            )
            self._enter(name, rows, verdict)
            rows = rows[verdict.keep]

    def _enter(self, name, rows, verdict):
        dropped = rows[~verdict.keep]
        self.keep[dropped] = False
        self.reasons[dropped] = verdict.reasons[~verdict.keep]
        self.trimmed_by[dropped] = name
        for score, values in verdict.scores.items():
            column = self.scores.setdefault(score, np.full(len(self.keep), np.nan))
            column[rows] = values
        self.stats.setdefault(name, []).append(verdict.stats)
        self.twins.update(verdict.twins)
        self.notes.update(dict.fromkeys(verdict.notes))

    def close(self, codes, ids):
        """Add up per batch."""
        batches = self._count(codes, ids)
        accepted = set(batches.index[batches["accepted"]])
        twins = {key: rows for key, rows in self.twins.items() if key in accepted}
        return ChainResult(
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
        for name in ORDER:
            dropped = np.bincount(codes[self.trimmed_by == name], minlength=len(ids))
            left -= dropped
            counts[f"trimmed_{name}"] = dropped
            verdict[(left == 0) & (dropped > 0)] = f"trimmed by {name}"
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
