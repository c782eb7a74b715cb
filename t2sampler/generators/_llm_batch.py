"""A batch that a team writes: a step per worker, and the rows they fill in."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from t2sampler.chat._label_worker import ChatLabelWorker
from t2sampler.chat._row_worker import ChatRowWorker
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._base import encode_wanted
from t2sampler.generators._scheduler import Stage
from t2sampler.generators._statistical_team import StatisticalTeam
from t2sampler.generators._written_rows import build_batch, find_unusable
from t2sampler.team._fitted_team import find_positions, fit_worker
from t2sampler.team._labeler import LabelWorker
from t2sampler.team._plan_from_data import infer_relations
from t2sampler.team._task import RowTask

LABEL = "label"  # name of the label worker's step
MAX_FITTED_THREADS = 4  # fitted workers that write at the same time


@dataclass(frozen=True)
class WorkerStep:
    """What one worker does for a batch: the columns it writes and reads, and when.

    Attributes
    ----------
    name : str
        Of the component; "label" for the label worker.
    worker : object with ``write`` and ``n_uniforms``
    chat : Chat or None
        The model it asks; None for a fitted worker.
    columns, reads : tuple of int
        Positions in the table. The label worker writes none.
    parents : tuple of int
        Positions of the steps that come first.
    is_label : bool
    """

    name: str
    worker: object
    chat: object
    columns: tuple
    reads: tuple
    parents: tuple
    is_label: bool = False


def check_workers(workers):
    """Refuse workers that can write nothing, and settings that make no sense."""
    for name, worker in workers.items():
        is_chat = hasattr(worker, "connect") and hasattr(worker, "describe")
        if is_statistical(worker):
            worker._validate_params()
        elif not is_chat:
            raise ValueError(
                "`workers` must map names of components to a ChatModel or a "
                f"StatisticalTeam, got {worker!r} for {name!r}."
            )


def check_classes(workers, schema):
    """Refuse fitted workers where a class has no rows, before a model is asked."""
    fitted = [name or LABEL for name, w in workers.items() if is_statistical(w)]
    new = [label for label, n_rows in schema.n_per_label.items() if not n_rows]
    if fitted and new:
        raise GeneratorError(
            f"LLMTeam expected labels that the fitted workers of {fitted} know, got "
            f"{new[0]}, which no real row has. Give them to a language model."
        )


def is_statistical(worker):
    """Tell a team of statistical models from the settings of a chat."""
    return isinstance(worker, StatisticalTeam)


def fit_workers(workers, plan, context):
    """Return those of the workers that are statistical models, fitted.

    Parameters
    ----------
    workers : dict of str to ChatModel or StatisticalTeam
        Per component; the label worker under None.
    plan : Plan
    context : PromptContext

    Returns
    -------
    fitted : dict of str to HotDeckWorker or LabelWorker
    """
    teams = {name: team for name, team in workers.items() if is_statistical(team)}
    schema, codes, labels = context.schema, context.codes, context.labels
    rules = infer_relations(context.rows) if teams else []
    fitted = {}
    for part in plan.components:
        step = find_positions(plan, part, schema)
        if part.name in teams and step[0]:
            team = teams[part.name]
            settings = {"min_leaf": team.min_leaf, "smoothing": team.smoothing}
            worker = fit_worker(schema, step, codes, labels, rules, **settings)
            fitted[part.name] = worker
    if None in teams:
        fitted[None] = LabelWorker(schema).fit(codes, labels)
    return fitted


def build_steps(context, plan, chats, fitted, complete, *, checks_wanted):
    """Return a step per component that has something to write, and the label's last.

    Parameters
    ----------
    context : PromptContext
    plan : Plan
    chats : dict of str to Chat
        Per component; the label worker's under None.
    fitted : dict of str to worker
        Take precedence over ``chats``.
    complete : callable
        Asks a model.
    checks_wanted : bool
        The label worker looks at rows that were written for a wanted label, too.

    Returns
    -------
    steps : list of WorkerStep
        In an order in which parents come first.
    """
    schema = context.schema
    steps, position = [], {}
    for part in (part for level in plan.levels() for part in level):
        writes, reads = map(tuple, find_positions(plan, part, schema))
        if not writes:
            continue
        parents = tuple(position[name] for name in part.reads if name in position)
        worker, chat = fitted.get(part.name), None
        if worker is None:
            chat = chats[part.name]
            worker = ChatRowWorker(context, plan, part, chat, complete)
        position[part.name] = len(steps)
        steps.append(WorkerStep(part.name, worker, chat, writes, reads, parents))
    # The label worker reads every column, so it waits for all others.
    worker, chat = fitted.get(None), None
    if worker is None:
        chat = chats[None]
        worker = ChatLabelWorker(
            context, plan, chat, complete, checks_wanted=checks_wanted
        )
    everything, all_steps = tuple(schema.modelled), tuple(range(len(steps)))
    label = WorkerStep(LABEL, worker, chat, (), everything, all_steps, is_label=True)
    return [*steps, label]


def build_stages(steps):
    """Return the steps as stages of a schedule, and the threads of each lane.

    The steps of one chat share a lane, since its ``max_concurrency`` bounds them all.
    """
    chats = {id(step.chat): step.chat for step in steps}
    lanes = list(chats)
    stages = [Stage(step.parents, lanes.index(id(step.chat))) for step in steps]
    widths = [
        MAX_FITTED_THREADS if chat is None else chat.max_concurrency
        for chat in chats.values()
    ]
    return stages, widths


@dataclass
class PartialBatch:
    """A batch being written: a line per row, filled in column by column.

    Its rows stand in an order of their own: row k is the ``order[k]``-th requested.

    Attributes
    ----------
    request : Request
    order : int ndarray of shape (n_rows,)
    codes : float ndarray of shape (n_rows, n_columns)
    labels : int ndarray of shape (n_rows,)
    noise : float ndarray of shape (n_rows, n_uniforms)
    are_wanted : bool
        False where ``labels`` are only drawn, and the label worker writes them last.
    faults : dict of int to dict of int to str
        Per step, why it could not write a row.
    repairs : dict of int to dict of str to int
        Per step, how often its replies were repaired, by the kind of repair.
    """

    request: object
    order: np.ndarray
    codes: np.ndarray
    labels: np.ndarray
    noise: np.ndarray
    are_wanted: bool
    faults: dict = field(default_factory=dict)
    repairs: dict = field(default_factory=dict)


class BatchWriter:
    """Write batches, one step of one batch at a time.

    A worker sees the columns of the components it reads only. It skips rows that an
    ancestor in the plan failed to write, but not rows that failed elsewhere: so what it
    is asked does not depend on which of the other workers is done first.

    Parameters
    ----------
    steps : list of WorkerStep
    context : PromptContext
    """

    def __init__(self, steps, context):
        self.steps, self.context = steps, context
        self.schema = context.schema
        self._ancestors = _find_ancestors(steps)
        # Where each step's uniform numbers begin; the first is for free labels.
        self._starts = np.cumsum([1, *(step.worker.n_uniforms for step in steps)])

    def open(self, request):
        """Return a batch with the labels its rows are written for, and no values.

        Raises
        ------
        GeneratorError
            A label that a worker cannot write.
        """
        n_rows = request.n_rows
        noise = request.rng.random((n_rows, self._starts[-1]))
        codes = np.full((n_rows, len(self.schema.columns)), np.nan, order="F")
        if request.labels is None:
            shares = _cumulative_shares(self.schema)
            labels = np.searchsorted(shares[:-1], noise[:, 0], side="right")
            return PartialBatch(request, np.arange(n_rows), codes, labels, noise, False)
        # In random order: labels in turn would be a pattern for a model to follow.
        order = request.rng.permutation(n_rows)
        labels = self._encode_wanted(request.labels)[order]
        return PartialBatch(request, order, codes, labels, noise, True)

    def write(self, batch, stage):
        """Have the worker of a step write its columns of a batch."""
        step, rows = self.steps[stage], self._rows_left(batch, stage)
        if not len(rows):
            return
        answer = step.worker.write(self.make_task(batch, stage, rows))
        is_fine = np.ones(len(rows), dtype=bool)
        is_fine[list(answer.faults)] = False
        if step.is_label:
            batch.labels[rows[is_fine]] = answer.codes[is_fine, 0].astype(np.intp)
        else:
            batch.codes[np.ix_(rows[is_fine], step.columns)] = answer.codes[is_fine]
        batch.faults[stage] = {int(rows[i]): why for i, why in answer.faults.items()}
        batch.repairs[stage] = dict(answer.repairs)

    def make_task(self, batch, stage, rows):
        """Return the task of a step for rows of a batch."""
        step, noise = self.steps[stage], slice(*self._starts[stage : stage + 2])
        columns = [self.schema.columns[j] for j in step.columns]
        return RowTask(
            (self.schema.target,) if step.is_label else tuple(columns),
            tuple(self.schema.columns[j] for j in step.reads),
            batch.codes[np.ix_(rows, step.reads)],
            batch.labels[rows],
            batch.noise[rows, noise],
            batch.are_wanted,
        )

    def finish(self, batch):
        """Return a `Batch` of a batch whose steps are all done, and its repairs."""
        reasons = self._find_reasons(batch)
        in_order = np.argsort(batch.order)
        places = {int(row): place for place, row in enumerate(in_order)}
        codes, labels = batch.codes[in_order], batch.labels[in_order]
        reasons = {places[row]: why for row, why in reasons.items()}
        if not batch.are_wanted:  # the label worker comes last, and never saw the row
            labels[list(reasons)] = -1
        finished = build_batch(self.schema, batch.request, codes, labels, reasons)
        repairs = sum((Counter(count) for count in batch.repairs.values()), Counter())
        return finished, repairs

    def _encode_wanted(self, labels):
        """Return wanted label codes; fitted workers know only those of real rows."""
        codes, n_real = encode_wanted(labels, self.schema)
        fitted = [step.name for step in self.steps if step.chat is None]
        is_wrong = (codes < 0) | ((n_real == 0) & bool(fitted))
        if is_wrong.any():
            who = f"the fitted workers of {fitted}" if fitted else "the team"
            label = pd.Series(labels)[is_wrong].iloc[0]
            raise GeneratorError(
                f"LLMTeam expected labels that {who} know, got {label}, which no real "
                "row has. Name it in `new_classes`, and give every component to a "
                "language model."
            )
        return codes

    def _rows_left(self, batch, stage):
        """Return the rows that no ancestor of a step failed to write."""
        faults = [batch.faults.get(place, ()) for place in self._ancestors[stage]]
        lost = {row for rows in faults for row in rows}
        return np.array([i for i in range(len(batch.labels)) if i not in lost], int)

    def _find_reasons(self, batch):
        """Return why each lost row is lost, by the first step that failed."""
        reasons = {}
        for place, step in enumerate(self.steps):
            for row, why in batch.faults.get(place, {}).items():
                reasons.setdefault(row, why if step.is_label else f"{step.name}: {why}")
        rows = [i for i in range(len(batch.labels)) if i not in reasons]
        uniform = float(batch.noise[0, 0])
        return reasons | find_unusable(self.context, batch.codes, rows, uniform)


def _find_ancestors(steps):
    """Return, per step, the positions of all steps it waits for, however long ago."""
    ancestors = []
    for step in steps:
        older = (ancestors[place] for place in step.parents)
        ancestors.append(frozenset(step.parents).union(*older))
    return ancestors


def _cumulative_shares(schema):
    """Return cumulative class shares, by which labels are drawn if none is wanted.

    A class without real rows has the share of the rarest class that has some.
    """
    counts = np.array(list(schema.n_per_label.values()), dtype=float)
    counts[counts == 0] = counts[counts > 0].min()
    return np.cumsum(counts) / counts.sum()
