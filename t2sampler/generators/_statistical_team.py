"""The generator that needs no model and no network: a team of fitted workers."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from t2sampler._autologging import quiet_fits
from t2sampler._params import (
    N_JOBS,
    Interval,
    StrOptions,
    check_is_fitted,
    draw_seed,
)
from t2sampler._records import Batch, Request
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._base import BaseGenerator
from t2sampler.team import Plan
from t2sampler.team._balance import ShareBalance
from t2sampler.team._conditions import read_conditions
from t2sampler.team._fitted_team import FittedTeam
from t2sampler.team._labeler import LabelWorker
from t2sampler.team._plan_from_data import find_obeyed, infer_relations, make_plan
from t2sampler.team._selection import (
    CANDIDATES_PER_ROW,
    CANDIDATES_PER_ROW_AS_DRAWN,
    CANDIDATES_PER_ROW_CONDITIONAL,
    CANDIDATES_PER_ROW_OF_MANY,
    CHOICE,
    COPY,
    N_BEFORE_WORKERS,
    CandidateSet,
    CopyDetector,
    count_candidates,
    keep_classes,
    resample_by_likelihood,
    take_own,
)

MAX_CELLS = 4_000_000  # of candidates drawn in one pass, so that memory stays flat
N_TRIED = 500  # rows drawn in `fit`, to learn how often they are copies
# Candidates on which the balance of levels is calibrated, in all and per class.
N_CALIBRATED, MIN_CALIBRATED, MAX_CALIBRATED = 6000, 200, 1500
CALIBRATED_PER_ROW = 8  # shares of few real rows are known too badly to need more
# A little more than its share of the candidates is chosen, as batches differ.
SLACK = 1.05
# keep_fraction="auto": with up to so many real rows, half of the candidates.
MAX_ROWS_KEEP_HALF = 1000
# With more real rows the label model is reliable, so draw fewer candidates per row.
MAX_ROWS_UNRELIABLE = 5000


class StatisticalTeam(BaseGenerator):
    """Draw rows by a team of statistical models, fitted on the real rows.

    The plan is found from the data: columns that depend on each other are a component,
    and a component reads those on which it depends. One worker per component copies its
    columns from a real row of the wanted class with similar values in the columns it
    reads, and moves numbers a little within the resolution and the bounds of their
    column. More candidates are drawn than rows are wanted. A label worker, an ensemble
    of strongly regularised classifiers weighted by cross-validation, predicts the label
    of each, and rows are selected among those with the wanted label, the ones with the
    largest margin first.

    Parameters
    ----------
    plan : Plan, default=None
        None: found from the data; the same data give the same plan.
    max_columns : int >= 1, default=4
        Most columns of a component, unless a rule ties more together.
    min_leaf : int >= 1 or "auto", default="auto"
        Fewest real rows among which a donor is chosen. "auto": five where a worker
        writes numbers that move; a tenth of the class, from five to fifty, where it
        writes levels, too, because a row assembled from a few similar donors is almost
        a copy of one of them.
    smoothing : float in [0, inf), default=1.0
        Factor on the bandwidth by which numbers are moved; 0 copies them.
    keep_fraction : float in (0, 1], "auto" or None, default="auto"
        Share of the candidates with the wanted label that are used first, those with
        the largest margin. "auto": half with up to 1000 real rows; all with more, where
        staying close to the real rows costs nothing. None: rows are not relabelled and
        keep the class they were drawn for; they are closer to the real rows, but a
        model learns less from them.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.
    n_jobs : int, default=None
        Workers that are fitted in parallel; never changes the rows.

    Attributes
    ----------
    plan_ : Plan
    schema_ : TableSchema
    cv_auc_ : float
        Cross-validated area under the curve of the label worker; NaN where there are
        too few rows to hold any out.

    Raises
    ------
    GeneratorError
        A label is wanted that no real row has.

    Notes
    -----
    Where ``cv_auc_`` is surely above 0.7, so that the real labels are right for the
    most part, rows keep the class they were drawn for, and of these the surest are
    chosen within the levels' shares: a level, a missing value or a quarter of a number
    stays within the 80 % interval of its share among the real rows of the class. Below
    that, rows are relabelled, and a level can vanish from a class.

    Generated labels are predictions. They hold no information beyond that of the real
    rows: do not use them to estimate label noise, error rates or test scores. Rows
    drawn for a class of one real row are not relabelled, and none are where all rows
    are encoded alike. The order of labels is used if they are a category with
    ``ordered=True``. Without wanted labels those of a batch are drawn from the class
    shares.

    No row repeats a real one, unless real rows repeat each other, or nothing else can
    be drawn. Fitting costs O(n log n) for n rows, drawing O(log n) per candidate. Every
    candidate takes a fixed number of uniform draws from its batch's stream, so a batch
    does not depend on what is drawn beside it.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.generators import StatisticalTeam
    >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
    >>> team = StatisticalTeam().fit(X, [0, 0, 0, 0, 1, 1])
    >>> team.plan_.columns
    ['age', 'sex']
    """

    _parameter_constraints: dict = {
        "plan": [Plan, None],
        "max_columns": [Interval(Integral, 1, None, closed="left")],
        "min_leaf": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "smoothing": [Interval(Real, 0, None, closed="left")],
        "keep_fraction": [
            Interval(Real, 0, 1, closed="right"),
            StrOptions({"auto"}),
            None,
        ],
        "column_kinds": [dict, None],
        "n_jobs": N_JOBS,
    }

    def __init__(
        self,
        *,
        plan=None,
        max_columns=4,
        min_leaf="auto",
        smoothing=1.0,
        keep_fraction="auto",
        column_kinds=None,
        n_jobs=None,
    ):
        self.plan = plan
        self.max_columns = max_columns
        self.min_leaf = min_leaf
        self.smoothing = smoothing
        self.keep_fraction = keep_fraction
        self.column_kinds = column_kinds
        self.n_jobs = n_jobs

    def fit(self, X, y, schema=None):
        """Find a plan, and fit a worker per component.

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
        self._validate_params()
        return self._learn(self._open_rows(X, y, schema))

    def _fit_rows(self, rows):
        self._validate_params()
        self._writes_plain = True
        return self._learn(rows)

    @quiet_fits
    @threadpool_limits.wrap(limits=1)  # on so few rows threads only wait
    def _learn(self, rows):
        self.schema_, codes = rows.schema, rows.codes
        labels = rows.labels.astype(np.intp)
        rules = [*infer_relations(rows), *find_obeyed(rows.given_rules, rows)]
        self.plan_ = self.plan
        if self.plan is None:
            self.plan_ = make_plan(codes, self.schema_, rules, self.max_columns)
        self.plan_.check(self.schema_.names)
        # Columns follow from the user's own formulas, too, where real rows obey them.
        rules = [*rules, *find_obeyed(self.plan_.rules, rows)]
        settings = {"min_leaf": self.min_leaf, "smoothing": self.smoothing}
        self._team = FittedTeam(self.plan_, self.schema_, **settings)
        self._team.fit(codes, labels, rules, self.n_jobs)
        self._labeler = LabelWorker(self.schema_).fit(codes, labels)
        self.cv_auc_ = self._labeler.cv_auc_
        self._copies = CopyDetector().fit(codes)
        self._balances = {}
        self._copy_probability = float(self._copies.repeat_rate_ > 0)
        if 0 < self._copies.repeat_rate_ < 1:  # else as many are kept however many come
            # The same rows for any seed: a fitted team must not depend on one.
            trial = Request(0, N_TRIED, None, np.random.default_rng(0))
            drawn = self.schema_.read(next(self._draw_together([trial])).X)
            codes_drawn = self.schema_.encode(drawn)
            self._copy_probability = self._copies.find_keep_probability(codes_drawn)
        if self._relabels and self._labeler.is_reliable_:
            self._balances = self._fit_balances(codes, labels)
        return self

    def _fit_balances(self, codes, labels):
        """Return, by class, what keeps the shares of levels, from trial candidates."""
        classes = self._labeler.classes_[self._labeler.is_relabelled_]
        n_all = min(N_CALIBRATED, CALIBRATED_PER_ROW * len(codes))
        n_each = int(np.clip(n_all // len(classes), MIN_CALIBRATED, MAX_CALIBRATED))
        targets = np.repeat(classes, n_each)
        noise = np.random.default_rng(0).random((len(targets), self._n_uniforms))
        drawn, _ = self._team.write(targets, noise[:, N_BEFORE_WORKERS:])
        own = take_own(self._find_margins(drawn, targets), self._find_places(targets))
        is_excess = self._find_excess(drawn, noise)
        balances = {}
        for label in classes.tolist():
            rows = np.flatnonzero((targets == label) & ~is_excess)
            balance = ShareBalance(self.schema_).fit(codes[labels == label])
            fraction = self._keep_fraction * np.mean(own[rows] > 0) if rows.size else 1
            fraction = max(fraction, SLACK / self._per_row)
            if fraction < 1:
                balance.calibrate(drawn[rows], own[rows], fraction)
            balances[label] = balance
        return balances

    def draw(self, requests):
        """Yield a batch per request, in their order.

        Parameters
        ----------
        requests : iterable of Request

        Yields
        ------
        batch : Batch
            Rows in the dtypes of the real table, exactly ``n_rows`` of them.
        """
        check_is_fitted(self, "schema_")
        # Requests are drawn in one pass as long as memory allows: it is much faster.
        max_candidates = MAX_CELLS // (1 + self._n_uniforms)
        together, n_candidates = [], 0
        for request in requests:
            together.append(request)
            n_candidates += count_candidates(request.n_rows, self._per_row)
            if n_candidates >= max_candidates:
                yield from self._draw_together(together)
                together, n_candidates = [], 0
        if together:
            yield from self._draw_together(together)

    def draw_conditional(self, n_rows, given, *, label=None, random_state=None):
        """Draw rows that meet conditions on some of their columns.

        Parameters
        ----------
        n_rows : int >= 0
        given : dict of column name to condition
            A value; a pair (low, high) of numbers, dates or ordered categories, both
            ends included, None for an open end; or a list of values.
        label : label, default=None
            Wanted of all rows; None draws labels as they are among such rows.
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        X : DataFrame of shape (n_rows, n_features)
        y : Series of shape (n_rows,)

        Raises
        ------
        GeneratorError
            No row can meet a condition; the message names it.

        Notes
        -----
        Real rows that meet the conditions, or come nearest, are the donors. Twenty
        candidates per row are resampled by how likely the conditions are given their
        other columns (likelihood weighting); none is rejected and drawn again.

        Examples
        --------
        >>> import pandas as pd
        >>> from t2sampler.generators import StatisticalTeam
        >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
        >>> team = StatisticalTeam().fit(X, [0, 0, 0, 0, 1, 1])
        >>> given = {"sex": "F", "age": (40, 50)}
        >>> rows, _ = team.draw_conditional(4, given, random_state=0)
        >>> rows["sex"].tolist(), bool(rows["age"].between(40, 50).all())
        (['F', 'F', 'F', 'F'], True)
        """
        check_is_fitted(self, "schema_")
        if not isinstance(n_rows, Integral) or n_rows < 0:
            raise GeneratorError(
                f"Expected `n_rows` as a whole number of rows, >= 0, got {n_rows!r}."
            )
        conditions = read_conditions(given, self.schema_)
        seed = draw_seed(random_state)
        per_row = CANDIDATES_PER_ROW_CONDITIONAL
        max_rows = max(1, int(MAX_CELLS / per_row / (1 + self._n_uniforms)))
        starts = range(0, n_rows, max_rows)
        sizes = [min(max_rows, n_rows - start) for start in starts] or [0]
        parts = []
        for index, size in enumerate(sizes):
            labels = None if label is None else [label] * size
            rng = np.random.default_rng([seed, index])
            request = Request(index, size, labels, rng)
            parts.append(self._draw_conditional(request, conditions))
        frames, targets = zip(*parts, strict=True)
        X = self._write(pd.concat(frames, ignore_index=True))
        return X, pd.concat(targets, ignore_index=True)

    def _draw_conditional(self, request, conditions):
        """Draw candidates that meet conditions, and resample the likely ones."""
        candidates = self._open_candidates([request], CANDIDATES_PER_ROW_CONDITIONAL)
        targets = candidates.target_classes()
        labels = self._labeler.classes_[targets]
        noise = candidates.noise[:, N_BEFORE_WORKERS:]
        codes, likelihoods = self._team.write(labels, noise, conditions)
        if request.n_rows and not likelihoods.any():
            raise _infeasible(conditions, request.labels)
        n_kept = count_candidates(request.n_rows, CANDIDATES_PER_ROW)
        kept = resample_by_likelihood(likelihoods, n_kept, request.rng)
        if request.labels is None:  # labels are as frequent as among such rows
            candidates = replace(candidates, wanted=[targets[kept[: request.n_rows]]])
        candidates = replace(candidates, sizes=(n_kept,), noise=candidates.noise[kept])
        return self._select(candidates, codes[kept], labels[kept])

    @property
    def _n_uniforms(self):
        return N_BEFORE_WORKERS + self._team.n_uniforms

    @property
    def _relabels(self):
        return self.keep_fraction is not None and self._labeler.is_relabelled_.any()

    @property
    def _keep_fraction(self):
        if self.keep_fraction != "auto":
            return self.keep_fraction or 1.0
        return 0.5 if self.schema_.n_rows <= MAX_ROWS_KEEP_HALF else 1.0

    @property
    def _per_row(self):
        """Candidates per wanted row."""
        if not self._relabels:
            return CANDIDATES_PER_ROW_AS_DRAWN
        is_reliable = self.schema_.n_rows > MAX_ROWS_UNRELIABLE
        return CANDIDATES_PER_ROW_OF_MANY if is_reliable else CANDIDATES_PER_ROW

    def _open_candidates(self, requests, per_row):
        return CandidateSet.open(requests, per_row, self._n_uniforms, self._find_wanted)

    def _draw_together(self, requests):
        """Draw candidates of several requests in one pass, and select their rows."""
        candidates = self._open_candidates(requests, self._per_row)
        labels = self._labeler.classes_[candidates.target_classes()]
        codes, _ = self._team.write(labels, candidates.noise[:, N_BEFORE_WORKERS:])
        frame, target = self._select(candidates, codes, labels)
        frame, stop = self._write(frame), 0  # in one piece: it costs time per call
        for request in requests:
            start, stop = stop, stop + request.n_rows
            X, y = frame.iloc[start:stop], target.iloc[start:stop]
            X.index = y.index = pd.RangeIndex(request.n_rows)
            yield Batch(request.index, X, y)

    def _select(self, candidates, codes, target_labels):
        """Return the rows selected among candidates, and their labels."""
        margins = self._find_margins(codes, target_labels)
        keep_fraction = self._keep_fraction
        if self._balances:
            places = self._find_places(target_labels)
            scores = take_own(margins, places)
            for label, balance in self._balances.items():
                rows = np.flatnonzero(target_labels == label)
                uniforms = candidates.noise[rows, CHOICE]
                scores[rows] = balance.score(codes[rows], scores[rows], uniforms)
            margins, keep_fraction = keep_classes(margins, places, scores), 0
        rows, classes = candidates.select(
            margins,
            is_excess_copy=self._find_excess(codes, candidates.noise),
            has_gaps=np.isnan(codes[:, self.schema_.modelled]).any(axis=1),
            keep_fraction=keep_fraction,
        )
        labels = self._labeler.classes_[classes]
        target = self.schema_.target.decode(labels.astype(float))
        return self.schema_.decode(codes[rows]), target

    def _find_places(self, labels):
        """Return the positions of label codes among the classes."""
        return np.searchsorted(self._labeler.classes_, labels)

    def _find_excess(self, codes, noise):
        """Return which candidates are copies of a real row that are one too many."""
        is_excess = noise[:, COPY] >= self._copy_probability
        return self._copies.are_copies(codes) & is_excess

    def _find_wanted(self, requests, uniforms):
        """Return the position of each row's label among the classes."""
        codes = self._labeler.draw_labels(uniforms)
        sizes = [request.n_rows for request in requests]
        is_wanted = np.repeat([r.labels is not None for r in requests], sizes)
        if is_wanted.any():
            given = [r.labels for r in requests if r.labels is not None]
            codes[is_wanted] = self._wanted_codes(np.concatenate(given))
        return self._find_places(codes)

    def _find_margins(self, codes, target_labels):
        """Return margins; 0 for the target label where rows are not relabelled."""
        if self._relabels:
            return self._labeler.find_margins(codes, target_labels)
        is_target = target_labels[:, None] == self._labeler.classes_
        return np.where(is_target, 0.0, -np.inf)


def _infeasible(conditions, labels):
    """Return the error of conditions that no candidate meets."""
    descriptions = ", ".join(c.description for c in conditions.values())
    beside = "" if labels is None else f" with the label {labels[0]!r}"
    return GeneratorError(
        f"No row satisfies {{{descriptions}}}{beside} together with the relations that "
        "hold in all real rows. Drop or relax a condition."
    )
