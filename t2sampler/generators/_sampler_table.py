"""A mixed table as other people's over-samplers take it, and the way back."""

import numpy as np
from imblearn.over_sampling import SMOTEN, RandomOverSampler

from t2sampler.exceptions import GeneratorError


class SamplerTable:
    """Real rows as a matrix for one over-sampler.

    Samplers that repeat rows get codes as they are. Samplers that know categories get
    missing levels as one more level, and the median for missing numbers. All others get
    numbers, booleans and ordered categories, with the median for what is missing.

    Parameters
    ----------
    schema : TableSchema
    sampler : over-sampler
        Not fitted.
    """

    def __init__(self, schema, sampler):
        self.schema, self.sampler = schema, sampler
        self._places = [j for j, c in enumerate(schema.columns) if c.is_learnable]
        self._columns = [schema.columns[j] for j in self._places]
        self._repeats = isinstance(sampler, RandomOverSampler) and not sampler.shrinkage
        self._knows_levels = hasattr(sampler, "categorical_features") or isinstance(
            sampler, SMOTEN
        )
        self._refuse_levels()

    def encode(self, frame):
        """Return a matrix of shape (n_rows, n_learnable_columns)."""
        codes = self.schema.encode(frame)[:, self._places]
        if self._repeats:
            return codes
        for j, column in enumerate(self._columns):
            missing = np.isnan(codes[:, j])
            if not missing.any():
                continue
            more = len(column.levels)
            if not (column.levels and self._knows_levels):
                more = column.snap(np.array([np.nanmedian(codes[:, j])]))[0]
            codes[missing, j] = more
        return codes

    def decode(self, matrix):
        """Return codes of shape (n_rows, n_columns), snapped to levels and grids."""
        codes = np.full((len(matrix), len(self.schema.columns)), np.nan)
        for j, column, x in zip(self._places, self._columns, matrix.T, strict=True):
            if column.levels:
                x = np.round(x)
                codes[:, j] = np.where(x < len(column.levels), x, np.nan)
            else:
                codes[:, j] = column.snap(x)
        return codes

    @property
    def level_columns(self):
        """Positions of categories and booleans in the matrix."""
        return [j for j, column in enumerate(self._columns) if column.levels]

    def _refuse_levels(self):
        """Refuse categories without an order where only numbers are understood."""
        if self._repeats or self._knows_levels:
            return
        for column in self._columns:
            if column.kind == "category" and not column.is_ordered:
                raise GeneratorError(
                    f"{type(self.sampler).__name__} takes numbers only, and column "
                    f"{column.name!r} is a category. Use SMOTENC, or SMOTEN where all "
                    "columns are categories."
                )
