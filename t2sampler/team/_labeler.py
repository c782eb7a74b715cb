"""The label worker: one more column, written last, from all others."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from t2sampler._encoding import TableEncoder
from t2sampler._schema import TableSchema

MAX_ROWS = 20_000  # models of labels need no more
HALF_TRUST = 3  # rows at which the models weigh as much as the class shares


class LabelWorker:
    r"""Draw labels given whole rows.

    Chances are the mean of a regularised logistic model's and a small forest's, pulled
    to the class shares with weight :math:`3 / (3 + n)` for n real rows. The models
    are fitted when labels are first asked for: wanted labels need none.

    Parameters
    ----------
    schema : TableSchema
    """

    n_uniforms = 1

    def __init__(self, schema: TableSchema):
        self.schema = schema

    def fit(self, frame: pd.DataFrame, labels: NDArray[np.intp]) -> "LabelWorker":
        """Keep real rows, at least one per class.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_features)
        labels : int ndarray of shape (n_rows,)
            Label codes.
        """
        self._classes, first, counts = np.unique(
            labels, return_index=True, return_counts=True
        )
        self._shares = counts / counts.sum()
        self._trust = len(labels) / (len(labels) + HALF_TRUST)
        rows = np.random.default_rng(0).permutation(len(labels))[:MAX_ROWS]
        rows = np.union1d(rows, first)
        self._frame, self._labels = frame.iloc[rows], labels[rows]
        self._models: list[LogisticRegression | RandomForestClassifier] = []
        return self

    def draw_before(self, uniforms: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return a label code per row from the class shares, before there is a row."""
        place = np.searchsorted(self._shares.cumsum()[:-1], uniforms, side="right")
        labels: NDArray[np.intp] = self._classes[place]
        return labels

    def write(
        self, frame: pd.DataFrame, uniforms: NDArray[np.float64]
    ) -> NDArray[np.intp]:
        """Return a label code per row.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_features)
        uniforms : float ndarray of shape (n_rows,)
        """
        if len(self._classes) == 1:
            return np.full(len(frame), self._classes[0])
        steps = self._chances(frame).cumsum(axis=1)[:, :-1]
        place = (uniforms[:, None] >= steps).sum(axis=1)
        labels: NDArray[np.intp] = self._classes[place]
        return labels

    def _chances(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        if not self._models:
            self._fit_models()
        encoded = self._encoder.transform(frame)
        chances = np.mean([m.predict_proba(encoded) for m in self._models], axis=0)
        mixed: NDArray[np.float64] = (
            self._trust * chances + (1 - self._trust) * self._shares
        )
        return mixed

    def _fit_models(self) -> None:
        self._encoder = TableEncoder(self.schema).fit(self._frame)
        encoded = self._encoder.transform(self._frame)
        linear = LogisticRegression(C=0.3, max_iter=300)
        forest = RandomForestClassifier(100, min_samples_leaf=3, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            models = [m.fit(encoded, self._labels) for m in (linear, forest)]
        self._models = models
