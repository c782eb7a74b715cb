r"""How much a set of rows tells about a model: Eq. 6 of the paper, three readings.

.. math:: IG(D') = H(\theta \mid D) - H(\theta \mid D, D')

The model is logistic regression on the encoded features, with an intercept and a
standard normal prior on every coefficient: one model for two classes, one against the
rest for each class otherwise. It answers to D' by one Newton step from the optimum on
D (and by more where that step is long), and everything is evaluated again at the new
parameters; with the parameters frozen the gain would never see a label.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from t2sampler.filters._cross_fit import fit_judge
from t2sampler.filters._newton import Repeats

PRIOR = 1.0  # precision of every coefficient
MAX_FIT_STEPS, MAX_MORE_STEPS, MAX_HALVINGS = 50, 6, 30
CLOSE, ROUNDING = 1e-8, 1e-12
SMALLEST = 0.001  # probabilities in a log-loss are not taken to be smaller


@dataclass(frozen=True)
class LogisticFit:
    """One class against the rest, at the optimum on D.

    Attributes
    ----------
    positive : int
        Code of the class.
    theta : ndarray of shape (n_params,)
    precision : ndarray of shape (n_params, n_params)
        Fisher information of D at ``theta``, plus the prior's.
    covariance : ndarray of shape (n_params, n_params)
        Its inverse.
    """

    positive: int
    theta: np.ndarray
    precision: np.ndarray
    covariance: np.ndarray


def log_determinant(precision):
    """Return log det of positive definite matrices of shape (…, p, p)."""
    factor = np.linalg.cholesky(precision)
    return 2 * np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)


def fit_logistic(real, positive):
    """Fit one class against the rest by damped Newton steps.

    Parameters
    ----------
    real : Rows
    positive : int
        A class that no row has gives the model of "nobody".

    Returns
    -------
    fit : LogisticFit
    """
    theta, prior = np.zeros((1, real.X.shape[1])), PRIOR * np.eye(real.X.shape[1])
    for _ in range(MAX_FIT_STEPS):
        step = _newton_step([real], theta, positive)
        theta = theta + step
        if np.abs(step).max() < CLOSE:
            break
    precision = real.information(theta)[0] + prior
    return LogisticFit(positive, theta[0], precision, np.linalg.inv(precision))


def respond(real, fit, added):
    """Return θ after D has been joined by each added set, (n_sets, n_params).

    At the optimum on D only the added rows have a gradient, and one Newton step is
    θ' = θ + [I(θ; D) + I(θ; D')]⁻¹ Σ_{D'} x (y - p). A step that moves the logit of a
    row by more than one is not the last: curvature at θ says little of curvature so far
    off, and a batch of wrong labels would overshoot and look convincing.

    Parameters
    ----------
    real : Rows
    fit : LogisticFit
    added : Repeats or Stack
    """
    shift = added.shift(fit)
    thetas = fit.theta + shift
    far = np.flatnonzero(_reach(added.join(real), shift) > 1)
    if far.size:
        parts = added.take(far).join(real)
        start = np.repeat(fit.theta[None], far.size, axis=0)
        thetas[far] = start + _shorten(parts, start, shift[far], fit.positive)
    for _ in range(MAX_MORE_STEPS):
        if not far.size:
            break
        parts = added.take(far).join(real)
        step = _newton_step(parts, thetas[far], fit.positive)
        thetas[far] += step
        far = far[_reach(parts, step) > 1]
    return thetas


def parameter_gain(real, fit, added):
    r"""Return the gain of Eq. 6 with Laplace's entropy of one model's parameters.

    .. math:: H(\theta \mid D) = -\tfrac12 \log\det [I(\theta; D) + I] + \text{const}

    Parameters
    ----------
    real : Rows
    fit : LogisticFit
    added : Repeats or Stack

    Returns
    -------
    gain : ndarray of shape (n_sets,)
        In nats. Fisher information grows where p is near one half, so rows with
        random labels can look informative.
    """
    prior = PRIOR * np.eye(len(fit.theta))
    thetas = respond(real, fit, added)
    after = sum(part.information(thetas) for part in added.join(real)) + prior
    return (log_determinant(after) - log_determinant(fit.precision)) / 2


def class_probability(logits, n_classes):
    """Return class probabilities from one-against-the-rest logits.

    Parameters
    ----------
    logits : ndarray of shape (n_models, …)
        One model, of class 1, for two classes; else one per class.

    Returns
    -------
    probability : ndarray of shape (n_classes, …)
    """
    own = expit(logits)
    if n_classes == 2:
        return np.concatenate([1 - own, own])
    return own / own.sum(axis=0)


def mean_entropy(probability, weights):
    """Return the mean entropy of p(y | x) over rows, in nats.

    Parameters
    ----------
    probability : ndarray of shape (n_classes, …, n_rows)
    weights : ndarray of shape (n_rows,)
    """
    logs = np.log(np.maximum(probability, np.finfo(float).tiny))
    return -(probability * logs).sum(axis=0) @ weights / weights.sum()


def mean_log_loss(probability, codes, weights):
    """Return the mean of -log p(y_i | x_i) over rows, in nats.

    Parameters
    ----------
    probability : ndarray of shape (n_classes, …, n_rows)
    codes : int ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,)
    """
    own = np.moveaxis(probability, 0, -1)[..., np.arange(len(codes)), codes]
    return -np.log(np.clip(own, SMALLEST, 1)) @ weights / weights.sum()


def null_threshold(mean, deviation, coefficient):
    """Return τ: mean plus ``coefficient`` standard deviations of the null's gaps.

    Examples
    --------
    >>> null_threshold(-0.2, 0.05, 2.0)
    -0.1
    """
    return mean + coefficient * deviation


def _newton_step(parts, thetas, positive):
    precision = sum(part.information(thetas) for part in parts)
    precision = precision + PRIOR * np.eye(thetas.shape[1])
    score = sum(part.score(thetas, positive) for part in parts) - PRIOR * thetas
    step = np.linalg.solve(precision, score[..., None])[..., 0]
    return _shorten(parts, thetas, step, positive)


def _shorten(parts, thetas, step, positive):
    """Halve steps until they do not raise the loss."""
    loss = _loss(parts, thetas, positive)
    step = step.copy()
    for _ in range(MAX_HALVINGS):
        reached = _loss(parts, thetas + step, positive)
        worse = reached > loss * (1 + ROUNDING)
        if not worse.any():
            break
        step[worse] /= 2
    return step


def _reach(parts, steps):
    """Return by how much each step moves the logit of a row, at most."""
    return np.maximum.reduce([np.abs(p.logits(steps)).max(axis=1) for p in parts])


def _loss(parts, thetas, positive):
    penalty = PRIOR * (thetas**2).sum(axis=1) / 2
    return sum(part.loss(thetas, positive) for part in parts) + penalty


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
