"""The crew of a plan: a fitted worker per component, and the order they write in."""

from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema, TableSchema
from t2sampler.team._conditions import Allowed
from t2sampler.team._hot_deck import FittedRows
from t2sampler.team._plan import Component, Plan
from t2sampler.team._task import LeaveMissing, RowTask


class Crew:
    """Fit a worker per component of a plan, and have them write whole rows.

    Parameters
    ----------
    plan : Plan
    schema : TableSchema
    settings : dict
        Of each `FittedRows`.

    Attributes
    ----------
    modelled : list of int
        Positions of the columns that models may see.
    n_uniforms : int
        Uniform numbers the workers take per row.
    """

    def __init__(self, plan: Plan, schema: TableSchema, **settings: Any) -> None:
        self.plan, self.schema, self.settings = plan, schema, settings
        self.modelled = [j for j, c in enumerate(schema.columns) if c.is_modelled]

    def fit(
        self,
        codes: NDArray[np.float64],
        labels: NDArray[np.intp],
        rules: list[Any],
        n_jobs: int | None,
    ) -> "Crew":
        """Fit the workers.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
        labels : int ndarray of shape (n_rows,)
            Label codes.
        rules : list of rules
            Those within a component are kept.
        n_jobs : int or None
        """
        self._steps = [
            self._step(part) for level in self.plan.levels() for part in level
        ]
        self._workers = Parallel(n_jobs, prefer="threads")(
            delayed(fit_worker)(
                self.schema, step, codes, labels, rules, **self.settings
            )
            for step in self._steps
        )
        self.n_uniforms = sum(worker.n_uniforms for worker in self._workers)
        return self

    def write(
        self,
        labels: NDArray[np.intp],
        noise: NDArray[np.float64],
        sizes: tuple[int, ...],
        allowed: dict[str, Allowed] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Have each worker write its columns beside those it reads.

        Parameters
        ----------
        labels : int ndarray of shape (n_rows,)
            Label code each row is drawn for.
        noise : float ndarray of shape (n_rows, n_uniforms)
        sizes : tuple of int
            Rows per batch.
        allowed : dict of column name to Allowed, default=None

        Returns
        -------
        codes : float ndarray of shape (n_rows, n_columns)
        chances : float ndarray of shape (n_rows,)
            How likely each row is to hold what is allowed.
        """
        codes = np.full((len(labels), len(self.schema.columns)), np.nan, order="F")
        chances = np.ones(len(labels))
        stop = 0
        for (columns, reads), worker in zip(self._steps, self._workers, strict=True):
            start, stop = stop, stop + worker.n_uniforms
            written = tuple(self.schema.columns[j] for j in columns)
            read = tuple(self.schema.columns[j] for j in reads)
            task = RowTask(
                written, read, codes[:, reads], labels, noise[:, start:stop], sizes
            )
            fixed = _find_fixed(written, allowed or {})
            if fixed:
                codes[:, columns], chance = worker.write_given(task, fixed)
                chances *= chance
            else:
                codes[:, columns] = worker.write(task).codes
        return codes, chances

    def _step(self, part: Component) -> tuple[list[int], list[int]]:
        """Return positions of the columns a component writes, and of those it reads.

        Columns that no model may see are left out.
        """
        places = {self.schema.columns[j].name: j for j in self.modelled}
        written, read = (
            [places[name] for name in names if name in places]
            for names in (part.columns, self.plan.read_columns(part))
        )
        return written, read


def fit_worker(
    schema: TableSchema,
    step: tuple[list[int], list[int]],
    codes: NDArray[np.float64],
    labels: NDArray[np.intp],
    rules: list[Any],
    **settings: Any,
) -> FittedRows | LeaveMissing:
    """Return the fitted worker of one component.

    Parameters
    ----------
    schema : TableSchema
    step : (sequence of int, sequence of int)
        Positions of the columns it writes, and of those it reads, all modelled.
    codes : float ndarray of shape (n_rows, n_columns)
    labels : int ndarray of shape (n_rows,)
        Label codes.
    rules : list of rules
        Relations between columns that hold in every real row.
    settings : dict
        Of `FittedRows`.
    """
    columns, reads = map(list, step)
    if not columns:
        return LeaveMissing()
    names = {schema.columns[j].name for j in columns}
    worker = FittedRows(
        [schema.columns[j] for j in columns],
        [schema.columns[j] for j in reads],
        [rule for rule in rules if names.issuperset(rule.columns)],
        **settings,
    )
    return worker.fit(codes[:, columns], codes[:, reads], labels)


def _find_fixed(
    columns: tuple[ColumnSchema, ...], allowed: dict[str, Allowed]
) -> dict[int, Allowed]:
    """Return what is allowed, by position among the columns."""
    return {
        j: allowed[column.name]
        for j, column in enumerate(columns)
        if column.name in allowed
    }
