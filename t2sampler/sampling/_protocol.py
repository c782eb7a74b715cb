"""The paper's settings, exactly, for any generator."""

from t2sampler.filters import CostAssessmentFilter, DiversityFilter, SanityFilter
from t2sampler.sampling._sampler import TeamThenTrimSampler


def paper_protocol(
    generator=None,
    *,
    n_batches=10,
    batch_size=10,
    tau_coef=1.0,
    new_classes=None,
    random_state=None,
):
    """Return a sampler set as in the experiments of "Team, Then Trim".

    Labels come last, trimmed batches are not replaced, the twin is drawn from all
    real rows and merged with the batch it lost to, alpha is 0.5 and beta 0.1, the gain
    of Eq. 6 is measured against everything accepted so far, and a batch must reach 30 %
    of the headroom of cluster entropy. The paper chooses ``tau_coef`` in 0..3 by 5-fold
    cross-validation: search ``cost__tau_coef``.

    Parameters
    ----------
    generator : object with ``fit`` and ``draw``, default=None
        None stands for `StatisticalTeam`; the paper's is a team of language models.
    n_batches : int >= 1, default=10
        Batches drawn: 10 for imbalance and incompleteness in the paper, elsewhere as
        many as make the rows of the real table.
    batch_size : int >= 1, default=10
        Rows per batch: 10 or 20 in the paper.
    tau_coef : float, default=1.0
        Standard deviations of the null that a batch must lie above its mean.
    new_classes : dict of label to int, default=None
        Labels that the generator may use beyond those of ``y``; counts are ignored.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    sampler : TeamThenTrimSampler

    Notes
    -----
    These settings reproduce the paper; they are not what helps most. Gaps of the paper
    are closed as the filters' docstrings say.

    Examples
    --------
    >>> from t2sampler import paper_protocol
    >>> sampler = paper_protocol(n_batches=5)
    >>> sampler.cost.keep_twin, sampler.diversity.entropy_scale
    (True, 'headroom')
    """
    cost = CostAssessmentFilter(
        estimator=None,
        alpha=0.5,
        beta=0.1,
        tau="auto",
        tau_coef=tau_coef,
        n_bootstrap=1000,
        information="parameter",
        reference="real",
        keep_twin=True,
        twin="real",
        update_reference=True,
    )
    diversity = DiversityFilter(
        n_clusters=(3, 4, 5),
        entropy_threshold=0.3,
        entropy_scale="headroom",
        max_repeats=None,
        router=None,
    )
    return TeamThenTrimSampler(
        generator,
        sanity=SanityFilter(constraints="infer"),
        cost=cost,
        diversity=diversity,
        new_classes=new_classes,
        n_batches=n_batches,
        batch_size=batch_size,
        random_state=random_state,
    )
