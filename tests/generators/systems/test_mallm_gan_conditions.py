"""Conditional rows of MALLM-GAN: each meets its conditions, or is not returned."""

import json
import re

import pandas as pd
import pytest
from doubles.process_models import (
    Model,
    make_gan,
)
from doubles.scripted_team import patients

from t2sampler.exceptions import GeneratorError, QuotaNotMetWarning
from t2sampler.testing import (
    answer_competently,
    make_requests,
)


def obey_half(request):
    """Ignore conditions in every other row; a condition comes as "sex" "F"."""
    rows = json.loads(answer_competently(request))["rows"]
    text = request.messages[-1][1]
    for place, row in enumerate(rows):
        if place % 2:
            continue
        names = {key.casefold(): key for key in row}
        if '"sex" "F"' in text:
            row[names.get("sex", names.get("c2"))] = "F"
        if ages := re.search(r'"age" from (\d+) to (\d+)', text):
            row[names.get("age", names.get("c1"))] = int(ages[2])
        if '"bmi" null' in text:
            row[names.get("bmi", names.get("c3"))] = None
    return json.dumps({"rows": rows})


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"sex": "F"}, lambda X: X["sex"] == "F"),
        ({"age": (60, 70)}, lambda X: X["age"].between(60, 70)),
        (
            {"age": (None, 30), "sex": "F"},
            lambda X: (X["age"] <= 30) & (X["sex"] == "F"),
        ),
        ({"bmi": None}, lambda X: X["bmi"].isna()),
        ({"visits": [1, 2, 3, 4]}, lambda X: X["visits"].isin([1, 2, 3, 4])),
        ({}, lambda X: X["age"] > 0),
    ],
)
@pytest.mark.parametrize("label", [None, "ill"])
def test_every_row_of_a_conditional_sample_meets_its_conditions(given, holds, label):
    X, y = patients()
    gan = make_gan(Model(obey_half), epochs=0).fit(X, y)

    X_new, y_new = gan.draw_conditional(23, given, label=label, random_state=3)

    assert len(X_new) == len(y_new) == 23
    assert holds(X_new).all()
    assert X_new.dtypes.equals(X.dtypes)
    assert set(y_new) <= ({"ill", "well"} if label is None else {label})
    again, _ = gan.draw_conditional(23, given, label=label, random_state=3)
    pd.testing.assert_frame_equal(again, X_new)


def test_published_form_shows_rows_that_meet_the_conditions():
    X, y = patients()
    model = Model(obey_half)
    gan = make_gan(model, epochs=0, published=True).fit(X, y)
    X_new, _ = gan.draw_conditional(6, {"sex": "F"}, label="ill", random_state=0)

    text = "\n".join(model.asked("generator"))
    shown = [json.loads(row) for row in re.findall(r'^\{"age".*\}$', text, re.M)]
    assert {(row["sex"], row["state"]) for row in shown} == {("F", "ill")}
    assert X_new["sex"].tolist() == ["F"] * 6


def test_conditions_that_a_model_never_meets_end_and_harm_nothing_else():
    X, y = patients()
    model = Model(lambda r: answer_competently(r).replace('"F"', '"M"'))
    gan = make_gan(model, epochs=0).fit(X, y)

    with pytest.raises(GeneratorError, match=r"not meet the condition .*'sex': 'F'"):
        gan.draw_conditional(100, {"sex": "F"})
    assert len(model.log) <= 9 * 5
    assert gan.stop_reason_ == ""
    assert len(next(gan.draw(make_requests(1, 3, labels=["ill"] * 3))).X) == 3


def test_fewer_rows_than_wanted_are_told():
    X, y = patients()

    def write_one(request):
        reply = json.loads(answer_competently(request))
        return json.dumps({"rows": reply["rows"][:1]})

    gan = make_gan(Model(write_one), epochs=0).fit(X, y)
    with pytest.warns(QuotaNotMetWarning, match=r"30 rows .*'age': \(20, 75\)"):
        X_new, _ = gan.draw_conditional(30, {"age": (20, 75)}, label="ill")

    assert 0 < len(X_new) < 30
    assert X_new["age"].between(20, 75).all()
    empty, labels = gan.draw_conditional(0, {"sex": "F"})
    assert empty.shape == (0, 4)
    assert labels.dtype == y.dtype


@pytest.mark.parametrize("n_rows", [-1, 2.5])
def test_impossible_conditions_are_refused_before_a_model_is_asked(n_rows):
    X, y = patients()
    X["town"] = ["Zzyzx", *["Lodz", "Bern"] * 19, "Lodz"]
    model = Model()
    gan = make_gan(model, epochs=0, examples=0).fit(X, y)

    with pytest.raises(GeneratorError, match="min_level_rows"):
        gan.draw_conditional(2, {"town": "Zzyzx"})
    with pytest.raises(GeneratorError, match="cannot be met"):
        gan.draw_conditional(2, {"age": (200, 300)})
    with pytest.raises(GeneratorError, match="wealth"):
        gan.draw_conditional(2, {"wealth": 1})
    with pytest.raises(GeneratorError, match="new_classes"):
        gan.draw_conditional(2, {"sex": "F"}, label="rich")
    with pytest.raises(GeneratorError, match="n_rows"):
        gan.draw_conditional(n_rows, {"sex": "F"})
    assert model.log == []
