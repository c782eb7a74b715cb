"""Which candidates repeat a real row, and how often that is to be expected."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class RealRows:
    """The real rows, to know a copy by.

    Attributes
    ----------
    repeats_ : float in [0, 1]
        Share of real rows that have a twin among the other real rows.

    Examples
    --------
    >>> real = RealRows().fit(np.array([[1.0, 2.0], [1.0, 2.0], [3.0, np.nan]]))
    >>> real.holds(np.array([[3.0, np.nan], [3.0, 2.0]])).tolist()
    [True, False]
    >>> round(real.repeats_, 2)
    0.67
    """

    def fit(self, codes: NDArray[np.float64]) -> "RealRows":
        """Learn rows of shape (n_rows, n_columns)."""
        self._prints, counts = np.unique(_fingerprints(codes), return_counts=True)
        self.repeats_ = float(counts[counts > 1].sum() / max(1, len(codes)))
        return self

    def find_chance(self, candidates: NDArray[np.float64]) -> float:
        """Return the chance at which a copy must stay to be as frequent as twins are.

        Parameters
        ----------
        candidates : float ndarray of shape (n_rows, n_columns)
            Drawn as others will be.
        """
        copied = float(self.holds(candidates).mean()) if len(candidates) else 0.0
        odds = copied * (1 - self.repeats_)
        if not odds > 0:  # no copy was seen, or every real row has a twin
            return float(self.repeats_ > 0)
        return min(1.0, self.repeats_ * (1 - copied) / odds)

    def holds(self, codes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows are exact copies of a real one."""
        return np.isin(_fingerprints(codes), self._prints)


def _fingerprints(codes: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return 64 bits per row; equal rows have equal ones."""
    frame = pd.DataFrame(codes + 0.0)  # -0.0 becomes 0.0
    prints: NDArray[np.uint64] = pd.util.hash_pandas_object(frame, index=False).array
    return np.asarray(prints, dtype=np.uint64)
