"""A sampler that changes nothing, and one that fails; workers can import them."""

from sklearn.base import BaseEstimator, ClassifierMixin


class Keeps(BaseEstimator):
    """A sampler that changes nothing."""

    def fit_resample(self, X, y):
        return X, y


class Fails(ClassifierMixin, BaseEstimator):
    """A sampler and a learner that fails."""

    def fit(self, X, y):
        raise RuntimeError("boom\nand more")

    predict_proba = fit_resample = fit
