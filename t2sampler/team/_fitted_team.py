"""The fitted workers of a plan, and the order in which they write a row."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from t2sampler._schema import TableSchema
from t2sampler.team._conditions import Condition
from t2sampler.team._hot_deck import HotDeckWorker
from t2sampler.team._plan import Component, Plan
from t2sampler.team._task import RowTask

Codes = NDArray[np.float64]
Step = tuple[list[int], list[int]]  # positions of columns: written, read


class FittedTeam:
    """Fit a worker per component of a plan, and have them write whole rows.

    Parameters
    ----------
    plan : Plan
    schema : TableSchema
    settings : dict
        Of each `HotDeckWorker`.
    """

    def __init__(self, plan: Plan, schema: TableSchema, **settings: Any) -> None:
        self.plan = plan
        self.schema = schema
        self.settings = settings

    def fit(
        self,
        codes: Codes,
        labels: NDArray[np.intp],
        rules: list[Any],
        n_jobs: int | None,
    ) -> "FittedTeam":
        """Fit the workers.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
        labels : int ndarray of shape (n_rows,)
            Label codes.
        rules : list of rules
            Relations between columns that hold in every real row.
        n_jobs : int or None
        """
        parts = [part for level in self.plan.levels() for part in level]
        steps = [find_positions(self.plan, part, self.schema) for part in parts]
        # A component of names, ids and free text has nothing that a worker writes.
        self._steps = [step for step in steps if step[0]]
        # Threads: trees grow without the interpreter's lock, and share the codes.
        self._workers = Parallel(n_jobs, prefer="threads")(
            delayed(fit_worker)(
                self.schema, step, codes, labels, rules, **self.settings
            )
            for step in self._steps
        )
        return self

    @property
    def n_uniforms(self) -> int:
        """Uniform numbers that the workers take per row."""
        return sum(worker.n_uniforms for worker in self._workers)

    def write(
        self,
        labels: NDArray[np.intp],
        noise: Codes,
        conditions: Mapping[Hashable, Condition] | None = None,
    ) -> tuple[Codes, Codes]:
        """Have each worker write its columns, given those it reads.

        Parameters
        ----------
        labels : int ndarray of shape (n_rows,)
            Label code each row is drawn for.
        noise : float ndarray of shape (n_rows, n_uniforms)
        conditions : mapping of column name to Condition, default=None

        Returns
        -------
        codes : float ndarray of shape (n_rows, n_columns)
            NaN in the columns that no model sees.
        likelihoods : float ndarray of shape (n_rows,)
            How likely each row meets the conditions, given its other columns.
        """
        codes = np.full((len(labels), len(self.schema.columns)), np.nan, order="F")
        likelihoods = np.ones(len(labels))
        stop = 0
        for (columns, reads), worker in zip(self._steps, self._workers, strict=True):
            start, stop = stop, stop + worker.n_uniforms
            written = tuple(self.schema.columns[j] for j in columns)
            read = tuple(self.schema.columns[j] for j in reads)
            task = RowTask(written, read, codes[:, reads], labels, noise[:, start:stop])
            own_conditions = {
                i: conditions[column.name]
                for i, column in enumerate(written)
                if conditions and column.name in conditions
            }
            if own_conditions:
                new, likelihood = worker.write_conditional(task, own_conditions)
                likelihoods *= likelihood
            else:
                new = worker.write(task).codes
            codes[:, columns] = new
        return codes, likelihoods


def find_positions(plan: Plan, part: Component, schema: TableSchema) -> Step:
    """Return positions of the columns a component writes, and of those it reads.

    Columns that no model sees are left out.
    """
    positions = {schema.columns[j].name: j for j in schema.modelled}
    written, read = (
        [positions[name] for name in names if name in positions]
        for names in (part.columns, plan.read_columns(part))
    )
    return written, read


def fit_worker(
    schema: TableSchema,
    step: Step,
    codes: Codes,
    labels: NDArray[np.intp],
    rules: list[Any],
    **settings: Any,
) -> HotDeckWorker:
    """Return the fitted worker of one component.

    Parameters
    ----------
    schema : TableSchema
    step : (list of int, list of int)
        From `find_positions`; something is written.
    codes : float ndarray of shape (n_rows, n_columns)
    labels : int ndarray of shape (n_rows,)
        Label codes.
    rules : list of rules
        Those within the component are kept.
    settings : dict
        Of `HotDeckWorker`.
    """
    columns, reads = step
    names = {schema.columns[j].name for j in columns}
    worker = HotDeckWorker(
        [schema.columns[j] for j in columns],
        [schema.columns[j] for j in reads],
        [rule for rule in rules if names.issuperset(rule.columns)],
        **settings,
    )
    return worker.fit(codes[:, columns], codes[:, reads], labels)
