"""Associations of columns, in real rows, in new ones, and how they differ."""

from itertools import combinations

import numpy as np

from t2sampler.metrics._correlation_distance import find_association
from t2sampler.metrics._marginal_distance import column_distance
from t2sampler.report._display import (
    Display,
    NothingToShowError,
    find_rows,
    write_name,
)
from t2sampler.report._run_rows import choose_rows, match_classes

MAX_COLUMNS, MAX_ROWS = 16, 5000
TITLES = ("real rows", "new rows", "new minus real")


def compare_associations(report, n_columns, n_rows=MAX_ROWS):
    """Return names and two square matrices: of the columns, and of several labels.

    Of many columns, those whose distributions differ most, in the table's order. Pairs
    take quadratic time, so rows are chosen, too.
    """
    rows = find_rows(report)
    schema, real_labels = rows.real.schema, rows.real.labels.astype(np.intp)
    codes, labels = rows.select("accepted")
    positions, new = match_classes(real_labels, labels)
    positions = positions[choose_rows(real_labels[positions], n_rows)]
    new = new[choose_rows(labels[new], n_rows)]
    if len(schema.modelled) < 2:
        raise NothingToShowError("A single column is associated with no other.")
    sides = rows.real.codes[positions], codes[new]
    shown = _choose_columns(schema, sides, n_columns)
    columns = [schema.columns[j] for j in shown]
    names = [write_name(column.name, 16) for column in columns]
    tables = [side[:, shown] for side in sides]
    if len(np.unique(labels[new])) > 1:  # one class is associated with nothing
        columns, names = [schema.target, *columns], ["(label)", *names]
        labels = real_labels[positions], labels[new]
        tables = [np.column_stack(pair) for pair in zip(labels, tables, strict=True)]
    return names, *(_make_matrix(table, columns) for table in tables)


def _choose_columns(schema, sides, n_columns):
    if len(schema.modelled) <= n_columns:
        return schema.modelled
    distance = [
        column_distance(schema.columns[j], *(side[:, j] for side in sides))
        for j in schema.modelled
    ]
    largest = np.argsort(-np.array(distance), kind="stable")[:n_columns]
    return [schema.modelled[i] for i in np.sort(largest)]


def _make_matrix(codes, columns):
    matrix = np.eye(len(columns))
    for pair in combinations(range(len(columns)), 2):
        matrix[pair] = matrix[pair[::-1]] = find_association(codes, columns, pair)
    return matrix


class AssociationDisplay(Display):
    """Heat maps of the associations of columns: real, new, and their difference.

    The associations are those of `metrics.correlation_distance`: correlations between
    -1 and 1 for two numbers, between 0 and 1 where a category is one of the two. Real
    rows count in the class shares of the new ones.

    Parameters
    ----------
    names : list of str
        Of the columns; the label comes first, where new rows are of several classes.
    real, new : ndarray of shape (n_names, n_names)

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of 3 matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.report import AssociationDisplay
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> sampler = TeamThenTrimSampler(cost="passthrough", random_state=0)
    >>> _ = sampler.fit_resample(X, [0, 0, 0, 0, 1, 1])
    >>> display = AssociationDisplay.from_sampler(sampler)
    >>> display.names, display.real.shape
    (['age', 'sex'], (2, 2))
    """

    panel_size = (3.6, 3.6)
    n_panels = len(TITLES)

    def __init__(self, names, real, new):
        self.names = names
        self.real = real
        self.new = new

    @classmethod
    def from_report(cls, report, *, n_columns=MAX_COLUMNS):
        """Return the display of a run.

        Parameters
        ----------
        report : RunReport
        n_columns : int, default=16
            Columns shown at most: those whose distributions differ most.

        Returns
        -------
        display : AssociationDisplay
        """
        return cls(*compare_associations(report, n_columns))

    def describe(self):
        """Return how the largest difference reads, in a sentence."""
        gap = np.abs(self.new - self.real)
        i, j = np.unravel_index(gap.argmax(), gap.shape)
        return (
            f"The largest difference: {self.names[i]} and {self.names[j]}, "
            f"{self.real[i, j]:.2f} in real rows and {self.new[i, j]:.2f} in new ones."
        )

    def _draw(self, panel, ax):
        matrix = (self.real, self.new, self.new - self.real)[panel]
        places = np.arange(len(self.names))
        style = {"edgecolors": "face", "linewidth": 0.3}  # no seams between cells
        scale = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}
        mesh = ax.pcolormesh(places, places, matrix, **scale, **style)
        ax.figure.colorbar(mesh, ax=ax, ticks=[-1, 0, 1], shrink=0.6, aspect=30)
        ax.set_title(TITLES[panel], loc="left")
        ax.set_aspect("equal")
        ax.set_xticks(places, self.names, rotation=90)
        ax.set_yticks(places, self.names)
        ax.invert_yaxis()
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
