"""Filter 2 of 3: would a learner gain more from this batch than from real rows?"""

from numbers import Integral, Real

import numpy as np
import pandas as pd

from t2sampler._encoding import TableEncoder
from t2sampler._params import HasMethods, Interval, StrOptions, draw_seed
from t2sampler._schema import UNSEEN
from t2sampler.filters._base import BaseFilter
from t2sampler.filters._batches import Candidates, find_batches
from t2sampler.filters._cost_books import CostBooks
from t2sampler.filters._duel import Arena
from t2sampler.filters._information import null_threshold
from t2sampler.filters._judge import cross_probability
from t2sampler.filters._null import Rules
from t2sampler.filters._prices import PooledPrices, RealPrices, cross_costs
from t2sampler.filters._selection import find_suspects, row_keys

MAX_ROWS = 16_384  # candidates that are encoded and judged at a time


class CostAssessmentFilter(BaseFilter):
    r"""Trim batches that teach a model less than as many real rows would.

    Each batch of candidates fights a duel with its *twin*, a bootstrap batch of real
    rows of the same size. Candidates and twin are put together and sorted by what they
    cost a model of the real rows; the cheapest (nothing to learn) and the dearest
    (noise) go. What is left must inform a model more than the twin alone would:
    otherwise the whole batch goes.

    .. math::

        r_i &= 1 - p_f(y_i \mid x_i) & (5) \\
        IG(D') &= H(\theta \mid D) - H(\theta \mid D, D') & (6) \\
        \Delta &= IG(\bar D_t) - IG(B_t) > \tau

    where :math:`B_t` is the twin of batch :math:`D_t`, :math:`\bar D_t` the rows
    chosen by cost from both, and :math:`D` the real rows.

    Parameters
    ----------
    estimator : classifier or None, default=None
        The model :math:`f_\theta` that gives the costs; a clone of it is fitted on the
        encoded features and on labels coded as 0, 1, … in their order. It needs
        ``predict_proba``, or ``decision_function``, which is calibrated; where a class
        has a single row, and calibration is impossible, the decision goes through a
        sigmoid or a softmax. None: logistic regression.
    alpha : float in [0, 1), default=0.5
        Of the 2n rows of a batch and its twin, round(2(1 - alpha)n) are kept.
    beta : float in [0, alpha], default=0.1
        The ⌊2·beta·n⌋ cheapest rows go. The paper keeps a closed interval between two
        quantiles, which holds eleven of twenty rows; here counts are exact, and ties
        keep their order, candidates first.
    tau : float or "auto", default="auto"
        What the gap Δ must exceed, in nats; ``-inf`` accepts every batch. "auto": mean
        plus ``tau_coef`` standard deviations of Δ under the null.
    tau_coef : float in [0, inf), default=1.0
        The paper chooses it in 0 to 3 by 5-fold cross-validation.
    n_bootstrap : int >= 2, default=1000
        Duels that make up the null.
    information : {"parameter", "predictive", "validation"}, default="parameter"
        What :math:`H` is. "parameter": Laplace's entropy of the parameters of a
        logistic model, whatever the estimator. "predictive": mean entropy of
        :math:`p(y \mid x)` over the real rows. "validation": cross-fitted log-loss on
        the real rows; a training part never holds a copy of a row it is tested on.
    reference : {"real", "pooled"}, default="real"
        Rows the cost model is fitted on. "pooled": cross-fitted over the real rows and
        the candidates of the call, in folds of distinct rows, so that no row is judged
        by a model that saw it or a copy of it.
    keep_twin : bool, default=False
        Whether the chosen rows of the twin are merged too, as in the paper.
    twin : {"auto", "real", "labels"}, default="auto"
        "real": the twin is drawn from all real rows. "labels": it has the batch's own
        labels; for labels that no real row has it is drawn from all real rows. "auto":
        "real", unless a sampler that asks for labels says otherwise.
    grow : bool, default=False
        Whether :math:`D` grows by what was accepted, in batch order, as in the paper.
        Verdicts then depend on the order of the batches, and the null is worked out
        again after each accepted batch.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    schema_ : TableSchema
    encoder_ : TableEncoder
    costs_ : ndarray of shape (n_real,)
        Costs of the real rows; cross-fitted under ``reference="pooled"``.
    null_ : dict of tuple to ndarray of shape (2,)
        Mean and standard deviation of Δ under the null, for each make of batch met so
        far: rows per class, and last the rows that may be of any class.

    See Also
    --------
    SanityFilter : What a row must obey.
    DiversityFilter : What a batch must add to the spread of the real rows.

    Notes
    -----
    **Null.** The paper does not say what is run a thousand times. We let bootstrap
    batches duel with bootstrap batches, through the very same selection by cost. Sizes
    above fifty rows are interpolated between sizes that grow by a quarter.

    **D.** In the paper D grows by what was accepted; verdicts then depend on the order
    of the batches, so D is the real rows unless ``grow`` is set. Of more than a
    thousand real rows about a thousand stand for all, with weights.

    **Response.** The model answers to added rows by one Newton step from its optimum
    on D; nothing is refitted, and the null costs 2·n_bootstrap such steps, side by
    side. "predictive" and "validation" with an estimator of your own are refitted for
    every duel: 2·n_bootstrap fits (five times as many for "validation") per size of
    batch, so lower ``n_bootstrap``.

    **Noise.** The Fisher information of a logistic model grows where p is near one
    half, so under "parameter" label noise can look informative. The other two do not
    have this flaw.

    **New labels.** A model gives labels it has never seen no probability, and their
    rows would always go. Their costs are cross-fitted on the real rows and the batch.
    Under "parameter" the gain then has one more block, the new label against the rest;
    the other two cannot see such rows, and a batch of nothing else passes.

    **Without a mask** `fit_resample` cross-fits the costs over the table, and drops
    rows whose label is not credible: confident learning, as alpha and beta would drop
    half of a clean table. Rows of a class with one distinct row stay.

    **Chance.** A batch's twin depends on ``random_state`` and the batch's id only, so
    batches judged one by one or in one call get the same verdicts; not so under
    ``reference="pooled"``, which looks at all candidates of a call.

    A candidate whose label is missing is dropped.

    References
    ----------
    .. [1] Mehta et al., "An experimental design perspective on model-based
       reinforcement learning", ICLR 2022.
    .. [2] Smith et al., "Prediction-oriented Bayesian active learning", AISTATS 2023.

    Examples
    --------
    A batch whose labels are turned round costs most, and most of it goes:

    >>> import numpy as np
    >>> from t2sampler.filters._cost import CostAssessmentFilter
    >>> rng = np.random.default_rng(0)
    >>> X, drawn = rng.normal(size=(60, 2)), rng.normal(size=(20, 2))
    >>> y, labels = (X[:, 0] > 0).astype(int), (drawn[:, 0] > 0).astype(int)
    >>> trim = CostAssessmentFilter(tau=-np.inf, random_state=0).fit(X, y)
    >>> int(trim.inspect(drawn, labels).keep.sum())
    8
    >>> verdict = trim.inspect(drawn, 1 - labels)
    >>> int(verdict.keep.sum())
    4
    >>> verdict.reasons[0]
    'too dear: cost 0.94, among the 16 dearest of 40'
    """

    _parameter_constraints: dict = {
        "estimator": [
            HasMethods(["fit", "predict_proba"]),
            HasMethods(["fit", "decision_function"]),
            None,
        ],
        "alpha": [Interval(Real, 0, 1, closed="left")],
        "beta": [Interval(Real, 0, 1, closed="left")],
        "tau": [StrOptions({"auto"}), Interval(Real, None, None, closed="both")],
        "tau_coef": [Interval(Real, 0, None, closed="left")],
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "information": [StrOptions({"parameter", "predictive", "validation"})],
        "reference": [StrOptions({"real", "pooled"})],
        "keep_twin": ["boolean"],
        "twin": [StrOptions({"auto", "real", "labels"})],
        "grow": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        alpha=0.5,
        beta=0.1,
        tau="auto",
        tau_coef=1.0,
        n_bootstrap=1000,
        information="parameter",
        reference="real",
        keep_twin=False,
        twin="auto",
        grow=False,
        random_state=None,
    ):
        self.estimator = estimator
        self.alpha = alpha
        self.beta = beta
        self.tau = tau
        self.tau_coef = tau_coef
        self.n_bootstrap = n_bootstrap
        self.information = information
        self.reference = reference
        self.keep_twin = keep_twin
        self.twin = twin
        self.grow = grow
        self.random_state = random_state

    def absorb(self, X_accepted, y_accepted, twin=()):
        """Let D of Eq. 6 grow by an accepted batch; without ``grow`` do nothing.

        Parameters
        ----------
        X_accepted : dataframe or array-like of shape (n_rows, n_features)
        y_accepted : array-like of shape (n_rows,)
        twin : int array-like, default=()
            Positions of real rows that were merged with the batch.
        """
        if not self.grow:
            return
        X = self.encoder_.transform(self._open_candidates(X_accepted))
        codes = self._encode_labels(pd.Series(y_accepted), learn=True)
        twin = np.asarray(twin, dtype=np.intp)
        grown = [(X, codes), (self._X[twin], self._codes[twin])]
        if self._grown is not None:
            grown.insert(0, self._grown)
        self._grown = tuple(np.concatenate(part) for part in zip(*grown, strict=True))
        self._arena = self._make_arena()

    def _validate_params(self):
        super()._validate_params()
        if self.beta > self.alpha:
            raise ValueError(
                "`beta` must not exceed `alpha`: expected 0 <= beta <= "
                f"{self.alpha!r}, got {self.beta!r}. Lower `beta`, or raise `alpha`."
            )

    def _fit(self, frame, target):
        self._seed = draw_seed(self.random_state)
        self.encoder_ = TableEncoder(self.schema_).fit(frame)
        self._X = self.encoder_.transform(frame)
        self._codes = self.schema_.target.encode(target).astype(int)
        self._new_labels, self._grown, self.null_ = [], None, {}
        if self.reference == "real":
            self._prices = RealPrices(self.estimator, self._X, self._codes, self._seed)
            self.costs_ = self._prices.of_real
        else:
            self._prices = None
            self.costs_ = cross_costs(self.estimator, self._X, self._codes, self._seed)
        self._arena = self._make_arena()

    def _inspect(self, frame, target, batch):
        codes = self._encode_labels(target)
        wave = find_batches(batch)
        books = CostBooks(wave)
        prices = self._prices or self._pool(frame, codes)
        for numbers, rows in wave.pieces(MAX_ROWS, self._arena.max_batches):
            candidates = self._encode_piece(frame, codes, wave, numbers, rows)
            costs = prices.of_candidates(candidates, self._arena.real)
            outcome = self._arena.duel(candidates, costs, prices.of_real)
            books.enter(candidates, outcome, self._taus(candidates))
        return books.close(self.keep_twin)

    def _encode_piece(self, frame, codes, wave, numbers, rows):
        part = slice(numbers.start, numbers.stop)
        has_label = codes[rows] >= 0
        batch = np.repeat(np.arange(len(numbers)), wave.sizes[part])[has_label]
        rows = rows[has_label]
        return Candidates(
            numbers,
            wave.ids[part],
            np.bincount(batch, minlength=len(numbers)),
            rows,
            self.encoder_.transform(frame.iloc[rows]),
            codes[rows],
        )

    def _taus(self, candidates):
        if self.tau != "auto":
            return np.full(len(candidates.sizes), float(self.tau))
        moments = self._arena.null_moments(candidates)
        self.null_ = self._arena.null.known
        return null_threshold(*moments.T, self.tau_coef)

    def _pool(self, frame, codes):
        return PooledPrices(
            self.estimator,
            self._X,
            self._codes,
            take=lambda rows: self.encoder_.transform(frame.iloc[rows]),
            labels=codes,
            seed=self._seed,
        )

    def _make_arena(self):
        rules = Rules(
            self.alpha,
            self.beta,
            self.information,
            self.n_bootstrap,
            self.twin == "labels",
            self.estimator,
            self._seed,
        )
        return Arena(self._X, self._codes, self.costs_, rules, self._grown)

    def _encode_labels(self, target, learn=False):
        """Return codes; -1 for a missing label, further numbers for new ones."""
        codes = self.schema_.target.encode(target)
        unseen = codes == UNSEEN
        codes = np.where(np.isnan(codes), -1, codes).astype(int)
        if unseen.any():
            labels = pd.unique(np.array([*self._new_labels, *target[unseen]], object))
            if learn:
                self._new_labels = labels.tolist()
            numbers = pd.Index(labels).get_indexer(pd.Index(target[unseen]))
            codes[unseen] = len(self.schema_.target.levels) + numbers
        return codes

    def _keep_unmasked(self, frame, target):
        X, codes = self._X, self._codes
        n_labels = int(codes.max()) + 1
        probability = cross_probability(self.estimator, X, codes, n_labels, self._seed)
        distinct = np.unique(
            np.column_stack([row_keys(X), codes.astype(np.uint64)]), axis=0
        )
        n_distinct = np.bincount(distinct[:, 1].astype(int), minlength=n_labels)
        return (n_distinct[codes] < 2) | ~find_suspects(probability, codes)
