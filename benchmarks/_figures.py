"""Draw gains and curves; no other file imports matplotlib."""

import pandas as pd
from scipy.stats import t

HINT = "A figure expected matplotlib, found none. Install it: pip install matplotlib."
INCHES_PER_ROW, MIN_INCHES = 0.35, 2.0


def find_intervals(gains):
    """Return a column's name, mean and 95 % interval over rows, a row per column.

    Parameters
    ----------
    gains : DataFrame of shape (n_seeds, n_labels)
    """
    reach = gains.sem() * t.ppf(0.975, gains.count().sub(1).clip(lower=1))
    mean = gains.mean()
    columns = {"mean": mean, "low": mean - reach, "high": mean + reach}
    return pd.DataFrame(columns).rename_axis("label").reset_index()


def plot_gains(gains, path, title, axis="AUC against real only, points"):
    """Write a figure: a dot and its interval per row, beside a line at zero.

    Parameters
    ----------
    gains : DataFrame with the columns label, mean, low and high
        In points of AUC against real only, unless ``axis`` says otherwise; the first
        row is drawn on top.
    path : path-like
        PNG, SVG or PDF, by its ending.
    title : str
    axis : str
        What the numbers are.
    """
    figure_class, canvas_class = _import_matplotlib()
    height = max(MIN_INCHES, 1.2 + INCHES_PER_ROW * len(gains))
    figure = figure_class(figsize=(8, height), layout="constrained")
    canvas_class(figure)  # Agg: draws into a file, needs no screen
    axes = figure.add_subplot()
    places = range(len(gains))
    mean, low, high = (gains[name].to_numpy() for name in ("mean", "low", "high"))
    axes.axvline(0, color="0.5", linewidth=1)
    reach = mean - low, high - mean
    axes.errorbar(mean, places, xerr=reach, fmt="o", color="C0", capsize=3)
    axes.set_yticks(places, gains["label"])
    axes.set_ylim(len(gains) - 0.5, -0.5)
    axes.set_xlabel(axis)
    figure.suptitle(title, fontsize="medium")
    figure.savefig(path, dpi=150)


def plot_curve(points, path, title, axes):
    """Write a figure: a named dot per row, joined in their order.

    Parameters
    ----------
    points : DataFrame with the columns x and y
        Indexed by what is written beside a dot.
    path : path-like
        PNG, SVG or PDF, by its ending.
    title : str
    axes : pair of str
        What x and y are.
    """
    figure_class, canvas_class = _import_matplotlib()
    figure = figure_class(figsize=(8, 5), layout="constrained")
    canvas_class(figure)
    plot = figure.add_subplot()
    plot.plot(points["x"], points["y"], "o-", color="C0")
    for name, x, y in points.itertuples():
        plot.annotate(name, (x, y), xytext=(5, 3), textcoords="offset points")
    plot.margins(x=0.15)  # room for the names
    plot.set_xlabel(axes[0])
    plot.set_ylabel(axes[1])
    figure.suptitle(title, fontsize="medium")
    figure.savefig(path, dpi=150)


def _import_matplotlib():
    """Return the classes of a figure and of the Agg canvas."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(HINT) from error
    return Figure, FigureCanvasAgg
