"""Who does what in a batch of a team: a post per component, and one for the label."""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from t2sampler._records import Batch, put_beside
from t2sampler.chat._label_worker import ChatLabelWorker
from t2sampler.chat._row_worker import ChatRowWorker
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._scheduler import Stage
from t2sampler.generators._statistical_team import StatisticalTeam, find_relations
from t2sampler.team._fitted_team import fit_worker
from t2sampler.team._labeler import LabelWorker
from t2sampler.team._task import Answer, RowTask

LABEL = "label"
MAX_FITTED = 4  # fitted workers that answer at the same time


@dataclass(frozen=True)
class Post:
    """A worker, the columns it writes and reads, and whom it waits for.

    Attributes
    ----------
    name : str
        Of the component; "label" for the label worker.
    worker : RowWorker
    chat : Chat or None
        Whom the worker asks; None for a fitted one.
    columns, reads : tuple of int
        Positions in the table. The label worker writes none.
    parents : tuple of int
        Positions of posts.
    noise : slice
        Its own uniform numbers of a row.
    is_label : bool
    """

    name: str
    worker: object
    chat: object
    columns: tuple
    reads: tuple
    parents: tuple
    noise: slice | None = None
    is_label: bool = False


class FittedLabels:
    """A fitted label worker behind the workers' seam; wanted labels it lets be.

    Where it has no opinion, the label that was drawn before stays.
    """

    n_uniforms = 0

    def __init__(self, worker, schema):
        self.worker, self.schema = worker, schema

    def write(self, task):
        """Return a label code per row, given the whole row."""
        if task.are_wanted:
            return Answer(task.labels[:, None].astype(float))
        names = [column.name for column in task.reads]
        places = [self.schema.names.index(name) for name in names]
        codes = np.full((len(task.given), len(self.schema.columns)), np.nan)
        codes[:, places] = task.given
        best = self.worker.judge(codes, task.labels).argmax(axis=1)
        return Answer(self.worker.classes_[best][:, None].astype(float))


def fit_workers(teams, plan, schema, frame, target):
    """Fit the workers that are statistical models.

    Parameters
    ----------
    teams : dict of str to StatisticalTeam
        Per component; "label" under None.

    Returns
    -------
    fitted : dict of str to worker
    """
    if not teams:
        return {}
    for team in teams.values():
        team._validate_params()
    codes = schema.encode(frame)
    labels = schema.target.encode(target).astype(np.intp)
    rules = find_relations(frame, schema)
    places = {c.name: j for j, c in enumerate(schema.columns) if c.is_modelled}
    fitted = {}
    for part in plan.components:
        if part.name in teams:
            named = part.columns, plan.read_columns(part)
            step = [[places[k] for k in names if k in places] for names in named]
            team = teams[part.name]
            settings = {"min_leaf": team.min_leaf, "smoothing": team.smoothing}
            worker = fit_worker(schema, step, codes, labels, rules, **settings)
            fitted[part.name] = worker
    if None in teams:
        fitted[None] = FittedLabels(LabelWorker(schema).fit(codes, labels), schema)
    return fitted


def make_posts(context, plan, chats, fitted, complete, *, checks_wanted):
    """Return a post per component that has something to write, and the label's last.

    Parameters
    ----------
    context : PromptContext
    plan : Plan
    chats : dict of str to Chat
        Per component; the label worker's under None.
    fitted : dict of str to worker
        Go before ``chats``.
    complete : callable
        Asks a model.
    checks_wanted : bool
        The label worker looks at rows that were written for a wanted label, too.

    Returns
    -------
    posts : list of Post
        In an order in which parents come first.
    """
    columns = context.schema.columns
    places = {c.name: j for j, c in enumerate(columns) if c.is_modelled}
    posts, place_of = [], {}
    for part in (part for level in plan.levels() for part in level):
        writes = tuple(places[name] for name in part.columns if name in places)
        if not writes:
            continue
        reads = tuple(places[n] for n in plan.read_columns(part) if n in places)
        parents = tuple(place_of[name] for name in part.reads if name in place_of)
        worker, chat = fitted.get(part.name), None
        if worker is None:
            chat = chats[part.name]
            worker = ChatRowWorker(context, plan, part, chat, complete)
        place_of[part.name] = len(posts)
        posts.append(Post(part.name, worker, chat, writes, reads, parents))
    worker, chat = fitted.get(None), None
    if worker is None:
        chat = chats[None]
        worker = ChatLabelWorker(
            context, plan, chat, complete, checks_wanted=checks_wanted
        )
    everything, everyone = tuple(places.values()), tuple(range(len(posts)))
    label = Post(LABEL, worker, chat, (), everything, everyone, is_label=True)
    return _share_noise([*posts, label])


def make_stages(posts):
    """Return the posts as stages, and the threads of each lane: one lane per chat."""
    lanes = {}
    for post in posts:
        lanes.setdefault(id(post.chat), post.chat)
    order = list(lanes)
    stages = [Stage(post.parents, order.index(id(post.chat))) for post in posts]
    widths = [
        MAX_FITTED if chat is None else chat.max_concurrency for chat in lanes.values()
    ]
    return stages, widths


def ancestors_of(posts):
    """Return, per post, the positions of all posts it waits for, however long ago."""
    found = []
    for post in posts:
        found.append(
            frozenset(post.parents).union(*(found[place] for place in post.parents))
        )
    return found


def check_workers(workers):
    """Refuse workers that can write nothing."""
    for name, worker in (workers or {}).items():
        is_chat = hasattr(worker, "connect") and hasattr(worker, "describe")
        if not (is_chat or is_statistical(worker)):
            raise ValueError(
                "`workers` must map names of components to a ChatModel or a "
                f"StatisticalTeam, got {worker!r} for {name!r}."
            )


def check_classes(workers, schema):
    """Refuse fitted workers where a class has no rows, before anybody is asked."""
    fitted = [name for name, worker in workers.items() if is_statistical(worker)]
    new = [label for label, n_rows in schema.n_per_label.items() if not n_rows]
    if fitted and new:
        raise GeneratorError(
            f"LLMTeam expected labels that the fitted workers of {fitted} know, got "
            f"{new[0]}, which no real row has. Give them to a language model."
        )


def is_statistical(worker):
    """Tell a team of statistical models from the settings of a chat."""
    return isinstance(worker, StatisticalTeam)


def _share_noise(posts):
    """Give each post numbers of its own; the first is for the labels drawn before."""
    shared, start = [], 1
    for post in posts:
        stop = start + post.worker.n_uniforms
        shared.append(replace(post, noise=slice(start, stop)))
        start = stop
    return shared


NO_VALUE = "{}: a value is missing, and the column cannot hold that"
COPY = "a copy of a real row"


@dataclass
class Sheet:
    """A batch being written: a line per row, filled in column by column.

    Its rows lie in an order of their own: row k is the ``order[k]``-th of the request.
    """

    request: object
    order: np.ndarray
    codes: np.ndarray
    labels: np.ndarray
    noise: np.ndarray
    are_wanted: bool
    faults: dict = field(default_factory=dict)  # post -> {row: why}
    repairs: dict = field(default_factory=dict)  # post -> {what was done: times}


class Drawing:
    """All sheets of a call of `draw`, and the job of one post on one of them.

    What a post sees is what those wrote whom it waits for, whoever else is at work: a
    row they could not write is not asked for, one that others could not is.

    Parameters
    ----------
    posts : list of Post
    context : PromptContext
    requests : list of Request
    """

    def __init__(self, posts, context, requests):
        self.posts, self.context = posts, context
        self.schema = schema = context.schema
        self._ancestors = ancestors_of(posts)
        self._shares = _label_shares(schema)
        width = 1 + sum(post.worker.n_uniforms for post in posts)
        self.sheets = [self._open(request, width) for request in requests]

    def work(self, batch, stage):
        """Have a post write its columns of a batch."""
        sheet, post = self.sheets[batch], self.posts[stage]
        rows = self._rows_left(sheet, self._ancestors[stage])
        if not len(rows):
            return
        answer = post.worker.write(self.task(sheet, post, rows))
        fine = np.ones(len(rows), dtype=bool)
        fine[list(answer.faults)] = False
        if post.is_label:
            sheet.labels[rows[fine]] = answer.codes[fine, 0].astype(np.intp)
        else:
            sheet.codes[np.ix_(rows[fine], post.columns)] = answer.codes[fine]
        sheet.faults[stage] = {int(rows[i]): why for i, why in answer.faults.items()}
        sheet.repairs[stage] = dict(answer.repairs)

    def task(self, sheet, post, rows):
        """Return what a post is asked for, beside what it is given."""
        columns = [self.schema.columns[j] for j in post.columns]
        return RowTask(
            (self.schema.target,) if post.is_label else tuple(columns),
            tuple(self.schema.columns[j] for j in post.reads),
            sheet.codes[np.ix_(rows, post.reads)],
            sheet.labels[rows],
            sheet.noise[rows, post.noise],
            (len(rows),),
            sheet.are_wanted,
        )

    def finish(self, batch):
        """Return a batch whose posts are all done, and let go of its sheet."""
        sheet, self.sheets[batch] = self.sheets[batch], None
        reasons = self._reasons(sheet)
        in_order = np.argsort(sheet.order)
        is_lost = np.isin(in_order, list(reasons))
        lost, kept = in_order[is_lost], in_order[~is_lost]
        X = self.schema.decode(sheet.codes[kept])
        y = self._labels(sheet.labels[kept])
        refused = self._list_refused(sheet, lost, reasons) if len(lost) else None
        repairs = sum((Counter(count) for count in sheet.repairs.values()), Counter())
        return Batch(sheet.request.index, X, y, refused), repairs

    def _open(self, request, width):
        shape = request.n_rows, len(self.schema.columns)
        noise = request.rng.random((request.n_rows, width))
        labels = np.searchsorted(self._shares[:-1], noise[:, 0], side="right")
        order = np.arange(request.n_rows)
        if request.labels is not None:  # labels in turn would be a pattern to follow
            order = request.rng.permutation(request.n_rows)
            labels = self._wanted(request.labels)[order]
        codes = np.full(shape, np.nan, order="F")
        are_wanted = request.labels is not None
        return Sheet(request, order, codes, labels, noise, are_wanted)

    def _wanted(self, labels):
        """Return the wanted label codes; fitted workers know those of real rows only.

        Raises
        ------
        GeneratorError
            A label that a worker cannot write.
        """
        labels = pd.Series(labels)
        codes = self.schema.target.encode(labels)
        codes = np.where(codes >= 0, codes, -1).astype(np.intp)
        n_real = np.array([*self.schema.n_per_label.values(), 0])[codes]
        fitted = [post.name for post in self.posts if post.chat is None]
        is_wrong = (codes < 0) | ((n_real == 0) & bool(fitted))
        if is_wrong.any():
            who = f"the fitted workers of {fitted}" if fitted else "the team"
            raise GeneratorError(
                f"LLMTeam expected labels that {who} know, got "
                f"{labels[is_wrong].iloc[0]}, which no real row has. Name it in "
                "`new_classes`, and give every component to a language model."
            )
        return codes

    def _rows_left(self, sheet, ancestors):
        lost = {row for place in ancestors for row in sheet.faults.get(place, ())}
        return np.array([i for i in range(len(sheet.labels)) if i not in lost], int)

    def _reasons(self, sheet):
        """Return why each lost row is lost; the first post in the plan's order says."""
        reasons = {}
        for place, post in enumerate(self.posts):
            for row, why in sheet.faults.get(place, {}).items():
                reasons.setdefault(row, why if post.is_label else f"{post.name}: {why}")
        for j, column in enumerate(self.schema.columns):
            if column.is_modelled and not column.can_be_missing:
                for row in np.flatnonzero(np.isnan(sheet.codes[:, j])):
                    reasons.setdefault(int(row), NO_VALUE.format(column.name))
        copies = self.context.are_copies(sheet.codes)
        found = [row for row in np.flatnonzero(copies).tolist() if row not in reasons]
        n_rows, dice = len(sheet.labels), float(sheet.noise[0, 0])  # rounds by chance
        n_allowed = int(self.context.copies_allowed * n_rows + dice)
        return reasons | dict.fromkeys(found[n_allowed:], COPY)

    def _labels(self, codes):
        target = self.schema.target.decode(codes.astype(float))
        return target.set_axis(pd.RangeIndex(len(codes)))

    def _list_refused(self, sheet, rows, reasons):
        """Return lost rows with the values they got, the reason beside them."""
        codes = sheet.codes[rows]
        values = {
            j: _show_some(column, codes[:, j])
            for j, column in enumerate(self.schema.columns)
        }
        frame = pd.DataFrame(values, index=pd.RangeIndex(len(rows)))
        frame.columns = pd.Index(self.schema.names)
        labels = self._labels(sheet.labels[rows]).to_numpy(dtype=object)
        if not sheet.are_wanted:  # the label worker comes last, and never saw the row
            labels = np.full(len(rows), None, dtype=object)
        books = {
            "batch": sheet.request.index,
            "label": labels,
            "fate": "refused",
            "reason": [reasons[int(row)] for row in rows],
        }
        return put_beside(pd.DataFrame(books), frame)


def _label_shares(schema):
    """Return the shares, added up, by which labels are drawn where none is wanted.

    A class without real rows has as many as the rarest with some.
    """
    counts = np.array(list(schema.n_per_label.values()), dtype=float)
    counts[counts == 0] = counts[counts > 0].min()
    return np.cumsum(counts) / counts.sum()


def _show_some(column, codes):
    """Return values where there are any, in a series that has room for gaps."""
    values = pd.Series(None, index=range(len(codes)), dtype=object)
    there = np.flatnonzero(~np.isnan(codes))
    if len(there):
        values.iloc[there] = column.decode(codes[there]).to_numpy(dtype=object)
    return values
