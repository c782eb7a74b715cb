"""The team that needs no model and no network: fitted workers on a plan from data."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
import pandas as pd

from t2sampler._params import Interval, StrOptions, check_is_fitted, draw_seed
from t2sampler._records import Request
from t2sampler.constraints._infer import infer_constraints, infer_sums
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._base import BaseGenerator
from t2sampler.team import Plan
from t2sampler.team._conditions import read_conditions
from t2sampler.team._fitted_team import Crew
from t2sampler.team._labeler import LabelWorker
from t2sampler.team._plan_from_data import make_plan
from t2sampler.team._selection import (
    COPY,
    GIVEN,
    JUDGED,
    N_OWN,
    PLAIN,
    PLENTY,
    RealRows,
    count_candidates,
    cut_batches,
    pick_rows,
    start_drawing,
    weigh,
)

MAX_CELLS = 4_000_000  # candidates of one pass, in cells: memory stays flat
FEW_ROWS, SURER_HALF = 1000, 0.5  # real rows up to which only the surer half is kept
MANY_ROWS = 5000  # of real ones: labels are sure enough with fewer candidates
N_TRIED = 500  # rows drawn to learn how often they are copies
MAX_RULE_ROWS = 20_000  # a relation that holds on so many rows is worth keeping


class StatisticalTeam(BaseGenerator):
    """Draw rows by a team of statistical models, fitted on the real rows.

    A manager reads the plan off the data: which columns depend on each other so much
    that one worker writes them together, and who reads whom. Each worker copies its
    columns from a real row of the wanted class that is alike in what it reads, and
    moves numbers a little within the resolution and the bounds of their column. More
    rows are drawn than are wanted. A label worker, an ensemble of strongly regularised
    classifiers weighted by cross-validation, says which label each has, and those kept
    are the rows it gives the wanted label, the surer ones first.

    Parameters
    ----------
    plan : Plan, default=None
        None: found from the data; the same data give the same plan.
    max_columns : int >= 1, default=4
        Columns that one worker writes at most, unless a rule ties more together.
    min_leaf : int >= 1 or "auto", default="auto"
        Real rows among which a donor is chosen, at least. "auto": five where a worker
        writes numbers that move; a tenth of the class, from five to fifty, where it
        writes levels, too, lest rows come too near to single real rows.
    smoothing : float in [0, inf), default=1.0
        Factor on the bandwidth by which numbers are moved; 0 copies them.
    surest : float in (0, 1], "auto" or None, default="auto"
        Share of the rows with a label, the surest, that are kept while they suffice.
        "auto": half with up to 1000 real rows, all with more, where likeness to the
        real rows costs nothing. None: nobody judges, and a row keeps the class it was
        drawn for, which stays closer to the real rows but teaches a model less.
    n_jobs : int, default=None
        Workers that are fitted side by side; never changes the rows.

    Attributes
    ----------
    plan_ : Plan
    schema_ : TableSchema
    skill_ : float
        Cross-validated area under the curve of the label worker; NaN where there are
        too few rows to hold any out.

    Raises
    ------
    GeneratorError
        A label is wanted that no real row has.

    Notes
    -----
    Generated labels are the ensemble's opinion. They carry no knowledge beyond that of
    the real rows, and must not be used to estimate label noise, error rates or test
    scores. A class of one row keeps what was drawn for it, and so do all where the
    rows look alike to the ensemble. The order of labels is used if they are a category
    with ``ordered=True``. Without wanted labels those of a batch are drawn from the
    class shares.

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
        "surest": [Interval(Real, 0, 1, closed="right"), StrOptions({"auto"}), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        plan=None,
        max_columns=4,
        min_leaf="auto",
        smoothing=1.0,
        surest="auto",
        n_jobs=None,
    ):
        self.plan = plan
        self.max_columns = max_columns
        self.min_leaf = min_leaf
        self.smoothing = smoothing
        self.surest = surest
        self.n_jobs = n_jobs

    def fit(self, X, y, schema=None):
        """Make a plan, and fit a worker per component.

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
        frame, target, self.schema_ = self._open(X, y, schema)
        codes = self.schema_.encode(frame)
        labels = self.schema_.target.encode(target).astype(np.intp)
        rules = find_relations(frame, self.schema_)
        self.plan_ = self.plan
        if self.plan is None:
            self.plan_ = make_plan(codes, self.schema_, rules, self.max_columns)
        self.plan_.check(self.schema_.names)
        settings = {"min_leaf": self.min_leaf, "smoothing": self.smoothing}
        self._crew = Crew(self.plan_, self.schema_, **settings)
        self._crew.fit(codes, labels, rules, self.n_jobs)
        self._labeler = LabelWorker(self.schema_).fit(codes, labels)
        self._real = RealRows().fit(codes)
        self._copy_chance = 1.0  # until it is known how many copies are picked
        self._copy_chance = self._real.find_chance(self._try_out())
        self.skill_ = self._labeler.skill_
        return self

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
        most_rows = MAX_CELLS // (1 + self._n_uniforms)
        together, n_rows = [], 0
        for request in requests:
            together.append(request)
            n_rows += count_candidates(request.n_rows, self._supply)
            if n_rows >= most_rows:
                yield from self._draw_together(together)
                together, n_rows = [], 0
        if together:
            yield from self._draw_together(together)

    def draw_given(self, n_rows, given, *, label=None, random_state=None):
        """Draw rows in which some columns hold what you say.

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
        candidates per row are weighted by how likely the conditions are beside their
        other columns (likelihood weighting); nothing is rejected and tried again.

        Examples
        --------
        >>> import pandas as pd
        >>> from t2sampler.generators import StatisticalTeam
        >>> X = pd.DataFrame({"age": [31, 47, 52, 28, 60, 44], "sex": list("FMMFMF")})
        >>> team = StatisticalTeam().fit(X, [0, 0, 0, 0, 1, 1])
        >>> rows, _ = team.draw_given(4, {"sex": "F", "age": (40, 50)}, random_state=0)
        >>> rows["sex"].tolist(), bool(rows["age"].between(40, 50).all())
        (['F', 'F', 'F', 'F'], True)
        """
        check_is_fitted(self, "schema_")
        if not isinstance(n_rows, Integral) or n_rows < 0:
            raise GeneratorError(
                f"Expected `n_rows` as a whole number of rows, >= 0, got {n_rows!r}."
            )
        allowed = read_conditions(given, self.schema_)
        seed = draw_seed(random_state)
        most_rows = max(1, int(MAX_CELLS / GIVEN / (1 + self._n_uniforms)))
        starts = range(0, n_rows, most_rows)
        sizes = [min(most_rows, n_rows - start) for start in starts] or [0]
        parts = []
        for index, size in enumerate(sizes):
            labels = None if label is None else [label] * size
            rng = np.random.default_rng([seed, index])
            parts.append(self._draw_given(Request(index, size, labels, rng), allowed))
        frames, targets = zip(*parts, strict=True)
        return pd.concat(frames, ignore_index=True), pd.concat(
            targets, ignore_index=True
        )

    def _draw_given(self, request, allowed):
        """Draw candidates that meet conditions, and pick the likely ones."""
        drawing = start_drawing([request], GIVEN, self._n_uniforms, self._find_wanted)
        classes = self._labeler.classes_
        meant = drawing.meant()
        codes, chances = self._crew.write(
            classes[meant], drawing.noise[:, N_OWN:], drawing.sizes, allowed
        )
        if request.n_rows and not chances.any():
            said = ", ".join(column.said for column in allowed.values())
            wanted = None if request.labels is None else request.labels[0]
            beside = " together" if len(allowed) > 1 else ""
            beside += "" if wanted is None else f" beside the label {wanted!r}"
            raise GeneratorError(
                f"Conditions {{{said}}} cannot be met{beside}: expected rows that keep "
                "the relations between columns that all real rows keep, got none. Drop "
                "or widen one of them."
            )
        n_kept = count_candidates(request.n_rows, JUDGED)
        kept = weigh(chances, n_kept, request.rng)
        if request.labels is None:
            drawing = replace(drawing, wanted=[meant[kept[: request.n_rows]]])
        drawing = replace(drawing, sizes=(n_kept,))
        return self._pick(drawing, codes[kept], classes[meant[kept]], kept)

    @property
    def _n_uniforms(self):
        return N_OWN + self._crew.n_uniforms

    @property
    def _is_judged(self):
        return self.surest is not None and self._labeler.is_judged_.any()

    @property
    def _surest(self):
        if self.surest != "auto":
            return self.surest or 1.0
        return SURER_HALF if self.schema_.n_rows <= FEW_ROWS else 1.0

    @property
    def _supply(self):
        if not self._is_judged:
            return PLAIN
        return JUDGED if self.schema_.n_rows <= MANY_ROWS else PLENTY

    def _try_out(self):
        """Return codes of some rows, drawn and picked as others will be."""
        request = Request(0, N_TRIED, None, np.random.default_rng(0))
        return self.schema_.encode(next(self._draw_together([request])).X)

    def _draw_together(self, requests):
        """Draw candidates of several requests in one pass, and pick their rows."""
        drawing = start_drawing(
            requests, self._supply, self._n_uniforms, self._find_wanted
        )
        classes = self._labeler.classes_
        meant = classes[drawing.meant()]
        codes, _ = self._crew.write(meant, drawing.noise[:, N_OWN:], drawing.sizes)
        frame, target = self._pick(drawing, codes, meant, slice(None))
        yield from cut_batches(requests, frame, target)

    def _pick(self, drawing, codes, meant, kept):
        """Return the rows picked among candidates, and their labels."""
        rows, labels = pick_rows(
            drawing,
            self._lead(codes, meant),
            is_spare=self._is_spare(codes, drawing.noise[kept, COPY]),
            has_gaps=np.isnan(codes[:, self._crew.modelled]).any(axis=1),
            surest=self._surest,
        )
        labels = self._labeler.classes_[labels]
        target = self.schema_.target.decode(labels.astype(float))
        return self.schema_.decode(codes[rows]), target

    def _find_wanted(self, requests, uniforms):
        """Return the place of each row's label among the classes."""
        codes = self._labeler.draw_before(uniforms)
        sizes = [request.n_rows for request in requests]
        is_wanted = np.repeat([r.labels is not None for r in requests], sizes)
        if is_wanted.any():
            given = [r.labels for r in requests if r.labels is not None]
            codes[is_wanted] = self._wanted_codes(np.concatenate(given))
        return np.searchsorted(self._labeler.classes_, codes)

    def _lead(self, codes, meant):
        """Return by how much each label of a candidate is ahead of the others."""
        if self._is_judged:
            return self._labeler.judge(codes, meant)
        return np.where(meant[:, None] == self._labeler.classes_, 0.0, -np.inf)

    def _is_spare(self, codes, uniforms):
        """Return copies of real rows beyond those that real rows have of each other."""
        return self._real.holds(codes) & (uniforms >= self._copy_chance)


def find_relations(frame, schema):
    """Return rules between columns; within a column the codes keep them."""
    some = frame
    if len(frame) > MAX_RULE_ROWS:
        rows = np.random.default_rng(0).permutation(len(frame))[:MAX_RULE_ROWS]
        some = frame.iloc[np.sort(rows)]
    rules = [r for r in infer_constraints(some, schema) if len(r.columns) > 1]
    return [*rules, *infer_sums(some, schema, rules)]
