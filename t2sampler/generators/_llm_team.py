"""Language models that write rows: one worker, or a team that a manager plans."""

import weakref
from collections import Counter
from numbers import Integral
from os import PathLike

import pandas as pd
from sklearn.base import clone

from t2sampler._params import HasMethods, Interval, StrOptions, check_is_fitted
from t2sampler.chat._context import AUTO, MAX_EXAMPLE_TOKENS, SUMMARY, PromptContext
from t2sampler.chat._manager import ask_plan, single_worker_plan
from t2sampler.constraints._rule_checks import check_rule
from t2sampler.exceptions import BudgetError, PlanError
from t2sampler.generators._base import BaseGenerator
from t2sampler.generators._dry_run import DryRun
from t2sampler.generators._llm_batch import (
    LABEL,
    Drawing,
    check_classes,
    check_workers,
    fit_workers,
    is_statistical,
    make_posts,
    make_stages,
)
from t2sampler.generators._scheduler import Desk, Schedule
from t2sampler.generators._seed import hash_run
from t2sampler.generators._statistical_team import StatisticalTeam
from t2sampler.llm import Budget
from t2sampler.llm._session import open_session
from t2sampler.team import Plan
from t2sampler.team._plan_from_data import make_plan

CHAT = HasMethods(["connect", "describe"])
MOST_FAILURES = 3  # calls in a row that may fail before the drawing is given up
MOST_IN_VAIN = 3  # batches of which no row could be used
MOST_COLUMNS = 30  # that one worker writes, where nobody says otherwise
USAGE = ("calls", "stored", "input_tokens", "output_tokens", "cached_tokens")


class LLMTeam(BaseGenerator):
    """Draw rows that language models write, behind an OpenAI-compatible endpoint.

    A worker is shown the real rows, all of them where they fit, and what the columns
    mean; it writes a batch of rows, each for the label that the row is wanted to have.
    Tables of up to 30 columns have one worker for all of them, which measured best. For
    wider ones, and where ``manager`` is given, a manager is asked for a plan: which
    columns a worker writes, who reads whom, which rules rows obey. Values of a reply go
    where their key says, read through the columns' own types; a row that cannot be
    read, and a copy of a real row, is refused with the reason. Every answer is kept, so
    that the same question is never paid for twice: not in a grid search, not by another
    process, not after a crash.

    Parameters
    ----------
    chat : ChatModel
        Who is asked, where nothing else is said.
    manager : ChatModel, default=None
        Who makes the plan. None: nobody is asked for a table of up to 30 columns, and
        ``chat`` for a wider one.
    label : ChatModel or StatisticalTeam, default=None
        Who decides on labels. A `ChatModel` says how likely each label is for rows
        whose label it does not see, and rows that were written for another one are
        refused; a `StatisticalTeam` stands for fitted models, which leave wanted labels
        alone. None: nobody looks at rows that were written for a wanted label; where
        none is wanted (``n_batches`` of the sampler), ``chat`` decides.
    workers : dict of str to ChatModel or StatisticalTeam, default=None
        Who writes a component of the plan, by its name.
    plan : Plan, default=None
        None: see ``manager``.
    context : str, default=''
        What the table is about, in a sentence or two.
    feature_descriptions : dict, default=None
        From a column's name, or that of the labels, to what it means: units, codes.
        Names that the table does not have are noted in the report.
    examples : "auto", int >= 0 or "summary", default="auto"
        Real rows that are shown, the same in every question, so that endpoints that
        keep prefixes charge little for them. "auto": all, or as many as
        ``max_example_tokens`` hold, the classes in turn. "summary": none, and no row
        leaves the machine, but ranges, quantiles, levels and shares.
    max_example_tokens : int >= 1, default=6000
        What the rows of ``examples="auto"`` may take of each question, as estimated.
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
    stop_reason_ : str
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
    A batch takes a call per component of the plan, and one for its labels where they
    are asked for, plus calls for rows that came back unreadable, at most two each. The
    first three batches are asked for alone: where none is of use the drawing ends, and
    the report says why and what was spent.
    ``TeamThenTrimSampler.estimate`` tells calls and tokens beforehand. The same request
    asks the same questions, whatever is drawn beside it. What is sent: the dictionary
    of columns, the plan, the rules and, unless ``examples`` is 0 or "summary", real
    rows. A model may know a public table by heart: that it writes near copies of rows
    that you hold back cannot be excluded.

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
    ['worker']
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
            StrOptions({AUTO, SUMMARY}),
        ],
        "max_example_tokens": [Interval(Integral, 1, None, closed="left")],
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
        examples=AUTO,
        max_example_tokens=MAX_EXAMPLE_TOKENS,
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
        self.max_example_tokens = max_example_tokens
        self.store = store
        self.budget = budget
        self.mode = mode

    def fit(self, X, y, schema=None):
        """Have a plan made where one is needed; nothing else is asked.

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
        session = self._connect()
        self.plan_, self._plan_notes = self._find_plan(frame, session.complete)
        self._fitted = self._fit_workers(self.plan_, frame, target)
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
        check_is_fitted(self, "_fitted")
        requests = list(requests)
        n_first = len(requests) if self._has_rows else MOST_IN_VAIN
        for part in (requests[:n_first], requests[n_first:]):
            if part and not self.stop_reason_:
                yield from self._draw_side_by_side(part)

    def dry_run(self, X, y, schema=None, *, from_store=True):
        """Fit on stored replies only, to count the calls that drawing would take.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : Series or array-like of shape (n_rows,)
        schema : TableSchema, default=None
            What is known of the table; None: learned here.
        from_store : bool, default=True
            False: as for a table of which no reply is stored.

        Returns
        -------
        dry_run : DryRun
            Asks no model; see `BaseGenerator.dry_run`.
        """
        team = clone(self, safe=False)  # what this one has learned stays
        frame, target = team._start(X, y, schema)
        return DryRun(team, from_store=from_store).fit(frame, target)

    def _draw_side_by_side(self, requests):
        session = self._connect()
        desk = Desk(session.complete)
        posts = self._make_posts(self.plan_, self._fitted, desk.complete)
        drawing = Drawing(posts, self._prompt_context, requests)
        stages, widths = make_stages(drawing.posts)
        schedule = Schedule(
            len(requests),
            stages,
            widths,
            drawing.work,
            ends=BudgetError,
            room=None if self.budget is None else session.calls_left,
        )
        desk.is_open = lambda: not schedule.is_stopped
        for place in schedule.run():
            batch, repairs = drawing.finish(place)
            self._repairs.update(repairs)
            yield batch
            if self._is_in_vain(batch):
                break
        if schedule.end is not None:
            self.stop_reason_ = str(schedule.end)
        self._check_failures(desk)

    @property
    def usage_(self):
        """What was asked and paid for, per role."""
        if self._session is not None:
            self._books = self._session.usage()
        table = pd.DataFrame(self._books, columns=["role", *USAGE, "cost", "seconds"])
        return table.set_index("role")

    @property
    def notes_(self):
        """What a reader of the report should know."""
        notes = [*self._plan_notes, *self._tell_idle()]
        if self.usage_[["calls", "stored"]].to_numpy().any():
            fitted = list(filter(None, self._fitted))
            notes.append(self._prompt_context.describe_shown_rows(fitted))
            notes += self._told if self._session is None else self._session.notes()
        notes += [f"Repaired: {what}: {n:,}." for what, n in self._repairs.items()]
        if self.stop_reason_:
            notes.append(f"The drawing ended early: {self.stop_reason_}")
        return tuple(notes)

    def _start(self, X, y, schema):
        """Check all that can be checked before anybody is asked; return the rows."""
        self._validate_params()
        check_workers(self.workers)
        frame, target, self.schema_ = self._open(X, y, schema)
        check_classes({**(self.workers or {}), LABEL: self.label}, self.schema_)
        if self.plan is not None:
            self._check_plan(self.plan)
        self._prompt_context = PromptContext(
            self.schema_,
            table_description=self.context,
            column_descriptions=self.feature_descriptions,
            examples=self.examples,
            max_example_tokens=self.max_example_tokens,
            frame=frame,
            target=target,
        )
        self.seed_ = hash_run(self, frame, target)
        self.stop_reason_, self._session, self._books = "", None, []
        self._repairs, self._failures, self._has_answers = Counter(), [], False
        self._n_in_vain, self._has_rows, self._told = 0, False, ()
        return frame, target

    def _fit_workers(self, plan, frame, target):
        """Return the workers that are statistical models, fitted, by component."""
        teams = {
            name: worker
            for name, worker in {**(self.workers or {}), None: self.label}.items()
            if is_statistical(worker)
        }
        return fit_workers(teams, plan, self.schema_, frame, target)

    def _find_plan(self, frame, complete):
        """Return the given plan, or the manager's, or the data's if it is too dear."""
        notes = ()
        if self.plan is not None:
            plan = self.plan
        elif not self._needs_manager():
            plan = single_worker_plan(self._prompt_context)
        else:
            plan, notes = self._ask_plan(frame, complete)
        self._check_plan(plan)
        return plan, tuple(notes)

    def _ask_plan(self, frame, complete):
        try:
            return ask_plan(self._prompt_context, self.manager or self.chat, complete)
        except BudgetError as error:
            self.stop_reason_ = str(error)
            return self._guess_plan(frame), ["The manager could not be asked."]

    def _needs_manager(self):
        return (
            self.manager is not None or len(self._prompt_context.columns) > MOST_COLUMNS
        )

    def _guess_plan(self, frame):
        """Return a plan from the data alone."""
        return make_plan(self.schema_.encode(frame), self.schema_)

    def _make_posts(self, plan, fitted, complete):
        """Return the posts of a plan."""
        chats = {part.name: self.chat for part in plan.components}
        chats |= {None: self.label or self.chat, **(self.workers or {})}
        return make_posts(
            self._prompt_context,
            plan,
            chats,
            fitted,
            complete,
            checks_wanted=self.label is not None,
        )

    def _connect(self):
        """Return the session with the models; a pickled team opens a new one."""
        if self._session is None:
            self._session = open_session(
                store=self.store,
                budget=self.budget,
                mode=self.mode,
                chats=self._chats(),
            )
            weakref.finalize(self, self._session.close).atexit = False
        return self._session

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
        """End a drawing that begins with batches without one row of use."""
        self._has_rows = self._has_rows or len(batch.X) > 0
        self._n_in_vain += not self._has_rows
        if self._n_in_vain == MOST_IN_VAIN:
            spent = self.usage_[["calls", "input_tokens", "output_tokens"]].sum()
            self.stop_reason_ = (
                f"No row of the first {MOST_IN_VAIN} batches could be used, the last "
                f"one because: {batch.refused['reason'].iloc[-1].rstrip('.')}. Spent "
                f"so far: {spent['calls']:,} calls, {spent['input_tokens']:,} input "
                f"and {spent['output_tokens']:,} output tokens."
            )
        return bool(self.stop_reason_)

    def _tell_idle(self):
        """Yield a note where descriptions fit no column: a name may be misspelt."""
        known = {*self.schema_.names, self.schema_.target.name}
        idle = [name for name in self.feature_descriptions or {} if name not in known]
        if idle:
            yield f"`feature_descriptions` names {idle}, which the table does not have."

    def __getstate__(self):
        """Return what can be pickled: no session, no thread."""
        state = dict(super().__getstate__())
        if state.get("_session") is not None:
            told = self._session.notes()
            state |= {"_books": self._session.usage(), "_told": told, "_session": None}
        return state
