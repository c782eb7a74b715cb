"""The values a number may take: integers, prices, half steps, a short list, or all."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

MAX_DECIMALS = 9
DAY_S = 86_400.0
MIN_STEPS = 8  # a common step wider than one unit by chance: below 1 % from here on
LIST_ROWS, LIST_SHARE = 20, 0.2  # odd values that recur five times each are a list


@dataclass(frozen=True)
class Grid:
    """Where the values of a column lie.

    Attributes
    ----------
    step : float
        Distance between neighbouring values; 0 where any number may occur.
    offset : float
        One value of the grid.
    decimals : int
        Decimal places that are kept.
    values : tuple of float
        The only values there are, when they follow no step; else empty.
    days : tuple of float
        Where the only days begin on which dates lie; empty where any day will do.
    dust : float
        How far, relative to its size, a number that is stored may lie from the grid.
    """

    step: float = 0.0
    offset: float = 0.0
    decimals: int = 15
    values: tuple[float, ...] = ()
    days: tuple[float, ...] = ()
    dust: float = 0.0

    @property
    def is_integer(self) -> bool:
        """True where all values are whole numbers."""
        return self.decimals == 0

    def snap(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move numbers to the nearest value of the grid; NaN stays NaN."""
        if self.values:
            values = np.asarray(self.values)
            middles = (values[1:] + values[:-1]) / 2
            nearest = values[np.searchsorted(middles, numbers)]
            return np.where(np.isnan(numbers), np.nan, nearest)
        if self.step > 0:
            steps = np.round((numbers - self.offset) / self.step)
            numbers = np.round(self.offset + steps * self.step, self.decimals)
        return self.move_by_days(numbers, 0) if self.days else numbers

    def move_by_days(self, numbers: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        """Move dates n days on from the nearest day there is; the time of day stays."""
        days = np.asarray(self.days)
        time_of_day = (numbers - days[0]) % DAY_S
        middles = (days[1:] + days[:-1]) / 2
        nearest = np.searchsorted(middles, numbers - time_of_day)
        moved = days[np.clip(nearest + n, 0, len(days) - 1)]
        return np.round(moved + time_of_day, self.decimals)

    def dust_off(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return numbers without what storing or adding them up left behind.

        Examples
        --------
        >>> import numpy as np
        >>> grid = find_grid(np.array([0.1, 0.2, 0.1 + 0.2]), np.dtype(float))
        >>> grid.dust_off(np.array([0.1 + 0.2, 0.35])).tolist()
        [0.3, 0.35]
        """
        if self.step == 0:
            return numbers
        clean = np.round(numbers, self.decimals)
        return np.where(_is_near(clean, numbers, self.dust), clean, numbers)


def find_grid(numbers: NDArray[np.float64], dtype: np.dtype) -> Grid:
    """Find the grid real values live on.

    Parameters
    ----------
    numbers : ndarray of shape (n_values,)
        Without missing values.
    dtype : dtype
        The floating type they are stored in, which limits their precision.

    Examples
    --------
    >>> import numpy as np
    >>> find_grid(np.array([1.25, 3.5, 7.0]), np.dtype(float)).step
    0.01
    >>> find_grid(np.array([2**0.5, 3**0.5]), np.dtype(float)).step
    0.0
    """
    distinct = np.unique(numbers)
    if distinct.size == 0:
        return Grid()
    decimals = _n_decimals(distinct, dtype)
    few = numbers.size >= LIST_ROWS and distinct.size <= LIST_SHARE * numbers.size
    if few and (decimals is None or decimals > 2):  # measured scores, not amounts
        return Grid(values=tuple(distinct.tolist()))
    if decimals is None:
        return Grid()
    dust = _dust_of(dtype)
    return replace(_even_grid(np.unique(distinct.round(decimals)), decimals), dust=dust)


def _even_grid(distinct, decimals):
    """Return the widest step that reaches all values."""
    unit = 10.0**-decimals
    offset = float(distinct[0])
    if np.ptp(distinct) / unit > 2**52:  # beyond what a float tells apart
        return Grid(decimals=decimals)
    steps = np.diff(np.round((distinct - offset) / unit)).astype(np.int64)
    width = int(np.gcd.reduce(steps)) if steps.size >= MIN_STEPS else 1
    return Grid(max(1, width) * unit, offset, decimals)


def _n_decimals(distinct, dtype):
    """Return the fewest decimal places that write all values, None if too many."""
    if np.abs(distinct).max() > 2**53:
        return 0
    limit = min(MAX_DECIMALS, np.finfo(dtype).precision)
    for decimals in range(limit + 1):
        if _is_near(np.round(distinct, decimals), distinct, _dust_of(dtype)).all():
            return decimals
    return None


def _dust_of(dtype):
    """Return half a step of short floats, and two of doubles, which sums are."""
    eps = float(np.finfo(dtype).eps)
    return 2 * eps if eps < np.finfo(np.float32).eps else 0.501 * eps


def _is_near(rounded, numbers, dust):
    return np.abs(rounded - numbers) <= dust * np.abs(numbers)
