"""The sampler gives exact counts, keeps the table's look, accounts for every row."""

import pickle

import numpy as np
import pandas as pd
import pytest
from doubles.sampler_runs import (
    OFF,
    WriteAnything,
    check_report,
    may_fall_short,
    two_classes,
)
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from t2sampler import (
    CostAssessmentFilter,
    QualityControl,
    TeamThenTrimSampler,
    grow,
    paper_protocol,
)
from t2sampler._records import Batch
from t2sampler.constraints import Between
from t2sampler.exceptions import (
    BrokenRuleWarning,
    GeneratorError,
    QuotaNotMetWarning,
    SchemaError,
    SchemaWarning,
)
from t2sampler.generators import StatisticalTeam
from t2sampler.team import Component, Plan
from t2sampler.testing import RepeatRows

pytestmark = pytest.mark.usefixtures("few_trees")


@may_fall_short
def test_counts_dtypes_and_real_rows_are_kept():
    X, y = two_classes()
    X.index = [f"row {i}" for i in range(len(X))]
    sampler = TeamThenTrimSampler(random_state=0)

    X_res, y_res = sampler.fit_resample(X, y.set_axis(X.index))

    assert y_res.value_counts().to_dict() == {"no": 30, "yes": 30}
    assert X_res.dtypes.equals(X.dtypes)
    pd.testing.assert_frame_equal(X_res.iloc[:40], X)
    assert X_res.index[40] == "generated-0"
    assert sampler.sampling_strategy_ == {"yes": 20}
    check_report(sampler, X_res)


@may_fall_short
def test_every_kind_of_column_comes_back(mixed_table):
    X, y = mixed_table

    X_res, y_res = TeamThenTrimSampler(
        sampling_strategy="all", random_state=0
    ).fit_resample(X, y)

    pd.testing.assert_frame_equal(X_res.iloc[: len(X)], X)
    assert X_res.dtypes.equals(X.dtypes)
    assert y_res.dtype == y.dtype


@may_fall_short
def test_same_seed_same_rows_whatever_the_jobs():
    X, y = two_classes()
    sampler = TeamThenTrimSampler(random_state=3, max_batches=30)

    rows, again, others = (
        clone(sampler).set_params(**changes).fit_resample(X, y)[0]
        for changes in ({}, {"n_jobs": 2}, {"random_state": 4})
    )

    pd.testing.assert_frame_equal(again, rows)
    assert not others.equals(rows)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        pytest.param(0.5, {"no": 30, "yes": 15}, id="ratio"),
        pytest.param(
            {"no": 31, "yes": 10}, {"no": 31, "yes": 10}, id="zero of a class"
        ),
        pytest.param("all", {"no": 30, "yes": 30}, id="all"),
        pytest.param(grow(2), {"no": 60, "yes": 20}, id="grow"),
    ],
)
def test_sampling_strategy_means_what_it_means_elsewhere(strategy, expected):
    sampler = TeamThenTrimSampler(
        RepeatRows(), **OFF, sampling_strategy=strategy, random_state=0
    )

    _, y_res = sampler.fit_resample(*two_classes())

    assert y_res.value_counts().to_dict() == expected


def test_a_fixed_number_of_batches_keeps_all_that_passes():
    X, y = two_classes()
    sampler = TeamThenTrimSampler(
        RepeatRows(), **OFF, n_batches=3, batch_size=7, random_state=0
    )

    X_res, y_res = sampler.fit_resample(X, y)

    assert len(X_res) == 40 + 21
    added = y_res.iloc[40:].value_counts().to_dict()
    assert {label: n for label, n in sampler.sampling_strategy_.items() if n} == added
    check_report(sampler, X_res)


def test_paper_protocol_merges_twins_and_grows():
    X, y = two_classes()
    sampler = paper_protocol(RepeatRows(), n_batches=6, random_state=0)
    sampler.set_params(cost__tau=-np.inf, diversity="passthrough")

    X_res, _ = sampler.fit_resample(X, y)

    twins = sampler.provenance_[sampler.provenance_["origin"] == "twin"]
    assert len(twins) > 0
    rows = X_res[(sampler.provenance_["origin"] == "twin").to_numpy()]
    np.testing.assert_array_equal(
        rows.to_numpy(), X.iloc[twins["source"].to_numpy(dtype=int)].to_numpy()
    )
    check_report(sampler, X_res)


def test_new_class_gets_its_rows_and_y_keeps_its_dtype():
    y = pd.Series(pd.Categorical(["lo"] * 6, ordered=True), name="risk")
    X = pd.DataFrame({"a": np.arange(6.0) + 0.5})
    sampler = TeamThenTrimSampler(
        WriteAnything(), **OFF, new_classes={"hi": 3}, random_state=0
    )

    _, y_res = sampler.fit_resample(X, y)

    assert y_res.tolist() == ["lo"] * 6 + ["hi"] * 3
    assert y_res.cat.categories.tolist() == ["lo", "hi"]
    assert y_res.cat.ordered


def test_statistics_cannot_write_a_new_class():
    with pytest.raises(GeneratorError, match="maybe"):
        TeamThenTrimSampler(new_classes={"maybe": 3}).fit_resample(*two_classes())


def test_identifiers_are_numbered_on_and_names_stay_empty():
    X, y = two_classes()
    X["id"] = np.arange(40)[::-1]
    X["name"] = [f"seen on the {i}th of May" for i in range(40)]
    sampler = TeamThenTrimSampler(**OFF, random_state=0)

    with pytest.warns(SchemaWarning, match="'id' names the rows"):
        X_res, _ = sampler.fit_resample(X, y)

    assert X_res["id"].tolist() == [*range(39, -1, -1), *range(40, 60)]
    of_class = X_res["name"][:40][y == "yes"]
    assert X_res["name"][40:].isin(of_class).all()
    assert any("'name'" in note for note in sampler.report_.notes)


def test_identifiers_at_the_end_of_64_bits_are_numbered_below():
    X, y = two_classes()
    X["id"] = np.arange(40) + (2**63 - 40)
    sampler = TeamThenTrimSampler(**OFF, column_kinds={"id": "id"}, random_state=0)

    X_res, _ = sampler.fit_resample(X, y)

    assert X_res["id"].dtype == np.int64
    assert X_res["id"].iloc[:40].equals(X["id"])
    assert sorted(X_res["id"].iloc[40:]) == list(range(2**63 - 60, 2**63 - 40))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param({"batch_size": 0}, "'batch_size'", id="batch size"),
        pytest.param({"on_shortfall": "cry"}, "'on_shortfall'", id="policy"),
        pytest.param({"generator": 3}, "'generator'", id="generator"),
        pytest.param(
            {"n_batches": 2, "sampling_strategy": "all"}, "must be 'auto'", id="mode"
        ),
        pytest.param({"new_classes": {"z": 0}}, "rows >= 1", id="count"),
    ],
)
def test_wrong_parameters_are_refused_before_any_work(params, message):
    with pytest.raises(ValueError, match=message):
        TeamThenTrimSampler(**params).fit_resample(*two_classes())


def test_generator_must_keep_the_dtypes():
    class Careless(RepeatRows):
        def draw(self, requests):
            for batch in super().draw(requests):
                yield Batch(batch.index, batch.X.astype(object), batch.y)

    with pytest.raises(
        GeneratorError, match=r"Careless\.draw returned column 'a' as object"
    ):
        TeamThenTrimSampler(Careless(), **OFF).fit_resample(*two_classes())


def test_new_classes_need_labels_in_one_column():
    with pytest.raises(SchemaError, match="one-vs-all"):
        TeamThenTrimSampler(new_classes={5: 3}).fit_resample(
            np.ones((3, 1)), np.eye(3, dtype=int)
        )


def test_nested_names_reach_parts_that_are_none():
    sampler = TeamThenTrimSampler().set_params(
        cost__beta=0.2, sanity=None, sanity__margin=0.5
    )

    assert sampler.cost.beta == 0.2
    assert sampler.sanity.margin == 0.5
    assert (
        QualityControl().set_params(diversity__entropy_threshold=0.1).diversity
        is not None
    )


def test_nested_names_of_a_part_that_is_off_are_refused():
    with pytest.raises(ValueError, match="`cost` is 'passthrough'"):
        TeamThenTrimSampler(cost="passthrough").set_params(cost__beta=0.2)


@may_fall_short
def test_clone_pickle_and_repr():
    sampler = TeamThenTrimSampler(
        cost=CostAssessmentFilter(beta=0.2), max_batches=30, random_state=0
    )
    fitted = clone(sampler)
    X_res, _ = fitted.fit_resample(*two_classes())

    again, _ = pickle.loads(pickle.dumps(fitted)).fit_resample(*two_classes())

    pd.testing.assert_frame_equal(again, X_res)
    assert "beta=0.2" in repr(sampler)
    assert "TeamThenTrimSampler" in sampler._repr_html_()
    assert "candidates were accepted" in fitted.report_._repr_html_()


@may_fall_short
def test_grid_search_over_the_filters_in_a_pipeline():
    X, y = two_classes()
    sampler = TeamThenTrimSampler(RepeatRows(), max_batches=10, random_state=0)
    pipeline = make_pipeline(sampler, DecisionTreeClassifier())
    grid = [
        {"teamthentrimsampler__cost__max_noise_rate": [0, 1]},
        {"teamthentrimsampler__diversity__max_repeats": [0]},
    ]

    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise")
    search.fit(X[["a"]], y)

    assert len(search.cv_results_["params"]) == 3


@may_fall_short
def test_sampler_without_a_seed_draws_other_rows_each_time():
    X, y = two_classes()
    sampler = TeamThenTrimSampler(**OFF)

    assert not sampler.fit_resample(X, y)[0].equals(sampler.fit_resample(X, y)[0])


def test_pipeline_classifies_after_resampling():
    X, y = two_classes()
    pipeline = make_pipeline(
        TeamThenTrimSampler(**OFF, random_state=0), LogisticRegression()
    )

    assert pipeline.fit(X[["a"]], y).score(X[["a"]], y) > 0.5


def test_columns_may_be_named_like_those_of_the_report():
    X, y = two_classes()
    names = ["batch", "label", "reason", "fate"]
    X = pd.concat([X["a"]] * 4, axis=1).set_axis(names, axis=1)

    cost = CostAssessmentFilter(tau=1e9)  # nothing passes
    sampler = TeamThenTrimSampler(RepeatRows(), cost=cost, max_batches=2)
    with pytest.warns(QuotaNotMetWarning):
        X_res, _ = sampler.fit_resample(X, y)

    assert {f"{name}*" for name in names} < set(sampler.report_.left_out)
    check_report(sampler, X_res)


def test_rules_of_the_plan_are_rules_of_the_table():
    X, y = two_classes()
    rule = Between("a", low=float(X["a"].quantile(0.2)))
    plan = Plan([Component("all", ["a", "b"])], rules=[rule])
    sampler = TeamThenTrimSampler(
        StatisticalTeam(plan=plan),
        sampling_strategy=grow(2),
        cost="passthrough",
        diversity="passthrough",
        random_state=0,
    )

    with pytest.warns(BrokenRuleWarning, match=r"8 of 40 real rows break"):
        X_res, _ = sampler.fit_resample(X, y)

    assert sampler.report_.rules.loc[rule.name, "candidates_trimmed"] > 0
    assert (X_res["a"].iloc[40:] >= rule.low).all()


def test_a_bar_shows_the_rows_accepted(capsys):
    sampler = TeamThenTrimSampler(RepeatRows(), **OFF, random_state=0, verbose=1)

    sampler.fit_resample(*two_classes())

    assert "20/20" in capsys.readouterr().err
