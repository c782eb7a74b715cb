r"""The information gain of added rows about a logistic model, Eq. 6 of the paper.

.. math:: IG(D') = H(\theta \mid D) - H(\theta \mid D, D')

The model is logistic regression on the encoded features, with an intercept and a
standard normal prior on every coefficient: one model for two classes, one against the
rest for each class otherwise. It answers to D' by one Newton step from the optimum on
D (and by more where that step is long), and everything is evaluated again at the new
parameters; with the parameters frozen the gain would never see a label.
"""

from dataclasses import dataclass, replace

import numpy as np

PRIOR = 1.0  # precision of every coefficient
MAX_FIT_STEPS, MAX_MORE_STEPS, MAX_HALVINGS = 50, 6, 30
UNSEEN_CLASS = -2  # code of a class that no real row has, while it is one against D


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
    real : Sample
    positive : int
        A class that no row has gives a model of "never".

    Returns
    -------
    fit : LogisticFit
    """
    # From zero: full Newton steps may overshoot where classes can be separated.
    theta, prior = np.zeros((1, real.X.shape[1])), PRIOR * np.eye(real.X.shape[1])
    for _ in range(MAX_FIT_STEPS):
        step = _damped_step([real], theta, positive)
        theta = theta + step
        if np.abs(step).max() < 1e-8:
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
    real : Sample
    fit : LogisticFit
    added : CountedSamples or PaddedSamples
    """
    step = added.newton_step(fit)
    thetas = fit.theta + step
    far = np.flatnonzero(_reach(added.with_reference(real), step) > 1)
    if far.size:
        parts = added.take(far).with_reference(real)
        start = np.repeat(fit.theta[None], far.size, axis=0)
        step = _halve_until_descent(parts, start, step[far], fit.positive)
        thetas[far] = start + step
    for _ in range(MAX_MORE_STEPS):
        if not far.size:
            break
        parts = added.take(far).with_reference(real)
        step = _damped_step(parts, thetas[far], fit.positive)
        thetas[far] += step
        far = far[_reach(parts, step) > 1]
    return thetas


def parameter_gain(real, fit, added):
    r"""Return the gain of Eq. 6 with Laplace's entropy of one model's parameters.

    .. math:: H(\theta \mid D) = -\tfrac12 \log\det [I(\theta; D) + I] + \text{const}

    Parameters
    ----------
    real : Sample
    fit : LogisticFit
    added : CountedSamples or PaddedSamples

    Returns
    -------
    gain : ndarray of shape (n_sets,)
        In nats. Fisher information grows where p is near one half, so rows with
        random labels can look informative.
    """
    prior = PRIOR * np.eye(len(fit.theta))
    thetas = respond(real, fit, added)
    parts = added.with_reference(real)
    after = sum(part.information(thetas) for part in parts) + prior
    return (log_determinant(after) - log_determinant(fit.precision)) / 2


def _damped_step(parts, thetas, positive):
    precision = sum(part.information(thetas) for part in parts)
    precision = precision + PRIOR * np.eye(thetas.shape[1])
    score = sum(part.score(thetas, positive) for part in parts) - PRIOR * thetas
    step = np.linalg.solve(precision, score[..., None])[..., 0]
    return _halve_until_descent(parts, thetas, step, positive)


def _halve_until_descent(parts, thetas, step, positive):
    """Halve steps until they do not raise the loss."""
    loss = _loss(parts, thetas, positive)
    step = step.copy()
    for _ in range(MAX_HALVINGS):
        reached = _loss(parts, thetas + step, positive)
        worse = reached > loss * (1 + 1e-12)  # rounding
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


class ParameterEntropy:
    """Information about the parameters, summed over one-against-the-rest models.

    The sum's blocks are the diagonal blocks p_k(1 - p_k) of a multinomial model's
    Fisher information; for two classes there is one model, and the sum is exact.

    Attributes
    ----------
    real : Sample
        D of Eq. 6.
    """

    def fit(self, real, n_classes):
        """Fit the models on D, a Sample."""
        self.real = real
        positives = [1] if n_classes == 2 else range(n_classes)
        self._fits = [fit_logistic(real, positive) for positive in positives]
        self._unseen = None
        return self

    def gain(self, added):
        """Return Eq. 6 for every added set, (n_sets,)."""
        return sum(parameter_gain(self.real, fit, added) for fit in self._fits)

    def gain_of_unseen(self, added):
        """Return the gain of one more model, for rows labelled `UNSEEN_CLASS`."""
        if self._unseen is None:  # a model that few runs need
            self._unseen = fit_logistic(self.real, UNSEEN_CLASS)
        return parameter_gain(self.real, self._unseen, added)


def rotate(real):
    """Return wide real rows in as many columns as there are rows.

    Exact for everything made of these rows alone: parameters beside their span keep
    the prior, before and after.
    """
    if real.X.shape[1] <= len(real.X):
        return real
    turn = np.linalg.svd(real.X, full_matrices=False)[2]
    return replace(real, X=real.X @ turn.T)
