"""Three gauges of information gain, Eq. 6, and one that refits any classifier."""

from dataclasses import replace

import numpy as np

from t2sampler.filters._evidence import Repeats
from t2sampler.filters._information import (
    class_probability,
    fit_logistic,
    mean_entropy,
    mean_log_loss,
    parameter_gain,
    respond,
)
from t2sampler.filters._judge import fit_judge

NOBODY = -2  # the code of a class that no real row has, while it is being looked at


class ParameterGauge:
    """Gain in what is known of the parameters, summed over one-against-the-rest models.

    The sum's blocks are the diagonal blocks p_k(1 - p_k) of a multinomial model's
    Fisher information; for two classes there is one model, and the sum is exact.

    Parameters
    ----------
    real : Rows
    n_classes : int
    """

    def __init__(self, real, n_classes):
        self.real = real
        self.n_classes = n_classes
        self._fits = _fit_models(real, n_classes)
        self._nobody = None

    def gain(self, added):
        """Return Eq. 6 for every added set, (n_sets,)."""
        return sum(parameter_gain(self.real, fit, added) for fit in self._fits)

    def gain_of_new(self, added):
        """Return the gain of one more model, for rows labelled `NOBODY`."""
        if self._nobody is None:
            self._nobody = fit_logistic(self.real, NOBODY)
        return parameter_gain(self.real, self._nobody, added)


class PredictiveGauge:
    """Loss of entropy of p(y | x), on average over the real rows.

    Parameters
    ----------
    real : Rows
    n_classes : int
    """

    def __init__(self, real, n_classes):
        self.real = real
        self.n_classes = n_classes
        self._fits = _fit_models(real, n_classes)
        before = np.array([fit.theta[None] for fit in self._fits])
        self._before = self._entropy(before)

    def gain(self, added):
        """Return Eq. 6 for every added set, (n_sets,)."""
        thetas = np.array([respond(self.real, fit, added) for fit in self._fits])
        return self._before - self._entropy(thetas)

    def _entropy(self, thetas):
        probability = class_probability(thetas @ self.real.X.T, self.n_classes)
        return mean_entropy(probability, self.real.weights)


class ValidationGauge:
    """Loss of cross-fitted log-loss on the real rows.

    A fold's training part never holds a copy of a row of that fold, be it a row of the
    twin or a candidate that repeats a real row.

    Parameters
    ----------
    real : Rows
    n_classes : int
    """

    def __init__(self, real, n_classes):
        self.real = real
        self.n_classes = n_classes
        self._fits = {
            fold: _fit_models(real.without(fold), n_classes)
            for fold in np.unique(real.folds)
        }
        self._before = sum(
            self._loss(fold, np.array([fit.theta[None] for fit in fits]))
            for fold, fits in self._fits.items()
        )

    def gain(self, added):
        """Return Eq. 6 for every added set, (n_sets,)."""
        after = 0.0
        for fold, fits in self._fits.items():
            real, rest = self.real.without(fold), added.without(fold)
            thetas = np.array([respond(real, fit, rest) for fit in fits])
            after = after + self._loss(fold, thetas)
        return self._before - after

    def _loss(self, fold, thetas):
        held = self.real.folds == fold
        weights = self.real.weights[held]
        probability = class_probability(thetas @ self.real.X[held].T, self.n_classes)
        share = weights.sum() / self.real.weights.sum()
        return share * mean_log_loss(probability, self.real.codes[held], weights)


class RefitGauge:
    """The gauges on real rows for any classifier, by fitting it again for each set.

    One fit per set ("predictive") or one per set and fold ("validation"). D stands
    with at most about a thousand rows, each once.

    Parameters
    ----------
    real : Rows
    n_classes : int
    estimator : classifier
    is_crossfit : bool
        True for "validation".
    seed : int
    """

    def __init__(self, real, n_classes, estimator, is_crossfit, seed):
        self.real = real
        self.n_classes = n_classes
        self._estimator, self._seed = estimator, seed
        self._measure = self._log_loss if is_crossfit else self._entropy
        nothing = Repeats(real, np.zeros((1, len(real.X)), dtype=int))
        self._before = self._measure(nothing, 0)

    def gain(self, added):
        """Return Eq. 6 for every added set, (n_sets,)."""
        after = [self._measure(added, t) for t in range(len(added))]
        return self._before - np.array(after)

    def _entropy(self, added, t):
        probability = self._fit(np.ones(len(self.real.X), bool), added, t)
        return mean_entropy(probability.T, self.real.weights)

    def _log_loss(self, added, t):
        probability = np.empty((len(self.real.X), self.n_classes))
        for fold in np.unique(self.real.folds):
            held = self.real.folds == fold
            probability[held] = self._fit(~held, added.without(fold), t)[held]
        return mean_log_loss(probability.T, self.real.codes, self.real.weights)

    def _fit(self, is_training, added, t):
        X, codes = added.listed(t)
        X = np.vstack([self.real.X[is_training], X])[:, 1:]
        codes = np.concatenate([self.real.codes[is_training], codes])
        judge = fit_judge(self._estimator, X, codes, self.n_classes, self._seed)
        return judge.probability(self.real.X[:, 1:])


def make_gauge(information, real, n_classes, estimator=None, seed=0):
    """Return the gauge for one value of the parameter ``information``."""
    if information == "parameter":
        return ParameterGauge(real, n_classes)
    if estimator is not None:
        is_crossfit = information == "validation"
        return RefitGauge(real, n_classes, estimator, is_crossfit, seed)
    kind = PredictiveGauge if information == "predictive" else ValidationGauge
    return kind(real, n_classes)


def compress(real):
    """Turn wide real rows so that they need no more columns than there are rows.

    Exact for everything made of these rows alone: parameters beside their span keep
    the prior, before and after.
    """
    if real.X.shape[1] <= len(real.X):
        return real
    turn = np.linalg.svd(real.X, full_matrices=False)[2]
    return replace(real, X=real.X @ turn.T)


def _fit_models(real, n_classes):
    positives = [1] if n_classes == 2 else range(n_classes)
    return [fit_logistic(real, positive) for positive in positives]
