r"""How much a set of rows tells about a model: Eq. 6 of the paper, three readings.

.. math:: IG(D') = H(\theta \mid D) - H(\theta \mid D, D')

The model is logistic regression on the encoded features, with an intercept and a
standard normal prior on every coefficient: one model for two classes, one against the
rest for each class otherwise. It answers to D' by one Newton step from the optimum on
D (and by more where that step is long), and everything is evaluated again at the new
parameters; with the parameters frozen the gain would never see a label.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

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
