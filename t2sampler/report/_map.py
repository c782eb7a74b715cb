"""The map: real, new and trimmed rows in two dimensions."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from t2sampler._figures import CLASS_COLORS, INK
from t2sampler.report._display import (
    Display,
    NothingToShowError,
    find_rows,
    write_name,
)
from t2sampler.report._run_rows import choose_rows
from t2sampler.report._words import FILTERS

MAX_ROWS = 1500  # of the real rows, and of the new ones; a third of that is trimmed
TAIL = 0.5  # per cent of the rows in each direction that lie at the edge
PERPLEXITY = 30  # scikit-learn's default
AXES = {"pca": "principal component", "tsne": "t-SNE dimension"}


@dataclass(frozen=True)
class Dots:
    """Rows of one kind on a map.

    Attributes
    ----------
    places : ndarray of shape (n, 2)
    labels : int ndarray of shape (n,)
        Label codes.
    n_rows : int
        Rows of the run that these were chosen from.
    """

    places: np.ndarray
    labels: np.ndarray
    n_rows: int


def check_method(method):
    """Refuse a map that nobody can make."""
    if method not in AXES:
        raise ValueError(f"`method` must be one of {list(AXES)}, got {method!r}.")


def place_rows(report, method, max_rows):
    """Return dots of real, accepted and trimmed rows, by name, and axis labels."""
    rows = find_rows(report, needs_new=False)
    sides = {
        "real": (rows.real.codes, rows.real.labels.astype(np.intp)),
        "new": rows.select("accepted"),
        "trimmed": rows.select(*FILTERS),
    }
    limits = {"real": max_rows, "new": max_rows, "trimmed": max_rows // 3}
    chosen = {name: choose_rows(sides[name][1], limits[name]) for name in sides}
    encoder = rows.real.encoder
    encoded = [encoder.transform_codes(sides[name][0][chosen[name]]) for name in sides]
    if np.sum(np.ptp(encoded[0], axis=0) > 0) < 2:
        raise NothingToShowError("A map needs more than one column that varies.")
    places, labels = _project(encoded, method)
    stops = np.cumsum([len(part) for part in encoded])[:-1]
    inner = places[: stops[-1]]  # trimmed rows may be anywhere
    places = places.clip(*np.percentile(inner, [TAIL, 100 - TAIL], axis=0))
    dots = {
        name: Dots(part, sides[name][1][chosen[name]], len(sides[name][1]))
        for name, part in zip(sides, np.split(places, stops), strict=True)
    }
    return dots, labels


def _project(encoded, method):
    """Return places of all rows, and labels of the axes."""
    together = np.concatenate(encoded)
    labels = [f"{AXES[method]} {i}" for i in (1, 2)]
    if method == "tsne":
        perplexity = min(PERPLEXITY, (len(together) - 1) / 3)
        model = TSNE(perplexity=perplexity, init="pca", random_state=0)
        return model.fit_transform(together), labels
    model = PCA(2, random_state=0).fit(encoded[0])
    shares = model.explained_variance_ratio_
    labels = [f"{x} ({s:.0%})" for x, s in zip(labels, shares, strict=True)]
    return model.transform(together), labels


class RowsDisplay(Display):
    """A map of the rows: real ones by class, new ones, trimmed ones.

    The encoded rows (standardised numbers, an indicator per level) are projected on two
    dimensions. The components of the PCA are those of the real rows. A t-SNE keeps
    neighbours together, whereas its distances mean little.

    Parameters
    ----------
    dots : dict of str to Dots
        "real", "new" and "trimmed".
    classes : sequence of str
        Names by label code.
    axis_labels : pair of str

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of 2 matplotlib Axes
        The real rows; the new and the trimmed ones over the real ones, in grey.

    Notes
    -----
    PCA is linear in rows and columns. The t-SNE of 3,500 rows takes some 20 s.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.report import RowsDisplay
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> sampler = TeamThenTrimSampler(cost="passthrough", random_state=0)
    >>> _ = sampler.fit_resample(X, [0, 0, 0, 0, 1, 1])
    >>> display = RowsDisplay.from_sampler(sampler, method="pca")
    >>> {name: len(display.dots[name].places) for name in ("real", "new")}
    {'real': 6, 'new': 2}
    """

    panel_size = (4.6, 4.2)
    n_panels = 2

    def __init__(self, dots, classes, axis_labels):
        self.dots = dots
        self.classes = classes
        self.axis_labels = axis_labels

    @classmethod
    def from_report(cls, report, *, method="pca", max_rows=MAX_ROWS):
        """Return the display of a run.

        Parameters
        ----------
        report : RunReport
        method : {"pca", "tsne"}, default="pca"
        max_rows : int, default=1500
            Real rows, and new ones, shown at most; of trimmed ones a third of that.
            Some of every class are among them.

        Returns
        -------
        display : RowsDisplay
        """
        check_method(method)
        dots, axis_labels = place_rows(report, method, max_rows)
        classes = [write_name(level) for level in report.rows.real.schema.target.levels]
        return cls(dots, classes, axis_labels)

    def describe(self):
        """Return how many rows of how many are shown, in a sentence."""
        parts = []
        for name, dots in self.dots.items():
            n_shown = len(dots.places)
            share = "all" if n_shown == dots.n_rows else f"{n_shown:,} of"
            parts += [f"{share} {dots.n_rows:,} {name} rows"] if n_shown else []
        return f"Shown: {', '.join(parts)}. Those far out lie at the edge."

    def _draw(self, panel, ax):
        real, new, trimmed = (self.dots[name] for name in ("real", "new", "trimmed"))
        if panel == 0:
            ax.set_title("real rows, by class", loc="left")
            self._draw_classes(ax, real)
        else:
            ax.set_title("new rows, by class; real rows in grey", loc="left")
            ax.scatter(*real.places.T, 10, "0.6", alpha=0.5, linewidths=0)
            self._draw_classes(ax, new)
            if len(trimmed.places):
                style = {"marker": "x", "label": "trimmed", "linewidths": 0.8}
                ax.scatter(*trimmed.places.T, 20, INK, **style)
        ax.set(xlim=self.limits[:, 0], ylim=self.limits[:, 1])
        ax.set(xlabel=self.axis_labels[0], ylabel=self.axis_labels[1])
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)

    @property
    def limits(self):
        """Ends of the axes, an ndarray of shape (2, 2)."""
        places = np.concatenate([dots.places for dots in self.dots.values()])
        low, high = places.min(axis=0), places.max(axis=0)
        margin = 0.04 * (high - low) + 1e-9
        return np.stack([low - margin, high + margin])

    def _draw_classes(self, ax, dots):
        """Draw a colour per class; classes beyond the colours share one."""
        style = {"alpha": 0.8, "linewidths": 0}
        for label, color in self._colors.items():
            places = dots.places[dots.labels == label]
            if len(places):
                ax.scatter(*places.T, 20, color, label=self.classes[label], **style)
        rest = dots.places[~np.isin(dots.labels, list(self._colors))]
        if len(rest):
            ax.scatter(*rest.T, 20, "0.4", label="other classes", **style)

    @property
    def _colors(self):
        """Colours by label code."""
        n_classes, n_colors = len(self.classes), len(CLASS_COLORS)
        if n_classes <= n_colors:
            return dict(enumerate(CLASS_COLORS[:n_classes]))
        counts = np.bincount(self.dots["new"].labels, minlength=n_classes)
        named = np.argsort(-counts, kind="stable")[: n_colors - 1]
        return dict(zip(named.tolist(), CLASS_COLORS, strict=False))
