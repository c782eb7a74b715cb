"""The generator that asks language models: one worker, or a team with a plan."""

from t2sampler.chat._context import AUTO, MAX_EXAMPLE_TOKENS, MIN_LEVEL_ROWS
from t2sampler.chat._manager import ask_plan, single_worker_plan
from t2sampler.constraints._rule_checks import check_rule
from t2sampler.exceptions import BudgetError, PlanError, ReplayError
from t2sampler.generators._chat_generator import CHAT, ChatGenerator
from t2sampler.generators._llm_batch import (
    BatchWriter,
    build_stages,
    build_steps,
    check_classes,
    check_workers,
    fit_workers,
    is_statistical,
)
from t2sampler.generators._llm_dry_run import TeamDryRun
from t2sampler.generators._statistical_team import StatisticalTeam
from t2sampler.team import Plan
from t2sampler.team._plan_from_data import make_plan

MAX_COLUMNS = 30  # of one worker, where no manager or plan is given


class LLMTeam(ChatGenerator):
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
        **ChatGenerator._parameter_constraints,
        "manager": [CHAT, None],
        "label": [CHAT, StatisticalTeam, None],
        "workers": [dict, None],
        "plan": [Plan, None],
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

    def _check(self):
        check_workers(self._models)
        check_classes(self._models, self.schema_)
        if self.plan is not None:
            self._check_plan(self.plan)
        self._plan_notes = ()

    def _learn(self, ask):
        """Find the plan, which asks a model only where a manager is needed."""
        self.plan_, self._plan_notes = self._find_plan(ask)
        self._fitted = fit_workers(self._models, self.plan_, self._context)

    def _own_notes(self):
        return self._plan_notes

    def _describe_shown_rows(self):
        fitted = [name for name in self._fitted if name]
        return self._context.describe_shown_rows(fitted)

    def _make_dry_run(self, replay):
        try:
            plans = [self._find_plan(replay.complete)[0]]
        except ReplayError:
            # The manager may give all columns to one worker, or plan as the data does.
            plans = [single_worker_plan(self._context), self._plan_from_data()]
        fitted = fit_workers(self._models, plans[-1], self._context)
        steps = [self._build_steps(plan, fitted, replay.complete) for plan in plans]
        return TeamDryRun(self._context, plans, steps, replay, self.seed_)

    def _open_writer(self, requests, complete):
        steps = self._build_steps(self.plan_, self._fitted, complete)
        return TeamWriter(steps, self._context, requests)

    def _find_plan(self, complete):
        """Return the plan and notes on it; ask the manager where one is needed."""
        notes = ()
        if self.plan is not None:
            plan = self.plan
        elif self.manager is None and len(self._context.columns) <= MAX_COLUMNS:
            plan = single_worker_plan(self._context)
        else:
            plan, notes = self._ask_plan(complete)
        self._check_plan(plan)
        return plan, notes

    def _ask_plan(self, complete):
        """Return the manager's plan, or one from the data if it is too expensive."""
        try:
            return ask_plan(self._context, self.manager or self.chat, complete)
        except BudgetError as error:
            self.stop_reason_ = str(error)
            return self._plan_from_data(), ["The manager could not be asked."]

    def _plan_from_data(self):
        return make_plan(self._context.codes, self.schema_)

    @property
    def _models(self):
        """The models of components that have their own; that of the labels last."""
        return {**(self.workers or {}), None: self.label or self.chat}

    def _build_steps(self, plan, fitted, complete):
        """Return the steps of a plan; workers of components it lacks are left out."""
        chats = {part.name: self.chat for part in plan.components} | self._models
        return build_steps(
            self._context,
            plan,
            chats,
            fitted,
            complete,
            checks_wanted=self.label is not None,
        )

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


class TeamWriter:
    """Write batches, in a job of a `Schedule` per step of each.

    Parameters
    ----------
    steps : list of WorkerStep
    context : PromptContext
    requests : list of Request
    """

    def __init__(self, steps, context, requests):
        self.stages, self.widths = build_stages(steps)
        self._writer = BatchWriter(steps, context)
        self._batches = [self._writer.open(request) for request in requests]

    def write(self, place, stage):
        """Have the worker of a step write its columns of a batch."""
        self._writer.write(self._batches[place], stage)

    def finish(self, place):
        """Return a batch whose steps are all done, and its repairs."""
        batch, self._batches[place] = self._batches[place], None
        return self._writer.finish(batch)
