"""The label worker: it says which label a row has, and how sure it is."""

import numpy as np
from numpy.typing import NDArray

from t2sampler._encoding import TableEncoder
from t2sampler._schema import TableSchema
from t2sampler.team._ensemble import Ensemble, thin_out

MAX_ROWS = 10_000  # an opinion on labels needs no more
MIN_CLASS_ROWS = 2  # of one row nobody learns a class, unless labels have an order


class LabelWorker:
    """Judge whole rows by an ensemble that is fitted on the real ones.

    It holds its tongue where it knows nothing: about a class of one row, unless labels
    have an order, and about all rows where they look alike to it.

    A cross-fitted score no better than a coin's is no reason: on few rows with wrong
    labels it often is by chance, and rows that keep the label they were drawn for then
    multiply those that are wrong.

    Parameters
    ----------
    schema : TableSchema
        Of the real table; ordered labels are a category dtype with ``ordered=True``.

    Attributes
    ----------
    skill_ : float
        Cross-fitted area under the curve; NaN where it cannot be measured.
    classes_ : int ndarray of shape (n_classes,)
        Codes of the labels that real rows have.
    is_judged_ : bool ndarray of shape (n_classes,)
        Which of them it has an opinion on.
    """

    def __init__(self, schema: TableSchema):
        self.schema = schema

    def fit(
        self, codes: NDArray[np.float64], labels: NDArray[np.intp]
    ) -> "LabelWorker":
        """Learn from real rows.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
        labels : int ndarray of shape (n_rows,)
            Label codes.
        """
        self.classes_, counts = np.unique(labels, return_counts=True)
        self._shares = counts / counts.sum()
        self.skill_ = np.nan
        is_ordered = self.schema.target is not None and self.schema.target.is_ordered
        is_ordered = is_ordered and len(counts) > 2
        self.is_judged_ = (counts >= MIN_CLASS_ROWS) | is_ordered
        if self.is_judged_.sum() < 2:
            self.is_judged_[:] = False
        if self.is_judged_.any():
            self._ask(codes, labels, is_ordered)
        return self

    def draw_before(self, uniforms: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return a label code per row from the class shares, before there is a row."""
        place = np.searchsorted(self._shares.cumsum()[:-1], uniforms, side="right")
        labels: NDArray[np.intp] = self.classes_[place]
        return labels

    def judge(
        self, codes: NDArray[np.float64], meant: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return by how much each label is ahead of all others.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
        meant : int ndarray of shape (n_rows,)
            The label code each row was drawn for, which counts where it has no opinion.

        Returns
        -------
        lead : float ndarray of shape (n_rows, n_classes)
            Positive for one label of a row at most; infinite where there is no opinion.
        """
        is_meant = meant[:, None] == self.classes_
        lead = np.where(is_meant, np.inf, -np.inf)
        opinion = self.is_judged_[np.searchsorted(self.classes_, meant)]
        if opinion.any():
            scores = self._ensemble.score(self._encoder.transform_codes(codes[opinion]))
            lead[np.ix_(opinion, self.is_judged_)] = _lead(scores)
        return lead

    def _ask(
        self,
        codes: NDArray[np.float64],
        labels: NDArray[np.intp],
        is_ordered: bool,
    ) -> None:
        """Fit the ensemble on the classes that can be judged, and ask how it does."""
        place = np.searchsorted(self.classes_, labels)
        rows = np.flatnonzero(self.is_judged_[place])
        rank = self.is_judged_.cumsum() - 1
        rows = rows[thin_out(rank[place[rows]], MAX_ROWS)]
        self._encoder = TableEncoder(self.schema).fit_codes(codes[rows])
        encoded = self._encoder.transform_codes(codes[rows])
        self._ensemble = Ensemble(is_ordered).fit(encoded, rank[place[rows]])
        self.skill_ = self._ensemble.skill_
        if not np.ptp(encoded, axis=0).any():  # nothing tells rows apart
            self.is_judged_[:] = False


def _lead(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each score less the best of the others."""
    last_two = np.sort(scores, axis=1)[:, -2:]
    is_best = scores == last_two[:, 1:]
    lead: NDArray[np.float64] = scores - np.where(
        is_best, last_two[:, :1], last_two[:, 1:]
    )
    return lead
