"""Records of a run: requests, batches, verdicts, the report and the estimate."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FATES = ("drawn", "refused", "sanity", "cost", "diversity", "surplus", "accepted")
MAX_SHOWN = 200  # rows of a table shown on a page; the report itself holds them all
MAX_PRINTED = 10  # shifts in the text of a report


@dataclass(frozen=True)
class Request:
    """A request for one batch of rows.

    Everything here depends on ``index`` and the sampler's settings alone, never on what
    the filters kept, so that strict and lax filters draw the same batches.
    """

    index: int
    n_rows: int
    labels: NDArray[Any] | None  # label per row; None: the generator chooses
    rng: np.random.Generator  # random stream of this batch


@dataclass(frozen=True)
class Batch:
    """Candidates drawn together, in the dtypes of the real table."""

    index: int
    X: pd.DataFrame
    y: pd.Series
    refused: pd.DataFrame | None = None  # rows it could not use, with "reason"


@dataclass(frozen=True)
class Verdict:
    """What a filter decided about ``n`` candidates in one or more batches.

    Attributes
    ----------
    keep : bool ndarray of shape (n,)
        True where the row was kept.
    reasons : object ndarray of shape (n,)
        Why a row was trimmed, in words; "" where it was kept.
    scores : dict of str to ndarray of shape (n,)
        Figures per row, such as "cost" or "cluster".
    accepted : Series of bool
        Per batch id, in order of first appearance: did the batch as a whole pass.
    stats : DataFrame
        Per batch id, the figures the decision rests on.
    twins : dict of batch id to int ndarray
        Positions of real rows that the batch's twin contributed; empty unless the
        filter keeps them.
    notes : tuple of str
        What a reader of the report should know of the decision as a whole.
    """

    keep: NDArray[np.bool_]
    reasons: NDArray[np.object_]
    scores: dict[str, NDArray[Any]] = field(default_factory=dict)
    accepted: pd.Series = field(default_factory=lambda: pd.Series(dtype=bool))
    stats: pd.DataFrame = field(default_factory=pd.DataFrame)
    twins: dict[Hashable, NDArray[np.intp]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


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
            f"<h3>{title}</h3>{_to_html(table)}"
            for title, table in tables.items()
            if len(table)
        )
        return f"<div class='t2sampler'><ul>{notes}</ul>{body}{plan}</div>"


@dataclass(frozen=True)
class Estimate:
    """What a run will ask of language models: from low to high.

    Attributes
    ----------
    calls, input_tokens, output_tokens : tuple of (int, int)
        Low: every row is accepted. High: the most batches are drawn.
    cost : tuple of (float, float) or None
        In the currency of the prices; None where a model has none.
    n_stored : int
        Calls of these that the store holds an answer to: free, and not counted.
    n_fits : int
        Fits that all this is for.
    columns : str
        The kind of each column.

    Examples
    --------
    >>> from t2sampler._records import Estimate
    >>> print(Estimate((120, 4000), (90_000, 3_000_000), (20_000, 700_000)))
    calls               120 to     4,000
    input tokens     90,000 to 3,000,000
    output tokens    20,000 to   700,000
    cost          unknown: a model has no `prices`
    """

    calls: tuple[int, int] = (0, 0)
    input_tokens: tuple[int, int] = (0, 0)
    output_tokens: tuple[int, int] = (0, 0)
    cost: tuple[float, float] | None = None
    n_stored: int = 0
    n_fits: int = 1
    columns: str = ""

    def add_fits(self, others: "Estimate", n_fits: int) -> "Estimate":
        """Return what this fit and as many others as are left take together."""
        sums: dict[str, Any] = {"n_fits": n_fits}
        for name in ("calls", "input_tokens", "output_tokens", "cost"):
            first, rest = getattr(self, name), getattr(others, name)
            if first is None or rest is None:
                sums[name] = None
            else:
                pairs = zip(first, rest, strict=True)
                sums[name] = tuple(a + b * (n_fits - 1) for a, b in pairs)
        return replace(self, **sums)

    def __str__(self) -> str:
        rows = {
            "calls": [f"{count:,}" for count in self.calls],
            "input tokens": [f"{count:,}" for count in self.input_tokens],
            "output tokens": [f"{count:,}" for count in self.output_tokens],
        }
        if self.cost is not None:
            rows["cost"] = [f"{money:,.2f}" for money in self.cost]
        width = max(len(cell) for cells in rows.values() for cell in cells)
        lines = [
            f"{name:<13} {low:>{width}} to {high:>{width}}"
            for name, (low, high) in rows.items()
        ]
        if self.cost is None:
            lines.append("cost          unknown: a model has no `prices`")
        if self.n_stored:
            lines.append(f"{self.n_stored:,} calls more are answered by the store")
        if self.columns:
            lines += ["", self.columns]
        return "\n".join(lines)


def put_beside(books: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Put figures before rows; a column that has a figure's name gets a star."""
    taken = {name: f"{name}*" for name in rows.columns if name in books.columns}
    rows = rows.set_axis(rows.columns.map(lambda name: taken.get(name, name)), axis=1)
    return pd.concat([books, rows.reset_index(drop=True)], axis=1)


def _to_html(table: pd.DataFrame) -> str:
    html: str = table.to_html(na_rep="", border=0, float_format="{:.5g}".format)
    return html
