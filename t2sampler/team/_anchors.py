"""Hints that spread a team's rows: a model alone keeps drawing the same few."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema
from t2sampler.constraints._bounds import mean_excess
from t2sampler.team._briefing import Briefing
from t2sampler.team._spelling import Json, Spelling

PER_COLUMN = 2  # uniforms: whether it gets a hint, and which
MOST_HINTS = 3  # per row
MIN_CLASS = 5  # rows from which a class has a marginal of its own
BAND = 0.2  # share of the real rows a band of numbers holds
PRIOR_ROWS = 2.0  # what the table's shares weigh in a class
PRIOR_LEVEL = 0.5  # rows added to each level


def count_hints(n_columns: int) -> int:
    """Return how many of a component's columns get a hint in each row."""
    return min(MOST_HINTS, max(1, n_columns // 2)) if n_columns else 0


def draw_hints(
    briefing: Briefing,
    columns: Sequence[ColumnSchema],
    labels: NDArray[np.intp],
    uniforms: NDArray[np.float64],
) -> list[dict[str, Json]]:
    """Return a hint per row: key to value, or to the two ends of a band.

    At most half of the columns, at least one, others in every row. Numbers get a band
    that holds a fifth of the real rows, of the row's class where it has five of them;
    the outer bands reach beyond the real values by the mean excess of their tail.
    Categories get a level, by shares in which no level has zero. Where real rows miss
    values, None says so, as often as they do.

    Parameters
    ----------
    briefing : Briefing
    columns : sequence of ColumnSchema
        The columns of a component, those without a model's eye left out.
    labels : int ndarray of shape (n_rows,)
    uniforms : float ndarray of shape (n_rows, 2 * n_columns)
        Nothing else is random.
    """
    n_hints = count_hints(len(columns))
    chosen = np.argsort(uniforms[:, : len(columns)], axis=1, kind="stable")[:, :n_hints]
    keys = [briefing.key_of(column.name) for column in columns]
    hints: list[dict[str, Json]] = []
    for row, label in enumerate(labels.tolist()):
        hints.append(
            {
                keys[j]: _hint(briefing, columns[j], label, u)
                for j in sorted(chosen[row].tolist())
                for u in [float(uniforms[row, len(columns) + j])]
            }
        )
    return hints


def _hint(briefing: Briefing, column: ColumnSchema, label: int, u: float) -> Json:
    codes = briefing.codes_of(column.name)
    own = codes[briefing.labels == label]
    spelling = briefing.spelling(briefing.key_of(column.name))
    some = own if len(own) >= MIN_CLASS else codes
    missing = float(np.isnan(some).mean())
    if u < missing:
        return None
    u = (u - missing) / (1 - missing)
    if column.levels:
        return spelling.levels[_draw_level(codes, own, len(column.levels), u)]
    present = some[~np.isnan(some)]
    with np.errstate(all="ignore"):
        return _spell_band(spelling, *_find_band(present, column, u))


def _draw_level(
    codes: NDArray[np.float64], own: NDArray[np.float64], n_levels: int, u: float
) -> int:
    overall = _count(codes, n_levels) + PRIOR_LEVEL
    shares = PRIOR_ROWS * overall / overall.sum()
    if len(own) >= MIN_CLASS:
        shares = shares + _count(own, n_levels)
    steps = np.cumsum(shares / shares.sum())[:-1]
    return int(np.searchsorted(steps, u, side="right"))


def _count(codes: NDArray[np.float64], n_levels: int) -> NDArray[np.float64]:
    present = codes[~np.isnan(codes)].astype(np.intp)
    return np.bincount(present, minlength=n_levels).astype(float)


def _find_band(
    present: NDArray[np.float64], column: ColumnSchema, u: float
) -> tuple[float, float]:
    """Return the ends of a band around the u-th quantile of widened real values."""
    values = np.sort(present)
    if values[0] == values[-1]:
        return float(values[0]), float(values[0])
    below, above = mean_excess(-values), mean_excess(values)
    low, high = values[0] - below, values[-1] + above
    if column.kind == "number":  # no number crosses zero unless a real one does
        low = max(low, 0.0) if values[0] >= 0 else low
        high = min(high, 0.0) if values[-1] <= 0 else high
    knots = np.concatenate([[low], values, [high]])
    heights = np.concatenate([[0], (np.arange(len(values)) + 0.5) / len(values), [1]])
    start = u * (1 - BAND)
    ends = np.interp([start, start + BAND], heights, knots)
    return float(ends[0]), float(ends[1])


def _spell_band(spelling: Spelling, low: float, high: float) -> Json:
    first, last = map(spelling.spell, spelling.round_out(low, high))
    return first if first == last else [first, last]
