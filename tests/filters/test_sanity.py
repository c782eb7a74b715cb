"""The sanity filter drops rows that break a rule, and says which."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from t2sampler.constraints import AnyOf, Between, Implies, NotMissing, OneOf
from t2sampler.exceptions import BrokenRuleWarning, ConstraintError
from t2sampler.filters._sanity import SanityFilter

FEMALE = Implies(OneOf("pregnant", [True]), OneOf("sex", ["F"]))


@pytest.fixture
def real():
    """Return 40 rows: ages 20 to 59, two sexes, only women pregnant."""
    n_rows = 40
    sex = np.array(["F", "M"] * (n_rows // 2))
    X = pd.DataFrame(
        {
            "age": np.arange(20, 60)[::-1],
            "sex": sex,
            "pregnant": (sex == "F") & (np.arange(n_rows) % 3 == 0),
        }
    )
    return X, pd.Series([0, 1] * (n_rows // 2))


def row(**changes):
    return pd.DataFrame({"age": [30], "sex": ["F"], "pregnant": [True]} | changes)


def reason(trim, frame):
    (words,) = trim.inspect(frame, [0] * len(frame)).reasons
    return words


def test_a_row_is_blamed_on_the_first_rule_it_breaks(real):
    rules = [Between("age", 18, 40), FEMALE]
    with pytest.warns(BrokenRuleWarning):
        trim = SanityFilter(rules).fit(*real)

    assert reason(trim, row()) == ""
    assert reason(trim, row(age=[17])) == "age is from 18 to 40"
    assert reason(trim, row(sex=["M"])) == FEMALE.name
    assert reason(trim, row(age=[17], sex=["M"])) == "age is from 18 to 40"


def test_verdict_counts_per_batch_in_order_of_first_appearance(real):
    trim = SanityFilter([Between("age", high=99), FEMALE]).fit(*real)
    new = pd.DataFrame(
        {"age": [30, 100, 100, 30], "sex": list("FFMM"), "pregnant": [True] * 4}
    )

    verdict = trim.inspect(new, [0] * 4, batch=["b", "b", "a", "a"])

    assert verdict.keep.tolist() == [True, False, False, False]
    assert verdict.scores["n_broken_rules"].tolist() == [0, 1, 2, 1]
    assert verdict.accepted.to_dict() == {"b": True, "a": False}
    assert verdict.stats.index.tolist() == ["b", "a"]
    assert verdict.stats["n_rows"].tolist() == [2, 2]
    assert verdict.stats["n_kept"].tolist() == [1, 0]


def test_real_rows_that_break_a_rule_are_counted_and_the_rule_stays(real):
    rule = Between("age", high=56)  # 57, 58 and 59 break it
    trim = SanityFilter([rule, FEMALE])

    with pytest.warns(
        BrokenRuleWarning, match="3 of 40 real rows .*'age is at most 56"
    ):
        trim.fit(*real)

    assert trim.n_real_violations_ == {"age is at most 56": 3, FEMALE.name: 0}
    assert trim.constraints_ == (rule, FEMALE)
    assert reason(trim, row(age=[57])) == rule.name


def test_learnt_rules_keep_every_real_row(real):
    trim = SanityFilter().fit(*real)

    verdict = trim.inspect(*real)

    assert verdict.keep.all()
    assert set(verdict.reasons) == {""}
    assert set(trim.n_real_violations_.values()) == {0}


def test_infer_can_stand_among_rules(real):
    learnt = SanityFilter().fit(*real).constraints_

    trim = SanityFilter([FEMALE, "infer"]).fit(*real)

    assert trim.constraints_ == (FEMALE, *learnt)


@pytest.mark.parametrize("constraints", [None, (), []])
def test_without_rules_everything_is_kept(real, constraints):
    trim = SanityFilter(constraints).fit(*real)

    verdict = trim.inspect(row(age=[-5], sex=["?"]), [0])

    assert verdict.keep.tolist() == [True]
    assert trim.constraints_ == ()


def test_margin_moves_the_bounds(real):
    tight = SanityFilter(margin=0).fit(*real)
    wide = SanityFilter(margin=3).fit(*real)

    assert Between("age", 20, 59) in tight.constraints_
    assert reason(tight, row(age=[60])) == "age is from 20 to 59"
    assert reason(wide, row(age=[60])) == ""


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"sex": ["X"]}, "sex is one of"),
        ({"sex": [None]}, "sex is not missing"),
        ({"sex": [3]}, "sex is one of"),
        ({"age": [np.nan]}, "age is not missing"),
        ({"age": ["thirty"]}, "age is from"),
        ({"age": [pd.Timestamp("2024-01-01")]}, "age is from"),
        ({"age": pd.array([None], dtype="Int64")}, "age is not missing"),
        ({"pregnant": ["yes"]}, "pregnant is one of"),
        ({"pregnant": pd.Categorical([None], categories=[True])}, "pregnant is not"),
    ],
    ids=str,
)
def test_cells_that_cannot_be_compared_break_a_rule(real, changes, broken):
    trim = SanityFilter().fit(*real)

    assert reason(trim, row(**changes)).startswith(broken)
    assert reason(trim, row(**changes).astype(object)).startswith(broken)


def test_candidates_of_object_dtype_are_judged_alike(mixed_table):
    X, y = mixed_table
    trim = SanityFilter().fit(X, y)

    assert trim.inspect(X.astype(object), y).keep.all()
    assert trim.inspect(X.to_numpy(dtype=object)[:0], y[:0]).keep.size == 0


def test_arrays_name_their_columns_by_number():
    X = np.column_stack([np.linspace(0, 1, 50), np.tile([0.0, 1.0], 25)])
    trim = SanityFilter().fit(X, np.tile([0, 1], 25))

    verdict = trim.inspect(np.array([[0.5, 1.0], [0.5, 0.5], [9.0, 0.0]]), [0, 0, 0])

    assert verdict.keep.tolist() == [True, False, False]
    assert verdict.reasons[1] == "column 1 is one of 0, 1"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([Between("Age", 1, 2)], "a column of the table .* got 'Age'"),
        (
            [AnyOf(NotMissing("age"), OneOf("sex", ["female"]))],
            "column 'sex', got 'female'",
        ),
        (["inferred"], "Expected a rule, .* got 'inferred'"),
        ([FEMALE, 3], "Expected a rule, .* got 3"),
    ],
    ids=str,
)
def test_rules_that_do_not_fit_are_refused(real, rules, message):
    trim = SanityFilter(rules)

    with pytest.raises(ConstraintError, match=message):
        trim.fit(*real)

    assert not hasattr(trim, "constraints_")


@pytest.mark.parametrize(
    "setting",
    [{"constraints": "guess"}, {"constraints": 3}, {"margin": -1}, {"max_p_value": 0}],
    ids=str,
)
def test_wrong_parameters_are_refused_by_name(real, setting):
    (name,) = setting

    with pytest.raises(ValueError, match=f"The '{name}' parameter of SanityFilter"):
        SanityFilter(**setting).fit(*real)


@pytest.mark.filterwarnings("ignore::t2sampler.exceptions.BrokenRuleWarning")
def test_as_a_pipeline_step_only_masked_rows_are_dropped(real):
    X, y = real
    is_generated = (X["age"] > 57).to_numpy()  # 58 and 59; 57 is real
    trim = SanityFilter([Between("age", high=56)])

    X_kept, y_kept = trim.fit_resample(X, y, synthetic_mask=is_generated)

    assert X_kept["age"].max() == 57
    assert len(X_kept) == len(y_kept) == len(X) - 2


def test_without_a_mask_learnt_rules_keep_all(real):
    X_kept, _ = SanityFilter().fit_resample(*real)

    pd.testing.assert_frame_equal(X_kept, real[0])


def test_clone_and_pickle(real):
    trim = SanityFilter([FEMALE, "infer"], margin=1.0).fit(*real)

    again = pickle.loads(pickle.dumps(trim))

    assert again.constraints_ == trim.constraints_
    assert clone(trim).get_params() == trim.get_params()


def test_llm_rows_that_ignore_the_age_bands_are_trimmed(shared_data):
    folder = shared_data / "recorded_llm_rows" / "covid_gpt4"
    names = ("Original", "Oracle", "gpt4", "gpt4_nocol")
    real, held_out, named, hidden = (
        pd.read_csv(folder / f"covid_seed0_n100_{name}.csv.gz") for name in names
    )
    y = real.pop("target")
    trim = SanityFilter().fit(real, y)

    def share_kept(rows):
        rows = rows[real.columns]
        return trim.inspect(rows, np.zeros(len(rows))).keep.mean()

    # Real rows keep age and age band together; without column names GPT-4 does not.
    assert share_kept(held_out) > 0.98
    assert share_kept(named) > 0.8
    assert share_kept(hidden) < 0.45
