"""The team that needs no model and no network: fitted workers on a plan from data."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from t2sampler._infer import infer_constraints
from t2sampler._params import Interval, check_is_fitted
from t2sampler._records import Batch
from t2sampler.generators._base import BaseGenerator
from t2sampler.team import Plan
from t2sampler.team._fitted_rows import FittedRows
from t2sampler.team._labeler import LabelWorker
from t2sampler.team._manager import make_plan
from t2sampler.team._worker import LeaveMissing, RowTask

MAX_CELLS = 4_000_000  # candidates of one pass, in cells: memory stays flat
MAX_RULE_ROWS = 20_000  # a relation that holds on so many rows is worth keeping


class StatisticalTeam(BaseGenerator):
    """Draw rows by a team of statistical models, fitted on the real rows.

    A manager reads the plan off the data: which columns depend on each other so much
    that one worker writes them together, and who reads whom. Each worker copies its
    columns from a real row of the wanted class that is alike in what it reads, and
    moves numbers a little within the resolution and the bounds of their column.
    Without wanted labels a label worker writes them last, given the whole row.

    Parameters
    ----------
    plan : Plan, default=None
        None: found from the data; the same data give the same plan.
    max_columns : int >= 1, default=4
        Columns that one worker writes at most, unless a rule ties more together.
    min_leaf : int >= 1, default=5
        Real rows among which a donor is chosen, at least.
    smoothing : float in [0, inf), default=1.0
        Factor on the bandwidth by which numbers are moved; 0 copies them.
    n_jobs : int, default=None
        Workers that are fitted side by side; never changes the rows.

    Attributes
    ----------
    plan_ : Plan
    schema_ : TableSchema

    Raises
    ------
    GeneratorError
        A label is wanted that no real row has.

    Notes
    -----
    Fitting costs O(n log n) for n rows, drawing O(log n) per candidate. Every candidate
    takes a fixed number of uniform draws from its batch's stream, so a batch does not
    depend on what is drawn beside it. With one worker for all columns, and numbers that
    recur or none at all, candidates repeat real rows.

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
        "min_leaf": [Interval(Integral, 1, None, closed="left")],
        "smoothing": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self, *, plan=None, max_columns=4, min_leaf=5, smoothing=1.0, n_jobs=None
    ):
        self.plan = plan
        self.max_columns = max_columns
        self.min_leaf = min_leaf
        self.smoothing = smoothing
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
        self._places = {name: j for j, name in enumerate(self.schema_.names)}
        self._steps = [
            self._step(part) for level in self.plan_.levels() for part in level
        ]
        self._workers = Parallel(self.n_jobs, prefer="threads")(
            delayed(self.fit_worker)(self.schema_, step, codes, labels, rules)
            for step in self._steps
        )
        self._labeler = LabelWorker(self.schema_).fit(frame, labels)
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
        check_is_fitted(self, "plan_")
        most_rows = MAX_CELLS // (1 + self._n_uniforms)
        together, n_rows = [], 0
        for request in requests:
            together.append(request)
            n_rows += request.n_rows
            if n_rows >= most_rows:
                yield from self._draw_together(together)
                together, n_rows = [], 0
        if together:
            yield from self._draw_together(together)

    def _step(self, part):
        """Return positions of the columns a component writes, and of those it reads."""
        reads = self.plan_.read_columns(part)
        places = [self._places[name] for name in part.columns]
        return places, [self._places[name] for name in reads]

    def fit_worker(self, schema, step, codes, labels, rules):
        """Fit a worker of this team's settings; columns no model may see are left out.

        Parameters
        ----------
        schema : TableSchema
        step : (sequence of int, sequence of int)
            Positions of the columns it writes, and of those it reads.
        codes : float ndarray of shape (n_rows, n_columns)
        labels : int ndarray of shape (n_rows,)
            Label codes.
        rules : sequence of rules
            Relations between columns that hold in every real row.

        Returns
        -------
        worker : FittedRows or LeaveMissing
        """
        columns, reads = (_learnable(schema, places) for places in step)
        if not columns:
            return LeaveMissing()
        names = {schema.columns[j].name for j in columns}
        worker = FittedRows(
            [schema.columns[j] for j in columns],
            [schema.columns[j] for j in reads],
            [rule for rule in rules if names.issuperset(rule.columns)],
            min_leaf=self.min_leaf,
            smoothing=self.smoothing,
        )
        return worker.fit(codes[:, columns], codes[:, reads], labels)

    @property
    def _n_uniforms(self):
        return 2 + sum(worker.n_uniforms for worker in self._workers)

    def _draw_together(self, requests):
        """Draw the rows of several requests in one pass."""
        sizes = tuple(request.n_rows for request in requests)
        noise = _draw_noise(requests, sizes, self._n_uniforms)
        wanted = self._wanted(requests, sizes)
        is_free = wanted < 0
        labels = wanted.copy()
        labels[is_free] = self._labeler.draw_before(noise[is_free, 0])
        frame = self.schema_.decode(self._write(labels, noise, sizes))
        if is_free.any():
            free = frame[is_free]
            labels[is_free] = self._labeler.write(free, noise[is_free, 1])
        target = self.schema_.target.decode(labels.astype(float))
        yield from _slice(requests, sizes, frame, target)

    def _wanted(self, requests, sizes):
        """Return the wanted label code per row, -1 where the label is free."""
        wanted = np.full(sum(sizes), -1, dtype=np.intp)
        is_wanted = np.repeat(
            [request.labels is not None for request in requests], sizes
        )
        if is_wanted.any():
            given = [r.labels for r in requests if r.labels is not None]
            wanted[is_wanted] = self._wanted_codes(np.concatenate(given))
        return wanted

    def _write(self, labels, noise, sizes):
        """Have each worker write its columns beside those it reads."""
        codes = np.full((len(labels), len(self.schema_.columns)), np.nan, order="F")
        start = 2
        for (columns, reads), worker in zip(self._steps, self._workers, strict=True):
            stop = start + worker.n_uniforms
            columns = _learnable(self.schema_, columns)
            reads = _learnable(self.schema_, reads)
            task = RowTask(
                tuple(self.schema_.columns[j] for j in columns),
                tuple(self.schema_.columns[j] for j in reads),
                codes[:, reads],
                labels,
                noise[:, start:stop],
                sizes,
            )
            codes[:, columns] = worker.write(task).codes
            start = stop
        return codes


def _learnable(schema, places):
    return [j for j in places if schema.columns[j].is_learnable]


def find_relations(frame, schema):
    """Return rules between columns; within a column the codes keep them."""
    some = frame
    if len(frame) > MAX_RULE_ROWS:
        rows = np.random.default_rng(0).permutation(len(frame))[:MAX_RULE_ROWS]
        some = frame.iloc[np.sort(rows)]
    rules = infer_constraints(some, schema)
    return [rule for rule in rules if len(rule.columns) > 1]


def _draw_noise(requests, sizes, width):
    """Return uniforms, each batch's from its own stream."""
    noise = np.empty((sum(sizes), width))
    stop = 0
    for request, size in zip(requests, sizes, strict=True):
        start, stop = stop, stop + size
        request.rng.random(out=noise[start:stop])
    return noise


def _slice(requests, sizes, frame, target):
    """Cut rows drawn together into their batches."""
    stop = 0
    for request, size in zip(requests, sizes, strict=True):
        start, stop = stop, stop + size
        X, y = frame.iloc[start:stop], target.iloc[start:stop]
        X.index = y.index = pd.RangeIndex(size)
        yield Batch(request.index, X, y)
