"""Base class of the rules, with three-valued answers for missing values."""

from abc import ABC, abstractmethod

import numpy as np

from t2sampler.exceptions import ConstraintError

BROKEN, UNKNOWN, HOLDS = np.int8(-1), np.int8(0), np.int8(1)  # Kleene's three answers


class Rule(ABC):
    """Base class of the rules."""

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
        """Raise ConstraintError unless the rule fits the table's ``TableSchema``."""

    @abstractmethod
    def evaluate(self, frame):
        """Return ``HOLDS``, ``BROKEN`` or ``UNKNOWN`` per row, as int8."""

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
        # Unknown passes: a missing value alone is no reason to drop a row.
        return self.evaluate(frame) != BROKEN


def to_answer(holds, is_missing):
    """Return ``UNKNOWN`` where a value is missing, else ``HOLDS`` or ``BROKEN``."""
    return np.where(is_missing, UNKNOWN, np.where(holds, HOLDS, BROKEN))


def evaluate(rule, frame):
    """Return the answers of a rule or of any object with a method ``holds``."""
    if isinstance(rule, Rule):
        return rule.evaluate(frame)
    return np.where(rule.holds(frame), HOLDS, BROKEN)
