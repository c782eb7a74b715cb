"""Draw what added rows are worth, from ``docs/results/utility.csv``, for the README.

A dot per real table, the mean and its 95 % interval over tables, by setting, sampler.
``python benchmarks/readme_figure.py`` writes ``docs/figures/gains.svg``.
"""

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import t

DOCS = Path(__file__).parents[1] / "docs"
PART = "AUC, rows added: ten; the same, by table"
SETTINGS = {
    "flipped": "30 % of the labels are wrong",
    "imbalanced": "classes stand 1:9",
    "clean": "classes stand 1:1",
}
SAMPLERS = {
    "random over-sampling": "RandomOverSampler",
    "SMOTE": "SMOTE or SMOTENC",
    "team, default trim": "TeamThenTrimSampler",
}


def read_gains():
    """Return the gains in AUC: a row per setting and table, a column per sampler."""
    cells = pd.read_csv(DOCS / "results" / "utility.csv", comment="#")
    cells = cells[cells["part"] == PART].pivot(
        index="row", columns="column", values="cell"
    )
    cells.index = pd.MultiIndex.from_tuples(name.split(", ") for name in cells.index)
    return cells[list(SAMPLERS)].astype(float)


def draw(gains):
    """Return a figure with an axis per setting."""
    figure = Figure((7.6, 2.5), layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(SETTINGS), sharex=True, sharey=True)
    for ax, (setting, title) in zip(axes, SETTINGS.items(), strict=True):
        part = gains.loc[setting]
        half = part.sem() * t.ppf(0.975, len(part) - 1)
        for place, name in enumerate(SAMPLERS):
            color = "#0072B2" if name.startswith("team") else "#6e6e6e"
            ax.plot(part[name], [place + 0.22] * len(part), ".", color=color, alpha=0.5)
            ax.errorbar(
                part[name].mean(),
                place,
                xerr=half[name],
                fmt="o",
                color=color,
                capsize=3,
            )
        ax.axvline(0, color="#8a8a8a", linewidth=1)
        ax.set_title(title, fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(range(len(SAMPLERS)), SAMPLERS.values())
    axes[0].set_ylim(-0.5, len(SAMPLERS) - 0.4)
    figure.supxlabel("change in AUC, points (0: the real rows alone)", fontsize=10)
    return figure


if __name__ == "__main__":
    style = {"svg.fonttype": "none", "svg.hashsalt": "gains", "font.size": 9.5}
    with mpl.rc_context(style):
        figure = draw(read_gains())
        figure.savefig(DOCS / "figures" / "gains.svg", metadata={"Date": None})
