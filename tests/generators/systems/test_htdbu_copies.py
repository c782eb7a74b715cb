"""H-TDBU: what is drawn repeats no real row, and the published form draws classes."""

import numpy as np
import pandas as pd
import pytest

from t2sampler.generators import HTDBU
from t2sampler.generators._blind_chain import BlindChain
from t2sampler.testing import make_requests


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
