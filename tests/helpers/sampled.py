"""Two classes to be balanced, and books that must add up."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._records import FATES, Batch
from t2sampler.generators._base import BaseGenerator

OFF = {"sanity": "passthrough", "cost": "passthrough", "diversity": "passthrough"}
short = pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning")


def two_classes(n_major=30, n_minor=10):
    rng = np.random.default_rng(0)
    y = pd.Series(["no"] * n_major + ["yes"] * n_minor, name="ill")
    X = pd.DataFrame(
        {"a": rng.normal(size=len(y)) + (y == "yes"), "b": list("uv") * (len(y) // 2)}
    )
    return X, y


def assert_books_add_up(sampler, X_res):
    report, provenance = sampler.report_, sampler.provenance_
    totals = report.totals
    assert totals["drawn"] == sum(totals[fate] for fate in FATES[1:])
    assert totals["accepted"] == (provenance["origin"] == "generated").sum()
    assert len(report.left_out) == totals["drawn"] - totals["accepted"]
    assert (report.left_out["reason"] != "").all()
    assert len(provenance) == len(X_res) == len(sampler.synthetic_mask_)


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
