"""Who says which label a row has: a vote of members, weighted by how well they do."""

from copy import deepcopy

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from t2sampler._encoding import TableEncoder
from t2sampler._schema import TableSchema
from t2sampler.team._classifiers import (
    Cumulative,
    Labels,
    Matrix,
    Member,
    RankRidge,
    make_members,
)

N_FOLDS = 4
MIN_FOLD_ROWS = 3  # a class of fewer rows is never held out
EAGERNESS = 3.0  # how fast weights fall with the score
MIN_SHARE = 0.02  # of the vote; members with less are left out
MAX_FIT_ROWS, MAX_TRIAL_ROWS = 10_000, 3000
MIN_SCALE = 0.3  # of scores on the very rows a member was fitted on
ORDER_VOTES = 3.0  # of each of those, where nothing can be held out
MOST_CUTS = 6  # between ordered labels; with more each member would be fitted too often
RIDGES = (0.3, 1.0, 3.0)  # penalties of the members that know the order of labels


class Ensemble:
    r"""Strongly regularised members whose votes count by their cross-fitted score.

    .. math:: q_k(x) = \sum_j w_j \, s_{jk}(x) / \sigma_j, \qquad
       w_j \propto \exp(3 \sqrt{m} \, (a_j - \max a))

    with the score of member j for class k, its spread :math:`\sigma_j` over held-out
    rows, its area under the curve :math:`a_j` (the mean over folds and classes), and m
    the number of rows, at most four times the rows of the smallest class. With fewer
    than two classes of three rows nothing can be held out, and all members weigh alike.

    Parameters
    ----------
    is_ordered : bool, default=False
        The order of the labels means something.

    Attributes
    ----------
    skill_ : float
        Area under the curve of the vote over held-out rows; NaN where there are none.
    """

    def __init__(self, is_ordered: bool = False):
        self.is_ordered = is_ordered

    def fit(self, A: Matrix, labels: Labels) -> "Ensemble":
        """Fit, score and weigh the members.

        Parameters
        ----------
        A : float ndarray of shape (n_rows, n_encoded)
        labels : int ndarray of shape (n_rows,)
            0, 1, ... without a gap; at least two classes.
        """
        rows = thin_out(labels, MAX_FIT_ROWS)
        A, labels = A[rows], labels[rows]
        fresh = self._make(len(labels), int(labels.max()) + 1)
        trial = thin_out(labels, MAX_TRIAL_ROWS)
        folds = deal_folds(labels[trial])
        if folds.max() < 0:
            self._members = [member.fit(A, labels) for member in fresh]
            self._weigh_alike(A)
            return self
        held_out = folds >= 0
        scores = [_cross_fit(m, A[trial], labels[trial], folds) for m in fresh]
        truth, folds = labels[trial][held_out], folds[held_out]
        self._scales = np.array([s.std() for s in scores]) + 1e-9
        skills = np.array([measure_skill(s, truth, folds) for s in scores])
        n_useful = min(len(labels), 4 * np.bincount(truth)[np.unique(truth)].min())
        weights = np.exp(EAGERNESS * np.sqrt(n_useful) * (skills - skills.max()))
        weights[weights < MIN_SHARE * weights.sum()] = 0
        self._weights = weights / weights.sum()
        self.skill_ = measure_skill(self._vote(scores), truth, folds)
        counts = self._weights > 0
        self._members = [
            m.fit(A, labels) for m, c in zip(fresh, counts, strict=True) if c
        ]
        self._weights, self._scales = self._weights[counts], self._scales[counts]
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return the vote for each class, of shape (n_rows, n_classes)."""
        return self._vote([member.score(A) for member in self._members])

    def _make(self, n_rows: int, n_classes: int) -> list[Member]:
        """Return members that are not fitted."""
        members = make_members(n_rows)
        if not self.is_ordered or n_classes == 2:
            return members
        if n_classes > MOST_CUTS + 1:
            return [*map(RankRidge, RIDGES), *members]
        return [*map(RankRidge, RIDGES), *map(Cumulative, members)]

    def _weigh_alike(self, A: Matrix) -> None:
        spreads = [member.score(A).std() for member in self._members]
        self._scales = np.maximum(MIN_SCALE, spreads)
        votes = [ORDER_VOTES if isinstance(m, RankRidge) else 1 for m in self._members]
        self._weights = np.array(votes) / sum(votes)
        self.skill_ = np.nan

    def _vote(self, scores: list[Matrix]) -> Matrix:
        shares = self._weights / self._scales
        vote: Matrix = np.tensordot(shares, np.array(scores), 1)
        return vote


def thin_out(labels: Labels, n_most: int) -> NDArray[np.intp]:
    """Return at most about ``n_most`` rows, in order; small classes keep all theirs."""
    if len(labels) <= n_most:
        return np.arange(len(labels))
    counts = np.bincount(labels)
    room = n_most // np.count_nonzero(counts)
    rank = np.empty(len(labels), dtype=np.intp)
    order = np.random.default_rng(0).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank[by_class] = np.arange(len(labels)) - starts[labels[by_class]]
    share = n_most / len(labels)
    most = np.maximum(np.minimum(counts, room), np.floor(counts * share))
    return np.flatnonzero(rank < most[labels])


def deal_folds(labels: Labels) -> NDArray[np.intp]:
    """Return a fold per row, each with its part of every class; -1: never held out."""
    counts = np.bincount(labels)
    large = counts >= MIN_FOLD_ROWS
    folds = np.full(len(labels), -1, dtype=np.intp)
    if large.sum() < 2:
        return folds
    n_folds = min(N_FOLDS, int(counts[large].min()))
    order = np.random.default_rng(0).permutation(len(labels))
    order = order[large[labels[order]]]
    order = order[np.argsort(labels[order], kind="stable")]
    folds[order] = np.arange(len(order)) % n_folds
    return folds


def measure_skill(scores: Matrix, labels: Labels, folds: NDArray[np.intp]) -> float:
    """Return the area under the curve, the mean over folds and classes."""
    areas = [
        _area(scores[folds == fold, k], labels[folds == fold] == k)
        for fold in np.unique(folds)
        for k in np.unique(labels[folds == fold])
    ]
    return float(np.nanmean(areas)) if not np.isnan(areas).all() else 0.5


def _area(score: Matrix, is_class: NDArray[np.bool_]) -> float:
    n_in, n_out = int(is_class.sum()), int((~is_class).sum())
    if not n_in or not n_out:
        return float("nan")
    ranks = rankdata(score)[is_class].sum()
    return float((ranks - n_in * (n_in + 1) / 2) / (n_in * n_out))


def _cross_fit(
    fresh: Member, A: Matrix, labels: Labels, folds: NDArray[np.intp]
) -> Matrix:
    """Return scores of the rows of all folds by members that did not see them."""
    scores = np.zeros((len(A), int(labels.max()) + 1))
    for fold in range(folds.max() + 1):
        seen = folds != fold
        scores[~seen] = deepcopy(fresh).fit(A[seen], labels[seen]).score(A[~seen])
    return scores[folds >= 0]


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
