"""Synthesizers with `fit` and `sample` as generators, and how their rows are read."""

import copy
import inspect
from collections.abc import Hashable
from dataclasses import replace
from math import ceil

import numpy as np
import pandas as pd

from t2sampler._params import HasMethods, check_is_fitted
from t2sampler._records import Batch
from t2sampler._schema import UNSEEN, find_zone
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._base import BaseGenerator
from t2sampler.team._plan import find_free_name

# A batch is filled by rejection: from at most so many pools, each of so many rows. A
# class whose share of a pool is s is expected after 1 / s rows per row wanted; the
# margin keeps most batches to one pool.
MAX_POOLS = 20
MIN_POOL_ROWS, MAX_POOL_ROWS = 10, 20_000
POOL_MARGIN = 1.2
SEED_PARAMETERS = ("random_state", "seed")


def from_synthesizer(synthesizer, *, column_kinds=None):
    """Make a generator of anything with ``fit(frame)`` and ``sample(n_rows)``.

    Parameters
    ----------
    synthesizer : object
        Not fitted; it is copied. It is given one dataframe in which the label is the
        last column, and returns dataframes like it.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.

    Returns
    -------
    generator : SynthesizerGenerator

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.generators import from_synthesizer
    >>> class Bootstrap:
    ...     def fit(self, frame):
    ...         self.frame = frame
    ...
    ...     def sample(self, n_rows, seed=None):
    ...         return self.frame.sample(n_rows, replace=True, random_state=seed)
    >>> X = pd.DataFrame({"age": [31, 47, 52]})
    >>> generator = from_synthesizer(Bootstrap()).fit(X, ["no", "no", "yes"])
    """
    return SynthesizerGenerator(synthesizer, column_kinds=column_kinds)


class SynthesizerGenerator(BaseGenerator):
    """Draw rows by anything with ``fit(frame)`` and ``sample(n_rows)``.

    The label is one more column of the synthesizer's table. Rows of the wanted labels
    are taken from pools that it samples, a bounded number of them; a batch that is not
    full by then holds fewer rows. A row with a cell that its column cannot hold (an
    unseen level, 3.7 among whole numbers) is refused, with the reason.

    Pools are drawn per batch, so batches share no rows. A ``sample`` with a parameter
    ``random_state`` or ``seed`` is seeded from the batch's stream. Any other keeps its
    own randomness: then the same seed need not give the same rows.

    Parameters
    ----------
    synthesizer : object
        Not fitted; it is copied.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.

    Attributes
    ----------
    synthesizer_ : object
        The fitted copy.
    schema_ : TableSchema
    """

    _parameter_constraints: dict = {
        "column_kinds": [dict, None],
        "synthesizer": [HasMethods(["fit", "sample"])],
    }

    def __init__(self, synthesizer, *, column_kinds=None):
        self.synthesizer = synthesizer
        self.column_kinds = column_kinds

    def fit(self, X, y, schema=None):
        """Fit a copy of the synthesizer on rows and labels together.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : Series or array-like of shape (n_rows,)
        schema : TableSchema, default=None

        Returns
        -------
        self : estimator
        """
        self._validate_params()
        frame, target, self.schema_ = self._open(X, y, schema)
        name = "label" if target.name is None else target.name
        self._label = find_free_name(name, frame.columns)
        self.synthesizer_ = copy.deepcopy(self.synthesizer)
        seen = frame[[c.name for c in self.schema_.columns if c.is_modelled]]
        self.synthesizer_.fit(pd.concat([seen, target.rename(self._label)], axis=1))
        parameters = inspect.signature(self.synthesizer_.sample).parameters
        seeds = (name for name in SEED_PARAMETERS if name in parameters)
        self._seed_parameter = next(seeds, None)
        return self

    def draw(self, requests):
        """Yield a batch per request, in their order.

        Parameters
        ----------
        requests : iterable of Request

        Yields
        ------
        batch : Batch
        """
        check_is_fitted(self, "schema_")
        for request in requests:
            wanted = self._wanted_codes(request.labels)
            if wanted is None:
                wanted = np.full(request.n_rows, -1)  # any label will do
            yield self._draw_batch(request, wanted)

    def _draw_batch(self, request, wanted):
        """Draw pools until every wanted row is there, or no more may be drawn."""
        codes = np.full((len(wanted), len(self.schema_.columns) + 1), np.nan)
        is_open = np.ones(len(wanted), dtype=bool)
        refused = []
        for _ in range(MAX_POOLS):
            if not is_open.any():
                break
            pool = self._draw_pool(wanted[is_open], request.rng)
            read, reasons = coerce_rows(pool, self._columns)
            refused.append(self._list_refused(pool, read, reasons, wanted))
            _place(codes, is_open, wanted, read[reasons == ""])
        codes = codes[~is_open]
        X = self._write(self.schema_.decode(codes[:, :-1]))
        y = self.schema_.target.decode(codes[:, -1])
        lost = pd.concat(refused, ignore_index=True) if refused else None
        return Batch(request.index, X, y, lost)

    @property
    def _columns(self):
        target = replace(self.schema_.target, name=self._label)
        return [*self.schema_.columns, target]

    def _draw_pool(self, wanted, rng):
        """Return a pool that is expected to hold the wanted rows."""
        n_rows = max(len(wanted), MIN_POOL_ROWS)
        for label, count in zip(*np.unique(wanted, return_counts=True), strict=True):
            if label >= 0:
                n_real = self.schema_.n_per_label[self.schema_.target.levels[label]]
                share = n_real / self.schema_.n_rows
                n_rows = max(n_rows, ceil(POOL_MARGIN * count / share))
        n_rows = min(n_rows, MAX_POOL_ROWS)
        seed = {}
        if self._seed_parameter:
            seed = {self._seed_parameter: int(rng.integers(2**31))}
        pool = self.synthesizer_.sample(n_rows, **seed)
        seen = [c.name for c in self._columns if c.is_modelled]
        missing = [name for name in seen if name not in pool]
        if missing:
            raise GeneratorError(
                f"{type(self.synthesizer_).__name__}.sample expected to return the "
                f"columns it was fitted on, got none named {missing}. Have it return a "
                "dataframe with all of them."
            )
        return pool.reset_index(drop=True)

    def _list_refused(self, pool, read, reasons, wanted):
        """Return unreadable rows that might have been wanted, with the reason."""
        labels = read[:, -1]
        # Rows of other classes are no loss; a row whose label cannot be read may be.
        might = np.isin(labels, wanted) | ~(labels >= 0) | (wanted < 0).any()
        lost = might & (reasons != "")
        return pool[lost].assign(reason=reasons[lost])


def _place(codes, is_open, wanted, read):
    """Put rows into the first open places that want their label, or any."""
    for label in np.unique(wanted[is_open]):
        fits = read if label < 0 else read[read[:, -1] == label]
        places = np.flatnonzero(is_open & (wanted == label))[: len(fits)]
        codes[places] = fits[: len(places)]
        is_open[places] = False


def coerce_rows(frame, columns):
    """Return codes of rows that came from elsewhere; no cell is rounded or guessed.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Holds at least the columns asked for.
    columns : sequence of ColumnSchema
        Those no model may see are left missing.

    Returns
    -------
    codes : float ndarray of shape (n_rows, n_columns)
    reasons : object ndarray of shape (n_rows,)
        What is wrong with a row's first unreadable cell; "" where nothing is.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler._schema import TableSchema
    >>> schema = TableSchema.learn(pd.DataFrame({"n": [1, 2], "kind": ["u", "v"]}))
    >>> new = pd.DataFrame({"n": [7, 3.7, 1], "kind": ["u", "u", "w"]})
    >>> print(*coerce_rows(new, schema.columns)[1][1:], sep="; ")
    n: 3.7 is no whole number; kind: 'w' is no known level
    """
    codes = np.full((len(frame), len(columns)), np.nan)
    reasons = np.full(len(frame), "", dtype=object)
    for j, column in enumerate(columns):
        if not column.is_modelled:
            continue
        values = frame[column.name].reset_index(drop=True)
        codes[:, j], faults = _coerce_column(values, column)
        for fault, rows in faults.items():
            for row in np.flatnonzero(rows & (reasons == "")):
                shown = _show(values[row])
                reasons[row] = f"{column.name}: {shown} {fault}".replace("  ", " ")
    return codes, reasons


def _coerce_column(values, column):
    """Return codes, and which rows have which fault."""
    coerce = _coerce_levels if column.levels else _coerce_times
    coerce = _coerce_numbers if column.kind == "number" else coerce
    codes, faults = coerce(values, column)
    if not column.can_be_missing:
        faults["cannot be missing"] = values.isna().to_numpy()
    return codes, faults


def _coerce_levels(values, column):
    if values.dtype == object:
        values = values.map(lambda cell: cell if isinstance(cell, Hashable) else "")
    codes = column.encode(values)
    return codes, {"is no known level": codes == UNSEEN}


def _coerce_numbers(values, column):
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    faults = {
        "is no number": np.isnan(numbers) & values.notna().to_numpy(),
        "is not finite": np.isinf(numbers),
    }
    dtype = getattr(column.dtype, "numpy_dtype", column.dtype)  # of nullable dtypes
    if getattr(dtype, "kind", "O") != "f" and column.grid.is_integer:
        faults["is no whole number"] = numbers != np.round(numbers)
        faults["is no whole number"] &= np.isfinite(numbers)
    if getattr(dtype, "kind", "O") in "iu":
        limits = np.iinfo(dtype)
        beyond = (numbers < limits.min) | (numbers > limits.max)
        faults[f"does not fit {column.dtype}"] = beyond
    return numbers, faults


def _coerce_times(values, column):
    if column.kind == "timedelta":
        times = pd.to_timedelta(values, errors="coerce")
    else:
        times = _coerce_dates(values, find_zone(column.dtype))
    faults = {f"is no {column.kind}": (times.isna() & values.notna()).to_numpy()}
    return column.encode(times), faults


def _coerce_dates(values, zone):
    """Return dates, with a time zone exactly where the column has one."""
    is_text = values.dtype.kind not in "M"
    options = {"format": "mixed"} if is_text else {}
    dates = pd.to_datetime(values, errors="coerce", **options)
    if zone is None:
        return dates if dates.dt.tz is None else dates.dt.tz_convert("UTC")
    if dates.dt.tz is None:
        return dates.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    return dates.dt.tz_convert(zone)


def _show(cell):
    """Return a cell as text; nothing where there is none."""
    if isinstance(cell, str | bytes):
        return f"{cell!r:.40}"
    is_missing = cell is None or cell is pd.NA or cell is pd.NaT or cell != cell
    return "" if is_missing else f"{cell!s:.40}"
