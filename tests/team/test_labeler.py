"""The label worker relabels rows, but not those of classes it cannot learn."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.team._classifiers import Linear, ShrunkCentroids
from t2sampler.team._labeler import (
    Ensemble,
    LabelWorker,
    assign_folds,
    mean_auc,
    stratified_subsample,
)
from t2sampler.team._task import RowTask


def fit_labeler(frame, labels):
    """Return a fitted label worker and a reader of candidates."""
    schema = TableSchema.learn(frame, pd.Series(labels))
    codes = schema.target.encode(pd.Series(labels)).astype(np.intp)
    return LabelWorker(schema).fit(schema.encode(frame), codes), schema


def name_labels(worker, schema, frame, target=0):
    margins = worker.find_margins(schema.encode(frame), np.full(len(frame), target))
    return worker.classes_[margins.argmax(axis=1)]


def test_labels_follow_the_row_and_not_what_it_was_drawn_for(rng):
    x = rng.normal(size=60)
    frame = pd.DataFrame({"x": x, "noise": rng.normal(size=60)})
    worker, schema = fit_labeler(frame, (x > 0).astype(int))
    far = pd.DataFrame({"x": [-2.0] * 20 + [2.0] * 20, "noise": 0.0})

    for target in (0, 1):
        labels = name_labels(worker, schema, far, target)
        assert labels.tolist() == [0] * 20 + [1] * 20
    assert worker.cv_auc_ > 0.9


def test_mixed_columns_and_missing_values_are_relabelled(mixed_table):
    X, y = mixed_table

    worker, schema = fit_labeler(X, y.to_numpy())
    margins = worker.find_margins(schema.encode(X), np.zeros(len(X), dtype=int))

    assert np.isfinite(margins).all()
    # In a row one label leads by as much as the best of the others lags behind.
    np.testing.assert_allclose(margins[:, 0], -margins[:, 1])


def test_three_classes_are_told_apart(rng):
    x = np.repeat([-4.0, 0.0, 4.0], 20) + rng.normal(size=60)
    frame = pd.DataFrame({"x": x})
    worker, schema = fit_labeler(frame, np.repeat(list("abc"), 20))

    far = pd.DataFrame({"x": [-4.0, 0.0, 4.0]})

    assert name_labels(worker, schema, far).tolist() == [0, 1, 2]


def test_classes_of_two_rows_are_relabelled_though_nothing_can_be_held_out():
    frame = pd.DataFrame({"x": [0.0, 0.1, 0.2, 0.3, 5.0, 5.1]})
    worker, schema = fit_labeler(frame, [0, 0, 0, 0, 1, 1])

    assert np.isnan(worker.cv_auc_)
    assert name_labels(worker, schema, pd.DataFrame({"x": [0.1, 5.0]})).tolist() == [
        0,
        1,
    ]


def test_a_class_of_one_row_keeps_what_was_drawn_for_it(rng):
    frame = pd.DataFrame({"x": rng.normal(size=21)})
    worker, schema = fit_labeler(frame, [0] * 10 + [1] * 10 + [2])

    assert not worker.is_relabelled_[2]
    assert name_labels(worker, schema, frame, target=2).tolist() == [2] * 21
    assert 2 not in name_labels(worker, schema, frame, target=0)


def test_an_order_tells_where_a_label_of_one_row_lies(rng):
    x = np.append(np.linspace(0, 1.9, 20), 2.4)
    labels = pd.Categorical(
        ["low"] * 12 + ["mid"] * 8 + ["high"], ["low", "mid", "high"], ordered=True
    )
    frame = pd.DataFrame({"x": x, "noise": rng.normal(size=21)})
    worker, schema = fit_labeler(frame, labels)

    beyond = pd.DataFrame({"x": [-1.0, 4.0], "noise": 0.0})

    assert worker.is_relabelled_.all()
    assert name_labels(worker, schema, beyond).tolist() == [0, 2]


def test_rows_that_are_all_alike_are_not_relabelled():
    frame = pd.DataFrame({"x": np.zeros(40)})
    worker, schema = fit_labeler(frame, [0, 1] * 20)

    assert worker.cv_auc_ == 0.5
    assert name_labels(worker, schema, frame, target=1).tolist() == [1] * 40


def test_an_auc_no_better_than_chance_does_not_stop_relabelling():
    # Two of eight labels are wrong: held out, few rows prove nothing; all show a trend.
    frame = pd.DataFrame({"x": np.arange(8.0)})
    worker, schema = fit_labeler(frame, [0, 0, 1, 0, 1, 0, 1, 1])

    ends = pd.DataFrame({"x": [0.0, 7.0]})

    assert worker.cv_auc_ <= 0.5
    for target in (0, 1):
        assert name_labels(worker, schema, ends, target).tolist() == [0, 1]


def test_labels_drawn_for_free_rows_have_the_class_shares():
    worker, _ = fit_labeler(pd.DataFrame({"x": range(4)}), [0, 0, 0, 1])

    labels = worker.draw_labels(np.array([0.0, 0.74, 0.75, 0.99]))

    assert labels.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("n_rows", [1, 5])
def test_one_class_needs_no_model(n_rows):
    frame = pd.DataFrame({"x": range(n_rows)})
    worker, schema = fit_labeler(frame, ["only"] * n_rows)

    assert name_labels(worker, schema, frame).tolist() == [0] * n_rows


def test_a_worker_of_a_plan_relabels_rows_but_keeps_wanted_labels(rng):
    frame = pd.DataFrame({"x": np.repeat([-3.0, 3.0], 20) + rng.normal(size=40)})
    worker, schema = fit_labeler(frame, [0] * 20 + [1] * 20)
    given, labels = np.array([[3.0], [-3.0]]), np.array([0, 0])

    answers = [
        worker.write(
            RowTask((schema.target,), schema.columns, given, labels, None, are_wanted)
        ).codes.tolist()
        for are_wanted in (False, True)
    ]

    assert answers == [[[1.0], [0.0]], [[0.0], [0.0]]]


def test_members_that_know_nothing_are_left_out(rng):
    A = rng.normal(size=(300, 2))
    labels = (A[:, 0] * A[:, 1] > 0).astype(np.intp)  # no line tells them apart

    ensemble = Ensemble().fit(A, labels)

    kinds = set(map(type, ensemble._members))
    assert not {Linear, ShrunkCentroids} & kinds
    assert ensemble.cv_auc_ > 0.9


def test_folds_hold_a_part_of_each_class_and_no_tiny_one():
    labels = np.array([0] * 9 + [1] * 5 + [2] * 2)

    folds = assign_folds(labels)

    assert (folds[labels == 2] == -1).all()
    assert sorted(np.bincount(folds[labels == 0]).tolist()) == [2, 2, 2, 3]
    assert sorted(np.bincount(folds[labels == 1]).tolist()) == [1, 1, 1, 2]
    assert (assign_folds(np.array([0, 0, 0, 1, 1])) == -1).all()


def test_the_auc_is_the_mean_over_folds():
    scores = np.array([[0, 1], [0, 2], [0, 1], [0, 2.0]])
    scores -= scores.mean(axis=1, keepdims=True)

    # Fold 0 is in order (area 1), fold 1 the other way round (area 0).
    auc = mean_auc(scores, np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1]))

    assert auc == 0.5


def test_a_subsample_keeps_small_classes():
    labels = np.repeat([0, 1], [9900, 100])

    rows = stratified_subsample(labels, 1000)

    counts = np.bincount(labels[rows])
    assert counts[1] == 100
    assert 400 <= counts[0] <= 1000
