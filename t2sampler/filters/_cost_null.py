"""What the paper's rule compares: twins of batches, and twins of twins (the null)."""

import zlib

import numpy as np
from threadpoolctl import threadpool_limits

from t2sampler.filters._cost_selection import select_counts, selection_bounds
from t2sampler.filters._newton import MAX_CELLS, CountedSamples, DrawnSamples

TWINS, NULL, ROWS = 0, 1, 2  # random streams: the first number of a spawn key
FEW = 0.25  # of the real rows: up to here a batch is listed row by row, else counted
EXACT_ROWS = 50  # batches up to this size have a null of their own
GROWTH = 1.25  # from one size to the next beyond
SHARES = 20  # label shares of a null are multiples of 1 / 20


def draw_twins(batches, real_codes, by_label, seed):
    """Return a real row for every candidate.

    A batch's twin depends on its id, its size and its labels, not on the other
    batches.

    Parameters
    ----------
    batches : EncodedBatches
    real_codes : int ndarray of shape (n_real,)
        Labels of the real rows.
    by_label : bool
        Draw for each candidate a real row of its label; labels without real rows draw
        from all rows.
    seed : int

    Returns
    -------
    rows : int ndarray of shape (n_rows,)
    """
    pairs = zip(batches.ids, batches.sizes, strict=True)
    chance = np.concatenate([_batch_rng(seed, key).random(n) for key, n in pairs])
    order = np.argsort(real_codes, kind="stable")
    if not by_label:
        return (chance * len(order)).astype(int)
    sizes = np.bincount(real_codes)
    starts = np.cumsum(sizes) - sizes
    known = batches.codes < len(sizes)
    known[known] = sizes[batches.codes[known]] > 0
    label = np.where(known, batches.codes, 0)
    start = np.where(known, starts[label], 0)
    size = np.where(known, sizes[label], len(order))
    return order[start + (chance * size).astype(int)]


def _batch_rng(seed, batch_id):
    key = TWINS, *batch_key(batch_id)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def batch_key(batch_id):
    """Return a batch id as whole numbers that stay the same from run to run.

    Examples
    --------
    >>> batch_key(7)
    (0, 7)
    >>> batch_key("north") == batch_key("north")
    True
    """
    is_integer = isinstance(batch_id, int) and not isinstance(batch_id, bool)
    if is_integer and batch_id >= 0:
        return 0, batch_id
    return 1, zlib.crc32(repr(batch_id).encode())


class NullDistribution:
    """Mean and standard deviation of Δ when twins are compared with twins.

    Parameters
    ----------
    information : ParameterEntropy
    costs : ndarray of shape (n_rows,)
        Of the rows of D.
    chances : ndarray of shape (n_rows,)
        How often a row of D is drawn; 0 for rows that are not real.
    alpha, beta, n_bootstrap, seed
        See `CostAssessmentFilter`.
    """

    def __init__(self, information, costs, chances, *, alpha, beta, n_bootstrap, seed):
        self.information = information
        self.costs = costs
        self.chances = chances
        self.alpha = alpha
        self.beta = beta
        self.n_bootstrap = n_bootstrap
        self.seed = seed
        # Kept to save time only: the same labels always get the same moments.
        self._moments = {}

    def moments(self, labels):
        """Return mean and standard deviation for batches of one composition.

        Parameters
        ----------
        labels : tuple of int
            Rows per class; a last entry stands for rows of any class. Beyond fifty
            rows the moments are interpolated between sizes that grow by a quarter,
            and shares of labels are rounded to twentieths.

        Returns
        -------
        moments : ndarray of shape (2,)
        """
        return sum(
            weight * self._simulate(apportion(labels, size))
            for size, weight in null_sizes(sum(labels))
        )

    def _simulate(self, labels):
        if labels not in self._moments:
            key = NULL, *labels
            gaps = simulate_null(
                self.information,
                self.costs,
                self._find_parts(labels),
                selection_bounds(sum(labels), self.alpha, self.beta),
                n_draws=self.n_bootstrap,
                rng=np.random.default_rng(
                    np.random.SeedSequence(self.seed, spawn_key=key)
                ),
            )
            self._moments[labels] = np.array([gaps.mean(), gaps.std()])
        return self._moments[labels]

    def _find_parts(self, labels):
        """Return what a batch is drawn from: rows of each label, last of any."""
        parts = []
        for code, n_rows in enumerate(labels):
            own = self.chances * (self.information.real.codes == code)
            is_open = code == len(labels) - 1 or not own.any()
            if n_rows:
                parts.append((self.chances if is_open else own, n_rows))
        return parts


# A second thread slows many small products down several times on a busy machine.
@threadpool_limits.wrap(limits=1, user_api="blas")
def simulate_null(information, costs, parts, bounds, *, n_draws, rng):
    """Return Δ of Eq. 6 for bootstrap batches compared with bootstrap batches.

    The paper does not say what is run a thousand times. Here the candidates of the
    null are a bootstrap batch too, and pass the very same selection by cost together
    with their twin.

    Parameters
    ----------
    information : ParameterEntropy
    costs : ndarray of shape (n_real,)
        Of its real rows.
    parts : list of (ndarray of shape (n_real,), int)
        What a batch is made of: chances of the real rows, and how many are drawn.
    bounds : tuple of int
        Ranks that are kept, from `selection_bounds`.
    n_draws : int
    rng : numpy.random.Generator

    Returns
    -------
    gaps : ndarray of shape (n_draws,)
    """
    n_rows, real = sum(n for _, n in parts), information.real
    # Counting costs as much as there are real rows, listing as there are drawn ones.
    compare = _compare_rows if n_rows <= FEW * len(costs) else _compare_counts
    step = max(1, MAX_CELLS // max(len(costs), real.X.shape[1] ** 2))
    # The C library of Linux gives memory back after each array, and fetching it again
    # takes a third of the time, unless an array as large has been freed before.
    np.empty(MAX_CELLS)
    gaps = []
    for start in range(0, n_draws, step):
        n_now = min(step, n_draws - start)
        sides = compare(real, costs, parts, bounds, n_draws=n_now, rng=rng)
        gain, gain_of_twin = map(information.gain, sides)
        gaps.append(gain - gain_of_twin)
    return np.round(np.concatenate(gaps), 10)


def _compare_rows(real, costs, parts, bounds, **how_often):
    candidates, twins = (
        np.concatenate([draw_rows(*part, **how_often) for part in parts], axis=1)
        for _ in range(2)
    )
    both = np.concatenate([candidates, twins], axis=1)
    order = np.argsort(costs[both], axis=1, kind="stable")[:, slice(*bounds)]
    kept = np.take_along_axis(both, order, axis=1)
    return DrawnSamples(real, kept), DrawnSamples(real, twins)


def _compare_counts(real, costs, parts, bounds, **how_often):
    candidates, twins = (
        sum(draw_counts(*part, **how_often) for part in parts) for _ in range(2)
    )
    order = np.argsort(costs, kind="stable")
    kept = np.empty_like(twins)
    kept[:, order] = select_counts((candidates + twins)[:, order], *bounds)
    return [CountedSamples(real.X, real.codes, counts) for counts in (kept, twins)]


def draw_rows(chances, n_rows, n_draws, rng):
    """Return the rows of bootstrap batches.

    Parameters
    ----------
    chances : ndarray of shape (n_real,)
        Proportional to a row's probability.
    n_rows, n_draws : int
    rng : numpy.random.Generator

    Returns
    -------
    rows : int ndarray of shape (n_draws, n_rows)
    """
    chance = rng.random((n_draws, n_rows))
    if np.ptp(chances) == 0:
        return (chance * len(chances)).astype(int)
    reached = np.cumsum(chances) / chances.sum()
    return np.searchsorted(reached, chance, side="right")


def draw_counts(chances, n_rows, n_draws, rng):
    """Return how often each row occurs in bootstrap batches, (n_draws, n_real)."""
    return rng.multinomial(n_rows, chances / chances.sum(), size=n_draws)


def null_sizes(n_rows):
    """Return the sizes whose nulls stand for one size, and their weights.

    Examples
    --------
    >>> null_sizes(20)
    [(20, 1.0)]
    >>> [size for size, _ in null_sizes(60)]
    [50, 63]
    """
    if n_rows <= EXACT_ROWS:
        return [(n_rows, 1.0)]
    low, high = EXACT_ROWS, int(np.ceil(EXACT_ROWS * GROWTH))
    while high <= n_rows:
        low, high = high, int(np.ceil(high * GROWTH))
    share = (n_rows - low) / (high - low)
    return [(low, 1 - share), (high, share)] if share else [(low, 1.0)]


def apportion(labels, size):
    """Return a composition of ``size`` rows with the label shares of another.

    Examples
    --------
    >>> apportion((30, 30), 50)
    (25, 25)
    >>> apportion((3, 8), 11)
    (3, 8)
    """
    if sum(labels) == size <= SHARES:
        return tuple(int(n) for n in labels)
    return _largest_remainders(_largest_remainders(labels, SHARES), size)


def _largest_remainders(shares, size):
    exact = np.asarray(shares) * size / sum(shares)
    counts = np.floor(exact).astype(int)
    first = np.argsort(counts - exact, kind="stable")[: size - counts.sum()]
    counts[first] += 1
    return tuple(counts.tolist())
