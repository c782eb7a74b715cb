"""Which candidates are kept, and which are copies."""

import numpy as np

from t2sampler.team._selection import RealRows, choose


def two_sided(lead):
    return np.column_stack([lead, -np.asarray(lead)])


def choose_among(batch, lead, wanted, surest, *, is_spare=None, has_gaps=None):
    nothing = np.zeros(len(lead), dtype=bool)
    return choose(
        batch,
        lead,
        wanted,
        is_spare=nothing if is_spare is None else is_spare,
        has_gaps=nothing if has_gaps is None else has_gaps,
        surest=surest,
    )


def pick(lead, wanted, surest=1.0, spare=(), batch=None):
    """Return chosen candidates and classes; by default of one batch."""
    lead = two_sided(lead)
    is_spare = np.isin(np.arange(len(lead)), spare)
    batch = np.zeros(len(lead), dtype=np.intp) if batch is None else np.array(batch)
    rows, classes = choose_among(
        batch, lead, np.atleast_2d(wanted), surest, is_spare=is_spare
    )
    return rows.tolist(), classes.tolist()


def test_the_surer_half_comes_first_in_the_order_drawn():
    assert pick([1.0, 2.0, 3.0, 4.0], [2, 0], surest=0.5) == ([2, 3], [0, 0])
    assert pick([1.0, 2.0, 3.0, 4.0], [2, 0], surest=1.0) == ([0, 1], [0, 0])


def test_then_the_next_surest_then_the_nearest_of_the_others():
    lead = [3.0, 1.0, 2.0, -1.0, -5.0]

    assert pick(lead, [2, 0], surest=0.3)[0] == [0, 2]
    # Candidate 3 belongs to class 1 and comes first there; 4 is what is left.
    assert pick(lead, [4, 1]) == ([0, 1, 2, 4, 3], [0, 0, 0, 0, 1])


def test_spare_candidates_come_last():
    assert pick([3.0, 1.0, 2.0, -1.0], [2, 0], spare=[0])[0] == [1, 2]
    assert pick([3.0, 1.0, 2.0, -1.0], [4, 0], spare=[0])[0] == [0, 1, 2, 3]
    assert pick([3.0, -1.0, -2.0], [2, 0], spare=[0])[0] == [1, 2]


def test_every_batch_gets_what_it_wants_and_no_candidate_twice(rng):
    batch = np.repeat(np.arange(30), 9)
    lead = rng.normal(size=(270, 4))
    is_spare = rng.random(270) < 0.5
    wanted = rng.multinomial(7, np.full(4, 0.25), size=30)

    rows, classes = choose_among(batch, lead, wanted, 0.5, is_spare=is_spare)

    assert len(np.unique(rows)) == 7 * 30
    counts = np.zeros((30, 4), dtype=int)
    np.add.at(counts, (batch[rows], classes), 1)
    assert np.array_equal(counts, wanted)


def test_a_batch_does_not_depend_on_those_beside_it(rng):
    lead = rng.normal(size=40)
    alone = pick(lead[:20], [5, 5], 0.5)

    together = pick(lead, [[5, 5], [3, 4]], 0.5, batch=np.repeat([0, 1], 20))

    assert together[0][:10] == alone[0]


def test_copies_are_found_whatever_the_zeros_sign_and_gaps():
    real = RealRows().fit(np.array([[0.0, np.nan], [1.0, 2.0], [1.0, 2.0], [4.0, 5.0]]))

    found = real.holds(np.array([[-0.0, np.nan], [1.0, 2.0], [1.0, 5.0], [2.0, 1.0]]))

    assert found.tolist() == [True, True, False, False]
    assert real.repeats_ == 0.5


def test_whole_numbers_do_not_collide():
    grid = np.array(np.meshgrid(range(60), range(60))).reshape(2, -1).T.astype(float)

    real = RealRows().fit(grid[::2])

    assert real.holds(grid).sum() == len(grid[::2])
    assert real.repeats_ == 0


def test_rows_with_gaps_keep_their_share(rng):
    has_gaps = rng.random(6000) < 0.3
    lead = two_sided(np.where(has_gaps, 0.1, 3) * rng.choice([-1, 1], 6000))
    batch = np.repeat(np.arange(100), 60)

    rows, _ = choose_among(batch, lead, np.full((100, 2), 12), 0.5, has_gaps=has_gaps)

    assert abs(has_gaps[rows].mean() - 0.3) < 0.03


def test_copies_stay_as_often_as_real_rows_have_twins():
    real = RealRows().fit(np.array([[1.0], [1.0], [2.0], [3.0]]))  # half have a twin
    candidates = np.array([[1.0], [2.0], [3.0], [9.0]])

    # Three copies to one other row: a third of the copies makes them one in two.
    assert np.isclose(real.find_chance(candidates), 1 / 3)
    assert real.find_chance(candidates[3:]) == 1
    assert RealRows().fit(np.arange(4.0)[:, None]).find_chance(candidates) == 0
