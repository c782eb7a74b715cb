"""Two classes to be balanced, settings, and what must hold of every report."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._records import FATES, Batch
from t2sampler.generators._base import BaseGenerator

OFF = {"sanity": "passthrough", "cost": "passthrough", "diversity": "passthrough"}
may_fall_short = pytest.mark.filterwarnings(
    "ignore::t2sampler.exceptions.QuotaNotMetWarning"
)


def two_classes(n_major=30, n_minor=10):
    rng = np.random.default_rng(0)
    y = pd.Series(["no"] * n_major + ["yes"] * n_minor, name="ill")
    X = pd.DataFrame(
        {"a": rng.normal(size=len(y)) + (y == "yes"), "b": list("uv") * (len(y) // 2)}
    )
    return X, y


def check_report(sampler, rows):
    """Assert that each row drawn has one fate, and a reason where it was left out."""
    report, provenance = sampler.report_, sampler.provenance_
    totals, batches, left_out = report.totals, report.batches, report.left_out
    assert batches["drawn"].tolist() == batches[[*FATES[1:]]].sum(axis=1).tolist()
    assert set(batches["drawn"]) <= {sampler.batch_size}
    assert totals["accepted"] == (provenance["origin"] == "generated").sum()
    assert len(left_out) == totals["drawn"] - totals["accepted"]
    assert (left_out["reason"] != "").all()
    assert (left_out["fate"] == "refused").sum() == totals["refused"]
    assert len(provenance) == len(rows) == len(sampler.synthetic_mask_)


class WriteAnything(BaseGenerator):
    """Draw numbers and any label of the schema, unseen ones included."""

    def fit(self, X, y, schema=None):
        self.schema_ = schema
        return self

    def draw(self, requests):
        for request in requests:
            codes = request.rng.integers(
                len(self.schema_.target.levels), size=request.n_rows
            )
            labels = self.schema_.target.decode(codes.astype(float))
            if request.labels is not None:
                labels = pd.Series(request.labels).astype(self.schema_.target.dtype)
            X = pd.DataFrame({"a": request.rng.normal(size=request.n_rows)})
            yield Batch(request.index, X, labels)
