"""What candidates cost a model of the real rows."""

import numpy as np

from t2sampler.filters._judge import cross_probability, fit_judge
from t2sampler.filters._selection import prediction_cost


class RealPrices:
    """Costs by a model fitted on the real rows, Eq. 5.

    A label no real row has would always cost 1; its rows are judged by a model
    cross-fitted on real rows and their batch.

    Parameters
    ----------
    estimator : classifier or None
    X : ndarray of shape (n_real, n_encoded)
    codes : int ndarray of shape (n_real,)
    seed : int

    Attributes
    ----------
    of_real : ndarray of shape (n_real,)
        Costs of the real rows.
    """

    def __init__(self, estimator, X, codes, seed):
        self._estimator, self._seed = estimator, seed
        self._n_known = int(codes.max()) + 1
        self._judge = fit_judge(estimator, X, codes, self._n_known, seed)
        self.of_real = prediction_cost(self._judge.probability(X), codes)

    def of_candidates(self, candidates, real):
        """Return the costs of candidates.

        Parameters
        ----------
        candidates : Candidates
        real : Rows
            For labels that no real row has.
        """
        X, codes, batch = candidates.X, candidates.codes, candidates.batch
        costs = prediction_cost(self._judge.probability(X), codes)
        is_new = codes >= self._n_known
        for number in np.unique(batch[is_new]):
            own = np.flatnonzero(batch == number)
            together = np.concatenate([X[own], real.X[:, 1:]])
            labels = np.concatenate([codes[own], real.codes])
            fair = cross_costs(self._estimator, together, labels, self._seed)
            own_new = is_new[own]
            costs[own[own_new]] = fair[: len(own)][own_new]
        return costs


def cross_costs(estimator, X, codes, seed):
    """Return Eq. 5 for rows that are judged by models which did not see them."""
    n_labels = int(codes.max()) + 1
    probability = cross_probability(estimator, X, codes, n_labels, seed)
    return prediction_cost(probability, codes)
