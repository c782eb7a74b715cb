"""The estimator users meet: a team proposes rows, three filters trim them."""

from dataclasses import replace
from numbers import Integral

from imblearn.over_sampling.base import BaseOverSampler

from t2sampler._params import (
    DefaultPartsMixin,
    HasMethods,
    Interval,
    StrOptions,
    remember_features,
)
from t2sampler._schema import TableSchema
from t2sampler._table import open_table
from t2sampler.filters import CostAssessmentFilter, DiversityFilter, SanityFilter
from t2sampler.generators import StatisticalTeam
from t2sampler.sampling._checks import check_filters, check_labels, check_mode
from t2sampler.sampling._estimate import estimate_run
from t2sampler.sampling._labels import add_levels, label_codes, rows_to_add
from t2sampler.sampling._parts import choose_seed, fit_filters, fit_generator
from t2sampler.sampling._report import (
    count_classes,
    count_short,
    describe_columns,
    gather,
    renumber,
    repeat_rows,
    stack_rows,
    tell_shortfall,
    trace,
    write_report,
)
from t2sampler.sampling._waves import draw_waves

FILTER = [HasMethods(["fit", "inspect"]), StrOptions({"passthrough"}), None]


class TeamThenTrimSampler(DefaultPartsMixin, BaseOverSampler):
    """Over-sample with generated rows that passed three quality filters.

    A generator (by default a team of fitted statistical models, which needs no key and
    no network) proposes rows in batches. `SanityFilter` drops rows that break a rule,
    `CostAssessmentFilter` drops rows with labels that models of all other rows do not
    believe, `DiversityFilter` can drop batches that add no variety. The result holds
    the real rows, unchanged and first, and as many new rows as SMOTE would add. Tables
    may hold numbers, categories, text, booleans, dates and missing values; container,
    dtypes, categories, column order and the real rows' index labels come back as given.

    Parameters
    ----------
    generator : object with ``fit`` and ``draw``, default=None
        Who proposes rows; it is cloned. None stands for `StatisticalTeam`. Wrap other
        people's generators with `generators.from_sampler` or
        `generators.from_synthesizer`.
    sanity : SanityFilter, "passthrough" or None, default=None
        None stands for the default filter, "passthrough" switches it off, and an
        instance is cloned. Nested names such as ``sanity__constraints`` work on None.
    cost : CostAssessmentFilter, "passthrough" or None, default=None
    diversity : DiversityFilter, "passthrough" or None, default=None
    sampling_strategy : float, str, dict or callable, default='auto'
        What to resample, exactly as for the over-samplers of imbalanced-learn. See
        `grow` for enlarging every class.
    new_classes : dict of label to int, default=None
        Rows wanted of classes that ``y`` does not hold. Needs a generator that can
        write them. A ``y`` of one class is accepted if and only if this is given.
    n_batches : int >= 1, default=None
        None draws until every class has the rows it wants, or ``max_batches`` are
        drawn. A number draws exactly that many batches, labels included, and keeps all
        that passes, which is the protocol of the paper; ``sampling_strategy`` must
        then be "auto", and only the labels of ``new_classes`` count.
    batch_size : int >= 1, default=20
        Rows per batch.
    max_batches : int >= 1, default=None
        Most batches drawn when ``n_batches`` is None. None stands for four times the
        batches the quotas fill, and at least 200.
    on_shortfall : {"bootstrap", "warn", "raise"}, default="bootstrap"
        What to do when the filters leave too few rows of a class: repeat real rows of
        it, marked as such in ``provenance_`` and with a warning; return fewer with a
        warning; or raise. A new class has no real rows to repeat.
    random_state : int, RandomState instance or None, default=None
        The same integer gives the same rows, whatever ``n_jobs``. None: other rows
        each time, but for a generator with a ``seed_``, such as `LLMTeam`, which makes
        one from the table and its settings and so asks nothing twice.
    n_jobs : int, default=None
        Jobs of the default generator; an instance brings its own.
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
    provenance_ : DataFrame of shape (n_rows_new, 5)
        Per row of the result: ``origin`` ("real", "generated", "twin", "bootstrap"),
        ``batch``, ``source`` (position of the repeated real row), ``cost`` and
        ``cluster``.
    report_ : RunReport
        What became of every batch and every candidate; renders itself in notebooks.
    n_features_in_ : int
    feature_names_in_ : ndarray of str

    Raises
    ------
    SchemaError
        A table that cannot be handled; the message names the column.
    QuotaNotMetError
        Too few rows under ``on_shortfall="raise"``.

    Warns
    -----
    QuotaNotMetWarning
        Fewer generated rows were accepted than asked for.

    Notes
    -----
    With the default generator no model is asked and no token spent. Which batches are
    drawn depends on ``random_state``, the table and the quotas, never on the filters:
    a grid search over filter settings asks for the same batches each time.

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

    _default_parts = {
        "generator": StatisticalTeam,
        "sanity": SanityFilter,
        "cost": CostAssessmentFilter,
        "diversity": DiversityFilter,
    }
    _parameter_constraints: dict = {
        **BaseOverSampler._parameter_constraints,
        "generator": [HasMethods(["fit", "draw"]), None],
        "sanity": FILTER,
        "cost": FILTER,
        "diversity": FILTER,
        "new_classes": [dict, None],
        "n_batches": [Interval(Integral, 1, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_batches": [Interval(Integral, 1, None, closed="left"), None],
        "on_shortfall": [StrOptions({"bootstrap", "warn", "raise"})],
        "n_jobs": [Integral, None],
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
        max_batches=None,
        on_shortfall="bootstrap",
        random_state=None,
        n_jobs=None,
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
        self.max_batches = max_batches
        self.on_shortfall = on_shortfall
        self.random_state = random_state
        self.n_jobs = n_jobs
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

    def fit_resample(self, X, y):
        """Return the table with generated rows that passed the filters.

        Parameters
        ----------
        X : dataframe, array or list of shape (n_rows, n_features)
        y : series, array or list of shape (n_rows,)

        Returns
        -------
        X_resampled, y_resampled : as given
            Real rows first and unchanged, then generated, then repeated real rows.
        """
        table, schema = self._open(X, y)
        self.generator_ = fit_generator(self, table, schema)
        seed = choose_seed(self)
        filters = fit_filters(self, table, seed)
        self.sanity_, self.cost_, self.diversity_ = filters.values()
        quotas = self._quotas(schema)
        waves = draw_waves(self, schema, filters, quotas, seed)
        short = count_short(schema, quotas, waves)
        bootstrap = repeat_rows(self.on_shortfall, schema, short, table.target, seed)
        harvest = gather(waves, bootstrap, merge_twins=quotas is None)
        frame, target = stack_rows(table, harvest)
        classes = count_classes(schema, quotas, target, harvest)
        ended = getattr(self.generator_, "ended_", "")
        notes = tell_shortfall(self.on_shortfall, classes, ended)
        self._keep_books(schema, harvest, classes, notes)
        return table.restore(renumber(frame, schema), target)

    def estimate(self, X, y, n_fits=1):
        """Return what `fit_resample` will ask of language models, before it does.

        Parameters
        ----------
        X : dataframe, array or list of shape (n_rows, n_features)
        y : series, array or list of shape (n_rows,)
        n_fits : int >= 1, default=1
            Times the sampler will be fitted on tables of this size: one per fold and
            one for the refit of a grid search over filters and classifiers.

        Returns
        -------
        estimate : Estimate
            Calls, tokens and money: low if every row is accepted, high if
            ``max_batches`` are drawn. Zero for generators that ask no model.

        Notes
        -----
        Nobody is asked, and no key is needed. Answers that the store holds are free,
        in one of the fits: the others are taken to be on tables not seen yet.
        What is not answered yet is measured on the prompts of a typical batch. Tokens
        that a model thinks aloud, and rows asked for again, come on top.
        """
        return estimate_run(self, X, y, n_fits)

    def _fit_resample(self, X, y):
        """Satisfy imbalanced-learn's base class; `fit_resample` does the work."""
        return self.fit_resample(X, y)

    def _open(self, X, y):
        """Check everything before any work; return the table and its schema."""
        self._validate_params()
        check_mode(self)
        new_classes = self.new_classes or {}
        table = open_table(X, y)
        check_labels(table, new_classes)
        remember_features(self, X, table.frame)
        to_add = rows_to_add(self.sampling_strategy, table.target, new_classes)
        self.sampling_strategy_ = {**to_add, **new_classes}
        table = replace(table, target=add_levels(table.target, new_classes))
        schema = TableSchema.learn(table.frame, table.target, tuple(new_classes))
        check_filters(self, schema)
        return table, schema

    def _quotas(self, schema):
        """Return rows wanted per label code, or None where labels come last."""
        if self.n_batches is not None:
            return None
        codes = label_codes(schema, self.sampling_strategy_)
        counts = map(int, self.sampling_strategy_.values())
        return dict(zip(codes, counts, strict=True))

    def _keep_books(self, schema, harvest, classes, notes):
        if self.n_batches is not None:
            added = classes["generated"] + classes["repeated"]
            self.sampling_strategy_ = added.to_dict()
        said = getattr(self.generator_, "notes_", ())
        told = [note for wave in harvest.waves for note in wave.result.notes]
        notes = [*describe_columns(schema), *said, *dict.fromkeys(told), *notes]
        plan = str(getattr(self.generator_, "plan_", ""))
        self.provenance_ = trace(schema.n_rows, harvest)
        self.synthetic_mask_ = (self.provenance_["origin"] != "real").to_numpy()
        report = write_report(harvest.waves, classes, self.sanity_, notes, plan)
        usage = getattr(self.generator_, "usage_", report.usage)
        self.report_ = replace(report, usage=usage)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.string = tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags
