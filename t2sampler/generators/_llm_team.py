"""The generator that asks language models: one worker, or a team with a plan."""

import weakref
from collections import Counter
from dataclasses import replace
from numbers import Integral
from os import PathLike

import pandas as pd
from sklearn.base import clone

from t2sampler._params import HasMethods, Interval, StrOptions, check_is_fitted
from t2sampler.chat._context import (
    AUTO,
    MAX_EXAMPLE_TOKENS,
    MIN_LEVEL_ROWS,
    SUMMARY,
    PromptContext,
)
from t2sampler.chat._identifying import warn_of_identifying
from t2sampler.chat._manager import ask_plan, single_worker_plan
from t2sampler.constraints._rule_checks import check_rule
from t2sampler.exceptions import BudgetError, PlanError, ReplayError
from t2sampler.generators._base import BaseGenerator
from t2sampler.generators._dry_run import DryRun, Replay
from t2sampler.generators._llm_batch import (
    BatchWriter,
    build_stages,
    build_steps,
    check_classes,
    check_workers,
    fit_workers,
    is_statistical,
)
from t2sampler.generators._scheduler import CallCounter, Schedule
from t2sampler.generators._seed import seed_from_data
from t2sampler.generators._statistical_team import StatisticalTeam
from t2sampler.llm import Budget
from t2sampler.llm._session import open_session
from t2sampler.team import Plan
from t2sampler.team._plan_from_data import make_plan

CHAT = HasMethods(["connect", "describe"])
MAX_COLUMNS = 30  # of one worker, where no manager or plan is given
# The first batches are asked for alone: where none has a row of use, drawing ends.
N_FIRST_BATCHES = 3
MAX_FAILURES = 3  # calls in a row that fail before drawing is given up
COUNTS = ("calls", "stored", "input_tokens", "output_tokens", "cached_tokens")


class LLMTeam(BaseGenerator):
    """Draw rows that language models write, behind an OpenAI-compatible endpoint.

    A worker is shown the real rows, all of them where they fit, and what the columns
    mean; it writes a batch of rows, each for a wanted label. Tables of up to 30 columns
    have one worker for all of them, which measured best. For wider ones, and where
    ``manager`` is given, a manager is asked for a plan: the columns of each worker, the
    columns that it reads, and rules that rows must obey. Values of a reply are assigned
    to columns by their key, and parsed by the columns' types; a row that cannot be
    parsed, and a copy of a real row, is refused with the reason. Every reply is stored,
    so that the same question is never paid for twice: not in a grid search, not by
    another process, not after a crash.

    Parameters
    ----------
    chat : ChatModel
        The model of every role that has no other.
    manager : ChatModel, default=None
        The model that makes the plan. None: a table of up to 30 columns needs none, and
        ``chat`` makes that of a wider one.
    label : ChatModel or StatisticalTeam, default=None
        The model of the labels. A `ChatModel` is asked for the probability of each
        label, given rows without their label, and rows that were written for another
        one are refused; a `StatisticalTeam` stands for fitted models, which keep wanted
        labels. None: rows that were written for a wanted label are not checked; where
        none is wanted (``n_batches`` of the sampler), ``chat`` is asked.
    workers : dict of str to ChatModel or StatisticalTeam, default=None
        From the name of a component of the plan to the model that writes it.
    plan : Plan, default=None
        None: see ``manager``.
    context : str, default=''
        What the table is about, in a sentence or two.
    feature_descriptions : dict, default=None
        From a column's name, or that of the labels, to what it means: units, codes.
        Names that the table does not have are noted in the report.
    examples : "auto", int >= 0 or "summary", default="auto"
        Number of real rows in the prompt, the same in every question, so that endpoints
        that cache prefixes charge little for them. "auto": all, or as many as
        ``max_example_tokens`` hold, the classes in turn. "summary": none, and no row
        leaves the machine, but levels, shares, and quantiles as means of several rows.
    max_example_tokens : int >= 1, default=6000
        Bound on the estimated tokens of the rows of ``examples="auto"``.
    min_level_rows : int >= 1, default=3
        A level that fewer real rows have is sent only in a row that is shown, and not
        at all where none is. Models write "other" for such levels, and one of them is
        drawn here, as real rows of the label have them. Where no row is shown, the
        quantiles of numbers are means of so many rows. 1: every level is sent.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.
    store : bool, str or path, default=True
        File in which replies are stored. True: a file in the user's cache directory;
        False: none.
    budget : Budget, default=None
        Bound on calls, tokens and cost. When it is reached, drawing ends with the
        batches that are complete.
    mode : {"live", "replay"}, default="live"
        "replay": take replies from the store only; a missing one is an error.

    Attributes
    ----------
    plan_ : Plan
    schema_ : TableSchema
    seed_ : int
        Hash of the table and the settings; the run's seed where the sampler has none.
    usage_ : DataFrame
        A row per role: calls paid for, calls answered by the store, tokens, cost in
        the currency of the prices, seconds.
    notes_ : tuple of str
        Notes for the report.
    stop_reason_ : str
        Why drawing ended early; "" if it did not.

    Raises
    ------
    ChatError
        An endpoint refuses every call, or cannot be reached; replies that came are
        stored.
    PlanError
        ``plan`` does not fit the table, or ``workers`` names no component of it.
    ReplayError
        In replay mode, a reply is not in the store.

    See Also
    --------
    StatisticalTeam : The same team of fitted models, without a key.

    Notes
    -----
    A batch takes a call per component of the plan, and one for its labels where they
    are asked for, plus calls for rows that could not be parsed, at most two each. The
    first three batches are asked for alone: if no row of theirs can be used, drawing
    ends, and the report has the reason and what was spent.
    ``TeamThenTrimSampler.estimate`` counts calls and tokens beforehand. The same
    request asks the same questions, whatever is drawn beside it. Prompts hold the
    dictionary of columns, the plan, the rules and, unless ``examples`` is 0 or
    "summary", real rows. A model may have memorised a public table: near copies of rows
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
        "min_level_rows": [Interval(Integral, 1, None, closed="left")],
        "column_kinds": [dict, None],
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
        min_level_rows=MIN_LEVEL_ROWS,
        column_kinds=None,
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
        self.min_level_rows = min_level_rows
        self.column_kinds = column_kinds
        self.store = store
        self.budget = budget
        self.mode = mode

    def fit(self, X, y, schema=None):
        """Find the plan, which asks a model only where a manager is needed.

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
        self._start(X, y, schema)
        warn_of_identifying(self._prompt_context)
        session = self._connect()
        self.plan_, self._plan_notes = self._find_plan(session.complete)
        self._fitted = fit_workers(self._models, self.plan_, self._prompt_context)
        return self

    def draw(self, requests):
        """Yield a batch per request, in their order; fewer when the budget is spent.

        Parameters
        ----------
        requests : iterable of Request

        Yields
        ------
        batch : Batch
            Rows in the dtypes of the real table. Those that could not be parsed, and
            those whose label the label worker does not confirm, are in ``refused``.
        """
        check_is_fitted(self, "_fitted")
        requests = list(requests)
        # A team that cannot write one row should not be paid for all of them.
        n_first = len(requests) if self._has_rows else N_FIRST_BATCHES
        for part in (requests[:n_first], requests[n_first:]):
            if part and not self.stop_reason_:
                yield from self._draw_concurrently(part)

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
        team._start(X, y, schema)
        replay = Replay()
        if from_store and self.store is not False:
            replay.open(self.store, team._chats())
        try:
            plans = [team._find_plan(replay.complete)[0]]
        except ReplayError:
            # The manager may give all columns to one worker, or plan as the data does.
            plans = [single_worker_plan(team._prompt_context), team._plan_from_data()]
        fitted = fit_workers(team._models, plans[-1], team._prompt_context)
        steps = [team._build_steps(plan, fitted, replay.complete) for plan in plans]
        return DryRun(team._prompt_context, plans, steps, replay, team.seed_)

    def _draw_concurrently(self, requests):
        session = self._connect()
        counter = CallCounter(session.complete, lambda: not schedule.is_stopped)
        steps = self._build_steps(self.plan_, self._fitted, counter.complete)
        writer = BatchWriter(steps, self._prompt_context)
        batches = [writer.open(request) for request in requests]
        schedule = Schedule(
            len(requests),
            *build_stages(steps),
            lambda place, stage: writer.write(batches[place], stage),
            ends=BudgetError,
            jobs_left=None if self.budget is None else session.calls_left,
        )
        for place in schedule.run():
            batch, repairs = writer.finish(batches[place])
            batches[place] = None  # its codes are not needed any more
            self._repairs.update(repairs)
            yield replace(batch, X=self._write(batch.X))
            if self._starts_without_rows(batch):
                break
        if schedule.end is not None:
            self.stop_reason_ = str(schedule.end)
        self._check_failures(counter)

    @property
    def usage_(self):
        """Calls, tokens and cost per role."""
        if self._session is not None:
            self._usage = self._session.usage()
        table = pd.DataFrame(self._usage, columns=["role", *COUNTS, "cost", "seconds"])
        return table.set_index("role")

    @property
    def notes_(self):
        """Notes for the report."""
        notes = [*self._plan_notes, *self._note_unused_descriptions()]
        if self.usage_[["calls", "stored"]].to_numpy().any():
            fitted = [name for name in self._fitted if name]
            notes.append(self._prompt_context.describe_shown_rows(fitted))
            if self._session is not None:
                self._session_notes = self._session.notes()
            notes += self._session_notes
        notes += [f"Repaired: {what}: {n:,}." for what, n in self._repairs.items()]
        if self.stop_reason_:
            notes.append(f"The drawing ended early: {self.stop_reason_}")
        return tuple(notes)

    def _start(self, X, y, schema):
        """Check all that can be checked before a model is asked, and open the table."""
        self._validate_params()
        check_workers(self._models)
        frame, target, self.schema_ = self._open(X, y, schema)
        check_classes(self._models, self.schema_)
        if self.plan is not None:
            self._check_plan(self.plan)
        self._prompt_context = PromptContext(
            self.schema_,
            table_description=self.context,
            column_descriptions=self.feature_descriptions,
            examples=self.examples,
            max_example_tokens=self.max_example_tokens,
            min_level_rows=self.min_level_rows,
            frame=frame,
            target=target,
        )
        self.seed_ = seed_from_data(self, frame, target)
        self.stop_reason_, self._plan_notes, self._repairs = "", (), Counter()
        self._session, self._usage, self._session_notes = None, [], ()
        self._failures, self._has_answers = [], False
        self._n_without_rows, self._has_rows = 0, False

    def _find_plan(self, complete):
        """Return the plan and notes on it; ask the manager where one is needed."""
        notes = ()
        if self.plan is not None:
            plan = self.plan
        elif self.manager is None and len(self._prompt_context.columns) <= MAX_COLUMNS:
            plan = single_worker_plan(self._prompt_context)
        else:
            plan, notes = self._ask_plan(complete)
        self._check_plan(plan)
        return plan, notes

    def _ask_plan(self, complete):
        """Return the manager's plan, or one from the data if it is too expensive."""
        try:
            return ask_plan(self._prompt_context, self.manager or self.chat, complete)
        except BudgetError as error:
            self.stop_reason_ = str(error)
            return self._plan_from_data(), ["The manager could not be asked."]

    def _plan_from_data(self):
        return make_plan(self._prompt_context.codes, self.schema_)

    @property
    def _models(self):
        """The models of components that have their own; that of the labels last."""
        return {**(self.workers or {}), None: self.label or self.chat}

    def _build_steps(self, plan, fitted, complete):
        """Return the steps of a plan; workers of components it lacks are left out."""
        chats = {part.name: self.chat for part in plan.components} | self._models
        return build_steps(
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
        models = [self.chat, manager, *self._models.values()]
        # By identity: one chat may have several roles.
        chats = {id(m): m for m in models if m is not None and not is_statistical(m)}
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

    def _check_failures(self, counter):
        """Raise the first error if no call is answered any more."""
        self._has_answers = self._has_answers or counter.n_answers > 0
        if counter.n_answers:
            self._failures = []
        self._failures += counter.failures
        # One failed call may be chance; if none was ever answered, settings are wrong.
        is_dead = not self._has_answers or len(self._failures) >= MAX_FAILURES
        if self._failures and not counter.n_answers and is_dead:
            raise self._failures[0]

    def _starts_without_rows(self, batch):
        """Return whether to stop, as when no row of the first batches can be used."""
        self._has_rows = self._has_rows or len(batch.X) > 0
        self._n_without_rows += not self._has_rows
        if self._n_without_rows == N_FIRST_BATCHES:
            spent = self.usage_[["calls", "input_tokens", "output_tokens"]].sum()
            self.stop_reason_ = (
                f"No row of the first {N_FIRST_BATCHES} batches could be used, the "
                f"last one because: {batch.refused['reason'].iloc[-1].rstrip('.')}. "
                f"Spent so far: {spent['calls']:,} calls, {spent['input_tokens']:,} "
                f"input and {spent['output_tokens']:,} output tokens."
            )
        return bool(self.stop_reason_)

    def _note_unused_descriptions(self):
        """Yield a note where descriptions fit no column: a name may be misspelt."""
        known = {*self.schema_.names, self.schema_.target.name}
        unused = [name for name in self.feature_descriptions or {} if name not in known]
        if unused:
            yield (
                f"`feature_descriptions` names {unused}, which the table does not have."
            )

    def __getstate__(self):
        """Return what can be pickled: no session, no thread."""
        state = dict(super().__getstate__())
        if state.get("_session") is not None:
            notes, usage = self._session.notes(), self._session.usage()
            state |= {"_session": None, "_session_notes": notes, "_usage": usage}
        return state
