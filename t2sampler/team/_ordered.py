"""Members for labels that have an order, such as low, moderate and high."""

from copy import deepcopy

import numpy as np

from t2sampler.team._members import Labels, Matrix, Member, centre, class_means


class Cumulative:
    """Ask of each cut between neighbouring labels on which side a row lies.

    The score of a label is the sum of the evidence that a row lies above the cuts
    below it and below the cuts above it. Every cut sees all rows, so a label of one row
    is judged by what leads up to it.

    Parameters
    ----------
    member : Member
        Not fitted; a copy of it is fitted per cut.
    """

    def __init__(self, member: Member):
        self.member = member

    def fit(self, A: Matrix, labels: Labels) -> "Cumulative":
        """Fit a member per cut."""
        cuts = range(1, int(labels.max()) + 1)
        self._members = [
            deepcopy(self.member).fit(A, _above(labels, cut)) for cut in cuts
        ]
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return scores of shape (n_rows, n_classes), centred per row."""
        steps = [member.score(A) for member in self._members]
        up = np.column_stack([step[:, 1] - step[:, 0] for step in steps])
        start = np.zeros((len(A), 1))
        return centre(np.hstack([start, np.cumsum(up, axis=1)]))


class RankRidge:
    """Regress the labels' positions on the rows, and take the nearest class mean.

    Parameters
    ----------
    penalty : float, default=1.0
        Weight of the ridge, per row and column.
    """

    def __init__(self, penalty: float = 1.0):
        self.penalty = penalty

    def fit(self, A: Matrix, labels: Labels) -> "RankRidge":
        """Fit a direction, and the mean of each class along it."""
        self._mean = A.mean(axis=0)
        B, position = A - self._mean, labels - labels.mean()
        strength = self.penalty * len(A)
        gram = B.T @ B + strength * np.eye(B.shape[1])
        self._direction = np.linalg.solve(gram, B.T @ position)
        self._centres = class_means((B @ self._direction)[:, None], labels)[1][:, 0]
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return scores of shape (n_rows, n_classes), centred per row."""
        place = (A - self._mean) @ self._direction
        return centre(np.outer(place, self._centres) - self._centres**2 / 2)


def _above(labels: Labels, cut: int) -> Labels:
    above: Labels = (labels >= cut).astype(np.intp)
    return above
