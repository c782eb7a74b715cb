"""Over-samplers of imbalanced-learn as generators."""

import numpy as np
from imblearn.over_sampling import SMOTEN, RandomOverSampler
from sklearn.base import clone

from t2sampler._params import HasMethods, check_is_fitted
from t2sampler._records import Batch
from t2sampler.exceptions import GeneratorError
from t2sampler.generators._base import BaseGenerator


def from_sampler(sampler, *, column_kinds=None):
    """Make a generator of an over-sampler of imbalanced-learn.

    Parameters
    ----------
    sampler : over-sampler
        Such as ``SMOTE()``; it is cloned for every batch.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.

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
    return SamplerGenerator(sampler, column_kinds=column_kinds)


class SamplerGenerator(BaseGenerator):
    """Draw rows by an over-sampler of imbalanced-learn.

    Every batch is drawn by a clone of its own, whose ``random_state`` comes from the
    batch's stream and which is asked for the wanted rows and no others. A number of
    neighbours that is too large for a class is reduced.

    A sampler that repeats rows gets codes as they are. One that knows categories gets
    missing levels as one more level, and the median for missing numbers. All others get
    numbers, booleans and ordered categories, with the median for what is missing. What
    comes back is snapped to the resolution of its column, and a level's code to the
    nearest level; numbers are within the real rows' bounds. Names, ids and free text
    are left missing. A sampler that gives fewer rows than asked (such as ADASYN) gives
    smaller batches.

    Parameters
    ----------
    sampler : over-sampler
        ``sampling_strategy`` and ``random_state`` are overwritten; so is
        ``categorical_features`` unless it is a list.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.

    Attributes
    ----------
    schema_ : TableSchema
    """

    _parameter_constraints: dict = {
        "column_kinds": [dict, None],
        "sampler": [HasMethods(["fit_resample"])],
    }

    def __init__(self, sampler, *, column_kinds=None):
        self.sampler = sampler
        self.column_kinds = column_kinds

    def fit(self, X, y, schema=None):
        """Encode the real rows for the sampler.

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
        self._columns = [self.schema_.columns[j] for j in self.schema_.modelled]
        self._refuse_levels()
        self._matrix = self._encode(frame)
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
            X = self._write(self.schema_.decode(self._decode(matrix[is_drawn])))
            y = self.schema_.target.decode(wanted[is_drawn].astype(float))
            yield Batch(request.index, X, y)

    @property
    def _repeats_rows(self):
        return isinstance(self.sampler, RandomOverSampler) and not (
            self.sampler.shrinkage
        )

    @property
    def _knows_levels(self):
        has_setting = hasattr(self.sampler, "categorical_features")
        return has_setting or isinstance(self.sampler, SMOTEN)

    def _refuse_levels(self):
        """Refuse categories without an order where only numbers are understood."""
        if self._repeats_rows or self._knows_levels:
            return
        for column in self._columns:
            if column.kind == "category" and not column.is_ordered:
                raise GeneratorError(
                    f"{type(self.sampler).__name__} takes numbers only, and column "
                    f"{column.name!r} is a category. Use SMOTENC, or SMOTEN where all "
                    "columns are categories."
                )

    def _encode(self, frame):
        """Return a matrix of shape (n_rows, n_modelled_columns)."""
        codes = self.schema_.encode(frame)[:, self.schema_.modelled]
        if self._repeats_rows:
            return codes
        for j, column in enumerate(self._columns):
            missing = np.isnan(codes[:, j])
            if not missing.any():
                continue
            filler = len(column.levels)  # one code above the last level
            if not (column.levels and self._knows_levels):
                filler = column.snap(np.array([np.nanmedian(codes[:, j])]))[0]
            codes[missing, j] = filler
        return codes

    def _decode(self, matrix):
        """Return codes of shape (n_rows, n_columns), snapped to levels and grids."""
        codes = np.full((len(matrix), len(self.schema_.columns)), np.nan)
        places = self.schema_.modelled
        for j, column, x in zip(places, self._columns, matrix.T, strict=True):
            if column.levels:
                x = np.round(x)
                # The code above the last level stands for a missing one.
                codes[:, j] = np.where(x < len(column.levels), x, np.nan)
            else:
                codes[:, j] = column.snap(x)
        return codes

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
        # ADASYN may add a few rows too many: which go is left to chance.
        new = matrix[len(self._matrix) :][labels[len(self._matrix) :] == label]
        return new[np.sort(rng.permutation(len(new))[:n_rows])]

    def _set_up(self, label, n_class, n_rows, rng):
        """Return a clone that is to add ``n_rows`` to one class."""
        sampler = clone(self.sampler)
        params = sampler.get_params(deep=False)
        settings = {"sampling_strategy": {int(label): n_class + n_rows}}
        if "random_state" in params:
            settings["random_state"] = int(rng.integers(2**31))
        # A row is not its own neighbour: a class of n rows has n - 1 to offer.
        limits = {"k_neighbors": n_class, "n_neighbors": n_class}
        limits["m_neighbors"] = len(self._labels)
        for name, n_near in limits.items():
            if isinstance(params.get(name), int) and n_near > 1:
                settings[name] = min(params[name], n_near - 1)
        features = params.get("categorical_features", ())
        if features is None or isinstance(features, str):
            settings["categorical_features"] = [
                j for j, column in enumerate(self._columns) if column.levels
            ]
        return sampler.set_params(**settings)
