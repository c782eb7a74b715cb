"""What candidates cost a model of the real rows, or of real rows and candidates."""

import numpy as np

from t2sampler.filters._judge import N_FOLDS, cross_probability, fit_judge
from t2sampler.filters._selection import assign_folds, prediction_cost, row_keys

MAX_POOLED = 20_000  # candidates a pooled model is fitted on


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


class PooledPrices:
    """Costs by models cross-fitted over real rows and all candidates of a call.

    Parameters
    ----------
    estimator : classifier or None
    X : ndarray of shape (n_real, n_encoded)
    codes : int ndarray of shape (n_real,)
    take : callable
        Returns the encoded candidates at some positions.
    labels : int ndarray of shape (n_candidates,)
    seed : int
        Also chooses the candidates the models are fitted on, where there are more
        than twenty thousand.
    """

    def __init__(self, estimator, X, codes, *, take, labels, seed):
        everyone = np.concatenate([codes, labels])
        keys = [row_keys(X)]
        for start in range(0, len(labels), MAX_POOLED):
            stop = min(start + MAX_POOLED, len(labels))
            keys.append(row_keys(take(np.arange(start, stop))))
        folds = assign_folds(np.concatenate(keys), everyone, N_FOLDS)
        self._folds = folds[len(X) :]
        chosen = np.arange(len(labels))
        if len(labels) > MAX_POOLED:
            rng = np.random.default_rng(seed)
            chosen = np.sort(rng.choice(len(labels), MAX_POOLED, replace=False))
        chosen = chosen[labels[chosen] >= 0]
        members = np.concatenate([np.arange(len(X)), len(X) + chosen])
        X_all, y_all = np.concatenate([X, take(chosen)]), everyone[members]
        n_labels = int(everyone.max()) + 1
        self._judges = [
            fit_judge(estimator, X_all[rest], y_all[rest], n_labels, seed)
            for rest in (folds[members] != fold for fold in range(N_FOLDS))
        ]
        self.of_real = self._costs(X, codes, folds[: len(X)])

    def of_candidates(self, candidates, real):
        """Return the costs of candidates; see `RealPrices`."""
        folds = self._folds[candidates.rows]
        return self._costs(candidates.X, candidates.codes, folds)

    def _costs(self, X, codes, folds):
        costs = np.empty(len(X))
        for fold in np.unique(folds):
            held = folds == fold
            probability = self._judges[fold].probability(X[held])
            costs[held] = prediction_cost(probability, codes[held])
        return costs


def cross_costs(estimator, X, codes, seed):
    """Return Eq. 5 for rows that are judged by models which did not see them."""
    n_labels = int(codes.max()) + 1
    probability = cross_probability(estimator, X, codes, n_labels, seed)
    return prediction_cost(probability, codes)
