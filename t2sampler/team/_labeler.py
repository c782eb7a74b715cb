"""The label worker: an ensemble of classifiers that relabels generated rows."""

from copy import deepcopy

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from t2sampler._encoding import TableEncoder
from t2sampler._schema import TableSchema
from t2sampler.team._classifiers import (
    FrankHallOrdinal,
    HalfTrees,
    Labels,
    Matrix,
    RankRidge,
    ScoringClassifier,
    make_classifiers,
)
from t2sampler.team._task import Answer, RowTask

# More rows hardly change a strongly regularised model, nor its score.
MAX_FIT_ROWS, MAX_SCORED_ROWS = 10_000, 3000
# Cross-validation: a class of fewer rows is never held out.
N_FOLDS = 4
MIN_HELD_OUT_CLASS = 3
# Weights fall with the AUC by the inverse temperature; smaller ones are set to 0.
INVERSE_TEMPERATURE = 2.0
MIN_WEIGHT = 0.02
# Where nothing can be held out, scores of the very rows a member was fitted on are
# scaled, at least by this, and members that know the order of labels weigh more.
MIN_TRAINING_SCALE = 0.3
ORDER_WEIGHT = 3.0
# Ordered labels: penalties of the regressions on ranks, and the cuts up to which the
# other members are fitted once per cut.
RIDGE_PENALTIES = (0.3, 1.0, 3.0)
MAX_CUTS = 6
MIN_CLASS_ROWS = (
    2  # a class of one row has no spread to learn, only a place in an order
)
# Where three labels in ten are wrong, no model exceeds this area under the curve. It is
# exceeded from so many standard errors above it on; with few rows of the smallest class
# the error itself is badly known.
RELIABLE_AUC, N_ERRORS, N_ERRORS_OF_FEW, FEW_ROWS = 0.7, 1.64, 4.0, 30


class Ensemble:
    r"""Strongly regularised classifiers weighted by their cross-validated AUC.

    .. math:: q_k(x) = \sum_j w_j \, s_{jk}(x) / \sigma_j, \qquad
       w_j \propto \exp(2 \sqrt{m} \, (a_j - \max a))

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
    cv_auc_ : float
        Area under the curve of the ensemble over held-out rows; NaN without any.
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
        rows = stratified_subsample(labels, MAX_FIT_ROWS)
        A, labels = A[rows], labels[rows]
        members = self._make_members(len(labels), int(labels.max()) + 1)
        scored = stratified_subsample(labels, MAX_SCORED_ROWS)
        folds = assign_folds(labels[scored])
        if folds.max() < 0:
            self._members = [member.fit(A, labels) for member in members]
            self._weigh_alike(A)
            return self
        weights, scales = self._weigh_by_auc(
            members, A[scored], labels[scored], folds, len(labels)
        )
        is_used = weights > 0
        self._weights, self._scales = weights[is_used], scales[is_used]
        is_fitted = [
            isinstance(member, HalfTrees) and len(scored) == len(A)
            for member in members
        ]
        self._members = [
            member if fitted else member.fit(A, labels)
            for member, used, fitted in zip(members, is_used, is_fitted, strict=True)
            if used
        ]
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return the weighted score of each class, of shape (n_rows, n_classes)."""
        scores = [member.score(A) for member in self._members]
        return _combine(scores, self._weights, self._scales)

    def _make_members(self, n_rows: int, n_classes: int) -> list[ScoringClassifier]:
        """Return members that are not fitted."""
        members = make_classifiers(n_rows)
        if not self.is_ordered or n_classes == 2:
            return members
        if n_classes <= MAX_CUTS + 1:
            members = [*map(FrankHallOrdinal, members)]
        return [*map(RankRidge, RIDGE_PENALTIES), *members]

    def _weigh_alike(self, A: Matrix) -> None:
        spreads = [member.score(A).std() for member in self._members]
        self._scales = np.maximum(MIN_TRAINING_SCALE, np.array(spreads))
        weights = [
            ORDER_WEIGHT if isinstance(member, RankRidge) else 1
            for member in self._members
        ]
        self._weights = np.array(weights) / sum(weights)
        self.cv_auc_ = np.nan

    def _weigh_by_auc(
        self,
        members: list[ScoringClassifier],
        A: Matrix,
        labels: Labels,
        folds: NDArray[np.intp],
        n_rows: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return weights and scales of all members, and keep the AUC of their sum."""
        is_held_out = folds >= 0
        truth, own_folds = labels[is_held_out], folds[is_held_out]
        scores = [score_held_out(member, A, labels, folds) for member in members]
        scales = np.array([score.std() for score in scores]) + 1e-9
        auc = np.array([mean_auc(score, truth, own_folds) for score in scores])
        # The standard error of an AUC falls with the rows of the smallest class.
        n_useful = min(n_rows, 4 * np.unique(truth, return_counts=True)[1].min())
        weights = np.exp(INVERSE_TEMPERATURE * np.sqrt(n_useful) * (auc - auc.max()))
        weights[weights < MIN_WEIGHT * weights.sum()] = 0
        weights = weights / weights.sum()
        total = _combine(scores, weights, scales)
        self.cv_auc_ = mean_auc(total, truth, own_folds)
        return weights, scales


def _combine(
    scores: list[Matrix], weights: NDArray[np.float64], scales: NDArray[np.float64]
) -> Matrix:
    total: Matrix = np.tensordot(weights / scales, np.array(scores), 1)
    return total


def stratified_subsample(labels: Labels, n_most: int) -> NDArray[np.intp]:
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


def assign_folds(labels: Labels) -> NDArray[np.intp]:
    """Return a fold per row, each with its part of every class; -1: never held out.

    Not a `StratifiedKFold`, which holds out rows of every class and warns of small
    ones: here these help to fit in each fold.
    """
    counts = np.bincount(labels)
    is_large = counts >= MIN_HELD_OUT_CLASS
    folds = np.full(len(labels), -1, dtype=np.intp)
    if is_large.sum() < 2:
        return folds
    n_folds = min(N_FOLDS, int(counts[is_large].min()))
    order = np.random.default_rng(0).permutation(len(labels))
    order = order[is_large[labels[order]]]
    order = order[np.argsort(labels[order], kind="stable")]
    folds[order] = np.arange(len(order)) % n_folds
    return folds


def mean_auc(scores: Matrix, labels: Labels, folds: NDArray[np.intp]) -> float:
    """Return the area under the ROC curve, the mean over folds and classes."""
    classes = np.unique(labels)
    if scores.shape[1] == 2:  # the two differ in sign only, so one area is enough
        classes = classes[1:]
    areas = []
    for rows in (folds == fold for fold in np.unique(folds)):
        is_class = labels[rows, None] == classes
        ranks = rankdata(scores[rows][:, classes], axis=0)
        n_class = is_class.sum(axis=0)
        # Mann and Whitney: how many pairs, one of the class and one not, are in order.
        in_order = (ranks * is_class).sum(axis=0) - n_class * (n_class + 1) / 2
        areas.append(in_order / (n_class * (len(ranks) - n_class)))
    return float(np.mean(areas))


def is_surely_reliable(auc: float, counts: Labels) -> bool:
    """Tell whether an AUC is surely one that rightly labelled rows have.

    Parameters
    ----------
    auc : float
        NaN where it is not known.
    counts : int ndarray of shape (n_classes,)
        Rows per class.

    Examples
    --------
    >>> import numpy as np
    >>> is_surely_reliable(0.77, np.array([300, 700]))
    True
    >>> is_surely_reliable(0.77, np.array([12, 28]))
    False
    """
    n_small = int(counts.min())
    n_errors = N_ERRORS if n_small >= FEW_ROWS else N_ERRORS_OF_FEW
    error = find_auc_error(auc, n_small, int(counts.sum()))
    return bool(auc - n_errors * error > RELIABLE_AUC)


def find_auc_error(auc: float, n_small: int, n_rows: int) -> float:
    """Return the standard error of an AUC of two classes (Hanley and McNeil, 1982).

    Examples
    --------
    >>> round(find_auc_error(0.8, 30, 200), 3)
    0.05
    """
    n_large = n_rows - n_small
    first = (n_small - 1) * (auc / (2 - auc) - auc**2)
    second = (n_large - 1) * (2 * auc**2 / (1 + auc) - auc**2)
    variance = (auc * (1 - auc) + first + second) / (n_small * max(1, n_large))
    return float(np.sqrt(variance))


def score_held_out(
    member: ScoringClassifier, A: Matrix, labels: Labels, folds: NDArray[np.intp]
) -> Matrix:
    """Return scores of the rows of all folds by members that did not see them."""
    if isinstance(member, HalfTrees):
        return member.fit(A, labels, folds < 0).held_out_[folds >= 0]
    scores = np.zeros((len(A), int(labels.max()) + 1))
    for fold in range(folds.max() + 1):
        is_seen = folds != fold
        fitted = deepcopy(member).fit(A[is_seen], labels[is_seen])
        scores[~is_seen] = fitted.score(A[~is_seen])
    return scores[folds >= 0]


class LabelWorker:
    """Relabel rows by an ensemble of classifiers that is fitted on the real ones.

    Classes with a single row are not relabelled unless labels are ordered, and none are
    where all rows are encoded alike. A cross-validated AUC of 0.5 does not disable
    relabelling: with few noisy rows it is often chance, and keeping the original label
    would multiply wrong ones.

    Parameters
    ----------
    schema : TableSchema
        Of the real table; ordered labels are a category dtype with ``ordered=True``.

    Attributes
    ----------
    cv_auc_ : float
        Cross-validated area under the curve; NaN where it cannot be measured.
    classes_ : int ndarray of shape (n_classes,)
        Codes of the labels that real rows have.
    is_relabelled_ : bool ndarray of shape (n_classes,)
        Rows drawn for which of these may get another label, one of these.
    is_reliable_ : bool
        ``cv_auc_`` is surely above 0.7, so that most labels of real rows are right, and
        so are the shares of levels in each class.
    """

    n_uniforms = 0  # a label follows from the row

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
        self.cv_auc_ = np.nan
        is_ordered = self.schema.target is not None and self.schema.target.is_ordered
        is_ordered = is_ordered and len(counts) > 2
        self.is_relabelled_ = (counts >= MIN_CLASS_ROWS) | is_ordered
        if self.is_relabelled_.sum() < 2:
            self.is_relabelled_[:] = False
        if self.is_relabelled_.any():
            self._fit_ensemble(codes, labels, is_ordered)
        self.is_reliable_ = is_surely_reliable(self.cv_auc_, counts)
        return self

    def draw_labels(self, uniforms: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return label codes drawn from the class shares."""
        place = np.searchsorted(self._shares.cumsum()[:-1], uniforms, side="right")
        labels: NDArray[np.intp] = self.classes_[place]
        return labels

    def find_margins(
        self, codes: NDArray[np.float64], target_labels: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return the classification margin of each label.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
        target_labels : int ndarray of shape (n_rows,)
            The label code each row was drawn for, which it keeps where its class is not
            relabelled.

        Returns
        -------
        margins : float ndarray of shape (n_rows, n_classes)
            Score of a label less the best score of the others, positive for one label
            of a row at most; infinite where the target label is kept.
        """
        is_target = target_labels[:, None] == self.classes_
        margins = np.where(is_target, np.inf, -np.inf)
        rows = self.is_relabelled_[np.searchsorted(self.classes_, target_labels)]
        if rows.any():
            encoded = self._encoder.transform_codes(codes[rows])
            # On few rows threads only wait for each other.
            with threadpool_limits(1 if len(encoded) < MAX_FIT_ROWS else None):
                scores = self._ensemble.score(encoded)
            margins[np.ix_(rows, self.is_relabelled_)] = _to_margins(scores)
        return margins

    def write(self, task: RowTask) -> Answer:
        """Return a label code per row; wanted labels stay as they are."""
        if task.are_wanted:
            return Answer(task.labels[:, None].astype(float))
        names = [column.name for column in task.reads]
        codes = np.full((len(task.given), len(self.schema.columns)), np.nan)
        codes[:, [self.schema.names.index(name) for name in names]] = task.given
        best = self.find_margins(codes, task.labels).argmax(axis=1)
        return Answer(self.classes_[best][:, None].astype(float))

    def _fit_ensemble(
        self,
        codes: NDArray[np.float64],
        labels: NDArray[np.intp],
        is_ordered: bool,
    ) -> None:
        """Fit the ensemble on the rows of classes that are relabelled."""
        place = np.searchsorted(self.classes_, labels)
        rows = np.flatnonzero(self.is_relabelled_[place])
        rank = self.is_relabelled_.cumsum() - 1
        rows = rows[stratified_subsample(rank[place[rows]], MAX_FIT_ROWS)]
        self._encoder = TableEncoder(self.schema).fit_codes(codes[rows])
        encoded = self._encoder.transform_codes(codes[rows])
        self._ensemble = Ensemble(is_ordered).fit(encoded, rank[place[rows]])
        self.cv_auc_ = self._ensemble.cv_auc_
        if not np.ptp(encoded, axis=0).any():  # all rows are alike
            self.is_relabelled_[:] = False


def _to_margins(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each score less the best of the others."""
    last_two = np.sort(scores, axis=1)[:, -2:]
    is_best = scores == last_two[:, 1:]
    margins: NDArray[np.float64] = scores - np.where(
        is_best, last_two[:, :1], last_two[:, 1:]
    )
    return margins
