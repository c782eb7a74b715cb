"""The batch loop keeps its books."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._records import Batch
from t2sampler._schema import TableSchema
from t2sampler.filters._sequence import FilterResult
from t2sampler.sampling._loop import fill_quotas, label_cycle, make_requests, take_rows

SCHEMA = TableSchema.learn(pd.DataFrame({"age": [0, 1, 2]}), pd.Series([2, 0, 1]))


def draw_counting(requests):
    """Draw ages 0, 1, 2, …: no model and no chance, so truth is known by hand."""
    for request in requests:
        start = request.index * request.n_rows
        X = pd.DataFrame({"age": np.arange(start, start + request.n_rows)})
        yield Batch(request.index, X, pd.Series(request.labels))


def keep_ages(low, high):
    def inspect(rows, batch):
        keep = rows.frame["age"].between(low, high).to_numpy()
        blank = np.full(len(rows), "", dtype=object)
        return FilterResult(keep, blank, blank, {}, pd.DataFrame(), {})

    return inspect


def run(quotas, inspect, *, batch_size=4, max_batches=3):
    waves = fill_quotas(
        draw_counting,
        inspect,
        SCHEMA,
        make_requests(0, batch_size, quotas, SCHEMA),
        quotas,
        batch_size=batch_size,
        max_batches=max_batches,
        progress=lambda n_rows, n_batches: None,
    )
    return [age for wave in waves for age in wave.rows.frame["age"][wave.taken]], waves


@pytest.mark.parametrize("n_wanted", [1, 7, 10])
def test_accepted_rows_are_the_first_that_pass(n_wanted):
    ages, waves = run({0: n_wanted}, keep_ages(3, 9))

    # Three batches hold ages 0 to 11; only 3 to 9 pass.
    assert ages == list(range(3, 10))[:n_wanted]
    assert sum(len(wave.rows) for wave in waves) <= 12


def test_the_drawing_ends_where_the_generator_gives_no_more():
    def draw_two(requests):
        yield from draw_counting(r for r in requests if r.index < 2)

    waves = fill_quotas(
        draw_two,
        keep_ages(0, 99),
        SCHEMA,
        make_requests(0, 4, {0: 20}, SCHEMA),
        {0: 20},
        batch_size=4,
        max_batches=9,
        progress=lambda n_rows, n_batches: None,
    )

    assert [len(wave.rows) for wave in waves] == [8]


def test_a_generator_that_gives_nothing_ends_the_drawing():
    waves = fill_quotas(
        lambda requests: iter(()),
        keep_ages(0, 99),
        SCHEMA,
        make_requests(0, 4, {0: 20}, SCHEMA),
        {0: 20},
        batch_size=4,
        max_batches=9,
        progress=lambda n_rows, n_batches: None,
    )

    assert waves == []


def test_a_class_that_wants_nothing_gets_nothing():
    ages, _ = run({0: 0, 1: 2}, keep_ages(0, 99))

    assert len(ages) == 2


def test_nothing_is_drawn_for_quotas_of_zero():
    waves = fill_quotas(
        draw_counting,
        keep_ages(0, 9),
        SCHEMA,
        make_requests(0, 4, None, SCHEMA),
        {0: 0},
        batch_size=4,
        max_batches=3,
        progress=lambda n_rows, n_batches: None,
    )

    assert waves == []


def test_strict_filters_ask_for_the_same_batches_and_more():
    _, lax = run({0: 4, 1: 2}, keep_ages(0, 999), batch_size=2, max_batches=50)
    _, strict = run({0: 4, 1: 2}, keep_ages(7, 999), batch_size=2, max_batches=50)

    few = pd.concat([wave.rows.frame.assign(y=wave.rows.target) for wave in lax])
    many = pd.concat([wave.rows.frame.assign(y=wave.rows.target) for wave in strict])
    assert len(many) > len(few)
    pd.testing.assert_frame_equal(
        few.reset_index(drop=True), many.head(len(few)).reset_index(drop=True)
    )


def test_every_stretch_of_the_cycle_has_the_mix_of_the_quotas():
    cycle = label_cycle({0: 30, 1: 10, 2: 10})

    for start in range(0, 50, 10):
        counts = np.bincount(cycle[start : start + 10], minlength=3)
        assert np.abs(counts - [6, 2, 2]).max() <= 1
    assert np.bincount(cycle).tolist() == [30, 10, 10]


def test_requests_depend_on_their_index_alone():
    first = list(zip(range(5), make_requests(3, 2, None, SCHEMA), strict=False))
    again = list(zip(range(5), make_requests(3, 2, None, SCHEMA), strict=False))

    draws = [request.rng.random() for _, request in first]
    assert draws == [request.rng.random() for _, request in again]
    assert len(set(draws)) == 5


def test_rows_without_room_are_not_taken():
    taken = take_rows(np.array([0.0, 1, 0, 2]), np.ones(4, dtype=bool), {0: 1, 1: 5})

    assert taken.tolist() == [True, True, False, False]
