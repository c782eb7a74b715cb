"""What happened in one run: its tables, as text and as HTML."""

from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

from t2sampler._pages import to_table
from t2sampler._records import FATES

MAX_SHOWN = 200  # rows of a table shown on a page; the report itself holds them all
MAX_PRINTED = 10  # shifts in the text of a report


@dataclass(frozen=True)
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

    @property
    def totals(self) -> dict[str, int]:
        """Rows by fate; "drawn" is the sum of all that follow it."""
        if self.batches.empty:
            return dict.fromkeys(FATES, 0)
        return {fate: int(self.batches[fate].sum()) for fate in FATES}

    def __str__(self) -> str:
        totals = ", ".join(f"{count:,} {fate}" for fate, count in self.totals.items())
        parts = [f"{len(self.batches):,} batches: {totals}", str(self.classes)]
        if len(self.usage):
            parts.append(self.usage.to_string())
        if len(found := self._find_shifts()):
            parts.append(found.head(MAX_PRINTED).to_string(index=False))
        return "\n\n".join([*parts, *self.notes])

    def _find_shifts(self) -> pd.DataFrame:
        """Return the shifts that are more than chance, the largest first."""
        if self.shifts.empty:
            return self.shifts
        found = self.shifts[self.shifts["is_shift"]].drop(columns="is_shift")
        size = (found["new_share"] - found["real_share"]).abs()
        return found.iloc[np.argsort(-size, kind="stable")]

    def _repr_html_(self) -> str:
        """Return the report as an HTML fragment, for notebooks and for the page."""
        totals = pd.DataFrame([self.totals], index=["rows"])
        tables = {
            "Rows by fate": totals,
            "Classes": self.classes,
            "Columns": self.columns,
            "Language models": self.usage,
            "Shifts": self._find_shifts().head(MAX_SHOWN),
            "Batches": self.batches.head(MAX_SHOWN),
            "Rules": self.rules,
            "Candidates left out": self.left_out.head(MAX_SHOWN),
        }
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        plan = f"<h3>Plan</h3><pre>{escape(self.plan)}</pre>" if self.plan else ""
        body = "".join(
            f"<h3>{title}</h3>{to_table(table)}"
            for title, table in tables.items()
            if len(table)
        )
        return f"<div class='t2sampler'><ul>{notes}</ul>{body}{plan}</div>"
