"""Records of a run: requests, batches, verdicts and the estimate."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._brief import BriefRepr, fill

FATES = ("drawn", "refused", "sanity", "cost", "diversity", "surplus", "accepted")


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


@dataclass(frozen=True, repr=False)
class Verdict(BriefRepr):
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


@dataclass(frozen=True, repr=False)
class Estimate(BriefRepr):
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
            lines += ["", fill(self.columns, indent=" " * 10)]
        return "\n".join(lines)


def put_beside(books: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Put figures before rows; a column that has a figure's name gets a star."""
    taken = {name: f"{name}*" for name in rows.columns if name in books.columns}
    rows = rows.set_axis(rows.columns.map(lambda name: taken.get(name, name)), axis=1)
    return pd.concat([books, rows.reset_index(drop=True)], axis=1)
