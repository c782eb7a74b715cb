"""Other people's generators behind our door."""

import copy
import inspect
from dataclasses import replace
from math import ceil

import numpy as np
import pandas as pd
from sklearn.base import clone

from t2sampler._params import HasMethods, check_is_fitted
from t2sampler._records import Batch
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._base import BaseGenerator
from t2sampler.generators._reading import read_rows
from t2sampler.generators._sampler_table import SamplerTable

MAX_POOLS, MIN_POOL_ROWS, MAX_POOL_ROWS = 20, 10, 20_000  # of a synthesizer, per batch
SPARE = 1.2  # rows drawn per row wanted, beyond what the class's share suggests
SEEDS = ("random_state", "seed")


def from_sampler(sampler):
    """Put an over-sampler of imbalanced-learn behind the door of a generator.

    Parameters
    ----------
    sampler : over-sampler
        Such as ``SMOTE()``; it is cloned for every batch.

    Returns
    -------
    generator : SamplerGenerator

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> from t2sampler.generators import from_sampler
    >>> from_sampler(SMOTE(k_neighbors=3)).sampler
    SMOTE(k_neighbors=3)
    """
    return SamplerGenerator(sampler)


def from_synthesizer(synthesizer):
    """Put anything with ``fit(frame)`` and ``sample(n_rows)`` behind the same door.

    Parameters
    ----------
    synthesizer : object
        Not fitted; it is copied. It is given one dataframe in which the label is the
        last column, and returns dataframes like it.

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
    return SynthesizerGenerator(synthesizer)


class SamplerGenerator(BaseGenerator):
    """Draw rows by an over-sampler of imbalanced-learn.

    Every batch is drawn by a clone of its own, whose ``random_state`` comes from the
    batch's stream and which is asked for the wanted rows and no others. A number of
    neighbours that is too large for a class is reduced. What comes back is snapped to
    the resolution of its column, and a level's code to the nearest level; numbers are
    within the real rows' bounds. Names, ids and free text are left missing. A sampler
    that gives fewer rows than asked (such as ADASYN) gives smaller batches.

    Parameters
    ----------
    sampler : over-sampler
        ``sampling_strategy`` and ``random_state`` are overwritten; so is
        ``categorical_features`` unless it is a list.

    Attributes
    ----------
    schema_ : TableSchema
    """

    _parameter_constraints: dict = {"sampler": [HasMethods(["fit_resample"])]}

    def __init__(self, sampler):
        self.sampler = sampler

    def fit(self, X, y, schema=None):
        """Keep the real rows as the sampler takes them.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : Series or array-like of shape (n_rows,)
        schema : TableSchema, default=None

        Returns
        -------
        self : estimator

        Raises
        ------
        GeneratorError
            The table has categories and the sampler takes numbers only.
        """
        self._validate_params()
        kind = getattr(self.sampler, "_sampling_type", None)
        if kind != "over-sampling":
            raise ValueError(
                f"`sampler` must be an over-sampler, which adds rows and drops none, "
                f"got {self.sampler!r}. Use a filter to drop rows."
            )
        frame, target, self.schema_ = self._open(X, y, schema)
        self._table = SamplerTable(self.schema_, self.sampler)
        self._matrix = self._table.encode(frame)
        self._labels = self.schema_.target.encode(target).astype(np.intp)
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
                wanted = request.rng.choice(self._labels, request.n_rows)
            matrix = np.full((request.n_rows, self._matrix.shape[1]), np.nan)
            is_drawn = np.zeros(request.n_rows, dtype=bool)
            for label in np.unique(wanted):
                rows = np.flatnonzero(wanted == label)
                new = self._draw_class(label, len(rows), request.rng)
                matrix[rows[: len(new)]] = new
                is_drawn[rows[: len(new)]] = True
            X = self.schema_.decode(self._table.decode(matrix[is_drawn]))
            y = self.schema_.target.decode(wanted[is_drawn].astype(float))
            yield Batch(request.index, X, y)

    def _draw_class(self, label, n_rows, rng):
        """Return at most ``n_rows`` new rows of one class."""
        n_class = int((self._labels == label).sum())
        sampler = self._set_up(label, n_class, n_rows, rng)
        try:
            matrix, labels = sampler.fit_resample(self._matrix, self._labels)
        except (RuntimeError, ValueError) as error:
            name = self.schema_.target.levels[label]
            raise GeneratorError(
                f"{type(sampler).__name__} drew no rows of class {name}, which has "
                f"{n_class} real rows: {error} Use RandomOverSampler or "
                "StatisticalTeam, or give more rows."
            ) from error
        new = matrix[len(self._matrix) :][labels[len(self._matrix) :] == label]
        return new[np.sort(rng.permutation(len(new))[:n_rows])]

    def _set_up(self, label, n_class, n_rows, rng):
        """Return a clone that is to add ``n_rows`` to one class."""
        sampler = clone(self.sampler)
        params = sampler.get_params(deep=False)
        settings = {"sampling_strategy": {int(label): n_class + n_rows}}
        if "random_state" in params:
            settings["random_state"] = int(rng.integers(2**31))
        most = {"k_neighbors": n_class, "n_neighbors": n_class}
        most["m_neighbors"] = len(self._labels)
        for name, n_near in most.items():
            if isinstance(params.get(name), int) and n_near > 1:
                settings[name] = min(params[name], n_near - 1)
        features = params.get("categorical_features", ())
        if features is None or isinstance(features, str):
            settings["categorical_features"] = self._table.level_columns
        return sampler.set_params(**settings)


class SynthesizerGenerator(BaseGenerator):
    """Draw rows by anything with ``fit(frame)`` and ``sample(n_rows)``.

    The label travels as one more column. Wanted labels are met by rejection, in a
    bounded number of pools; a batch that is not full by then holds fewer rows. Cells
    that do not fit their column (an unseen level, 3.7 among whole numbers) refuse the
    row, with the reason.

    Pools are drawn per batch, so batches share no rows. A ``sample`` with a parameter
    ``random_state`` or ``seed`` is seeded from the batch's stream. Any other keeps its
    own randomness: then the same seed need not give the same rows.

    Parameters
    ----------
    synthesizer : object
        Not fitted; it is copied.

    Attributes
    ----------
    synthesizer_ : object
        The fitted copy.
    schema_ : TableSchema
    """

    _parameter_constraints: dict = {"synthesizer": [HasMethods(["fit", "sample"])]}

    def __init__(self, synthesizer):
        self.synthesizer = synthesizer

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
        self._label = _free_name(target.name, frame.columns)
        self.synthesizer_ = copy.deepcopy(self.synthesizer)
        self.synthesizer_.fit(pd.concat([frame, target.rename(self._label)], axis=1))
        parameters = inspect.signature(self.synthesizer_.sample).parameters
        self._seed = next((name for name in SEEDS if name in parameters), None)
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
            read, reasons = read_rows(pool, self._columns)
            refused.append(self._list_refused(pool, read, reasons, wanted))
            _place(codes, is_open, wanted, read[reasons == ""])
        codes = codes[~is_open]
        X = self.schema_.decode(codes[:, :-1])
        y = self.schema_.target.decode(codes[:, -1])
        lost = pd.concat(refused, ignore_index=True) if refused else None
        return Batch(request.index, X, y, lost)

    @property
    def _columns(self):
        target = replace(self.schema_.target, name=self._label)
        return [*self.schema_.columns, target]

    def _draw_pool(self, wanted, rng):
        """Return rows enough to hold the wanted ones, as far as shares tell."""
        n_rows = max(len(wanted), MIN_POOL_ROWS)
        for label, count in zip(*np.unique(wanted, return_counts=True), strict=True):
            if label >= 0:
                n_real = self.schema_.n_per_label[self.schema_.target.levels[label]]
                share = n_real / self.schema_.n_rows
                n_rows = max(n_rows, ceil(SPARE * count / share))
        n_rows = min(n_rows, MAX_POOL_ROWS)
        seed = {self._seed: int(rng.integers(2**31))} if self._seed else {}
        pool = self.synthesizer_.sample(n_rows, **seed)
        missing = [c.name for c in self._columns if c.name not in pool]
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


def _free_name(name, taken):
    """Return a name for the label's column that no other column has."""
    name = "label" if name is None else name
    while name in taken:
        name = f"{name}'"
    return name
