"""Choose the surest candidates of a class that have its levels as often as it does."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from t2sampler._schema import ColumnSchema, TableSchema

# A share is kept within so many standard errors of that of the real rows.
N_ERRORS = 1.28
# Numbers of at most so many values have levels; others have quarters.
MAX_VALUES = 20
QUARTERS = (0.25, 0.5, 0.75)
# Spread of the noise that is added to margins, in standard deviations of these: where
# many candidates are alike, a part of them has to be chosen.
NOISE = 0.1
MAX_SHIFT = 30.0  # of a margin by a level, in units of this noise
MAX_STEPS = 200

Codes = NDArray[np.float64]
Positions = NDArray[np.intp]


class ShareBalance:
    r"""Score candidates by margin, so that the best keep the shares of levels.

    For one class. A candidate's score is its margin m for this class, plus a term for
    each of its levels, less a cut:

    .. math:: s(x) = m(x) + \sum_j \lambda_{j, x_j} - c

    Terms and cut maximise the sum of the margins of those chosen, among all choices of
    a fraction of the candidates in which every level's share is within one standard
    error of its share among the real rows of the class (Wilson's interval); they are
    the dual variables of this linear programme, smoothed by a little noise. A missing
    value is a level. Numbers of at most twenty values have levels, and other numbers
    are in the quarters of the class.

    Parameters
    ----------
    schema : TableSchema
    """

    def __init__(self, schema: TableSchema):
        self.schema = schema

    def fit(self, codes: Codes) -> "ShareBalance":
        """Learn the shares of levels.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
            Of the real rows of the class.
        """
        self._edges = [
            (j, _find_edges(self.schema.columns[j], codes[:, j]))
            for j in self.schema.modelled
        ]
        sizes = [len(edges) + 2 for _, edges in self._edges]  # the last one: missing
        self._starts = np.cumsum([0, *sizes])
        self._bounds = find_bounds(self._count(self._find_levels(codes)), len(codes))
        self._terms, self._cut, self._scale = np.zeros(self._starts[-1]), 0.0, 0.0
        return self

    def calibrate(
        self, codes: Codes, margins: Codes, fraction: float
    ) -> "ShareBalance":
        """Find terms and cut from candidates that were drawn for the class.

        Parameters
        ----------
        codes : float ndarray of shape (n_candidates, n_columns)
        margins : float ndarray of shape (n_candidates,)
        fraction : float in (0, 1)
            Share of the candidates that is to be chosen.
        """
        scale = NOISE * float(margins.std())
        if not scale > 0:
            return self
        n_terms = int(self._starts[-1])
        has_level = np.zeros((len(codes), n_terms))
        np.put_along_axis(has_level, self._find_levels(codes), 1, axis=1)
        low, high = (fraction * bound for bound in self._bounds)
        scaled = margins / scale

        def find_loss(x: Codes) -> tuple[float, Codes]:
            """Return the dual and its gradient; terms up, terms down, cut."""
            terms = x[:n_terms] - x[n_terms:-1]
            score = scaled + has_level @ terms - x[-1]
            chosen = 1 / (1 + np.exp(-score.clip(-500, 500)))
            shares = chosen @ has_level / len(codes)
            loss = np.logaddexp(0, score).mean() + fraction * x[-1]
            loss += high @ x[n_terms:-1] - low @ x[:n_terms]
            slope = shares - low, high - shares, np.array([fraction - chosen.mean()])
            return float(loss), np.concatenate(slope)

        start = np.zeros(2 * n_terms + 1)
        start[-1] = np.quantile(scaled, 1 - fraction)
        bounds = [(0, MAX_SHIFT)] * (2 * n_terms) + [(None, None)]
        options = {"maxiter": MAX_STEPS}
        x = minimize(find_loss, start, jac=True, bounds=bounds, options=options).x
        self._terms = (x[:n_terms] - x[n_terms:-1]) * scale
        self._cut, self._scale = float(x[-1]) * scale, scale
        return self

    def score(self, codes: Codes, margins: Codes, uniforms: Codes) -> Codes:
        """Return scores; from 0 on a candidate is among the best of the class.

        Parameters
        ----------
        codes : float ndarray of shape (n_candidates, n_columns)
            Drawn for the class.
        margins, uniforms : float ndarrays of shape (n_candidates,)
        """
        noise = np.log(uniforms.clip(1e-12)) - np.log1p(-uniforms)
        terms = self._terms[self._find_levels(codes)].sum(axis=1)
        scores: Codes = margins + terms - self._cut + self._scale * noise
        return scores

    def _find_levels(self, codes: Codes) -> Positions:
        """Return the positions of each row's levels among those of all columns."""
        levels = np.empty((len(codes), len(self._edges)), dtype=np.intp)
        for i, (j, edges) in enumerate(self._edges):
            places = np.searchsorted(edges, codes[:, j], side="right")
            places[np.isnan(codes[:, j])] = len(edges) + 1
            levels[:, i] = self._starts[i] + places
        return levels

    def _count(self, levels: Positions) -> Codes:
        """Return how many rows have each level."""
        counts = np.bincount(levels.ravel(), minlength=int(self._starts[-1]))
        return counts.astype(float)


def _find_edges(column: ColumnSchema, codes: Codes) -> Codes:
    """Return the least codes of all levels but the first."""
    if column.levels:
        return np.arange(1.0, len(column.levels))
    values = np.unique(codes[~np.isnan(codes)])
    if len(values) <= MAX_VALUES:
        return values[1:]
    # A value on which many rows are is a level of its own.
    cuts = np.quantile(codes[~np.isnan(codes)], QUARTERS, method="higher")
    return np.unique([cuts, np.nextafter(cuts, np.inf)])


def find_bounds(counts: Codes, n_rows: int) -> tuple[Codes, Codes]:
    """Return the least and the largest share that each level may have.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = find_bounds(np.array([12, 96]), 108)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.078, 0.844], [0.156, 0.922])
    """
    z = N_ERRORS**2
    middle = (counts + z / 2) / (n_rows + z)
    reach = np.sqrt(z * (counts * (1 - counts / n_rows) + z / 4)) / (n_rows + z)
    return middle - reach, middle + reach
