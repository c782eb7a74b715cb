"""What all rules share, and how a missing value counts."""

from abc import ABC, abstractmethod

import numpy as np

from t2sampler.exceptions import ConstraintError

BROKEN, UNKNOWN, HOLDS = np.int8(-1), np.int8(0), np.int8(1)  # Kleene's three answers


class Rule(ABC):
    """What all rules share; the module says how missing values count."""

    @property
    @abstractmethod
    def name(self):
        """The rule as a sentence."""

    @property
    def columns(self):
        """Names of the columns the rule reads, as a tuple."""
        return (self.column,)

    @abstractmethod
    def check(self, schema):
        """Raise ConstraintError unless the rule fits the table's `TableSchema`."""

    @abstractmethod
    def judge(self, frame):
        """Return `HOLDS`, `BROKEN` or `UNKNOWN` per row, as int8."""

    def holds(self, frame):
        """Return True for every row that does not break the rule.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_features)

        Returns
        -------
        holds : bool ndarray of shape (n_rows,)

        Raises
        ------
        ConstraintError
            The frame lacks a column the rule reads.
        """
        for column in self.columns:
            if column not in frame.columns:
                raise ConstraintError(
                    f"{type(self).__name__} expected the columns {self.columns}, got a "
                    f"table without {column!r}. Give the column, or drop the rule."
                )
        return self.judge(frame) != BROKEN


def answer(holds, is_missing):
    """Put bools together: `UNKNOWN` where missing, else `HOLDS` or `BROKEN`."""
    return np.where(is_missing, UNKNOWN, np.where(holds, HOLDS, BROKEN))


def judge(rule, frame):
    """Return the answers of any object with a method ``holds``."""
    if isinstance(rule, Rule):
        return rule.judge(frame)
    return np.where(rule.holds(frame), HOLDS, BROKEN)
