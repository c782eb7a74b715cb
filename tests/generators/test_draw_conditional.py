"""Rows in which some columns hold what the user says, or an error that names it."""

import numpy as np
import pandas as pd
import pytest

from t2sampler.exceptions import GeneratorError
from t2sampler.generators import StatisticalTeam


@pytest.fixture(scope="module")
def people():
    """Return 200 rows in which older people earn more, and their label."""
    rng = np.random.default_rng(0)
    age = rng.integers(18, 91, 200)
    X = pd.DataFrame(
        {
            "age": age,
            "sex": rng.choice(["F", "M"], 200),
            "size": pd.Categorical(
                rng.choice(list("SML"), 200), ["S", "M", "L"], ordered=True
            ),
            "pay": (100 * age + rng.normal(0, 50, 200)).round(1),
            "since": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 900, 200), unit="D"),
            "note": [f"note {i}" for i in range(200)],
        }
    )
    X["score"] = pd.Series(rng.normal(size=200)).mask(rng.random(200) < 0.2)
    return X, pd.Series(np.where(age > 60, "old", "young"), name="label")


@pytest.fixture(scope="module")
def team(people):
    """Return a team that learned of these people; conditions change nothing in it."""
    return StatisticalTeam().fit(*people)


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"sex": "F"}, lambda X: X["sex"] == "F"),
        ({"age": (60, 70)}, lambda X: X["age"].between(60, 70)),
        ({"age": 33}, lambda X: X["age"] == 33),
        ({"age": [20, 85]}, lambda X: X["age"].isin([20, 85])),
        ({"age": (None, 25)}, lambda X: X["age"] <= 25),
        ({"size": ("M", "L")}, lambda X: X["size"].isin(["M", "L"])),
        ({"score": None}, lambda X: X["score"].isna()),
        ({"score": (0.1, 0.11)}, lambda X: X["score"].between(0.1, 0.11)),
        (
            {"since": ("2021-03-01", "2021-03-31")},
            lambda X: X["since"].between("2021-03-01", "2021-03-31"),
        ),
        (
            {"sex": "M", "age": (80, 90), "size": "S", "pay": (8000, 8200)},
            lambda X: (X["sex"] == "M") & X["age"].between(80, 90) & (X["size"] == "S"),
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("label", [None, "old"])
def test_conditions_hold_in_every_row(people, team, given, holds, label):
    X_new, y_new = team.draw_conditional(50, given, label=label, random_state=0)

    assert len(X_new) == len(y_new) == 50
    assert holds(X_new).all()
    assert X_new.dtypes.equals(people[0].dtypes)
    assert label is None or (y_new == label).all()


def test_other_columns_and_labels_follow_the_condition(team):
    old, y_old = team.draw_conditional(200, {"age": (75, 90)}, random_state=0)
    young, y_young = team.draw_conditional(200, {"age": (18, 30)}, random_state=0)

    assert old["pay"].median() > 7000
    assert young["pay"].median() < 3200
    assert (y_old == "old").mean() > 0.9
    assert (y_young == "young").mean() > 0.9


def test_what_is_read_follows_what_is_given(people):
    # Pay is written last; its condition must reach back to the age it reads.
    team = StatisticalTeam(max_columns=1).fit(*people)

    rows, _ = team.draw_conditional(100, {"pay": (8000, 9100)}, random_state=0)

    assert rows["age"].median() > 70


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sex": "X"}, r"'sex': 'X'.*levels that real rows have \(F, M\)"),
        ({"age": (200, 300)}, r"'age': \(200, 300\).*from 18 to 9"),
        ({"age": 40.5}, r"'age': 40.5.*steps of 1"),
        ({"age": "old"}, "'age': 'old'"),
        ({"age": (1, 2, 3)}, "pair.*3 values"),
        ({"age": (50.2, 50.8)}, "'age'.*none in it"),
        ({"sex": ("F", "M")}, "a list of values.*a range of unordered"),
        ({"age": []}, "an empty list"),
        ({"age": None}, "no real row misses one"),
        ({"note": "x"}, "columns that the team writes, got 'note'"),
        ({"nothing": 1}, "got 'nothing'"),
        ({"since": "soon"}, "'since': 'soon'"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_an_error_that_names_it(team, given, message):
    with pytest.raises(GeneratorError, match=f"(?s){message}"):
        team.draw_conditional(5, given)


def test_conditions_against_a_relation_are_an_error_that_names_them(rng):
    low = rng.integers(0, 1000, 200)
    X = pd.DataFrame({"low": low, "high": low + rng.integers(1, 30, 200)})
    team = StatisticalTeam().fit(X, [0, 1] * 100)

    both, _ = team.draw_conditional(20, {"low": (500, 520)}, random_state=0)

    assert (both["low"] <= both["high"]).all()
    with pytest.raises(GeneratorError, match=r"'low': 900, 'high': 100.*together"):
        team.draw_conditional(5, {"low": 900, "high": 100})


def test_same_seed_same_rows_and_none_is_nothing(team):
    first, again = (
        team.draw_conditional(7, {"sex": "F"}, random_state=3)[0] for _ in "ab"
    )

    pd.testing.assert_frame_equal(first, again)
    assert team.draw_conditional(0, {"sex": "F"})[0].shape == (0, 7)
    with pytest.raises(GeneratorError, match="labels that real rows have"):
        team.draw_conditional(3, {"sex": "F"}, label="unheard of")


def test_one_row_is_enough_to_condition_on():
    X = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": list("uuuuv")})

    rows, _ = StatisticalTeam().fit(X, [0, 0, 0, 1, 1]).draw_conditional(30, {"b": "v"})

    assert (rows["b"] == "v").all()


def test_a_range_is_filled_not_piled_up_at_its_ends(rng):
    X = pd.DataFrame({"v": rng.uniform(size=200)})
    team = StatisticalTeam().fit(X, np.arange(200) % 2)

    rows, _ = team.draw_conditional(500, {"v": (0.4, 0.6)}, random_state=0)

    assert not rows["v"].isin([0.4, 0.6]).any()
    assert rows["v"].std() == pytest.approx(0.2 / 12**0.5, rel=0.2)  # uniform


def test_tied_columns_follow_a_condition(rng):
    v, w = rng.normal(size=(2, 300))
    X = pd.DataFrame({"a": v, "twin": v, "w": w, "sum": v + w})
    team = StatisticalTeam().fit(X, np.arange(300) % 2)

    rows, _ = team.draw_conditional(20, {"a": 0.125}, random_state=0)

    assert (rows["a"] == 0.125).all()
    assert (rows["twin"] == 0.125).all()
    np.testing.assert_allclose(rows["sum"], rows["a"] + rows["w"])


def test_values_of_a_short_float_column_are_conditions(rng):
    X = pd.DataFrame({"p": rng.normal(20, 5, 200).round(1).astype("float32")})
    team = StatisticalTeam().fit(X, np.arange(200) % 2)
    seen, low, high = X["p"].iloc[3], X["p"].min(), X["p"].max()

    for wish in (seen, float(str(seen)), X["p"][:5], (None, low), (high, None)):
        rows, _ = team.draw_conditional(5, {"p": wish}, random_state=0)
        assert rows["p"].dtype == np.float32
    assert (team.draw_conditional(5, {"p": seen})[0]["p"] == seen).all()


def test_a_label_that_stands_against_a_condition_is_named():
    places = np.repeat(np.arange(20), 10)
    X = pd.DataFrame({"code": places + 100.0, "name": [f"c{i}" for i in places]})
    y = np.where(places == 19, "rare", "usual")
    team = StatisticalTeam().fit(X, y)

    with pytest.raises(
        GeneratorError, match="with the label 'rare' together with the relations"
    ):
        team.draw_conditional(3, {"name": "c5"}, label="rare")


@pytest.mark.parametrize("n_rows", [-1, 2.5, "3"])
def test_number_of_rows_is_checked(team, n_rows):
    with pytest.raises(GeneratorError, match="Expected `n_rows` as a whole number"):
        team.draw_conditional(n_rows, {"age": 33})


@pytest.mark.parametrize("given", [None, "sex"])
def test_conditions_are_a_dict(team, given):
    with pytest.raises(GeneratorError, match="a dict of column name to condition"):
        team.draw_conditional(3, given)
