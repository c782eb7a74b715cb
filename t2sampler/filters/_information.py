r"""How much a set of rows tells about a model: Eq. 6 of the paper, three readings.

.. math:: IG(D') = H(\theta \mid D) - H(\theta \mid D, D')

The model is logistic regression on the encoded features, with an intercept and a
standard normal prior on every coefficient: one model for two classes, one against the
rest for each class otherwise. It answers to D' by one Newton step from the
optimum on D, and everything is evaluated again at the new parameters; with the
parameters frozen the gain would never see a label. No model is ever refitted.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from t2sampler.filters._evidence import spread

PRIOR = 1.0  # precision of every coefficient
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


def fit_logistic(real, positive, n_steps=50):
    """Fit one class against the rest by Newton's method, halving steps that overshoot.

    Parameters
    ----------
    real : RealRows
    positive : int
        A class that no row has gives the model of "nobody".

    Returns
    -------
    fit : LogisticFit
    """
    X, weights, y = real.X, real.weights, real.codes == positive
    theta, prior = np.zeros(X.shape[1]), PRIOR * np.eye(X.shape[1])
    for _ in range(n_steps):
        logits = X @ theta
        precision = (X * (weights * spread(logits))[:, None]).T @ X + prior
        score = X.T @ (weights * (y - expit(logits))) - PRIOR * theta
        step = np.linalg.solve(precision, score)
        step = _halve(X, y, weights, theta, step)
        theta = theta + step
        if np.abs(step).max() < 1e-10:
            break
    precision = (X * (weights * spread(X @ theta))[:, None]).T @ X + prior
    return LogisticFit(positive, theta, precision, np.linalg.inv(precision))


def respond(fit, added):
    """Return θ after one Newton step for each added set, (n_sets, n_params).

    At the optimum on D only the added rows have a gradient:
    θ' = θ + [I(θ; D) + I(θ; D')]⁻¹ Σ_{D'} x (y - p).
    """
    return fit.theta + added.compact().shift(fit)


def parameter_gain(real, fit, added):
    r"""Return the gain of Eq. 6 with Laplace's entropy of one model's parameters.

    .. math:: H(\theta \mid D) = -\tfrac12 \log\det [I(\theta; D) + I] + \text{const}

    Parameters
    ----------
    real : RealRows
    fit : LogisticFit
    added : Repeats or Stack

    Returns
    -------
    gain : ndarray of shape (n_sets,)
        In nats. Fisher information grows where p is near one half, so rows with
        random labels can look informative.
    """
    prior = PRIOR * np.eye(len(fit.theta))
    after = added.joint_precision(real, respond(fit, added)) + prior
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


def _halve(X, y, weights, theta, step):
    loss = _loss(X, y, weights, theta)
    for _ in range(30):
        if _loss(X, y, weights, theta + step) <= loss * (1 + 1e-12):
            break
        step = step / 2
    return step


def _loss(X, y, weights, theta):
    logits = X @ theta
    return weights @ (np.logaddexp(0, logits) - y * logits) + PRIOR * theta @ theta / 2
