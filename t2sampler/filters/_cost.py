"""Filter 2 of 3: would a learner gain from these rows?"""

from numbers import Integral, Real

import numpy as np
import pandas as pd

from t2sampler._params import HasMethods, Interval, StrOptions, draw_seed
from t2sampler._schema import UNSEEN
from t2sampler.filters._base import BaseFilter
from t2sampler.filters._batches import find_batches
from t2sampler.filters._cost_null import Rules
from t2sampler.filters._cost_paper import Duels
from t2sampler.filters._cost_pooled import Pooled, TrialRules
from t2sampler.filters._cost_selection import find_suspects, row_keys
from t2sampler.filters._cross_fit import Panel, cross_probability


class CostAssessmentFilter(BaseFilter):
    r"""Trim candidates whose labels a learner would have to unlearn.

    The cost of a row is how little a model :math:`f_\theta` believes its label. By
    default the models are cross-fitted over the real rows *and* all candidates of the
    call, so that no row is judged by a model that saw it or its equals; what is done
    depends on how well candidates and real rows agree. ``reference="real"`` is the rule
    of the paper, in which batches duel with bootstrap batches of real rows.

    .. math::

        r_i &= 1 - p_f(y_i \mid x_i) & (5) \\
        IG(D') &= H(\theta \mid D) - H(\theta \mid D, D') & (6) \\
        \Delta &= IG(\bar D_t) - IG(B_t) > \tau

    where :math:`B_t` is the twin of batch :math:`D_t`, real rows drawn with
    replacement, :math:`\bar D_t` the rows chosen by cost from both, and :math:`D` the
    real rows; (6) belongs to the paper's rule.

    Parameters
    ----------
    estimator : classifier or None, default=None
        The model :math:`f_\theta` that gives the costs; a clone of it is fitted on the
        encoded features and on labels coded as 0, 1, … in their order. It needs
        ``predict_proba``, or ``decision_function``, which is calibrated; where a class
        has a single row, and calibration is impossible, the decision goes through a
        sigmoid or a softmax. None: logistic regression; under ``reference="pooled"``
        the mean of a logistic regression, a forest and a kernel ridge.
    alpha : float in [0, 1), default=0.5
        For ``reference="real"``. Of the 2n rows of a batch and its twin,
        round(2(1 - alpha)n) are kept.
    beta : float in [0, alpha], default=0.1
        For ``reference="real"``. The ⌊2·beta·n⌋ cheapest rows go. The paper keeps a
        closed interval between two quantiles, which holds eleven of twenty rows; here
        counts are exact, and ties keep their order, candidates first.
    tau : float or "auto", default="auto"
        What the gain must exceed; ``-inf`` accepts every batch. Under
        ``reference="real"`` the gain is the gap Δ of a batch, in nats, and "auto" is
        the mean plus ``tau_coef`` standard deviations of Δ under the null. Under
        "pooled" it is how well real rows and candidates predict each other, in AUC
        above 1/2, and "auto" depends on what the candidates look like; see Notes.
    tau_coef : float in [0, inf), default=1.0
        How many standard deviations are not chance any more. The paper chooses it in 0
        to 3 by 5-fold cross-validation.
    n_bootstrap : int >= 2, default=1000
        For ``reference="real"``. Duels that make up the null.
    information : {"parameter", "predictive", "validation"}, default="parameter"
        For ``reference="real"``. What :math:`H` is. "parameter": Laplace's entropy of
        the parameters of a logistic model, whatever the estimator. "predictive": mean
        entropy of :math:`p(y \mid x)` over the real rows. "validation": cross-fitted
        log-loss on the real rows; a training part never holds a copy of a row it is
        tested on.
    reference : {"real", "pooled"}, default="pooled"
        What the cost models are fitted on. "pooled": real rows and all candidates of
        the call, in folds of distinct rows. "real": the real rows alone, as in the
        paper.
    max_suspects : float in [0, 1], default=0.1
        For ``reference="pooled"``. Share of candidates with labels the models
        disbelieve up to which all candidates are kept: so many are found among good
        rows, too, near the border of two classes. 1 asks nothing and keeps everything.
    keep_twin : bool, default=False
        For ``reference="real"``. Whether the chosen rows of the twin are merged too,
        as in the paper.
    twin : {"auto", "real", "labels"}, default="auto"
        For ``reference="real"``. "real": the twin is drawn from all real rows.
        "labels": it has the batch's own labels; for labels that no real row has it is
        drawn from all real rows. "auto": "real", unless a sampler that asks for labels
        says otherwise.
    update_reference : bool, default=False
        For ``reference="real"``. Whether :math:`D` grows by what was accepted, in
        batch order, as in the paper. Verdicts then depend on the order of the batches,
        and the null is worked out again after each accepted batch.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    schema_ : TableSchema
    encoder_ : TableEncoder
    null_ : dict of tuple to ndarray of shape (2,)
        Mean and standard deviation of Δ under the null, for each make of batch met so
        far: rows per class, and last the rows that may be of any class.

    See Also
    --------
    SanityFilter : What a row must obey.
    DiversityFilter : What a batch must add to the spread of the real rows.

    Notes
    -----
    **The pooled rule.** A row is *suspect* if models that did not see it think another
    label credible and likelier: confident learning [1]_. The *gain* is the mean AUC of
    two rankings: models of the candidates rank the real rows' labels, models of the
    real rows rank those of the candidates; 1/2 is chance, and its standard error comes
    from the number of real rows per class, and is 0.05 at least.

    ====================================  ============================================
    what is found                         what is done
    ====================================  ============================================
    gain at most ``tau``                  none is kept: they contradict the real rows
    else, suspects below                  all candidates are kept: their labels are
    ``max_suspects``, or no larger a      as good as usual, or as the real ones
    share than among the real rows
    else, candidates lack a class of      suspects of the models of the real rows
    the real rows                         alone go
    else                                  suspects of the pooled models go
    ====================================  ============================================

    Where candidates lack a class, as they do when only a rare one is wanted, the models
    of the real rows alone say who is suspect: in a pool the candidates would outvote
    the real rows of the other classes. Real rows count with the candidates' classes.

    "auto" for ``tau`` is

    .. math:: \tau = \sigma \left(\min(\max(z, 0), 2)
              - 3\,\mathtt{tau\_coef}\,(1 - 2 s)\right)

    for the standard error of the gain, the share s of suspects, and the incoherence
    z: by how many standard errors candidates look more like shuffled rows (each column
    from another row) than real rows do, to a forest that saw neither. Labels whose
    pool is in order may contradict a few real rows by chance; those of a pool that is
    not have to show that they know something.

    In the last case the models are fitted twice more, with each source weighed by how
    far its labels agree with the rest (a log-odds ratio, within 1/4 and 4), and
    suspects by 0.3. Real rows are never dropped. Where a class has one distinct row in
    all nothing can be said of its label, and it stays. Models learn from at most 1,000
    real rows and 1,000 candidates; the others are judged by models that saw neither
    them nor their equals, so time grows linearly with the candidates.

    A sampler draws in waves. Candidates of a later wave are judged beside all before,
    or, where they are not more and have no more suspects, by the models of these;
    verdicts given do not change.

    **Null.** The paper does not say what is run a thousand times. We let bootstrap
    batches duel with bootstrap batches, through the very same selection by cost. Sizes
    above fifty rows are interpolated between sizes that grow by a quarter.

    **D.** In the paper D grows by what was accepted; verdicts then depend on the order
    of the batches, so D is the real rows unless ``update_reference`` is set. Of more
    than a thousand real rows about a thousand stand for all, with weights.

    **Response.** The model answers to added rows by one Newton step from its optimum
    on D; nothing is refitted, and the null costs 2·n_bootstrap such steps, side by
    side. "predictive" and "validation" with an estimator of your own are refitted for
    every duel: 2·n_bootstrap fits (five times as many for "validation") per size of
    batch, so lower ``n_bootstrap``.

    **Noise.** The Fisher information of a logistic model grows where p is near one
    half, so under "parameter" label noise can look informative. The other two do not
    have this flaw.

    **New labels.** A model of the real rows gives labels it has never seen no
    probability, and their rows would always go. Under ``reference="real"`` their costs
    are cross-fitted on the real rows and the batch. Under "parameter" the gain then has
    one more block, the new label against the rest; the other two cannot see such rows,
    and a batch of nothing else passes.

    **Without a mask** `fit_resample` cross-fits the costs over the table, and drops
    rows whose label is not credible, as alpha and beta would drop half of a clean
    table. Rows of a class with one distinct row stay.

    **Chance.** Under ``reference="real"`` a batch's twin depends on ``random_state``
    and the batch's id only, so batches judged one by one or in one call get the same
    verdicts; "pooled" looks at all candidates of a call, in whatever order up to 1,000
    of them, and of more at some that depend on their order.

    A candidate whose label is missing is dropped.

    References
    ----------
    .. [1] Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in
       dataset labels", JAIR 70, 2021.
    .. [2] Mehta et al., "An experimental design perspective on model-based
       reinforcement learning", ICLR 2022.
    .. [3] Smith et al., "Prediction-oriented Bayesian active learning", AISTATS 2023.

    Examples
    --------
    Labels of a third of the rows are turned round, and most of these are found:

    >>> import numpy as np
    >>> from t2sampler.filters._cost import CostAssessmentFilter
    >>> rng = np.random.default_rng(4)
    >>> X, drawn = rng.normal(size=(60, 2)), rng.normal(size=(60, 2))
    >>> y, labels = (X[:, 0] > 0).astype(int), (drawn[:, 0] > 0).astype(int)
    >>> wrong = np.arange(60) < 20
    >>> trim = CostAssessmentFilter(random_state=0).fit(X, y)
    >>> verdict = trim.inspect(drawn, np.where(wrong, 1 - labels, labels))
    >>> int(verdict.keep[wrong].sum()), int(verdict.keep[~wrong].sum())
    (4, 40)
    >>> verdict.reasons[0].split(",")[0]
    'label 0 has probability 0.06 under models that did not see the row'
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
        "max_suspects": [Interval(Real, 0, 1, closed="both")],
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
        max_suspects=0.1,
        keep_twin=False,
        twin="auto",
        update_reference=False,
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
        self.max_suspects = max_suspects
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
        self._new_labels, self.null_ = [], {}
        if self.reference == "real":
            self._rule = Duels(self._X, self._codes, self._duel_rules())
        else:
            self._rule = Pooled(self._X, self._codes, self._trial_rules())

    def _extend_reference(self, rows, twin):
        if self.update_reference and self.reference == "real":
            self._rule.absorb(*self._encode(rows), twin)

    def _add_candidates(self, rows):
        """Judge later candidates beside these, under ``reference="pooled"``."""
        if self.reference == "pooled":
            X, codes = self._encode(rows)
            self._rule.remember(X[codes >= 0], codes[codes >= 0])

    def _inspect(self, rows, batch):
        codes, wave = self._encode_labels(rows), find_batches(batch)

        def take(which):
            return self.encoder_.transform_codes(rows.codes[which])

        if self.reference == "pooled":
            return self._rule.judge(take, codes, wave, rows.target.tolist())
        tau = {"tau": self.tau, "tau_coef": self.tau_coef}
        verdict = self._rule.judge(take, codes, wave, **tau, keep_twin=self.keep_twin)
        self.null_ = self._rule.null
        return verdict

    def _duel_rules(self):
        return Rules(
            self.alpha,
            self.beta,
            self.information,
            self.n_bootstrap,
            self.twin == "labels",
            self.estimator,
            self._seed,
        )

    def _trial_rules(self):
        panel = Panel() if self.estimator is None else self.estimator
        return TrialRules(
            panel,
            self.tau,
            self.tau_coef,
            self.max_suspects,
            self.encoder_.origin_,
            self._seed,
        )

    def _encode(self, rows):
        """Return encoded rows and codes; labels met for the first time are learned."""
        X = self.encoder_.transform_codes(rows.codes)
        return X, self._encode_labels(rows, learn=True)

    def _encode_labels(self, rows, learn=False):
        """Return codes; -1 for a missing label, further numbers for new ones."""
        codes, target = rows.labels, rows.target
        unseen = codes == UNSEEN
        codes = np.where(np.isnan(codes), -1, codes).astype(int)
        if unseen.any():
            labels = pd.unique(np.array([*self._new_labels, *target[unseen]], object))
            if learn:
                self._new_labels = labels.tolist()
            numbers = pd.Index(labels).get_indexer(pd.Index(target[unseen]))
            codes[unseen] = len(self.schema_.target.levels) + numbers
        return codes

    def _keep_unmasked(self, rows):
        X, codes = self._X, self._codes
        n_labels = int(codes.max()) + 1
        probability = cross_probability(self.estimator, X, codes, n_labels, self._seed)
        distinct = np.unique(
            np.column_stack([row_keys(X), codes.astype(np.uint64)]), axis=0
        )
        n_distinct = np.bincount(distinct[:, 1].astype(int), minlength=n_labels)
        return (n_distinct[codes] < 2) | ~find_suspects(probability, codes)
