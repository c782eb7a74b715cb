"""Discriminator: how surely a classifier tells written rows from real ones."""

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import SGDClassifier

N_FOLDS = 5
TEST_SHARE = 0.2  # of a batch, as published
SEED = 0  # of folds and splits: the same rows have the same score


def default_discriminator(is_published):
    """Return the classifier that is used where the user gives none."""
    if is_published:
        return SGDClassifier(loss="log_loss", max_iter=10)
    # A linear one does not see that columns do not go together: 50 rows with each
    # column permuted it tells from real ones no better than by guessing (Adult, Magic,
    # Asia), these trees with an accuracy of 60 to 70 %.
    return ExtraTreesClassifier(50, min_samples_leaf=3)


def encode_with_labels(rows, codes, labels):
    """Return rows and their labels as a float matrix, missing values included.

    Parameters
    ----------
    rows : Rows
        The real rows, on which the encoder is fitted.
    codes : float ndarray of shape (n_rows, n_columns)
    labels : int ndarray of shape (n_rows,)

    Returns
    -------
    matrix : float ndarray of shape (n_rows, n_encoded + n_labels)
    """
    levels = np.arange(len(rows.schema.n_per_label))
    return np.hstack([rows.encoder.transform_codes(codes), labels[:, None] == levels])


CHANCE = 0.5  # accuracy where real and written rows cannot be told apart


class Discriminator:
    """Score the rows of each process by what a classifier fitted on all of them says.

    Every score is the mean of two shares: of the real rows that are taken for real, and
    of the process' rows that are taken for written. Each row is judged by a model that
    has not seen it (five folds), and that has seen the other rows of all processes: so
    scores of early and late processes can be compared, with less noise than by a model
    for each.

    Parameters
    ----------
    estimator : classifier
    real : float ndarray of shape (n_rows, n_encoded)
    """

    def __init__(self, estimator, real):
        self._estimator, self._written = _fix_seed(estimator), []
        self._real = real

    def add(self, written, rows):
        """Take the rows of one more process; ``rows`` are not needed here.

        Parameters
        ----------
        written : float ndarray of shape (n_rows, n_encoded)
            Without rows: a process that has no score.
        rows : int ndarray
            Positions of the real rows that they were to be like.
        """
        self._written.append(written)

    def score(self):
        """Return the accuracy on the rows of each process, and how many rows it has.

        Returns
        -------
        scores : float ndarray of shape (n_processes,)
            At least 0.5: real and written rows cannot be told apart. NaN without rows.
        n_rows : int ndarray of shape (n_processes,)
        """
        parts = [self._real, *self._written]
        owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        is_right = self._judge(np.vstack(parts), owner)
        shares = [is_right[owner == place] for place in range(len(parts))]
        n_rows = np.array([len(share) for share in shares[1:]])
        scores = [
            (shares[0].mean() + share.mean()) / 2 if len(share) else np.nan
            for share in shares[1:]
        ]
        # Of few rows a cross-fitted model is right in fewer than half: that is chance.
        return np.maximum(scores, CHANCE), n_rows

    def _judge(self, matrix, owner):
        """Return which rows a model that has not seen them gets right."""
        rng = np.random.default_rng(SEED)
        fold = np.empty(len(owner), dtype=np.intp)
        for place in np.unique(owner):  # each process has rows in each fold
            rows = np.flatnonzero(owner == place)
            fold[rows] = rng.permutation(len(rows)) % N_FOLDS
        is_written = (owner > 0).astype(int)
        is_right = np.zeros(len(owner), dtype=bool)
        for k in range(N_FOLDS):
            train, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            train = _balance(train, is_written)
            if len(train) and len(test):
                model = clone(self._estimator).fit(matrix[train], is_written[train])
                is_right[test] = model.predict(matrix[test]) == is_written[test]
        return is_right


class IncrementalDiscriminator:
    """Score as published: one classifier that goes on learning from batch to batch.

    Of a batch, real and written rows, four fifths are learned and the others are kept.
    The score of a process is the accuracy on what was kept of its batch, by the
    classifier as it is now.

    Parameters
    ----------
    estimator : classifier
        With ``partial_fit``; one without is fitted on all batches so far.
    real : float ndarray of shape (n_rows, n_encoded)
    """

    def __init__(self, estimator, real):
        self._estimator, self._real = _fix_seed(estimator), real
        self._learned, self._kept = [], []

    def add(self, written, rows):
        """Learn from a batch of written rows and of the real ones they are to be like.

        Parameters
        ----------
        written : float ndarray of shape (n_rows, n_encoded)
            Without rows: a process that has no score.
        rows : int ndarray
            Positions of the real rows.
        """
        if not len(written):
            self._kept.append(None)
            return
        sides = [self._real[rows], written]
        n_kept = [round(TEST_SHARE * len(side)) for side in sides]
        kept = [side[:n] for side, n in zip(sides, n_kept, strict=True)]
        rest = [side[n:] for side, n in zip(sides, n_kept, strict=True)]
        self._kept.append(_label_sides(kept) if sum(n_kept) else None)
        matrix, is_written = _label_sides(rest)
        if hasattr(self._estimator, "partial_fit"):
            self._estimator.partial_fit(matrix, is_written, [0, 1])
            return
        self._learned.append((matrix, is_written))
        matrices, truths = zip(*self._learned, strict=True)
        self._estimator.fit(np.vstack(matrices), np.concatenate(truths))

    def score(self):
        """Return the accuracy on what was kept of each batch, and of how many rows.

        Returns
        -------
        scores : float ndarray of shape (n_processes,)
            NaN without rows.
        n_rows : int ndarray of shape (n_processes,)
        """
        scores = [
            np.nan
            if kept is None
            else float(np.mean(self._estimator.predict(kept[0]) == kept[1]))
            for kept in self._kept
        ]
        n_rows = [0 if kept is None else len(kept[1]) for kept in self._kept]
        return np.array(scores), np.array(n_rows)


def find_best(scores, n_rows, *, has_margin):
    """Return the place of the best process: the one with the lowest score.

    Parameters
    ----------
    scores : float ndarray of shape (n_processes,)
        NaN: not scored.
    n_rows : int ndarray of shape (n_processes,)
        Rows that each score is of.
    has_margin : bool
        The first one stays unless another is better by about a standard error of the
        difference: of several that are as good, one always looks better by chance.
    """
    if np.isnan(scores).all():
        return 0
    best = int(np.nanargmin(scores))
    if not has_margin or np.isnan(scores[0]):
        return best
    # Scores share the real rows, so only half of each differs: the share right of its
    # written rows, which is not known here. The score stands in for it.
    pair = [0, best]
    variance = scores[pair] * (1 - scores[pair]) / np.maximum(1, n_rows[pair])
    margin = np.sqrt(variance.sum()) / 2
    return best if scores[best] < scores[0] - margin else 0


def _label_sides(sides):
    """Return real and written rows as one matrix, and which of them are written."""
    return np.vstack(sides), np.repeat([0, 1], [len(side) for side in sides])


def _balance(rows, is_written):
    """Return rows, those of the smaller side repeated until there are as many."""
    sides = [rows[is_written[rows] == side] for side in (0, 1)]
    n_most = max(map(len, sides))
    if not all(map(len, sides)):
        return np.array([], dtype=np.intp)
    return np.concatenate([np.resize(side, n_most) for side in sides])


def _fix_seed(estimator):
    """Return a classifier with a seed, so that the same rows have the same score."""
    if not is_classifier(estimator):
        raise ValueError(
            f"`discriminator` expected a classifier, got {estimator!r:.80}: it tells "
            "real rows from written ones."
        )
    estimator = clone(estimator)
    if estimator.get_params().get("random_state", SEED) is None:
        estimator.set_params(random_state=SEED)
    return estimator
