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

from t2sampler.filters._newton import Sample, logistic_variance, weighted_gram

PRIOR = 1.0  # precision of every coefficient
MAX_FIT_STEPS, MAX_MORE_STEPS, MAX_HALVINGS = 50, 6, 30
UNSEEN_CLASS = -2  # code of a class that no real row has, while it is one against D


@dataclass(frozen=True)
class LogisticFit:
    """One class against the rest, at the optimum on D.

    In coordinates in which the Fisher information of D plus the prior's is the
    identity: what a set of rows changes is small there, whatever the columns' scales.

    Attributes
    ----------
    positive : int
        Code of the class.
    real : Sample
        D.
    theta : ndarray of shape (n_params,)
    prior : ndarray of shape (n_params, n_params)
        Precision of the prior.
    turn : ndarray of shape (n_params, n_params)
        ``X @ turn.T`` are rows in these coordinates, ``theta @ turn`` coefficients out
        of them.
    """

    positive: int
    real: Sample
    theta: np.ndarray
    prior: np.ndarray
    turn: np.ndarray


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
        step = _damped_step([real], theta, positive, prior)
        theta = theta + step
        if np.abs(step).max() < 1e-8:
            break
    factor = np.linalg.cholesky(real.information(theta)[0] + prior)
    turn = np.linalg.inv(factor)
    rescaled = replace(real, X=real.X @ turn.T)
    prior = PRIOR * turn @ turn.T
    return LogisticFit(positive, rescaled, theta[0] @ factor, prior, turn)


def respond(fit, added):
    """Return what each added set changes: θ, and the logits of the rows of D.

    At the optimum on D only the added rows have a gradient, and one Newton step is
    θ' = θ + [I(θ; D) + I(θ; D')]⁻¹ Σ_{D'} x (y - p). A step that moves the logit of a
    row by more than one is not the last: curvature at θ says little of curvature so far
    off, and a batch of wrong labels would overshoot and look convincing.

    Parameters
    ----------
    fit : LogisticFit
    added : CountedSamples or PaddedSamples
        In the coordinates of ``fit``.

    Returns
    -------
    steps : ndarray of shape (n_sets, n_params)
        θ' - θ.
    moves : ndarray of shape (n_sets, n_rows)
    """
    steps = added.newton_step(fit)
    real = replace(fit.real, X=np.asarray(fit.real.X, dtype=added.dtype))
    moves = real.logits(np.asarray(steps, dtype=added.dtype))
    own = added.with_reference(fit.real)[1:]
    reach = np.maximum.reduce([_reach(moves), *(_reach(p.logits(steps)) for p in own)])
    far = np.flatnonzero(reach > 1)
    if far.size:
        steps[far] = _step_again(fit, added.take(far), steps[far])
        moves[far] = real.logits(steps[far])
    return steps, moves


def _step_again(fit, added, first):
    """Return θ' - θ of sets whose first step is a long one."""
    parts, model = added.with_reference(fit.real), (fit.positive, fit.prior)
    start = np.repeat(fit.theta[None], len(first), axis=0)
    thetas = start + _halve_until_descent(parts, start, first, *model)
    far = np.arange(len(first))
    for _ in range(MAX_MORE_STEPS):
        parts = added.take(far).with_reference(fit.real)
        step = _damped_step(parts, thetas[far], *model)
        thetas[far] += step
        reach = np.maximum.reduce([_reach(part.logits(step)) for part in parts])
        far = far[reach > 1]
        if not far.size:
            break
    return thetas - fit.theta


def parameter_gain(fit, added):
    r"""Return the gain of Eq. 6 with Laplace's entropy of one model's parameters.

    .. math:: H(\theta \mid D) = -\tfrac12 \log\det [I(\theta; D) + I] + \text{const}

    Parameters
    ----------
    fit : LogisticFit
    added : CountedSamples or PaddedSamples

    Returns
    -------
    gain : ndarray of shape (n_sets,)
        In nats. Fisher information grows where p is near one half, so rows with
        random labels can look informative.
    """
    added = added.rescale(fit)
    steps, moves = respond(fit, added)
    joined, *own = added.with_reference(fit.real)
    start, weights, before = (
        np.asarray(part, dtype=added.dtype)
        for part in (
            fit.real.logits(fit.theta),
            joined.weights,
            fit.real.variances(fit.theta),
        )
    )
    moves += start
    change = logistic_variance(moves)
    change *= weights
    change -= before
    after = np.eye(steps.shape[1]) + weighted_gram(fit.real.X, change)
    for part in own:
        after += part.information(fit.theta + steps)
    return log_determinant(after) / 2


def _damped_step(parts, thetas, positive, prior):
    precision = sum(part.information(thetas) for part in parts) + prior
    score = sum(part.score(thetas, positive) for part in parts) - thetas @ prior
    step = np.linalg.solve(precision, score[..., None])[..., 0]
    return _halve_until_descent(parts, thetas, step, positive, prior)


def _halve_until_descent(parts, thetas, step, positive, prior):
    """Halve steps until they do not raise the loss."""
    loss = _loss(parts, thetas, positive, prior)
    step = step.copy()
    for _ in range(MAX_HALVINGS):
        reached = _loss(parts, thetas + step, positive, prior)
        worse = reached > loss * (1 + 1e-12)  # rounding
        if not worse.any():
            break
        step[worse] /= 2
    return step


def _reach(moves):
    """Return the largest change of a row's logit, up or down, in each set."""
    return np.maximum(moves.max(axis=1), -moves.min(axis=1))


def _loss(parts, thetas, positive, prior):
    penalty = (thetas @ prior * thetas).sum(axis=1) / 2
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
        return sum(parameter_gain(fit, added) for fit in self._fits)

    def gain_of_unseen(self, added):
        """Return the gain of one more model, for rows labelled `UNSEEN_CLASS`."""
        if self._unseen is None:  # a model that few runs need
            self._unseen = fit_logistic(self.real, UNSEEN_CLASS)
        return parameter_gain(self._unseen, added)


def rotate(real):
    """Return wide real rows in as many columns as there are rows.

    Exact for everything made of these rows alone: parameters beside their span keep
    the prior, before and after.
    """
    if real.X.shape[1] <= len(real.X):
        return real
    turn = np.linalg.svd(real.X, full_matrices=False)[2]
    return replace(real, X=real.X @ turn.T)
