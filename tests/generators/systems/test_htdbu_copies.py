"""H-TDBU: what is drawn repeats no real row, and the published form draws classes."""

import numpy as np
import pandas as pd
import pytest

from t2sampler.generators import HTDBU
from t2sampler.generators._blind_chain import BlindChain
from t2sampler.testing import RepeatRows, make_requests


def draw(generator, n_rows=120, labels=None):
    requests = make_requests(2, n_rows // 2, labels=labels)
    batches = list(generator.draw(requests))
    return (
        pd.concat([batch.X for batch in batches], ignore_index=True),
        pd.concat([batch.y for batch in batches], ignore_index=True),
    )


@pytest.mark.parametrize("kind", ["forest", "boosting"])
def test_label_of_the_published_form_is_a_class_also_as_a_float(kind):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"b": rng.normal(size=80), "a": rng.integers(0, 99, 80)})
    frame["paid"] = (frame["b"] + rng.normal(size=80) > 0).astype(float)

    drawn = BlindChain(kind).fit(frame).sample(300, 0)

    assert set(drawn["paid"]) == {0.0, 1.0}
    assert drawn["paid"].dtype == float


def test_published_boosting_splits_a_small_table():
    """Leaves of 20 rows, scikit-learn's, would leave 30 rows in one leaf."""
    side = np.tile([0.0, 1.0], 15)
    frame = pd.DataFrame({"side": side, "size": 100 * side, "paid": 15 * ["no", "yes"]})

    drawn = BlindChain("boosting").fit(frame).sample(200, 0)

    assert np.corrcoef(drawn["side"], drawn["size"])[0, 1] > 0.9


def sums():
    """Return rows that a rule ties together as a whole."""
    rng = np.random.default_rng(5)
    X = pd.DataFrame(rng.integers(0, 60, (200, 2)), columns=["b", "a"])
    X = X.assign(sum=X["b"] + X["a"]).drop_duplicates(ignore_index=True)
    y = pd.Series(np.where(X["a"] + rng.normal(0, 9, len(X)) > 30, "u", "d"), name="y")
    return X, y


@pytest.mark.parametrize("texture", ["forest", "boosting"])
def test_table_that_is_one_group_is_not_copied(texture):
    X, y = sums()

    new, labels = draw(
        HTDBU(texture=texture, max_rounds=0).fit(X, y), labels=["u"] * 60
    )

    assert len(new) == 120
    assert set(labels) == {"u"}
    assert (new["sum"] == new["b"] + new["a"]).all()
    assert new.merge(X).empty


def test_copies_are_at_most_as_frequent_as_real_rows_repeat_each_other():
    rng = np.random.default_rng(6)
    X = pd.DataFrame({"b": rng.permutation(120), "a": rng.integers(0, 3, 120)})
    X.loc[:11] = [7, 1]  # a tenth of the rows
    y = pd.Series(rng.choice(["u", "d"], 120), name="y")

    new, _ = draw(HTDBU(None, texture=RepeatRows(), max_rounds=0).fit(X, y), 4000)

    assert 0.2 < len(new) / 4000 < 0.35  # each row has three tries
    batch = HTDBU(None, max_rounds=0).fit(X, y)
    new, _ = draw(batch, 1000)
    assert new.merge(X.drop_duplicates()).shape[0] < 0.15 * len(new)


def test_forest_moves_numbers_where_all_it_can_copy_is_there():
    X = pd.DataFrame({"age": range(20, 60), "mood": ["sad", "glad"] * 20})
    y = pd.Series([0, 1] * 20)

    new, _ = draw(HTDBU(max_rounds=0).fit(X, y))

    assert len(new) > 90
    assert new.merge(X).empty
    assert new["age"].between(20, 59).all()


def test_batch_whose_rows_are_drawn_anew_is_a_function_of_its_request():
    X = pd.DataFrame({"age": range(20, 60), "mood": ["sad", "glad"] * 20})
    htdbu = HTDBU(max_rounds=0).fit(X, pd.Series([0, 1] * 20))

    together = list(htdbu.draw(make_requests(3, 30)))
    alone = next(htdbu.draw(make_requests(3, 30)[2:]))

    assert together[2].refused is not None
    pd.testing.assert_frame_equal(alone.X, together[2].X)
