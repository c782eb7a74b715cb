"""Filter 2 of 3: trim candidates that are probably mislabelled."""

from numbers import Integral, Real

import numpy as np
import pandas as pd

from t2sampler._encoding import hash_rows
from t2sampler._params import HasMethods, Interval, StrOptions, draw_seed
from t2sampler._schema import UNSEEN
from t2sampler.filters._base import BaseFilter
from t2sampler.filters._cost_paper import TwinRule
from t2sampler.filters._cost_pooled import PooledRule
from t2sampler.filters._cross_fit import SoftVotingEnsemble, cross_val_probability
from t2sampler.filters._label_noise import find_label_issues


class CostAssessmentFilter(BaseFilter):
    r"""Trim candidates that are probably mislabelled.

    The cost of a row is one minus the probability that a model gives its label. By
    default the models are cross-fitted over the real rows and all candidates of the
    call, so that no row is scored by a model that saw it or a copy of it. Depending on
    how well both sides agree, all candidates are kept, the mislabelled ones are
    trimmed, or all are. ``reference="real"`` is the rule of the paper: a model is
    fitted on the real rows, and a batch is kept if it is more informative about that
    model than its twin, as many real rows drawn with replacement.

    .. math::

        r_i &= 1 - p_f(y_i \mid x_i) & (5) \\
        IG(D') &= H(\theta \mid D) - H(\theta \mid D, D') & (6) \\
        \Delta &= IG(\bar D_t) - IG(B_t) > \tau

    where :math:`B_t` is the twin of batch :math:`D_t`, :math:`\bar D_t` the rows chosen
    by cost from both, :math:`D` the real rows and :math:`H` Laplace's entropy of the
    parameters of a logistic model; (6) belongs to the paper's rule.

    Parameters
    ----------
    estimator : classifier or None, default=None
        The model that gives the costs; clones are fitted on the encoded features and
        on labels coded as 0, 1, … in their order. It needs ``predict_proba``, or
        ``decision_function``, which is calibrated; where a class has a single row, and
        calibration is impossible, the decision goes through a sigmoid or a softmax.
        None: logistic regression; under ``reference="pooled"`` the mean of a logistic
        regression and extremely randomised trees.
    alpha : float in [0, 1), default=0.5
        For ``reference="real"``. Of the 2n rows of a batch and its twin,
        round(2(1 - alpha)n) are kept.
    beta : float in [0, alpha], default=0.1
        For ``reference="real"``. The ⌊2·beta·n⌋ rows of lowest cost are trimmed. The
        paper keeps a closed interval between two quantiles, which holds eleven of
        twenty rows; here counts are exact, and ties keep their order, candidates first.
    tau : float or "auto", default="auto"
        Lower bound of the gain; ``-inf`` accepts every batch. Under
        ``reference="real"`` the gain is Δ of a batch, in nats, and "auto" is the mean
        plus ``tau_coef`` standard deviations of Δ under the null. Under "pooled" it is
        the cross-AUC of real rows and candidates, less 1/2, and "auto" depends on the
        candidates; see Notes.
    tau_coef : float in [0, inf), default=1.0
        Scales the standard deviations in "auto". The paper chooses it in 0 to 3 by
        5-fold cross-validation.
    n_bootstrap : int >= 2, default=1000
        For ``reference="real"``. Pairs of bootstrap batches in the null.
    information : {"parameter"}, default="parameter"
        For ``reference="real"``. What :math:`H` in (6) is: Laplace's entropy of the
        parameters of a logistic model, whatever the estimator.
    reference : {"real", "pooled"}, default="pooled"
        Rows that the cost models are fitted on. "pooled": real rows and all candidates
        of the call. "real": the real rows alone, as in the paper.
    max_noise_rate : float in [0, 1], default=0.1
        For ``reference="pooled"``. If the estimated share of mislabelled candidates is
        below this value, keep all of them: rows near a class boundary are flagged in
        clean data too. 1.0 disables the filter.
    keep_twin : bool, default=False
        For ``reference="real"``. Whether the chosen rows of the twin are merged too,
        as in the paper.
    twin : {"auto", "real", "labels"}, default="auto"
        For ``reference="real"``. "real": the twin is drawn from all real rows.
        "labels": it has the batch's own labels; for labels that no real row has it is
        drawn from all real rows. "auto": "real", unless a sampler that asks for labels
        sets "labels".
    update_reference : bool, default=False
        For ``reference="real"``. Whether accepted rows are added to :math:`D`, in batch
        order, as in the paper. Verdicts then depend on the order of the batches, and
        the null is simulated again after each accepted batch.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    schema_ : TableSchema
    encoder_ : TableEncoder

    See Also
    --------
    SanityFilter : Trims rows that break a rule.
    DiversityFilter : Trims repeated rows, and batches that add no spread.

    Notes
    -----
    **The pooled rule.** A row has a *label issue* if models that did not see it find
    another label credible and more probable (confident learning [1]_). The noise rate
    is the share of rows with an issue. The gain is the *cross-AUC* less 1/2: a model
    of the candidates ranks the labels of the real rows, a model of the real rows ranks
    those of the candidates, and both AUCs are averaged. A flipped label is nearly
    always a rare one, so real rows of a class weigh as much as the candidates of it in
    the pooled models, each up to four times.

    ======================================  ==========================================
    finding                                 action
    ======================================  ==========================================
    gain at most ``tau``                    trim all: they contradict the real rows
    else, noise rate below                  keep all: their labels are as good as
    ``max_noise_rate``, or than 4/5 of      usual, or better than the real ones
    that of the real rows
    else, candidates lack a class of        trim label issues by models of the real
    the real rows                           rows alone
    else                                    trim label issues by models of the pool
                                            and of the real rows, whose probabilities
                                            weigh :math:`1 - \lambda` and
                                            :math:`\lambda = 2 s (1 - 2 s_r)`
    ======================================  ==========================================

    "auto" for ``tau`` is

    .. math:: \tau = -3 \, \mathtt{tau\_coef} \, \sigma (1 - 2 s)

    for the standard error of the gain (from the number of real rows per class, and at
    least 0.05) and the noise rate s of the candidates (:math:`s_r` is that of the real
    rows). A pool with few label issues is
    accepted even if its AUC on the real rows is slightly below chance; a noisier pool
    needs a higher AUC. Where candidates lack a class, the gain is one AUC, of the
    candidates and the real rows of that class.

    Models learn from about 1,000 real rows and 1,000 candidates at most, so time grows
    linearly with the candidates: tenths of a second up to a thousand of each, twice as
    long where some are trimmed. A label with one distinct row in all is kept. The
    verdict of a call depends on all of its candidates, but not on their order (beyond
    1,000 of them the subsample depends on it). A sampler draws in waves, and each is
    judged beside all earlier candidates. Real rows are never trimmed, and earlier
    verdicts do not change.

    **The paper's rule** leaves a few things open; the guide's page on filters says how
    they were closed. A batch's twin depends on ``random_state`` and the batch's id
    only, so batches judged one by one or in one call get the same verdicts.

    **Without a mask** `fit_resample` cross-fits the costs over the table, and trims
    rows with a label issue; alpha and beta would trim half of a clean table. A class
    with one distinct row is kept.

    A candidate whose label is missing is trimmed.

    References
    ----------
    .. [1] Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in
       dataset labels", JAIR 70, 2021.

    Examples
    --------
    A third of the labels are flipped, and most of these are found:

    >>> import numpy as np
    >>> from t2sampler.filters._cost import CostAssessmentFilter
    >>> rng = np.random.default_rng(0)
    >>> X, drawn = rng.normal(size=(60, 2)), rng.normal(size=(60, 2))
    >>> y, labels = (X[:, 0] > 0).astype(int), (drawn[:, 0] > 0).astype(int)
    >>> wrong = np.arange(60) < 20
    >>> trim = CostAssessmentFilter(random_state=0).fit(X, y)
    >>> verdict = trim.inspect(drawn, np.where(wrong, 1 - labels, labels))
    >>> int(verdict.keep[wrong].sum()), int(verdict.keep[~wrong].sum())
    (5, 40)
    >>> verdict.reasons[0].split(" under")[0]
    'label 0 has probability 0.27'
    """

    _parameter_constraints: dict = {
        "column_kinds": [dict, None],
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
        "information": [StrOptions({"parameter"})],
        "reference": [StrOptions({"real", "pooled"})],
        "max_noise_rate": [Interval(Real, 0, 1, closed="both")],
        "keep_twin": ["boolean"],
        "twin": [StrOptions({"auto", "real", "labels"})],
        "update_reference": ["boolean"],
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
        reference="pooled",
        max_noise_rate=0.1,
        keep_twin=False,
        twin="auto",
        update_reference=False,
        column_kinds=None,
        random_state=None,
    ):
        self.column_kinds = column_kinds
        self.estimator = estimator
        self.alpha = alpha
        self.beta = beta
        self.tau = tau
        self.tau_coef = tau_coef
        self.n_bootstrap = n_bootstrap
        self.information = information
        self.reference = reference
        self.max_noise_rate = max_noise_rate
        self.keep_twin = keep_twin
        self.twin = twin
        self.update_reference = update_reference
        self.random_state = random_state

    def _validate_params(self):
        super()._validate_params()
        if self.beta > self.alpha:
            raise ValueError(
                "`beta` must not exceed `alpha`: expected 0 <= beta <= "
                f"{self.alpha!r}, got {self.beta!r}. Lower `beta`, or raise `alpha`."
            )

    def _fit(self, rows):
        self._seed = draw_seed(self.random_state)
        self.encoder_ = rows.encoder
        self._X = self.encoder_.transform_codes(rows.codes)
        self._codes = rows.labels.astype(int)
        self._new_labels = []
        is_paper = self.reference == "real"
        rule = self._make_twin_rule() if is_paper else self._make_pooled_rule()
        self._rule = rule.fit(self._X, self._codes)

    def _make_twin_rule(self):
        return TwinRule(
            self.estimator,
            alpha=self.alpha,
            beta=self.beta,
            tau=self.tau,
            tau_coef=self.tau_coef,
            n_bootstrap=self.n_bootstrap,
            keep_twin=self.keep_twin,
            # A sampler that asks for labels sets "labels" in place of "auto".
            by_label=self.twin == "labels",
            seed=self._seed,
        )

    def _make_pooled_rule(self):
        return PooledRule(
            SoftVotingEnsemble() if self.estimator is None else self.estimator,
            tau=self.tau,
            tau_coef=self.tau_coef,
            max_noise_rate=self.max_noise_rate,
            seed=self._seed,
        )

    def _extend_reference(self, rows, twin):
        if self.update_reference and self.reference == "real":
            self._rule.extend_reference(*self._encode(rows, learn=True), twin)

    def _add_candidates(self, rows):
        if self.reference == "pooled":
            X, codes = self._encode(rows, learn=True)
            self._rule.add_candidates(X[codes >= 0], codes[codes >= 0])

    def _inspect(self, rows, batch):
        X, codes = self._encode(rows)
        labels = {"labels": rows.target.tolist()} if self.reference == "pooled" else {}
        return self._rule.inspect(X, codes, batch, **labels)

    def _encode(self, rows, learn=False):
        """Return encoded rows and label codes, -1 for a missing label.

        Labels that no real row has get the numbers that follow; with ``learn`` the
        same label gets the same number from then on.
        """
        codes, target = rows.labels, rows.target
        # A generator may write labels that no real row has; they need codes, too.
        unseen = codes == UNSEEN
        codes = np.where(np.isnan(codes), -1, codes).astype(int)
        if unseen.any():
            # Sorted, lest numbers depend on the order of the rows.
            new = sorted(set(target[unseen]) - set(self._new_labels), key=repr)
            labels = [*self._new_labels, *new]
            if learn:
                self._new_labels = labels
            numbers = pd.Index(labels).get_indexer(pd.Index(target[unseen]))
            codes[unseen] = len(self.schema_.target.levels) + numbers
        return self.encoder_.transform_codes(rows.codes), codes

    def _keep_unmasked(self, rows):
        X, codes = self._X, self._codes
        probability = cross_val_probability(self.estimator, X, codes, self._seed)
        pairs = np.column_stack([hash_rows(X), codes.astype(np.uint64)])
        # Models that did not see the only row of a class know nothing of that class.
        n_distinct = np.bincount(np.unique(pairs, axis=0)[:, 1].astype(int))
        return (n_distinct[codes] < 2) | ~find_label_issues(probability, codes)
