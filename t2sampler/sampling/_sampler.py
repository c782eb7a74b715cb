"""TeamThenTrimSampler: a generator proposes rows, three filters trim them."""

from dataclasses import replace
from itertools import islice
from math import ceil
from numbers import Integral
from os import PathLike

from imblearn.over_sampling.base import BaseOverSampler
from sklearn.base import clone

from t2sampler._autologging import quiet_fits
from t2sampler._kinds import merge_kinds
from t2sampler._params import (
    N_JOBS,
    DefaultPartsMixin,
    DocLinkMixin,
    HasMethods,
    Interval,
    StrOptions,
    draw_seed,
    remember_features,
)
from t2sampler._records import Estimate
from t2sampler._schema import TableSchema
from t2sampler._table import Rows, Table
from t2sampler.filters import QualityControl
from t2sampler.filters._quality_control import IS_FILTER
from t2sampler.filters._sequence import FILTERS
from t2sampler.generators import StatisticalTeam
from t2sampler.generators._base import BaseGenerator, read_optional
from t2sampler.sampling._brake import explain_end
from t2sampler.sampling._checks import (
    check_filters,
    check_labels,
    check_metadata,
    check_mode,
)
from t2sampler.sampling._control import find_given_rules, make_control
from t2sampler.sampling._drawing import draw_waves
from t2sampler.sampling._labels import add_levels, label_codes, rows_to_add
from t2sampler.sampling._loop import (
    batch_limit,
    count_short,
    make_requests,
)
from t2sampler.sampling._memory import fit_stored
from t2sampler.sampling._metadata import extend_groups, extend_weights
from t2sampler.sampling._new_rows import (
    note_columns,
    warn_of_few_rows,
    write_new_rows,
)
from t2sampler.sampling._report import (
    build_provenance,
    collect_additions,
    count_classes,
    repeat_rows,
    report_shortfall,
    write_report,
)

NOTHING_ASKED = Estimate(cost=(0.0, 0.0))
# What a pickle leaves out: these hold rows.
NOT_PICKLED = ("generator_", "report_", *(f"{name}_" for name in FILTERS))


class TeamThenTrimSampler(DefaultPartsMixin, DocLinkMixin, BaseOverSampler):
    """Over-sample with generated rows that passed three quality filters.

    A generator proposes rows in batches; the default one is a team of fitted
    statistical models, which needs no key and no network. `SanityFilter` trims rows
    that break a rule, `CostAssessmentFilter` trims rows that are probably mislabelled,
    `DiversityFilter` trims repeated rows and can trim batches that add no variety. The
    result holds the real rows, unchanged and first, and as many new rows as SMOTE would
    add. Tables may hold numbers, categories, text, booleans, dates and missing values,
    in dataframes of pandas or polars, Arrow tables, arrays, sparse matrices or lists.
    Container, dtypes, categories, column order and the real rows' index are kept.

    Parameters
    ----------
    generator : object with ``fit`` and ``draw``, default=None
        Proposes rows; it is cloned. None stands for `StatisticalTeam`. Wrap the
        generators of other packages with `generators.from_sampler` or
        `generators.from_synthesizer`.
    sanity : SanityFilter, "passthrough" or None, default=None
        None stands for the default filter, "passthrough" switches it off, and an
        instance is cloned. Nested names such as ``sanity__constraints`` work on None.
    cost : CostAssessmentFilter, "passthrough" or None, default=None
        Or another filter of labels, such as `DataMapsFilter`.
    diversity : DiversityFilter, "passthrough" or None, default=None
    sampling_strategy : float, str, dict or callable, default='auto'
        What to resample, exactly as for the over-samplers of imbalanced-learn. See
        `grow` for enlarging every class.
    new_classes : dict of label to int, default=None
        Number of rows to add of classes that ``y`` does not hold. It needs a generator
        that can write them. A ``y`` with a single class is accepted only with this.
    n_batches : int >= 1, default=None
        None draws until every class has as many rows as ``sampling_strategy`` asks for,
        or until ``max_batches`` are drawn. A number draws exactly that many batches, in
        which the generator also chooses the labels, and keeps all rows that pass: the
        protocol of the paper. ``sampling_strategy`` must then be "auto", and of
        ``new_classes`` only the labels are used.
    batch_size : int >= 1, default=20
        Rows per batch.
    column_kinds : dict of column name to str, default=None
        What columns are: "number", "category", "datetime", "timedelta", "text" (new
        rows take the text of a real row of their class), "id" (new rows are numbered
        on) or "private" (new rows leave it missing). No model is sent values of the
        last three. Columns that are not named are inferred; ``report_.columns`` has
        the result.
    copy_text : bool, default=True
        False leaves columns of text missing in new rows.
    max_batches : int >= 1, default=None
        Largest number of batches drawn when ``n_batches`` is None. None stands for four
        times the batches that would do if every row passed, and at least 200. Drawing
        ends earlier where the first 50 batches give no row at all, or where the last
        1,000 rows, and the rows of the last 50 batches, of every class that is short
        all failed. The warning says what ended it, and which filter trims the rows.
    on_shortfall : {"bootstrap", "warn", "raise"}, default="bootstrap"
        What to do when too few rows of a class pass the filters. "bootstrap" repeats
        real rows of the class, marks them in ``provenance_`` and warns; "warn" returns
        fewer rows and warns; "raise" raises. A new class has no real rows to repeat.
    random_state : int, RandomState instance or None, default=None
        The same integer gives the same rows, whatever ``n_jobs``. None gives other rows
        each time, except with a generator that has a ``seed_``: `LLMTeam` makes one
        from the table and its settings, so that no question is paid for twice.
    n_jobs : int, default=None
        Number of jobs of the default generator; an instance has its own parameter.
    memory : str, path, object with the interface of joblib.Memory or None, default=None
        Folder in which fitted generators are stored, so that a search over the settings
        of filters fits one per training part instead of one per point; the rows are the
        same. The folder then holds values of real rows: protect it as you do the table.
        Generators that ask language models have a store of their own. A generator whose
        fit is random and not seeded is fitted once, and drawn from as often as needed.
    verbose : int, default=0
        1 shows a progress bar with the rows accepted so far, and with the calls, tokens
        and costs of a team of language models.

    Attributes
    ----------
    sampling_strategy_ : dict of label to int
        Rows to add per class; with ``n_batches``, the rows that were added.
    generator_ : object
        The fitted generator.
    sanity_, cost_, diversity_ : estimators or None
        The fitted filters.
    synthetic_mask_ : bool ndarray of shape (n_rows_new,)
        True for every appended row, repeated real rows included.
    provenance_ : DataFrame of shape (n_rows_new, 6)
        Per row of the result: ``origin`` ("real", "generated", "twin", "bootstrap"),
        ``batch``, ``source`` (position of the repeated real row), ``donor`` (position
        of the real row of its class that gave a new row its text, its index label
        where the index holds times or the like, and its group), ``cost`` and
        ``cluster``.
    groups_ : ndarray of shape (n_rows_new,)
        Where `fit_resample` got ``groups``: a new row has that of its donor.
    sample_weight_ : ndarray of shape (n_rows_new,)
        Where `fit_resample` got it: a new row has the mean weight of its class.
    report_ : RunReport
        The fate of every batch and every candidate; notebooks show it as tables.
    n_features_in_ : int
    feature_names_in_ : ndarray of str

    Raises
    ------
    SchemaError
        The table cannot be used; the message names the column.
    QuotaNotMetError
        Too few rows passed, under ``on_shortfall="raise"``.

    Warns
    -----
    QuotaNotMetWarning
        Fewer generated rows were accepted than asked for.
    SchemaWarning
        A column that was found to hold ids or personal data is numbered on or left
        missing in new rows, or very many rows are wanted of a class of a few.

    Notes
    -----
    A pickle of a fitted sampler holds its settings, ``provenance_`` and
    ``synthetic_mask_``; generator, filters and report stay behind, because they hold
    rows. Save the report by itself.

    The default generator asks no language model and costs no tokens. Which batches are
    drawn depends on ``random_state``, the table and the number of rows asked for, never
    on the filters: a grid search over filter settings draws the same batches each time.

    See Also
    --------
    paper_protocol : The settings of the paper.
    QualityControl : The filters alone, for rows that came from elsewhere.

    References
    ----------
    .. [1] "Team, Then Trim", section 2.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> y = pd.Series([0, 0, 0, 0, 1, 1], name="ill")
    >>> sampler = TeamThenTrimSampler(cost="passthrough", random_state=0)
    >>> X_res, y_res = sampler.fit_resample(X, y)
    >>> y_res.value_counts().to_dict()
    {0: 4, 1: 4}
    >>> X_res.dtypes.equals(X.dtypes), sampler.provenance_["origin"].iloc[-1]
    (True, 'generated')
    """

    _default_parts = {"generator": StatisticalTeam, **QualityControl._default_parts}
    _parameter_constraints: dict = {
        **BaseOverSampler._parameter_constraints,
        **dict.fromkeys(FILTERS, IS_FILTER),
        "generator": [HasMethods(["fit", "draw"]), None],
        "new_classes": [dict, None],
        "n_batches": [Interval(Integral, 1, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "column_kinds": [dict, None],
        "copy_text": ["boolean"],
        "max_batches": [Interval(Integral, 1, None, closed="left"), None],
        "on_shortfall": [StrOptions({"bootstrap", "warn", "raise"})],
        "n_jobs": N_JOBS,
        "memory": [str, PathLike, HasMethods(["cache"]), None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        generator=None,
        *,
        sanity=None,
        cost=None,
        diversity=None,
        sampling_strategy="auto",
        new_classes=None,
        n_batches=None,
        batch_size=20,
        column_kinds=None,
        copy_text=True,
        max_batches=None,
        on_shortfall="bootstrap",
        random_state=None,
        n_jobs=None,
        memory=None,
        verbose=0,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.generator = generator
        self.sanity = sanity
        self.cost = cost
        self.diversity = diversity
        self.new_classes = new_classes
        self.n_batches = n_batches
        self.batch_size = batch_size
        self.column_kinds = column_kinds
        self.copy_text = copy_text
        self.max_batches = max_batches
        self.on_shortfall = on_shortfall
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.memory = memory
        self.verbose = verbose

    def fit(self, X, y):
        """Check the table and count the rows to add; `fit_resample` does the work.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,)

        Returns
        -------
        self : estimator
        """
        self._open(X, y)
        return self

    @quiet_fits
    def fit_resample(self, X, y, *, groups=None, sample_weight=None):
        """Return the table with generated rows that passed the filters.

        Parameters
        ----------
        X : dataframe, array, sparse matrix or list of shape (n_rows, n_features)
        y : series, array or list of shape (n_rows,)
        groups, sample_weight : array-like of shape (n_rows,), default=None
            Of the real rows, for ``groups_`` and ``sample_weight_``; rows are generated
            without regard to them.

        Returns
        -------
        X_resampled, y_resampled : as given
            Real rows first and unchanged, then generated, then repeated real rows.
        """
        table, rows = self._open(X, y)
        schema = rows.schema
        check_metadata(groups=(groups, rows), sample_weight=(sample_weight, rows))
        notes = note_columns(schema, self.copy_text)
        warn_of_few_rows(schema, self.sampling_strategy_)
        rows.given_rules = find_given_rules(self.sanity)
        generator = fit_stored(self._make_generator(), rows, self.memory)
        self.generator_ = generator
        seed = self._choose_seed(generator)
        control = self._make_control(generator, seed).fit(rows)
        self.sanity_, self.cost_ = control.sanity_, control.cost_
        self.diversity_ = control.diversity_
        quotas = self._quotas(schema)
        waves = draw_waves(self, generator, control, quotas, seed)
        short = count_short(quotas, waves) if quotas is not None else {}
        additions = collect_additions(
            waves,
            repeat_rows(self.on_shortfall, rows, short, seed),
            merge_twins=quotas is None,
        )
        wants = {"copy_text": self.copy_text, "finds_donors": groups is not None}
        wants["text_follows"] = read_optional(generator, "text_follows_")
        new = write_new_rows(table, rows, additions, seed, **wants)
        classes = count_classes(schema, quotas, rows.target, new.target, additions)
        ended = self._explain_end(schema, waves, quotas, short)
        stop_reason = read_optional(generator, "stop_reason_") or " ".join(ended)
        notes += [*report_shortfall(self.on_shortfall, classes, stop_reason), *ended]
        self._describe_run(
            rows, additions, new.donors, classes=classes, notes=notes, seed=seed
        )
        if groups is not None:
            self.groups_ = extend_groups(groups, new.donors)
        if sample_weight is not None:
            new_labels = schema.target.encode(new.target)
            self.sample_weight_ = extend_weights(sample_weight, rows.labels, new_labels)
        return table.append(new.frame, new.target, new.donors)

    @quiet_fits
    def estimate(self, X, y, n_fits=1):
        """Return the calls, tokens and cost of `fit_resample`, before it runs.

        Parameters
        ----------
        X : dataframe, array or list of shape (n_rows, n_features)
        y : series, array or list of shape (n_rows,)
        n_fits : int >= 1, default=1
            Number of times the sampler will be fitted on tables of this size. A grid
            search over filters and classifiers takes one per fold, and one to refit.

        Returns
        -------
        estimate : Estimate
            Calls, tokens and money: low if every row is accepted, high if
            ``max_batches`` are drawn. Zero for generators that ask no model.

        Notes
        -----
        No model is asked, and no key is needed. Stored replies are free in one of the
        fits; the other fits are assumed to be on tables that were not seen before. The
        rest is estimated from the prompts of a typical batch. Reasoning tokens, and
        rows that have to be asked for again, come on top.
        """
        if not isinstance(n_fits, Integral) or n_fits < 1:
            raise ValueError(f"`n_fits` must be an integer >= 1, got {n_fits!r}.")
        sampler = clone(self).set_params(verbose=0)  # its random state is cloned, too
        _, rows = sampler._open(X, y)
        columns = rows.schema.describe_kinds()
        this = others = sampler._estimate_fit(rows, from_store=True)
        if this is None:
            return replace(NOTHING_ASKED, n_fits=n_fits, columns=columns)
        if n_fits > 1 and this.n_stored:
            others = sampler._estimate_fit(rows, from_store=False)
        return replace(this.add_fits(others, n_fits), columns=columns)

    def _fit_resample(self, X, y):
        return self.fit_resample(X, y)  # what imbalanced-learn's base class wants

    def _open(self, X, y):
        """Check everything before any work; return the table and its rows."""
        self._validate_params()
        check_mode(self.n_batches, self.sampling_strategy, self.new_classes)
        new_classes = self.new_classes or {}
        table = Table(X, y)
        check_labels(table, new_classes)
        remember_features(self, X, table.frame)
        to_add = rows_to_add(self.sampling_strategy, table.target, new_classes)
        self.sampling_strategy_ = {**to_add, **new_classes}
        target = add_levels(table.target, new_classes)
        parts = [self, self.generator, *(getattr(self, name) for name in FILTERS)]
        kinds = merge_kinds(*(getattr(part, "column_kinds", None) for part in parts))
        schema = TableSchema.learn(table.frame, target, tuple(new_classes), kinds)
        check_filters([self.sanity, self.cost, self.diversity], schema)
        return table, Rows(schema.read(table.frame), target, schema)

    def _make_generator(self):
        if self.generator is None:
            return StatisticalTeam(n_jobs=self.n_jobs)
        return clone(self.generator, safe=False)

    def _choose_seed(self, generator):
        """Return the run's seed; without ``random_state``, the generator's own if any.

        A generator that pays for its rows has one, made from the table and its
        settings, so that the same run again asks the same questions.
        """
        own, given = read_optional(generator, "seed_"), self.random_state
        return own if given is None and own is not None else draw_seed(given)

    def _make_control(self, generator, seed):
        """Return the filters, with what the sampler's settings leave to each."""
        parts = {name: getattr(self, name) for name in FILTERS}
        plan = read_optional(generator, "plan_")
        twin = "labels" if self.n_batches is None else "real"
        return make_control(parts, () if plan is None else plan.rules, seed, twin)

    def _estimate_fit(self, rows, *, from_store):
        """Return what one fit takes; None if the generator asks no model."""
        generator = self._make_generator()
        if not isinstance(generator, BaseGenerator):
            return None
        table = rows.frame, rows.target, rows.schema
        generator = generator.dry_run(*table, from_store=from_store)
        if generator is None:
            return None
        quotas, seed = self._quotas(rows.schema), self._choose_seed(generator)
        start, low, high = self._batches_left(generator, rows, quotas, seed)
        requests = make_requests(seed, self.batch_size, quotas, rows.schema)
        return generator.count_calls(list(islice(requests, start, start + high)), low)

    def _batches_left(self, generator, rows, quotas, seed):
        """Return batches that are stored, and fewest and most that are drawn beyond."""
        if quotas is None:
            return 0, self.n_batches, self.n_batches
        most = self._most_batches(quotas)
        n_drawn, short = 0, {label: n for label, n in quotas.items() if n}
        first = make_requests(seed, self.batch_size, quotas, rows.schema)
        if short and list(generator.draw([next(first)])):
            control = self._make_control(generator, seed).fit(rows)
            waves = draw_waves(self, generator, control, quotas, seed)
            short = count_short(quotas, waves)
            n_drawn = generator.n_drawn
            if self._explain_end(rows.schema, waves, quotas, short):
                short = {}
        high = most - n_drawn if short else 0
        low = min(high, ceil(sum(short.values()) / self.batch_size))
        return n_drawn, low, high

    def _most_batches(self, quotas):
        """Return how many batches may be drawn to fill quotas."""
        n_rows = sum((quotas or {}).values())
        return batch_limit(n_rows, self.batch_size, self.max_batches)

    def _explain_end(self, schema, waves, quotas, short):
        """Return why drawing ended before all rows were there, as notes."""
        most = self._most_batches(quotas)
        return explain_end(schema, waves, short, self.batch_size, most)

    def _quotas(self, schema):
        """Return rows wanted per label code, or None where labels come last."""
        if self.n_batches is not None:
            return None
        codes = label_codes(schema, self.sampling_strategy_)
        counts = map(int, self.sampling_strategy_.values())
        return dict(zip(codes, counts, strict=True))

    def _describe_run(self, rows, additions, donors, *, classes, notes, seed):
        if self.n_batches is not None:
            added = classes["generated"] + classes["repeated"]
            self.sampling_strategy_ = added.to_dict()
        self.provenance_ = build_provenance(rows.schema.n_rows, additions, donors)
        self.synthetic_mask_ = (self.provenance_["origin"] != "real").to_numpy()
        told = {"classes": classes, "notes": notes, "seed": seed}
        self.report_ = write_report(self, rows, additions.waves, **told)

    def __getstate__(self):
        """Return what is pickled: no part that holds rows."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in NOT_PICKLED}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.string = tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags
