"""Every sampler and filter keeps the promises of both libraries, and ours."""

import pytest
from imblearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
)
from imblearn.utils.estimator_checks import parametrize_with_checks as imblearn_checks
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks as sklearn_checks

from t2sampler import (
    CostAssessmentFilter,
    DataMapsFilter,
    DiversityFilter,
    SanityFilter,
    TeamThenTrimSampler,
)
from t2sampler.generators import StatisticalTeam
from t2sampler.testing import RepeatRows, check_filter, check_generator

# Two calls are compared by the checks, so the randomness is fixed.
SAMPLERS = [
    TeamThenTrimSampler(random_state=0),
    SanityFilter(),
    CostAssessmentFilter(random_state=0),
    # The checks ask for many fits, and not for good ones.
    DataMapsFilter(
        HistGradientBoostingClassifier(max_iter=5), class_weight=None, random_state=0
    ),
    DiversityFilter(random_state=0),
]
# With its models of labels, the default takes up to 24 s for three tables of a thousand
# rows; without, it shows in seconds that the sampler keeps its promises.
OFF = {"cost": "passthrough", "diversity": "passthrough"}
QUICK = TeamThenTrimSampler(RepeatRows(), **OFF, random_state=0)
LARGE_CHECKS = {
    "check_samplers_fit_resample",
    "check_samplers_multiclass_ova",
    "check_samplers_sampling_strategy_fit_resample",
    "check_samplers_sparse",
}
# Large tables, too, in a container that is opened before anything is learned.
CONTAINER_CHECKS = {
    "check_samplers_2d_target",
    "check_samplers_list",
    "check_samplers_pandas",
    "check_samplers_pandas_sparse",
    "check_samplers_preserve_dtype",
    "check_samplers_sample_indices",
}
# The checks draw labels by chance; that no candidate teaches anything is right then.
pytestmark = [
    pytest.mark.usefixtures("few_trees"),
    pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning"),
]
NAMES = [type(sampler).__name__ for sampler in SAMPLERS]


@sklearn_checks(SAMPLERS)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def part_by_time(checks):
    """Mark what takes the default team long, and leave just that to the quick one."""
    names, pairs = checks.args
    cases = []
    for sampler, check in pairs:
        name = check.func.__name__
        is_default, in_container = sampler is SAMPLERS[0], name in CONTAINER_CHECKS
        is_large = in_container or name in LARGE_CHECKS
        if (is_default and in_container) or (sampler is QUICK and not is_large):
            continue
        marks = [pytest.mark.slow] * (is_default and is_large)
        cases.append(pytest.param(sampler, check, id=f"{sampler}-{name}", marks=marks))
    return pytest.mark.parametrize(names, cases)


@part_by_time(imblearn_checks([*SAMPLERS, QUICK]))
def test_imbalanced_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=NAMES)
def test_wrong_parameters_are_refused_by_name(sampler):
    check_param_validation(type(sampler).__name__, sampler)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=NAMES)
def test_column_names_are_remembered(sampler):
    check_dataframe_column_names_consistency(type(sampler).__name__, sampler)


@pytest.mark.parametrize(
    "generator", [RepeatRows(), StatisticalTeam()], ids=["rows", "team"]
)
def test_generator_contract(generator):
    check_generator(generator)


@pytest.mark.parametrize("trim", SAMPLERS[1:], ids=NAMES[1:])
def test_filter_contract(trim):
    check_filter(trim)
