"""Who does what in a batch of a team: a post per component, and one for the label."""

from dataclasses import dataclass, replace

import numpy as np

from t2sampler.exceptions import GeneratorError
from t2sampler.generators._crew import fit_worker
from t2sampler.generators._schedule import Stage
from t2sampler.generators._statistical_team import StatisticalTeam, find_relations
from t2sampler.team._chat_labels import ChatLabels
from t2sampler.team._chat_rows import ChatRows
from t2sampler.team._labeler import LabelWorker
from t2sampler.team._worker import Answer

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
    places = {c.name: j for j, c in enumerate(schema.columns) if c.is_learnable}
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


def make_posts(briefing, plan, chats, fitted, complete, *, checks_wanted):
    """Return a post per component that has something to write, and the label's last.

    Parameters
    ----------
    briefing : Briefing
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
    columns = briefing.schema.columns
    places = {c.name: j for j, c in enumerate(columns) if c.is_learnable}
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
            worker = ChatRows(briefing, plan, part, chat, complete)
        place_of[part.name] = len(posts)
        posts.append(Post(part.name, worker, chat, writes, reads, parents))
    worker, chat = fitted.get(None), None
    if worker is None:
        chat = chats[None]
        worker = ChatLabels(briefing, plan, chat, complete, checks_wanted=checks_wanted)
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
