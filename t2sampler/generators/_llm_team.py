"""A team of language models: a manager plans, workers write, a label worker decides."""

import weakref
from collections import Counter
from numbers import Integral
from os import PathLike

import pandas as pd

from t2sampler._params import HasMethods, Interval, StrOptions, check_is_fitted
from t2sampler.constraints._checks import check_rule
from t2sampler.exceptions import BudgetError, PlanError
from t2sampler.generators._base import BaseGenerator
from t2sampler.generators._desk import Desk, WatchedBriefing
from t2sampler.generators._drawing import Drawing
from t2sampler.generators._identity import hash_run
from t2sampler.generators._posts import (
    LABEL,
    check_classes,
    check_workers,
    fit_workers,
    is_statistical,
    make_posts,
    make_stages,
)
from t2sampler.generators._rehearsal import Rehearsal
from t2sampler.generators._schedule import Schedule
from t2sampler.generators._statistical_team import StatisticalTeam
from t2sampler.llm import Budget
from t2sampler.llm._line import open_line
from t2sampler.team import Plan
from t2sampler.team._chat_manager import ask_plan
from t2sampler.team._manager import make_plan

CHAT = HasMethods(["connect", "describe"])
MOST_FAILURES = 3  # calls in a row that may fail before the drawing is given up
MOST_IN_VAIN = 3  # batches of which no row could be used
USAGE = ("calls", "stored", "input_tokens", "output_tokens", "cached_tokens")


class LLMTeam(BaseGenerator):
    """Draw rows by a team of language models behind an OpenAI-compatible endpoint.

    A manager reads a description of the table and a few real rows, and plans: which
    columns one worker writes, who reads whom, which rules rows must obey. Each worker
    writes its columns for a batch of rows beside what it reads. The label worker
    writes labels last, or, where labels are wanted, agrees or vetoes. Replies are read
    value by value through the columns' own types; a row that cannot be read is refused
    with the reason. Every answer is kept, so that the same question is never paid for
    twice: not in a grid search, not by another process, not after a crash.

    Parameters
    ----------
    chat : ChatModel
        Who is asked, where nothing else is said.
    manager : ChatModel, default=None
        Who makes the plan.
    label : ChatModel or StatisticalTeam, default=None
        Who decides on labels; a `StatisticalTeam` stands for fitted models.
    workers : dict of str to ChatModel or StatisticalTeam, default=None
        Who writes a component of the plan, by its name.
    plan : Plan, default=None
        None: the manager is asked.
    context : str, default=''
        What the table is about, in a sentence or two.
    feature_descriptions : dict, default=None
        From a column's name, or that of the labels, to what it means. Names that the
        table does not have are noted in the report.
    examples : int >= 0 or "summary", default=5
        Real rows shown with each question, others each time. "summary": none, and no
        row leaves the machine, but ranges, quantiles, levels and shares.
    anchors : bool, default=True
        Give each row a drawn hint for a few columns: a range, a level. A language
        model alone draws the same few rows again and again.
    store : bool, str or path, default=True
        Where answers are kept. True: a file in the user's cache directory; False:
        nowhere.
    budget : Budget, default=None
        What may be spent. When it is, the drawing ends with the batches that are
        complete.
    mode : {"live", "replay"}, default="live"
        "replay": take answers from the store only; what it does not hold is an error.

    Attributes
    ----------
    plan_ : Plan
    schema_ : TableSchema
    seed_ : int
        Made from the table and the settings; the sampler's, where it has none.
    usage_ : DataFrame
        A row per role: calls paid for, calls answered by the store, tokens, cost in
        the currency of the prices, seconds.
    notes_ : tuple of str
        What a reader of the report should know.
    ended_ : str
        Why the drawing ended early; "" if it did not.

    Raises
    ------
    ChatError
        An endpoint refuses every call, or cannot be reached; what was answered is
        kept.
    PlanError
        ``plan`` does not fit the table, or ``workers`` names no component of it.
    ReplayError
        In replay mode, an answer is not in the store.

    See Also
    --------
    StatisticalTeam : The same team of fitted models, without a key.

    Notes
    -----
    A batch takes a call per component and one for its labels, plus calls for rows that
    came back unreadable, at most two each. ``TeamThenTrimSampler.estimate`` tells
    calls and tokens beforehand. The same request asks the same questions, whatever is
    drawn beside it. What is sent: the dictionary of columns, the plan, the rules and,
    unless ``examples`` is 0 or "summary", real rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.generators import LLMTeam
    >>> from t2sampler.testing import ScriptedChat
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> team = LLMTeam(ScriptedChat(), context="people in a clinic", store=False)
    >>> sampler = TeamThenTrimSampler(team, cost="passthrough", random_state=0)
    >>> X_res, y_res = sampler.fit_resample(X, [0, 0, 0, 0, 1, 1])
    >>> sampler.report_.usage.index.tolist()
    ['manager', 'worker', 'label']
    """

    _parameter_constraints: dict = {
        "chat": [CHAT],
        "manager": [CHAT, None],
        "label": [CHAT, StatisticalTeam, None],
        "workers": [dict, None],
        "plan": [Plan, None],
        "context": [str],
        "feature_descriptions": [dict, None],
        "examples": [
            Interval(Integral, 0, None, closed="left"),
            StrOptions({"summary"}),
        ],
        "anchors": ["boolean"],
        "store": ["boolean", str, PathLike],
        "budget": [Budget, None],
        "mode": [StrOptions({"live", "replay"})],
    }

    def __init__(
        self,
        chat,
        *,
        manager=None,
        label=None,
        workers=None,
        plan=None,
        context="",
        feature_descriptions=None,
        examples=5,
        anchors=True,
        store=True,
        budget=None,
        mode="live",
    ):
        self.chat = chat
        self.manager = manager
        self.label = label
        self.workers = workers
        self.plan = plan
        self.context = context
        self.feature_descriptions = feature_descriptions
        self.examples = examples
        self.anchors = anchors
        self.store = store
        self.budget = budget
        self.mode = mode

    def fit(self, X, y, schema=None):
        """Have a plan made; nothing else is asked.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : Series or array-like of shape (n_rows,)
        schema : TableSchema, default=None
            What is known of the table; None: learned here.

        Returns
        -------
        self : estimator
        """
        frame, target = self._start(X, y, schema)
        line = self._connect()
        self._set_plan(frame, target, line.complete)
        return self

    def draw(self, requests):
        """Yield a batch per request, in their order; fewer when the budget is spent.

        Parameters
        ----------
        requests : iterable of Request

        Yields
        ------
        batch : Batch
            Rows in the dtypes of the real table. Those that could not be read, or were
            vetoed, are in ``refused``.
        """
        check_is_fitted(self, "plan_")
        requests = list(requests)
        if self.ended_ or not requests:
            return
        line = self._connect()
        desk = Desk(line.complete)
        drawing = Drawing(self._make_posts(desk.complete), self.schema_, requests)
        stages, widths = make_stages(drawing.posts)
        schedule = Schedule(
            len(requests),
            stages,
            widths,
            drawing.work,
            ends=BudgetError,
            room=None if self.budget is None else line.room,
        )
        desk.is_open = lambda: not schedule.is_stopped
        for place in schedule.run():
            batch, mended = drawing.finish(place)
            self._mended.update(mended)
            yield batch
            if self._is_in_vain(batch):
                break
        if schedule.end is not None:
            self.ended_ = str(schedule.end)
        self._check_failures(desk)

    def rehearse(self, X, y, schema=None, *, from_store=True):
        """Fit on what the store holds, to tell what drawing would take.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : Series or array-like of shape (n_rows,)
        schema : TableSchema, default=None
        from_store : bool, default=True
            False: as for a table of which nothing is stored.

        Returns
        -------
        rehearsal : object with ``draw`` and ``count_calls``
            Asks nobody.
        """
        frame, target = self._start(X, y, schema)
        return Rehearsal(self, frame, target, from_store=from_store)

    @property
    def usage_(self):
        """What was asked and paid for, per role."""
        if self._line is not None:
            self._books = self._line.usage()
        table = pd.DataFrame(self._books, columns=["role", *USAGE, "cost", "seconds"])
        return table.set_index("role")

    @property
    def notes_(self):
        """What a reader of the report should know."""
        notes = [*self._plan_notes, *self._tell_idle()]
        if self.usage_[["calls", "stored"]].to_numpy().any():
            notes.append(self._briefing.tell_shown(list(filter(None, self._fitted))))
        notes += [f"Mended: {what}: {n:,}." for what, n in self._mended.items()]
        if self.ended_:
            notes.append(f"The drawing ended early: {self.ended_}")
        return tuple(notes)

    def _start(self, X, y, schema):
        """Check all that can be checked before anybody is asked; return the rows."""
        self._validate_params()
        check_workers(self.workers)
        frame, target, self.schema_ = self._open(X, y, schema)
        check_classes({**(self.workers or {}), LABEL: self.label}, self.schema_)
        if self.plan is not None:
            self._check_plan(self.plan)
        self._briefing = WatchedBriefing(
            self.schema_,
            context=self.context,
            descriptions=self.feature_descriptions,
            examples=self.examples,
            frame=frame,
            target=target,
        )
        self.seed_ = hash_run(self, frame, target)
        self.ended_, self._line, self._books = "", None, []
        self._mended, self._failures, self._has_answers = Counter(), [], False
        self._n_in_vain = 0
        return frame, target

    def _set_plan(self, frame, target, complete):
        self.plan_, self._plan_notes = self._find_plan(frame, complete)
        self._check_plan(self.plan_)
        teams = {
            name: worker
            for name, worker in {**(self.workers or {}), None: self.label}.items()
            if is_statistical(worker)
        }
        self._fitted = fit_workers(teams, self.plan_, self.schema_, frame, target)

    def _find_plan(self, frame, complete):
        """Return the given plan, or the manager's, or the data's if it is too dear."""
        if self.plan is not None:
            return self.plan, ()
        try:
            plan, notes = ask_plan(self._briefing, self.manager or self.chat, complete)
        except BudgetError as error:
            self.ended_ = str(error)
            return self._guess_plan(frame), ("The manager could not be asked.",)
        return plan, tuple(notes)

    def _guess_plan(self, frame):
        """Return a plan from the data alone."""
        return make_plan(self.schema_.encode(frame), self.schema_)

    def _make_posts(self, complete):
        chats = {part.name: self.chat for part in self.plan_.components}
        chats |= {None: self.label or self.chat, **(self.workers or {})}
        return make_posts(
            self._briefing,
            self.plan_,
            chats,
            self._fitted,
            complete,
            anchors=self.anchors,
        )

    def _connect(self):
        """Return the line to the models; a pickled team opens a new one."""
        if self._line is None:
            self._line = open_line(
                store=self.store,
                budget=self.budget,
                mode=self.mode,
                chats=self._chats(),
            )
            weakref.finalize(self, self._line.close).atexit = False
        return self._line

    def _chats(self):
        """Return each chat that may be asked, once."""
        manager = None if self.plan is not None else self.manager
        everyone = [self.chat, manager, self.label, *(self.workers or {}).values()]
        chats = {id(c): c for c in everyone if c is not None and not is_statistical(c)}
        return tuple(chats.values())

    def _check_plan(self, plan):
        plan.check(self.schema_.names)
        for rule in plan.rules:
            check_rule(rule, self.schema_)
        names = [part.name for part in plan.components]
        unknown = [name for name in self.workers or {} if name not in names]
        if unknown:
            raise PlanError(
                f"`workers` expected names of components, got {unknown}. The plan has "
                f"{names}."
            )

    def _check_failures(self, desk):
        """Raise the first error if nothing is answered any more."""
        self._has_answers = self._has_answers or desk.n_answers > 0
        if desk.n_answers:
            self._failures = []
        self._failures += desk.failures
        is_dead = not self._has_answers or len(self._failures) >= MOST_FAILURES
        if self._failures and not desk.n_answers and is_dead:
            raise self._failures[0]

    def _is_in_vain(self, batch):
        """End the drawing after some batches in a row without one row of use."""
        self._n_in_vain = 0 if len(batch.X) else self._n_in_vain + 1
        if self._n_in_vain == MOST_IN_VAIN:
            self.ended_ = (
                f"No row of {MOST_IN_VAIN} batches in a row could be used, the last "
                f"one because: {batch.refused['reason'].iloc[-1]}."
            )
        return bool(self.ended_)

    def _tell_idle(self):
        """Yield a note where descriptions fit no column: a name may be misspelt."""
        known = {*self.schema_.names, self.schema_.target.name}
        idle = [name for name in self.feature_descriptions or {} if name not in known]
        if idle:
            yield f"`feature_descriptions` names {idle}, which the table does not have."

    def __getstate__(self):
        """Return what can be pickled: no line, no thread."""
        state = dict(super().__getstate__())
        if state.get("_line") is not None:
            state |= {"_books": self._line.usage(), "_line": None}
        return state
