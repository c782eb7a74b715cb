"""The label worker follows the row, and holds its tongue where it knows nothing."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.team._labeler import LabelWorker


def fit_labeler(frame, labels):
    """Return a fitted label worker and a reader of candidates."""
    schema = TableSchema.learn(frame, pd.Series(labels))
    codes = schema.target.encode(pd.Series(labels)).astype(np.intp)
    return LabelWorker(schema).fit(schema.encode(frame), codes), schema


def name_labels(worker, schema, frame, meant=0):
    lead = worker.judge(schema.encode(frame), np.full(len(frame), meant))
    return worker.classes_[lead.argmax(axis=1)]


def test_labels_follow_the_row_and_not_what_it_was_drawn_for(rng):
    x = rng.normal(size=60)
    frame = pd.DataFrame({"x": x, "noise": rng.normal(size=60)})
    worker, schema = fit_labeler(frame, (x > 0).astype(int))
    far = pd.DataFrame({"x": [-2.0] * 20 + [2.0] * 20, "noise": 0.0})

    for meant in (0, 1):
        labels = name_labels(worker, schema, far, meant)
        assert labels.tolist() == [0] * 20 + [1] * 20
    assert worker.skill_ > 0.9


def test_mixed_columns_and_missing_values_are_judged(mixed_table):
    X, y = mixed_table

    worker, schema = fit_labeler(X, y.to_numpy())
    lead = worker.judge(schema.encode(X), np.zeros(len(X), dtype=int))

    assert np.isfinite(lead).all()
    # In a row one label leads by as much as the best of the others lags behind.
    np.testing.assert_allclose(lead[:, 0], -lead[:, 1])


def test_three_classes_are_told_apart(rng):
    x = np.repeat([-4.0, 0.0, 4.0], 20) + rng.normal(size=60)
    frame = pd.DataFrame({"x": x})
    worker, schema = fit_labeler(frame, np.repeat(list("abc"), 20))

    far = pd.DataFrame({"x": [-4.0, 0.0, 4.0]})

    assert name_labels(worker, schema, far).tolist() == [0, 1, 2]


def test_classes_of_two_rows_are_judged_though_nothing_can_be_held_out():
    frame = pd.DataFrame({"x": [0.0, 0.1, 0.2, 0.3, 5.0, 5.1]})
    worker, schema = fit_labeler(frame, [0, 0, 0, 0, 1, 1])

    assert np.isnan(worker.skill_)
    assert name_labels(worker, schema, pd.DataFrame({"x": [0.1, 5.0]})).tolist() == [
        0,
        1,
    ]


def test_a_class_of_one_row_keeps_what_was_drawn_for_it(rng):
    frame = pd.DataFrame({"x": rng.normal(size=21)})
    worker, schema = fit_labeler(frame, [0] * 10 + [1] * 10 + [2])

    assert not worker.is_judged_[2]
    assert name_labels(worker, schema, frame, meant=2).tolist() == [2] * 21
    assert 2 not in name_labels(worker, schema, frame, meant=0)


def test_an_order_tells_where_a_label_of_one_row_lies(rng):
    x = np.append(np.linspace(0, 1.9, 20), 2.4)
    labels = pd.Categorical(
        ["low"] * 12 + ["mid"] * 8 + ["high"], ["low", "mid", "high"], ordered=True
    )
    frame = pd.DataFrame({"x": x, "noise": rng.normal(size=21)})
    worker, schema = fit_labeler(frame, labels)

    beyond = pd.DataFrame({"x": [-1.0, 4.0], "noise": 0.0})

    assert worker.is_judged_.all()
    assert name_labels(worker, schema, beyond).tolist() == [0, 2]


def test_rows_that_are_all_alike_are_not_judged():
    frame = pd.DataFrame({"x": np.zeros(40)})
    worker, schema = fit_labeler(frame, [0, 1] * 20)

    assert worker.skill_ == 0.5
    assert name_labels(worker, schema, frame, meant=1).tolist() == [1] * 40


def test_a_score_no_better_than_a_coins_is_no_reason_to_be_silent():
    # Two of eight labels are wrong: held out, few rows prove nothing; all show a trend.
    frame = pd.DataFrame({"x": np.arange(8.0)})
    worker, schema = fit_labeler(frame, [0, 0, 1, 0, 1, 0, 1, 1])

    ends = pd.DataFrame({"x": [0.0, 7.0]})

    assert worker.skill_ <= 0.5
    for meant in (0, 1):
        assert name_labels(worker, schema, ends, meant).tolist() == [0, 1]


def test_labels_drawn_before_have_the_class_shares():
    worker, _ = fit_labeler(pd.DataFrame({"x": range(4)}), [0, 0, 0, 1])

    labels = worker.draw_before(np.array([0.0, 0.74, 0.75, 0.99]))

    assert labels.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("n_rows", [1, 5])
def test_one_class_needs_no_model(n_rows):
    frame = pd.DataFrame({"x": range(n_rows)})
    worker, schema = fit_labeler(frame, ["only"] * n_rows)

    assert name_labels(worker, schema, frame).tolist() == [0] * n_rows
