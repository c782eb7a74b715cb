"""Batches between the figures that filters found and what they require."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from t2sampler._figures import COLORS
from t2sampler._records import FATES
from t2sampler.report._display import Display, NothingToShowError

MAX_DOTS = 1000
PAIRS = (  # what the filters found, what they require, and in which direction
    ("gain", "tau", "gain of the batch", "τ, to be exceeded"),
    ("noise_rate", "noise_limit", "share of label issues", "kept whole below"),
    ("entropy_gain", "entropy_threshold", "gain in entropy", "required"),
)


@dataclass(frozen=True)
class Decision:
    """A figure per batch beside the limit that decides, as it is drawn.

    Attributes
    ----------
    title, limit_title : str
    batch, figure, limit : ndarray of shape (n_batches,)
    is_accepted : bool ndarray of shape (n_batches,)
    """

    title: str
    limit_title: str
    batch: np.ndarray
    figure: np.ndarray
    limit: np.ndarray
    is_accepted: np.ndarray


def list_decisions(batches):
    """Return what decided about batches: figures that have a limit."""
    decisions = []
    for figure, limit, title, limit_title in PAIRS:
        if not {figure, limit} <= set(batches.columns):
            continue
        pair = batches[[figure, limit]].to_numpy(dtype=float)
        is_shown = np.isfinite(pair).all(axis=1)
        if not is_shown.any():
            continue
        shown = batches[is_shown].iloc[:: 1 + is_shown.sum() // MAX_DOTS]
        columns = (shown.index, shown[figure], shown[limit], shown["accepted"] > 0)
        arrays = (np.asarray(column) for column in columns)
        decisions.append(Decision(title, limit_title, *arrays))
    return decisions


def group_batches(batches):
    """Return a row per verdict and figures that batches share, most trimmed rows first.

    Figures without a limit are left out, and so are columns that hold nothing.
    """
    figures = [
        name
        for figure, limit, *_ in PAIRS
        if {figure, limit} <= set(batches.columns)
        and np.isfinite(batches[[figure, limit]].astype(float)).all(axis=1).any()
        for name in (figure, limit)
    ]
    rounded = batches.assign(**batches[figures].astype(float).round(4))
    counts = [name for name in FATES if batches[name].any() or name == "drawn"]
    by = [name for name in ("verdict", *figures) if name in batches]
    if not by:
        return pd.DataFrame()
    groups = rounded.groupby(by, dropna=False, sort=False)
    table = groups[counts].sum()
    table.insert(0, "batches", groups.size())
    left = table["drawn"] - table["accepted"] if "accepted" in table else table["drawn"]
    table = table.iloc[np.argsort(-left.to_numpy(), kind="stable")]
    return table.reset_index().set_index(by[0])


class BatchesDisplay(Display):
    """What filters found in each batch, beside what they require.

    The cost filter compares a gain with a threshold τ. Under the rule of the paper each
    batch has its own; under the default rule all batches that are judged together share
    them, and the share of label issues decides whether single rows are trimmed. The
    diversity filter has a threshold only where it is given one.

    Parameters
    ----------
    decisions : list of Decision

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.report import BatchesDisplay
    >>> X = pd.DataFrame({"age": np.arange(40.0)})
    >>> sampler = TeamThenTrimSampler(random_state=0)
    >>> _ = sampler.fit_resample(X, [0] * 30 + [1] * 10)
    >>> display = BatchesDisplay.from_sampler(sampler)
    >>> [decision.title for decision in display.decisions]
    ['gain of the batch', 'share of label issues']
    """

    panel_size = (4.6, 2.6)

    def __init__(self, decisions):
        self.decisions = decisions

    @classmethod
    def from_report(cls, report):
        """Return the display of a run.

        Parameters
        ----------
        report : RunReport

        Returns
        -------
        display : BatchesDisplay
        """
        decisions = list_decisions(report.batches)
        if not decisions:
            raise NothingToShowError("No filter decided about batches by a figure.")
        return cls(decisions)

    @property
    def n_panels(self):
        """Number of figures that have a limit."""
        return len(self.decisions)

    def _draw(self, panel, ax):
        found = self.decisions[panel]
        limit = {
            "color": COLORS["trimmed"],
            "linewidth": 1.5,
            "label": found.limit_title,
        }
        ax.step(found.batch, found.limit, where="mid", **limit)
        for is_accepted, color, label, marker in (
            (True, COLORS["good"], "batches with accepted rows", "o"),
            (False, COLORS["new"], "batches without", "x"),
        ):
            shown = found.is_accepted == is_accepted
            if shown.any():
                place = found.batch[shown], found.figure[shown]
                ax.scatter(*place, 14, color, marker=marker, label=label, lw=1)
        ax.set_title(found.title, loc="left")
        ax.set_xlabel("batch")
        ax.locator_params(axis="x", integer=True, nbins=6)
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=2)
