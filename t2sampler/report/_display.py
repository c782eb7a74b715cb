"""What all pictures of a run share: their making, their axes, their labels."""

from math import ceil

import numpy as np
from sklearn.exceptions import NotFittedError

from t2sampler._figures import draw_svg, new_axes

MAX_NAME = 22  # characters of a name in a picture
N_ACROSS = 3  # panels side by side


class NothingToShowError(ValueError):
    """A run has nothing that such a picture could show; the message says why."""


class Display:
    """Base class of the pictures of a run: panels that can be drawn anywhere.

    A subclass has `from_report`, ``n_panels``, and `_draw`, which draws a panel.
    """

    panel_size = (3.2, 2.4)  # inches of a panel on a page
    n_panels = 1

    @classmethod
    def from_sampler(cls, sampler, **settings):
        """Return the display of a sampler's last run.

        Parameters
        ----------
        sampler : TeamThenTrimSampler
            Fitted by `fit_resample`.
        **settings : dict
            Those of `from_report`.

        Returns
        -------
        display : Display

        Raises
        ------
        NotFittedError
            The sampler has no ``report_``.
        ValueError
            The run has nothing that such a picture could show.
        """
        if not hasattr(sampler, "report_"):
            raise NotFittedError(
                f"{cls.__name__} expected a {type(sampler).__name__} with a `report_`, "
                "got one without. Call `fit_resample` first; a pickle leaves the "
                "report behind."
            )
        return cls.from_report(sampler.report_, **settings)

    def plot(self, ax=None):
        """Draw the panels side by side.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Several panels divide its place among them. None: a new figure.

        Returns
        -------
        display : Display
            With ``figure_``, and ``axes_`` as an array of one Axes per panel.

        Raises
        ------
        ImportError
            matplotlib, an extra, is not installed.
        ValueError
            Several panels cannot divide axes that were placed by hand.
        """
        n_columns = min(N_ACROSS, self.n_panels)
        n_rows = ceil(self.n_panels / n_columns)
        if ax is None:
            ax = new_axes()
            ax.figure.set_size_inches(
                *np.multiply(self.panel_size, (n_columns, n_rows))
            )
            ax.figure.set_layout_engine("constrained")
        self.figure_ = ax.figure
        self.axes_ = np.array(_divide(ax, self.n_panels, n_rows, n_columns))
        for panel, axes in enumerate(self.axes_):
            self._draw(panel, axes)
        first = self.axes_[0]
        if first.get_legend() is None and first.get_legend_handles_labels()[0]:
            # A page has one legend for all panels. Inside it would cover bars; a figure
            # without a layout leaves no room below.
            below = {"loc": "upper left", "bbox_to_anchor": (0, -0.24), "ncols": 2}
            first.legend(**below if ax.figure.get_layout_engine() else {})
        return self

    def describe(self):
        """Return what a reader should know of the picture, in sentences."""
        return ""

    def to_svgs(self, name):
        """Return the panels as inline SVG, for a page.

        Parameters
        ----------
        name : str
            Ids in the pictures start with it.
        """
        width, height = self.panel_size
        return [
            draw_svg(
                lambda figure, panel=panel: self._draw(panel, figure.subplots()),
                name=f"{name}-{panel}",
                width=width,
                height=height,
            )
            for panel in range(self.n_panels)
        ]


def _divide(ax, n_panels, n_rows, n_columns):
    """Return the axes, or so many in its place, row by row."""
    if n_panels == 1:
        return [ax]
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            f"`ax` expected axes of a grid, to be divided among {n_panels} panels, got "
            "axes placed by hand. Take those of `plt.subplots()`, or None."
        )
    ax.set_axis_off()
    grid = place.subgridspec(n_rows, n_columns)
    return [ax.figure.add_subplot(grid[i]) for i in range(n_panels)]


def find_rows(report, *, needs_new=True):
    """Return the rows of a run.

    Raises
    ------
    NothingToShowError
        There are none, or no new ones that a picture needs.
    """
    if report.rows is None:
        raise NothingToShowError("The report holds no rows to draw.")
    if needs_new and not report.totals["accepted"]:
        raise NothingToShowError("No candidate was accepted, so none can be compared.")
    return report.rows


def write_name(name, length=MAX_NAME):
    r"""Return a name as a picture shows it: cut, on one line, and never as a formula.

    A name that is blank is told so.

    Examples
    --------
    >>> print(write_name("income in $ per month and head"))
    income in \$ per month…
    """
    text = "".join(c if c.isprintable() else " " for c in str(name))
    text = text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
    text = text if text.strip() else "(no name)"
    return text.replace("$", r"\$")
