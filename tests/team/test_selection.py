"""Which candidates are kept, and which are copies."""

import numpy as np

from t2sampler.team._selection import CopyDetector, select_candidates


def two_sided(margin):
    return np.column_stack([margin, -np.asarray(margin)])


def choose_among(
    batch, margin, wanted, keep_fraction, *, is_excess_copy=None, has_gaps=None
):
    nothing = np.zeros(len(margin), dtype=bool)
    return select_candidates(
        batch,
        margin,
        wanted,
        is_excess_copy=nothing if is_excess_copy is None else is_excess_copy,
        has_gaps=nothing if has_gaps is None else has_gaps,
        keep_fraction=keep_fraction,
    )


def pick(margin, wanted, keep_fraction=1.0, copies=(), batch=None):
    """Return chosen candidates and classes; by default of one batch."""
    margin = two_sided(margin)
    is_excess_copy = np.isin(np.arange(len(margin)), copies)
    batch = np.zeros(len(margin), dtype=np.intp) if batch is None else np.array(batch)
    rows, classes = choose_among(
        batch,
        margin,
        np.atleast_2d(wanted),
        keep_fraction,
        is_excess_copy=is_excess_copy,
    )
    return rows.tolist(), classes.tolist()


def test_the_larger_margins_come_first_in_the_order_drawn():
    assert pick([1.0, 2.0, 3.0, 4.0], [2, 0], keep_fraction=0.5) == ([2, 3], [0, 0])
    assert pick([1.0, 2.0, 3.0, 4.0], [2, 0], keep_fraction=1.0) == ([0, 1], [0, 0])


def test_then_the_next_largest_margin_then_the_nearest_of_the_others():
    margin = [3.0, 1.0, 2.0, -1.0, -5.0]

    assert pick(margin, [2, 0], keep_fraction=0.3)[0] == [0, 2]
    # Candidate 3 belongs to class 1 and comes first there; 4 is what is left.
    assert pick(margin, [4, 1]) == ([0, 1, 2, 4, 3], [0, 0, 0, 0, 1])


def test_excess_copies_come_last():
    assert pick([3.0, 1.0, 2.0, -1.0], [2, 0], copies=[0])[0] == [1, 2]
    assert pick([3.0, 1.0, 2.0, -1.0], [4, 0], copies=[0])[0] == [0, 1, 2, 3]
    assert pick([3.0, -1.0, -2.0], [2, 0], copies=[0])[0] == [1, 2]


def test_every_batch_gets_what_it_wants_and_no_candidate_twice(rng):
    batch = np.repeat(np.arange(30), 9)
    margin = rng.normal(size=(270, 4))
    is_excess_copy = rng.random(270) < 0.5
    wanted = rng.multinomial(7, np.full(4, 0.25), size=30)

    rows, classes = choose_among(
        batch, margin, wanted, 0.5, is_excess_copy=is_excess_copy
    )

    assert len(np.unique(rows)) == 7 * 30
    counts = np.zeros((30, 4), dtype=int)
    np.add.at(counts, (batch[rows], classes), 1)
    assert np.array_equal(counts, wanted)


def test_a_batch_does_not_depend_on_those_beside_it(rng):
    margin = rng.normal(size=40)
    alone = pick(margin[:20], [5, 5], 0.5)

    together = pick(margin, [[5, 5], [3, 4]], 0.5, batch=np.repeat([0, 1], 20))

    assert together[0][:10] == alone[0]


def test_copies_are_found_whatever_the_zeros_sign_and_gaps():
    real = CopyDetector().fit(
        np.array([[0.0, np.nan], [1.0, 2.0], [1.0, 2.0], [4.0, 5.0]])
    )

    found = real.are_copies(
        np.array([[-0.0, np.nan], [1.0, 2.0], [1.0, 5.0], [2.0, 1.0]])
    )

    assert found.tolist() == [True, True, False, False]
    assert real.repeat_rate_ == 0.5


def test_whole_numbers_do_not_collide():
    grid = np.array(np.meshgrid(range(60), range(60))).reshape(2, -1).T.astype(float)

    real = CopyDetector().fit(grid[::2])

    assert real.are_copies(grid).sum() == len(grid[::2])
    assert real.repeat_rate_ == 0


def test_rows_with_gaps_keep_their_share(rng):
    has_gaps = rng.random(6000) < 0.3
    margin = two_sided(np.where(has_gaps, 0.1, 3) * rng.choice([-1, 1], 6000))
    batch = np.repeat(np.arange(100), 60)

    rows, _ = choose_among(batch, margin, np.full((100, 2), 12), 0.5, has_gaps=has_gaps)

    assert abs(has_gaps[rows].mean() - 0.3) < 0.03


def test_copies_stay_as_often_as_real_rows_repeat():
    real = CopyDetector().fit(
        np.array([[1.0], [1.0], [2.0], [3.0]])
    )  # half of them repeat
    candidates = np.array([[1.0], [2.0], [3.0], [9.0]])

    # Three copies to one other row: a third of the copies makes them one in two.
    assert np.isclose(real.find_keep_probability(candidates), 1 / 3)
    assert real.find_keep_probability(candidates[3:]) == 1
    assert (
        CopyDetector().fit(np.arange(4.0)[:, None]).find_keep_probability(candidates)
        == 0
    )


def test_copies_stay_out_where_the_trial_saw_none():
    unique, repeated = (
        CopyDetector().fit(np.eye(3)),
        CopyDetector().fit(np.ones((2, 3))),
    )

    assert unique.find_keep_probability(np.zeros((5, 3))) == 0
    assert repeated.find_keep_probability(np.zeros((5, 3))) == 1
