"""What happened in one run: its tables, as text and as HTML."""

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from t2sampler._brief import WIDTH, fill
from t2sampler._records import FATES
from t2sampler._storage import write_text
from t2sampler.report._page import render_fragment, render_page
from t2sampler.report._run_rows import RunRows
from t2sampler.report._words import blank_none, tell_run

MAX_PRINTED = 10  # shifts in the text of a report, by these columns
SHOWN = ["class", "column", "what", "level", "real_share", "new_share"]


@dataclass(frozen=True, repr=False)
class RunReport:
    """What happened in one run: every batch, every trimmed row, every class.

    Attributes
    ----------
    batches : DataFrame
        A row per batch: rows drawn, refused, trimmed by each filter, surplus and
        accepted; the figures its verdict rests on; the verdict in words.
    left_out : DataFrame
        Every candidate that is not in the result, with its values, label, batch, who
        trimmed it and why.
    classes : DataFrame
        A row per class: real rows, rows asked for, generated, repeated (twins and
        bootstraps) and missing.
    rules : DataFrame
        A row per rule of the sanity filter: how many real rows break it, how many
        candidates were trimmed for it.
    notes : tuple of str
        What a reader should know: columns left out, a generator's remarks, shortfalls.
    plan : str
        Who wrote which columns, where the generator says so.
    usage : DataFrame
        A row per role of a team of language models: calls, calls answered by the
        store, input, output and cached tokens, cost and seconds.
    columns : DataFrame
        A row per column of the table: its kind, who said so ("user" or "inferred"),
        its dtype, and whether new rows hold generated values in it.
    shifts : DataFrame
        New rows beside the real rows of their class: a row per class, column and what
        is compared (missing values, levels, range, grid, median), with counts, shares,
        and ``is_shift`` where the difference is more than chance.
    settings : dict of str to str
        Version, size of the table, generator and filters, seed, and the parameters of
        the sampler that are not at their defaults.
    components : tuple of Component
        Of the generator's plan, where it has one.
    rows : RunRows or None
        The real rows and the candidates, for pictures. They are those that the run
        held, not copies; columns of text, ids and private values are blank.
    """

    batches: pd.DataFrame
    left_out: pd.DataFrame
    classes: pd.DataFrame
    rules: pd.DataFrame
    notes: tuple[str, ...] = ()
    plan: str = ""
    usage: pd.DataFrame = field(default_factory=pd.DataFrame)
    columns: pd.DataFrame = field(default_factory=pd.DataFrame)
    shifts: pd.DataFrame = field(default_factory=pd.DataFrame)
    settings: dict[str, str] = field(default_factory=dict)
    components: tuple[Any, ...] = ()
    rows: RunRows | None = None

    @property
    def totals(self) -> dict[str, int]:
        """Rows by fate; "drawn" is the sum of all that follow it."""
        if self.batches.empty:
            return dict.fromkeys(FATES, 0)
        return {fate: int(self.batches[fate].sum()) for fate in FATES}

    def __repr__(self) -> str:
        return fill(
            f"RunReport: {tell_run(self)[0]} `print` it, or `save` it as a page."
        )

    def __str__(self) -> str:
        classes = self.classes.to_string(line_width=WIDTH, max_rows=2 * MAX_PRINTED)
        parts = ["\n".join(map(fill, tell_run(self))), classes]
        if len(self.usage):
            parts.append(self.usage.to_string(line_width=WIDTH))
        if len(found := self.find_shifts()):
            shown = found[SHOWN].head(MAX_PRINTED)
            shown = shown.assign(level=blank_none(shown["level"]))
            parts.append(
                shown.to_string(
                    index=False,
                    line_width=WIDTH,
                    max_colwidth=24,
                    float_format="{:.3g}".format,
                )
            )
        return "\n\n".join([*parts, *map(fill, self.notes)])

    def find_shifts(self) -> pd.DataFrame:
        """Return the shifts that are more than chance, the largest first."""
        if self.shifts.empty:
            return self.shifts
        found = self.shifts[self.shifts["is_shift"]].drop(columns="is_shift")
        size = (found["new_share"] - found["real_share"]).abs()
        return found.iloc[np.argsort(-size, kind="stable")]

    def save(
        self,
        path: "str | PathLike[str]",
        title: str = "Run report",
        *,
        method: str = "pca",
    ) -> None:
        """Write the report as a page that needs nothing beside it.

        Parameters
        ----------
        path : path-like
            An HTML file; one that exists is replaced, and only by a whole page.
        title : str, default="Run report"
            Stands at the top of the page.
        method : {"pca", "tsne"}, default="pca"
            How the map of the rows is made; see `RowsDisplay`.

        Warns
        -----
        T2SamplerWarning
            matplotlib is not installed, so that the page has no pictures.

        Notes
        -----
        The page is below 2 MB, however many rows there are; it takes seconds.
        """
        page = render_page(self, title, method=method)
        write_text(page, Path(path))

    def _repr_html_(self) -> str:
        """Return the report as an HTML fragment, for notebooks."""
        html: str = render_fragment(self)
        return html
