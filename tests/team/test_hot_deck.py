"""Fitted workers copy what belongs together and keep the rules."""

import numpy as np
import pandas as pd

from t2sampler._schema import TableSchema
from t2sampler.constraints import Linear
from t2sampler.team._hot_deck import HotDeckWorker
from t2sampler.team._task import RowTask


def fit_worker(frame, n_written, labels, **settings):
    """Return a worker for the first columns that reads the rest."""
    schema = TableSchema.learn(frame)
    codes = schema.encode(frame)
    written, read = schema.columns[:n_written], schema.columns[n_written:]
    worker = HotDeckWorker(written, read, **settings)
    return worker.fit(codes[:, :n_written], codes[:, n_written:], np.asarray(labels))


def task_for(worker, given, labels, rng):
    labels = np.asarray(labels, dtype=np.intp)
    given = np.asarray(given, dtype=float).reshape(len(labels), len(worker.reads))
    noise = rng.random((len(labels), worker.n_uniforms))
    return RowTask(worker.columns, worker.reads, given, labels, noise)


def test_donors_come_from_the_wanted_class(rng):
    frame = pd.DataFrame({"x": [*range(20), *range(100, 120)]})
    worker = fit_worker(frame, 1, np.repeat([0, 1], 20))

    codes = worker.write(task_for(worker, [], np.tile([0, 1], 500), rng)).codes

    assert codes[::2].max() < 60 < codes[1::2].min()


def test_what_a_worker_reads_decides_who_donates(rng):
    given = np.repeat([0.0, 1.0], 50)
    frame = pd.DataFrame({"x": rng.normal(size=100) + 20 * given, "given": given})
    worker = fit_worker(frame, 1, np.zeros(100, dtype=int))

    codes = worker.write(task_for(worker, [0, 1] * 50, np.zeros(100), rng)).codes

    assert codes[::2].max() < 10 < codes[1::2].min()


def test_levels_missing_values_and_spikes_are_copied_together(rng):
    frame = pd.DataFrame(
        {"kind": list("uvw") * 20, "x": [0.0, 7.0, np.nan] * 20, "n": [1, 2, 3] * 20}
    )
    worker = fit_worker(frame, 3, np.zeros(60, dtype=int))

    codes = worker.write(task_for(worker, [], np.zeros(500), rng)).codes

    real = {(0.0, 0.0, 1.0), (1.0, 7.0, 2.0), (2.0, -1.0, 3.0)}
    assert set(map(tuple, np.nan_to_num(codes, nan=-1.0))) == real


def test_numbers_are_moved_on_their_grid_and_within_bounds(rng):
    frame = pd.DataFrame({"price": (rng.lognormal(size=80) * 10).round(2)})
    worker = fit_worker(frame, 1, np.zeros(80, dtype=int))

    prices = worker.write(task_for(worker, [], np.zeros(2000), rng)).codes[:, 0]

    assert np.array_equal(prices, prices.round(2))
    assert prices.min() >= frame["price"].min()
    assert prices.max() <= frame["price"].max()
    assert len(np.unique(prices)) > 500


def test_smoothing_zero_repeats_real_values(rng):
    frame = pd.DataFrame({"x": rng.normal(size=30)})
    worker = fit_worker(frame, 1, np.zeros(30, dtype=int), smoothing=0)

    codes = worker.write(task_for(worker, [], np.zeros(100), rng)).codes

    assert np.isin(codes, frame["x"]).all()


def test_rows_that_break_a_rule_by_smoothing_keep_the_donors_values(rng):
    low = rng.integers(0, 1000, 200)
    frame = pd.DataFrame({"low": low, "high": low + rng.integers(0, 3, 200)})
    rule = Linear({"high": 1, "low": -1})
    free = fit_worker(frame, 2, np.zeros(200, dtype=int))
    bound = fit_worker(frame, 2, np.zeros(200, dtype=int), rules=[rule])

    drawn = [w.write(task_for(w, [], np.zeros(500), rng)).codes for w in (free, bound)]

    breaks = [(codes[:, 0] > codes[:, 1]).sum() for codes in drawn]
    assert breaks[0] > 0
    assert breaks[1] == 0


def test_only_a_tiny_class_borrows_levels(rng):
    frame = pd.DataFrame({"kind": [*"uuuuuuuuuu", *"vvvvvv", "w"]})
    worker = fit_worker(frame, 1, np.repeat([0, 1, 2], [10, 6, 1]))

    codes = worker.write(task_for(worker, [], np.repeat([0, 1, 2], 5000), rng)).codes[
        :, 0
    ]

    assert np.unique(codes[:5000]).tolist() == [0]
    assert np.unique(codes[5000:10_000]).tolist() == [1]
    # A fifth of the rows borrow; 16 of the 17 lenders have another level.
    assert abs((codes[10_000:] != 2).mean() - 0.2 * 16 / 17) < 0.02


def test_a_class_of_one_row_is_moved_by_the_spread_of_the_others(rng):
    frame = pd.DataFrame({"x": rng.normal(size=41)})
    worker = fit_worker(frame, 1, np.repeat([0, 1], [40, 1]))

    codes = worker.write(task_for(worker, [], np.ones(200), rng)).codes

    assert len(np.unique(codes)) > 50


def test_a_sum_follows_from_its_parts(rng):
    b, c = rng.normal(size=(2, 80))
    frame = pd.DataFrame({"a": b + c, "b": b, "c": c})
    rule = Linear({"a": 1, "b": -1, "c": -1}, equals=True)
    worker = fit_worker(frame, 3, np.zeros(80, dtype=int), rules=[rule])

    codes = worker.write(task_for(worker, [], np.zeros(500), rng)).codes

    np.testing.assert_allclose(codes[:, 0], codes[:, 1] + codes[:, 2], atol=1e-12)
    is_moved = ~np.isin(codes[:, 1], b)
    assert is_moved.mean() > 0.8  # the others lead out of the real rows' bounds


def test_tiny_classes_borrow_only_where_the_same_is_missing(rng):
    smokes = np.array([0, 1] * 50 + [0])
    packs = np.where(smokes == 1, rng.normal(20, 4, 101), np.nan)
    frame = pd.DataFrame(
        {"smokes": pd.Series(smokes).map({0: "n", 1: "y"}), "p": packs}
    )
    worker = fit_worker(frame, 2, np.repeat([0, 1], [100, 1]))

    codes = worker.write(task_for(worker, [], np.ones(500), rng)).codes

    assert ((codes[:, 0] == 0) == np.isnan(codes[:, 1])).all()
