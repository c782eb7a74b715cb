"""The books of the cost filter: every row's fate, and the figures of every batch."""

import numpy as np
import pandas as pd

from t2sampler._records import Verdict

STATS = ["n_rows", "n_kept", "gain", "tau", "information", "information_of_twin"]


class CostBooks:
    """What became of the candidates of a call, entered some batches at a time.

    Parameters
    ----------
    wave : Wave
    """

    def __init__(self, wave):
        n_rows, n_batches = len(wave.order), len(wave.ids)
        self._ids = wave.ids
        self._keep = np.zeros(n_rows, dtype=bool)
        self._reasons = np.full(n_rows, "label is missing", dtype=object)
        self._costs = np.full(n_rows, np.nan)
        self._accepted = np.zeros(n_batches, dtype=bool)
        self._stats = np.full((n_batches, len(STATS)), np.nan)
        self._twins = {}

    def enter(self, candidates, outcome, tau):
        """Enter neighbouring batches.

        Parameters
        ----------
        candidates : Candidates
        outcome : Outcome
        tau : ndarray of shape (n_batches,)
        """
        batch, sizes, rows = candidates.batch, candidates.sizes, candidates.rows
        n_kept = np.bincount(batch[outcome.keep], minlength=len(sizes))
        gap = outcome.gain - outcome.gain_of_twin
        accepted = (n_kept > 0) & ((gap > tau) | np.isnan(gap))
        self._costs[rows] = outcome.costs
        self._keep[rows] = outcome.keep & accepted[batch]
        self._reasons[rows] = _reasons(candidates, outcome, gap, tau)
        self._reasons[self._keep] = ""
        first = candidates.numbers.start
        part = slice(first, candidates.numbers.stop)
        self._accepted[part] = accepted
        self._stats[part] = np.column_stack(
            [sizes, n_kept, gap, tau, outcome.gain, outcome.gain_of_twin]
        )
        stops = np.cumsum(sizes)
        for t in np.flatnonzero(accepted):
            own = slice(stops[t] - sizes[t], stops[t])
            merged = outcome.twin[own][outcome.keep_twin[own]]
            self._twins[self._ids[first + t]] = merged

    def close(self, keep_twin):
        """Return the verdict."""
        index = pd.Index(self._ids, name="batch")
        stats = pd.DataFrame(self._stats, index=index, columns=STATS)
        return Verdict(
            self._keep,
            self._reasons,
            {"cost": self._costs},
            pd.Series(self._accepted, index=index),
            stats.astype({"n_rows": int, "n_kept": int}),
            self._twins if keep_twin else {},
        )


def _reasons(candidates, outcome, gap, tau):
    """Say of every row why it would be dropped: by its cost, or with its batch."""
    batch, n_both = candidates.batch, 2 * candidates.sizes
    first, stop = outcome.bounds
    tails = {
        "cheap": (outcome.rank < first[batch], "cheapest", first),
        "dear": (outcome.rank >= stop[batch], "dearest", n_both - stop),
    }
    pairs = zip(gap.tolist(), tau.tolist(), strict=True)
    lost = [f"batch: gain over twin {g:.3g} <= tau {t:.3g}" for g, t in pairs]
    reasons = np.array(lost, dtype=object)[batch]
    for word, (chosen, most, n_most) in tails.items():
        pairs = zip(n_most.tolist(), n_both.tolist(), strict=True)
        ends = [f"among the {n} {most} of {n_all}" for n, n_all in pairs]
        pairs = zip(outcome.costs[chosen].tolist(), batch[chosen].tolist(), strict=True)
        reasons[chosen] = [f"too {word}: cost {c:.2f}, {ends[t]}" for c, t in pairs]
    return reasons
