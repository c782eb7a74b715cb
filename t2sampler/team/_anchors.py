"""Hints that spread a team's rows: a model alone keeps drawing the same few."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema
from t2sampler.constraints._bounds import mean_excess
from t2sampler.team._briefing import Briefing
from t2sampler.team._spelling import Json

PER_COLUMN = 2  # uniforms: whether it gets a hint, and which
MOST_HINTS = 3  # per row
MIN_CLASS = 5  # rows from which a class has a marginal of its own
BAND = 0.2  # share of the real rows a band of numbers holds
PRIOR_ROWS = 2.0  # what the table's shares weigh in a class
PRIOR_LEVEL = 0.5  # rows added to each level


class Anchors:
    """Draw hints for a component's columns, from uniforms and nothing else.

    A row gets hints for half of the columns, at least one and at most three, other ones
    in every row. Numbers get a band that holds a fifth of the real rows, of the row's
    class where it has five of them; the outer bands reach beyond the real values by the
    mean excess of their tail. Categories get a level, by shares in which no level has
    zero. Where real rows miss values a hint may say so, as often as they do.

    Parameters
    ----------
    briefing : Briefing
    columns : sequence of ColumnSchema
        Without those a model never sees.
    """

    def __init__(self, briefing: Briefing, columns: Sequence[ColumnSchema]):
        self._briefing, self._columns = briefing, list(columns)
        self._keys = [briefing.key_of(column.name) for column in columns]
        self._marginals: dict[tuple[int, int], Marginal] = {}

    @property
    def n_hints(self) -> int:
        """How many columns get a hint in each row."""
        return min(MOST_HINTS, max(1, len(self._keys) // 2), len(self._keys))

    def draw(
        self, labels: NDArray[np.intp], uniforms: NDArray[np.float64]
    ) -> list[dict[str, Json]]:
        """Return a hint per row: key to value, or to the two ends of a band.

        Parameters
        ----------
        labels : int ndarray of shape (n_rows,)
        uniforms : float ndarray of shape (n_rows, 2 * n_columns)
        """
        n_columns = len(self._keys)
        order = np.argsort(uniforms[:, :n_columns], axis=1, kind="stable")
        return [
            {
                self._keys[j]: self._hint(j, label, float(row[n_columns + j]))
                for j in sorted(chosen)
            }
            for label, row, chosen in zip(
                labels.tolist(),
                uniforms,
                order[:, : self.n_hints].tolist(),
                strict=True,
            )
        ]

    def _hint(self, j: int, label: int, u: float) -> Json:
        marginal = self._marginal(j, label)
        if u < marginal.missing:
            return None
        u = (u - marginal.missing) / (1 - marginal.missing)
        spelling = self._briefing.spelling(self._keys[j])
        if self._columns[j].levels:
            return spelling.levels[marginal.draw_level(u)]
        first, last = map(spelling.spell, spelling.round_out(*marginal.find_band(u)))
        return first if first == last else [first, last]

    def _marginal(self, j: int, label: int) -> "Marginal":
        if (j, label) not in self._marginals:
            column = self._columns[j]
            codes = self._briefing.codes_of(column.name)
            own = codes[self._briefing.labels == label]
            learn = _learn_shares if column.levels else _learn_quantiles
            with np.errstate(all="ignore"):
                self._marginals[j, label] = learn(column, codes, own)
        return self._marginals[j, label]


@dataclass(frozen=True)
class Marginal:
    """How the values of a column are spread: steps of heights over knots."""

    missing: float
    heights: NDArray[np.float64]
    knots: NDArray[np.float64]

    def draw_level(self, u: float) -> int:
        """Return the level at a height."""
        return int(np.searchsorted(self.heights, u, side="right"))

    def find_band(self, u: float) -> tuple[float, float]:
        """Return the ends of the u-th band."""
        start = u * (1 - BAND)
        ends = np.interp([start, start + BAND], self.heights, self.knots)
        return float(ends[0]), float(ends[1])


def _learn_shares(
    column: ColumnSchema, codes: NDArray[np.float64], own: NDArray[np.float64]
) -> Marginal:
    n_levels = len(column.levels)
    overall = _count(codes, n_levels) + PRIOR_LEVEL
    shares, some = PRIOR_ROWS * overall / overall.sum(), codes
    if len(own) >= MIN_CLASS:
        shares, some = shares + _count(own, n_levels), own
    heights = np.cumsum(shares / shares.sum())[:-1]
    return Marginal(float(np.isnan(some).mean()), heights, np.empty(0))


def _count(codes: NDArray[np.float64], n_levels: int) -> NDArray[np.float64]:
    present = codes[~np.isnan(codes)].astype(np.intp)
    return np.bincount(present, minlength=n_levels).astype(float)


def _learn_quantiles(
    column: ColumnSchema, codes: NDArray[np.float64], own: NDArray[np.float64]
) -> Marginal:
    some = own if len(own) >= MIN_CLASS else codes
    missing = float(np.isnan(some).mean())
    values = np.sort(some[~np.isnan(some)])
    if values.size < 2 or values[0] == values[-1]:  # constant, or always missing
        return Marginal(missing, np.array([0.0, 1.0]), np.resize(values, 2))
    low, high = values[0] - mean_excess(-values), values[-1] + mean_excess(values)
    if column.kind == "number":  # no number crosses zero unless a real one does
        low = max(low, 0.0) if values[0] >= 0 else low
        high = min(high, 0.0) if values[-1] <= 0 else high
    heights = np.concatenate([[0], (np.arange(len(values)) + 0.5) / len(values), [1]])
    return Marginal(missing, heights, np.concatenate([[low], values, [high]]))
