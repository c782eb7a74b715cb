"""Distributions of columns, of real and of new rows, the largest difference first."""

from dataclasses import dataclass

import numpy as np

from t2sampler._figures import COLORS
from t2sampler.metrics._marginal_distance import column_distance
from t2sampler.report._display import (
    Display,
    NothingToShowError,
    find_rows,
    write_name,
)
from t2sampler.report._run_rows import match_classes

MAX_COLUMNS = 12
MAX_BARS, MAX_BINS = 8, 24
TAIL = 0.5  # per cent of the values at either end that share the outermost bin
REAL, NEW = ({"color": COLORS[k], "label": f"{k} rows"} for k in ("real", "new"))
OTHER, UNKNOWN = "all others", "in no real row"


@dataclass(frozen=True)
class Marginal:
    """The distribution of one column, as it is drawn.

    Attributes
    ----------
    name : str
    distance : float
        In [0, 1]; see `metrics.marginal_distance`.
    is_shift : bool
        Whether ``report_.shifts`` has a shift of the column.
    real, new : float ndarray
        Share of the rows per bin or level.
    edges : float ndarray or None
        Of the bins; None for levels.
    ticks : float ndarray
        Places of the labels.
    labels : list of str
    missing : tuple of float
        Share of the rows without a value, real and new.
    """

    name: str
    distance: float
    is_shift: bool
    real: np.ndarray
    new: np.ndarray
    edges: np.ndarray | None
    ticks: np.ndarray
    labels: list
    missing: tuple


def list_marginals(report, n_columns):
    """Return the marginals that differ most, and the number of all columns."""
    rows = find_rows(report)
    codes, labels = rows.select("accepted")
    positions, new = match_classes(rows.real.labels.astype(np.intp), labels)
    schema, sides = rows.real.schema, (rows.real.codes[positions], codes[new])
    if not schema.modelled:
        raise NothingToShowError("No column has values that new rows are compared by.")
    distance = np.array(
        [
            column_distance(schema.columns[j], *(side[:, j] for side in sides))
            for j in schema.modelled
        ]
    )
    shifts = report.shifts
    shifted = set(shifts.loc[shifts["is_shift"], "column"]) if len(shifts) else set()
    marginals = []
    for place in np.argsort(-distance, kind="stable")[:n_columns]:
        j = schema.modelled[place]
        column = schema.columns[j]
        values = [side[:, j] for side in sides]
        is_shift = column.name in shifted
        marginals.append(make_marginal(column, *values, distance[place], is_shift))
    return marginals, len(schema.modelled)


def make_marginal(column, real, new, distance=0.0, is_shift=False):
    """Return the marginal of one column's codes.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler._schema import learn_column
    >>> column = learn_column(pd.Series(list("aabc")), "letter")
    >>> found = make_marginal(column, np.array([0, 0, 1, 2.0]), np.array([1, np.nan]))
    >>> found.labels, found.real.tolist(), found.new.tolist(), found.missing
    (['b', 'a', 'c'], [0.25, 0.5, 0.25], [0.5, 0.0, 0.0], (0.0, 0.5))
    """
    present = [side[~np.isnan(side)] for side in (real, new)]
    missing = tuple(float(np.isnan(side).mean()) for side in (real, new))
    pooled = np.concatenate(present)
    is_few = len(np.unique(pooled)) <= MAX_BARS
    if column.is_numeric and not is_few:
        edges, ticks = _find_edges(pooled, min(map(len, present)))
        ends = edges[0], edges[-1]
        counts = [np.histogram(np.clip(p, *ends), edges)[0] for p in present]
        labels = [_write_value(column, tick) for tick in ticks]
    else:
        labels, counts = _count_levels(column, *present)
        edges, ticks = None, np.arange(len(labels))
    shares = [c / max(1, len(s)) for c, s in zip(counts, (real, new), strict=True)]
    name = write_name(column.name)
    drawn = *shares, edges, ticks, labels
    return Marginal(name, float(distance), is_shift, *drawn, missing)


def _find_edges(values, n_rows):
    """Return edges of bins, fewer for few rows, and three values to be labelled."""
    n_bins = int(np.clip(2 * n_rows ** (1 / 3), 5, MAX_BINS))  # Rice's rule
    low, high = np.percentile(values, [TAIL, 100 - TAIL], method="nearest")
    if low == high:
        low, high = values.min(), values.max()
    width = (high - low) / n_bins
    ticks = np.array([low, (low + high) / 2, high])
    if not (values % 1).any() and high - low < 2**53:  # each bin has as many integers
        width = np.ceil((high - low + 1) / n_bins)
        low, ticks = low - 0.5, np.floor(ticks)
        n_bins = int(np.ceil((high - low) / width))
    return low + width * np.arange(n_bins + 1), ticks


def _count_levels(column, real, new):
    """Return labels and counts of the most frequent levels, and of all others."""
    levels, codes = np.unique(np.concatenate([real, new]), return_inverse=True)
    sides = np.split(codes, [len(real)])
    counts = np.array([np.bincount(side, minlength=len(levels)) for side in sides])
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    order = np.argsort(-shares.max(axis=0), kind="stable")
    shown = order[:MAX_BARS] if len(order) <= MAX_BARS else order[: MAX_BARS - 1]
    if column.is_numeric or column.is_ordered:
        shown = np.sort(shown)
    labels = [_write_value(column, levels[i]) for i in shown]
    rest = counts.sum(axis=1) - counts[:, shown].sum(axis=1)
    counts = counts[:, shown]
    if len(order) > len(shown):
        labels, counts = [*labels, OTHER], np.column_stack([counts, rest])
    return labels, counts


def _write_value(column, code):
    """Return a value as an axis shows it."""
    if column.levels:
        return UNKNOWN if code < 0 else write_name(column.levels[int(code)], 16)
    if column.kind == "number":
        return f"{code:,.0f}" if 1000 <= abs(code) < 1e7 else f"{code:.3g}"
    text = str(column.decode(np.array([code])).iloc[0])
    return text.partition(" ")[0] if column.kind == "datetime" else text


class MarginalsDisplay(Display):
    """Distributions of columns in real and in new rows, as pictures.

    Real rows stand in the picture in the class shares of the new ones; all of them
    together would differ from new rows of a rare class however good these are. The
    distance in a title is that of `metrics.marginal_distance`, between 0 and 1.

    Parameters
    ----------
    marginals : list of Marginal
        The largest distance first.
    n_compared : int
        Columns of the table that were compared.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.report import MarginalsDisplay
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> sampler = TeamThenTrimSampler(cost="passthrough", random_state=0)
    >>> _ = sampler.fit_resample(X, [0, 0, 0, 0, 1, 1])
    >>> display = MarginalsDisplay.from_sampler(sampler)
    >>> sorted(marginal.name for marginal in display.marginals)
    ['age', 'sex']
    """

    panel_size = (3.2, 2.4)

    def __init__(self, marginals, n_compared):
        self.marginals = marginals
        self.n_compared = n_compared

    @classmethod
    def from_report(cls, report, *, n_columns=MAX_COLUMNS):
        """Return the display of a run.

        Parameters
        ----------
        report : RunReport
        n_columns : int, default=12
            Columns shown at most: those that differ most.

        Returns
        -------
        display : MarginalsDisplay
        """
        return cls(*list_marginals(report, n_columns))

    @property
    def n_panels(self):
        """Number of columns."""
        return len(self.marginals)

    def describe(self):
        """Return which columns are shown, in sentences."""
        return (
            f"{self.n_panels} of {self.n_compared} columns, the largest distance "
            "first. Real rows count in the class shares of the new ones."
        )

    def _draw(self, panel, ax):
        marginal = self.marginals[panel]
        word = "shifted, " if marginal.is_shift else ""
        title = f"{marginal.name}\n{word}distance {marginal.distance:.2f}"
        ax.set_title(title, loc="left")
        if marginal.edges is None:
            _draw_levels(ax, marginal)
        else:
            _draw_bins(ax, marginal)
        if any(marginal.missing):
            real, new = marginal.missing
            ax.set_xlabel(f"missing: real {real:.1%}, new {new:.1%}")


def _draw_bins(ax, marginal):
    ends = marginal.edges[0], marginal.edges[-1]
    ax.stairs(marginal.real, marginal.edges, fill=True, **REAL)
    ax.stairs(marginal.new, marginal.edges, linewidth=1.6, **NEW)
    ax.set_xlim(ends)
    ax.set_xticks(marginal.ticks, marginal.labels)
    first, *_, last = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
    ax.locator_params(axis="y", nbins=3)


def _draw_levels(ax, marginal):
    places = marginal.ticks
    ax.barh(places - 0.2, marginal.real, 0.38, **REAL)
    ax.barh(places + 0.2, marginal.new, 0.38, **NEW)
    ax.set_yticks(places, marginal.labels)
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
    ax.locator_params(axis="x", nbins=3)
