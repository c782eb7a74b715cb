"""H-TDBU: rules make the skeleton of a row, fitted models its texture."""

from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.base import clone

from t2sampler._params import HasMethods, Interval, StrOptions, check_is_fitted
from t2sampler._records import Request
from t2sampler.chat._context import MAX_EXAMPLE_TOKENS, MIN_LEVEL_ROWS, SUMMARY
from t2sampler.chat._rule_writer import make_schema, read_reply, write_question
from t2sampler.constraints import Implies, OneOf, rules_to_json
from t2sampler.constraints._rule_checks import check_rule
from t2sampler.exceptions import ChatError
from t2sampler.generators._base import fit_generator
from t2sampler.generators._blind_chain import BlindChain
from t2sampler.generators._chat_generator import CHAT, ChatGenerator
from t2sampler.generators._dry_run import DryRun, add_up
from t2sampler.generators._from_synthesizer import SynthesizerGenerator
from t2sampler.generators._htdbu_loop import Feedback
from t2sampler.generators._htdbu_texture import (
    ChainTexture,
    GeneratorTexture,
    RuledWriter,
    draw_together,
)
from t2sampler.generators._statistical_team import StatisticalTeam
from t2sampler.team import Component, Plan
from t2sampler.team._plan_from_data import left_missing_component
from t2sampler.team._skeleton import RuledTable, obey

INFER = "infer"
CHAINS = ("forest", "boosting")
MIN_LEAVES = (10, 30, 90)  # of trees, one after the other where the loop refits
MAX_TOGETHER = 20_000  # rows drawn in one pass, so that memory stays flat
N_TRIED = 1000  # rows of the published form, to count those that break a rule
SKELETON, TEXTURE = "skeleton", "texture"
GIVEN, WRITTEN, INFERRED = "given", "written", "inferred"  # where a rule is from
N_TYPICAL = 2  # rules in a reply


class HTDBU(ChatGenerator):
    r"""Draw rows whose skeleton obeys rules, and whose texture fitted models fill in.

    Rules come first: given, inferred from the real rows, or written by a language model
    that is asked **once**, however many rows are drawn. The columns that rules tie
    together, the *skeleton* of a row, are drawn together for its label, from real rows
    that obey the rules; models fitted on the real rows draw all other columns given the
    skeleton, the *texture*. Every row obeys every rule. Then the rules and the texture
    are tried on real rows that were held out, and corrected.

    Parameters
    ----------
    rules : "infer", sequence of rules or None, default="infer"
        "infer": relations that hold in all real rows (see `SanityFilter`), sums and
        formulas, and levels that a class never has. A sequence contains rules of
        `t2sampler.constraints` and optionally the string "infer"; a rule may read the
        label by its name ("label" if it has none). None: no rules but those of
        ``chat``.
    chat : ChatModel, default=None
        Writes rules, in one call; they count besides ``rules``. None: no model is
        asked.
    texture : "forest", "boosting" or generator, default="forest"
        "forest": copies values of real rows in the leaf of a random tree. "boosting":
        probabilities of levels, and predictions with residuals; much slower, and
        farther from the real rows. Or a `StatisticalTeam`, or any other generator, such
        as `from_synthesizer` makes: not fitted, it is cloned.
    max_rounds : int >= 0, default=3
        Most rounds of the feedback loop; each fits the texture once. 0: no loop.
    relax_rules : bool, default=False
        True: the loop may relax rules that were given, and not only those of ``chat``.
    published : bool, default=False
        True: the chain of the published code, which knows no rule. For comparisons.
    context : str, default=''
        What the table is about, in a sentence or two; for ``chat``.
    feature_descriptions : dict, default=None
        From a column's name, or that of the labels, to what it means; for ``chat``.
    examples : "auto", int >= 0 or "summary", default="summary"
        Number of real rows that ``chat`` is shown; see `LLMTeam`. "summary": none, and
        no row leaves the machine, but levels, shares and quantiles.
    max_example_tokens : int >= 1, default=6000
        Bound on the estimated tokens of the rows of ``examples="auto"``.
    min_level_rows : int >= 1, default=3
        A level that fewer real rows have is not sent; see `LLMTeam`.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.
    store : bool, str or path, default=True
        File in which the reply is stored. True: a file in the user's cache directory;
        False: none.
    budget : Budget, default=None
        Bound on calls, tokens and cost. Nothing is drawn where it ends before the
        rules are written.
    mode : {"live", "replay"}, default="live"
        "replay": take the reply from the store only; a missing one is an error.

    Attributes
    ----------
    rules_ : tuple of rules
        That rows obey, after the loop.
    plan_ : Plan
        The columns of skeleton and texture, with the given and written rules that do
        not read the label. None for the published form.
    schema_ : TableSchema
    text_follows_ : tuple of column names
        Columns of the skeleton that have levels: the sampler gives a new row the free
        text of a real row that agrees in them.
    usage_ : DataFrame or None
        Calls, tokens and cost, where a model is asked.
    notes_ : tuple of str
        Rules that were refused or are broken by real rows, and what each round of the
        loop measured and decided.

    Raises
    ------
    ConstraintError
        A given rule does not fit the table.
    GeneratorError
        For a class no real row obeys the rules, or a label is wanted that none has.

    Notes
    -----
    With label y, skeleton S (columns that rules tie) and the other columns
    :math:`x_1, \dots, x_k`, those first that tell most of the label, a row is drawn by

    .. math:: p(y) \; p(S \mid y, R) \prod_j p(x_j \mid y, S, x_1, \dots, x_{j-1})

    where R says that the rules hold. *Skeleton*: rules that share columns are a group,
    and a group's columns are copied from one real row of the class that obeys them, in
    the leaf of a tree that reads the columns drawn before. Where no row of the class
    obeys, the columns come from other classes' rows that would with this label. A group
    of more than half of the columns is left to the texture. *Texture*: a chain of
    models, each of which reads the label and up to 24 columns before, those on which
    its column depends most. A tree of a "forest" is grown on one half of the rows and
    copies values of the other half; "boosting" adds residuals of predictions by folds,
    snapped to the column's grid and bounds. Of another generator, rows are taken that
    have the levels of the skeleton, or are given them. *Rules*: a row that breaks one
    is drawn again up to ten times given its skeleton, then the columns of the broken
    rules are copied from a real row that obeys them, and what still breaks one is
    refused, with the reason. Columns that follow from others by a formula are computed
    if the group is not copied. *Copies* of real rows are drawn again likewise (a
    "forest" then moves numbers to the middle of two draws), and refused in the end; at
    most as many stay as real rows repeat each other. So a generator as texture that
    only repeats real rows may draw none.

    *Loop*: a quarter of the real rows (at most 5000) is held out, which takes 100 rows
    and 8 of each class. XModal, the total variation of label and a column of the
    skeleton, may exceed that of real rows by 0.02. Beyond, a rule that more than 1 % of
    the held-out rows break is relaxed to what real rows show (a given one only with
    ``relax_rules``; an inferred one never, as all real rows, those held out among them,
    obey it); if there is none, the texture is refitted with larger leaves (a
    `StatisticalTeam` without relabelling). TSTR, the AUC on held-out rows of a logistic
    regression fitted on drawn ones, may be 0.02, or a standard error, below that of
    real rows; beyond, the texture is refitted. Of the settings that were tried the best
    is fitted on all real rows. Rules of ``chat`` that more than 20 % of the real rows,
    or half of a class, break are refused at once.

    The published code differs: its rules make the table that the generators learn, and
    do not touch generation; generators see the test rows; residuals are in-sample;
    draws of different columns share their random numbers; the loop is drawn, but not
    there. ``published=True`` keeps its chain: columns in the order of the file, label
    last, each by the 12 before; random forests of 30 trees of depth 12 on 5000 rows, or
    80 rounds of boosting (scikit-learn's, not XGBoost) on 8000; in-sample residuals. It
    does not keep the shared random numbers, nor that XGBoost's trees see 0.8 of the
    rows and columns each. Integers of 20 values or fewer are read one-hot by later
    columns; the authors' code draws them as text, which later columns read as 0. Rows
    of the wanted labels are taken from larger pools, as the chain cannot be asked for
    one; copies of real rows stay. With ``chat``, it pays for the one call too, but
    rules do nothing there: rows that break them are counted for a note.

    One call of some 1000 input tokens, plus those that describe the columns, and some
    300 output tokens; none without ``chat``. Fitting a "forest" takes seconds for
    40,000 rows of 17 columns, and 12,000 rows are drawn in seconds. A batch is a
    function of its request alone. Values are those of real rows: this is no protection
    of privacy.

    References
    ----------
    .. [1] "Hierarchical Synthetic Tabular Data Generation: A Hybrid Top-Down and
       Bottom-Up Framework", 2026, arXiv:2605.28198.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.constraints import Implies, OneOf
    >>> from t2sampler.generators import HTDBU
    >>> X = pd.DataFrame({"age": range(20, 60), "mood": ["sad", "glad"] * 20})
    >>> y = pd.Series([0, 1] * 15 + [0] * 10, name="paid")
    >>> rule = Implies(OneOf("paid", [1]), OneOf("mood", ["glad"]))
    >>> sampler = TeamThenTrimSampler(HTDBU([rule]), random_state=0)
    >>> X_new, y_new = sampler.fit_resample(X, y)
    >>> X_new[40:]["mood"].unique().tolist()
    ['glad']
    """

    _parameter_constraints = {
        **ChatGenerator._parameter_constraints,
        "rules": [StrOptions({INFER}), list, tuple, None],
        "chat": [CHAT, None],
        "texture": [StrOptions(set(CHAINS)), HasMethods(["fit", "draw"])],
        "max_rounds": [Interval(Integral, 0, None, closed="left")],
        "relax_rules": ["boolean"],
        "published": ["boolean"],
    }

    def __init__(
        self,
        rules=INFER,
        *,
        chat=None,
        texture="forest",
        max_rounds=3,
        relax_rules=False,
        published=False,
        context="",
        feature_descriptions=None,
        examples=SUMMARY,
        max_example_tokens=MAX_EXAMPLE_TOKENS,
        min_level_rows=MIN_LEVEL_ROWS,
        column_kinds=None,
        store=True,
        budget=None,
        mode="live",
    ):
        self.rules = rules
        self.chat = chat
        self.texture = texture
        self.max_rounds = max_rounds
        self.relax_rules = relax_rules
        self.published = published
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
        """Find the rules, and fit the models of the texture.

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
        if self.chat is None:
            self._start(X, y, schema)
            self.seed_, self._is_fitted = None, True
            self._learn(None)
        else:
            super().fit(X, y, schema)
        if not self.stop_reason_:
            self._fit_texture()
        return self

    def draw(self, requests):
        """Yield a batch per request, in their order.

        Parameters
        ----------
        requests : iterable of Request

        Yields
        ------
        batch : Batch
            Rows in the dtypes of the real table. Those that break a rule all the same
            are in ``refused``, with the rule as the reason.
        """
        check_is_fitted(self, "_is_fitted")
        together, n_rows = [], 0
        for request in () if self.stop_reason_ else requests:
            together.append(request)
            n_rows += request.n_rows
            if n_rows >= MAX_TOGETHER:
                yield from self._draw_users_rows(together)
                together, n_rows = [], 0
        if together:
            yield from self._draw_users_rows(together)

    def dry_run(self, X, y, schema=None, *, from_store=True):
        """Count the one call that rules take; see `BaseGenerator.dry_run`.

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
        dry_run : DryRun or None
        """
        if self.chat is None:
            return None
        return super().dry_run(X, y, schema, from_store=from_store)

    def _make_dry_run(self, replay):
        return RulesDryRun(self, replay)

    def _chats(self):
        return () if self.chat is None else (self.chat,)

    @property
    def usage_(self):
        """Calls, tokens and cost per role; None where no model is asked."""
        return None if self.chat is None else super().usage_

    @property
    def notes_(self):
        """Notes for the report."""
        return tuple(self._own_notes()) if self.chat is None else super().notes_

    def _own_notes(self):
        return [*self._rule_notes, *self._loop_notes]

    def _check(self):
        """Refuse settings and rules that do not fit, before a model is asked."""
        if self.published and self.texture not in CHAINS:
            raise ValueError(
                f"`published` expected `texture` as one of {CHAINS}, got "
                f"{self.texture!r}. Leave `published` out, or choose one of these."
            )
        if isinstance(self.texture, ChatGenerator) and self.texture._chats():
            raise ValueError(
                "`texture` expected a generator that asks no model, got "
                f"{type(self.texture).__name__}: its calls would not be counted."
            )
        unseen = [label for label, n in self.schema_.n_per_label.items() if not n]
        self._wanted_codes(unseen or None)  # refused: a class is learned from its rows
        self._table = RuledTable(self._context.rows)
        for rule in self._given_rules():
            check_rule(rule, self._table.schema)

    def _given_rules(self):
        """Return the user's own rules."""
        given = () if self.rules is None or isinstance(self.rules, str) else self.rules
        return [r for r in given if not (isinstance(r, str) and r == INFER)]

    @property
    def _infers(self):
        given = [self.rules] if isinstance(self.rules, str) else self.rules or ()
        return any(isinstance(rule, str) and rule == INFER for rule in given)

    def _learn(self, ask):
        """Ask the model for rules, once."""
        self._written, self._rule_notes, self._loop_notes = [], [], []
        if self.chat is None:
            return
        messages = [("user", write_question(self._context))]
        schema = make_schema(self._context)
        request = self._request("rules", messages, seed=0, schema=schema)
        try:
            reply = ask(request, self._write_typical)
        except ChatError as error:
            if error.is_fatal:
                raise
            self._rule_notes.append(f"The model wrote no rules: {error}")
            return
        table = self._table.frame, self._table.schema
        self._written, notes = read_reply(reply.text, self._context, table)
        self._rule_notes += notes

    def _write_typical(self):
        """Return a reply of a few rules."""
        part = OneOf("a name", ("a level", "another"))
        return f'{{"rules":{rules_to_json([Implies(part, part)] * N_TYPICAL)}}}'

    def _fit_texture(self):
        """Fit the models, in as many rounds as the loop takes."""
        table, given, written = self._table, self._given_rules(), self._written
        own = {rule.name: (GIVEN, rule) for rule in given}
        own = {rule.name: (WRITTEN, rule) for rule in written} | own
        inferred = table.infer_rules() if self._infers else ()
        rules = list(({r.name: (INFERRED, r) for r in inferred} | own).values())
        self._rule_notes += self._note_broken([rule for _, rule in own.values()])
        if self.published:
            self._fit_published(rules)
            return
        # Inferred rules hold in every real row, so that none needs to be relaxed.
        free = {WRITTEN, *([GIVEN] if self.relax_rules else [])}
        feedback = Feedback(table, self._make_writer, self._list_settings(), free)
        rules, setting = feedback.run(rules, self.max_rounds)
        self._loop_notes = feedback.notes
        self.rules_ = tuple(rule for _, rule in rules)
        self._writer = self._make_writer(table, self.rules_, setting)
        self.plan_ = self._describe_plan(
            [r for origin, r in rules if origin != INFERRED]
        )

    def _make_writer(self, table, rules, setting):
        """Return what draws rows of a table under rules, fitted."""
        groups = table.find_groups(rules)
        if isinstance(self.texture, str):
            texture = ChainTexture(table, groups, self.texture, **setting)
        else:
            generator = clone(self.texture, safe=False)
            if setting:
                generator.set_params(**setting)
            texture = GeneratorTexture(table, groups, generator)
        return RuledWriter(table, rules, texture)

    def _list_settings(self):
        """Return the settings of the texture, the first one first."""
        if isinstance(self.texture, str):
            return [{"min_leaf": n} for n in MIN_LEAVES]
        is_team = isinstance(self.texture, StatisticalTeam)
        return [{}, {"keep_fraction": None}] if is_team else [{}]

    def _note_broken(self, rules):
        """Return a note per rule of the user or the model that real rows break."""
        n_rows = len(self._table.frame)
        return [
            f"Rule: {rule.name}: {n:,} of {n_rows:,} real rows break it."
            for rule, n in zip(rules, self._table.count_broken(rules), strict=True)
            if n
        ]

    def _describe_plan(self, rules):
        """Return skeleton and texture as a plan, for the report.

        Its rules are those that a filter does not infer by itself, and can check: it
        does not see the label.
        """
        schema, label = self.schema_, self._table.label
        tied = self._writer.tied
        names = [
            [schema.names[j] for j in schema.modelled if (j in tied) is is_tied]
            for is_tied in (True, False)
        ]
        parts = []
        for title, columns in zip((SKELETON, TEXTURE), names, strict=True):
            if columns:
                parts.append(Component(title, columns, [part.name for part in parts]))
        blank = [column.name for column in schema.columns if not column.is_modelled]
        if blank:
            parts.append(left_missing_component(blank, parts))
        seen = [r for r in rules if label not in getattr(r, "columns", (label,))]
        return Plan(tuple(parts), tuple(seen))

    @property
    def text_follows_(self):
        """Columns in which a new row and the donor of its text have to agree."""
        columns = self.schema_.columns
        if self.published:
            return ()
        return tuple(
            columns[j].name for j in sorted(self._writer.tied) if columns[j].levels
        )

    def _fit_published(self, rules):
        """Fit the chain that knows no rule, and count the rows that break one."""
        self.rules_ = tuple(rule for _, rule in rules)
        blind = BlindChain(self.texture)
        self._blind = SynthesizerGenerator(blind, column_kinds=self.column_kinds)
        fit_generator(self._blind, self._table.rows)
        trial = Request(0, N_TRIED, None, np.random.default_rng(0))
        batch = next(self._blind.draw([trial]))
        n_broken = int((~obey(self.rules_, self._table.join(batch.X, batch.y))).sum())
        self._loop_notes = [
            f"Published form: {n_broken:,} of {len(batch.X):,} trial rows break a "
            "rule, as nothing keeps them from it."
        ]

    def _draw_users_rows(self, requests):
        if self.published:
            drawn = self._blind.draw(requests)
        else:
            drawn = draw_together(
                self._writer, self._table, requests, self._wanted_codes
            )
        for batch in drawn:
            yield replace(batch, X=self._write(batch.X))


class RulesDryRun(DryRun):
    """A dry run of a generator that asks in ``fit`` only."""

    def draw(self, requests):
        """Yield no batch: none is needed to count calls."""
        return iter(())

    def count_calls(self, requests, n_sure):
        """Estimate what batches take, which is nothing beyond the fit."""
        return add_up(self._fit_calls, self._fit_calls, len(self._replay.answered))
