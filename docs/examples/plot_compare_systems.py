"""
Comparing systems
=================

Five generators write rows of the same table, and the same metrics judge them. None of
them needs a language model.
"""

# %%
# The table
# ---------
# 200 orders of a shop: a total that follows from two other columns, and three kinds of
# customers. Other 200 orders of the same shop show what metrics say of real rows.

import numpy as np
import pandas as pd


def make_orders(n_rows, seed):
    """Return orders, and whether they were sent back."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "pieces": rng.integers(1, 8, n_rows),
            "price": rng.choice([4.5, 9.9, 19.9, 49.0], n_rows, p=[0.4, 0.3, 0.2, 0.1]),
            "customer": pd.Categorical(rng.choice(["new", "regular", "firm"], n_rows)),
            "days": rng.gamma(2, 1.5, n_rows).round(1),
        }
    )
    X["total"] = (X["pieces"] * X["price"]).round(2)
    z = -2 + 0.02 * X["total"] + 0.3 * X["days"] - 1.5 * (X["customer"] == "firm")
    is_returned = rng.random(n_rows) < 1 / (1 + np.exp(-z))
    return X, pd.Series(np.where(is_returned, "returned", "kept"), name="order")


X, y = make_orders(200, seed=0)
X_other, y_other = make_orders(200, seed=1)
y.value_counts()

# %%
# The generators
# --------------
# :func:`~t2sampler.generators.from_sampler` takes any over-sampler of imbalanced-learn.
# All stand at the same place of the sampler; its filters are switched off, so that the
# generators are seen as they are.

from imblearn.over_sampling import SMOTENC, RandomOverSampler

from t2sampler import TeamThenTrimSampler, grow
from t2sampler.generators import HTDBU, StatisticalTeam, from_sampler

generators = {
    "StatisticalTeam": StatisticalTeam(),
    "… keep_fraction=None": StatisticalTeam(keep_fraction=None),
    "HTDBU": HTDBU(),
    "SMOTENC": from_sampler(SMOTENC("auto")),
    "RandomOverSampler": from_sampler(RandomOverSampler()),
}
off = dict.fromkeys(["sanity", "cost", "diversity"], "passthrough")
drawn = {"other real rows": X_other.assign(order=y_other)}
for name, generator in generators.items():
    sampler = TeamThenTrimSampler(
        generator, sampling_strategy=grow(2), random_state=0, **off
    )
    X_res, y_res = sampler.fit_resample(X, y)
    drawn[name] = X_res.assign(order=y_res)[sampler.synthetic_mask_]

# %%
# What metrics say
# ----------------
# :doc:`The guide <../guide/metrics>` says how to read each. No single one is enough:
# copies of the real rows do well by the first three.

from t2sampler import metrics

real = X.assign(order=y)
table = pd.DataFrame(
    {
        name: {
            "marginal distance": metrics.marginal_distance(real, rows),
            "correlation distance": metrics.correlation_distance(real, rows),
            "detection": metrics.detection_score(real, rows, random_state=0),
            "copies": metrics.duplicate_rate(real, rows).copies,
            "total is right": np.isclose(
                rows["total"], rows["pieces"] * rows["price"], atol=0.01
            ).mean(),
        }
        for name, rows in drawn.items()
    }
).T.astype(float)
table.round(2)

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 5, figsize=(8.5, 2.8), sharey=True, layout="constrained")
for ax, name in zip(axes, table, strict=True):
    ax.barh(table.index, table[name], color=["#8a8a8a"] + ["#0072B2"] * 5)
    ax.set_title(name, fontsize=9)
axes[0].invert_yaxis()

# %%
# What the rows teach
# -------------------
# AUC of a logistic regression over 2,000 orders that nobody has seen, with the rows of
# each system added to the 200 real ones. Here not even other real rows help, so no
# system can.

from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

X_test, y_test = make_orders(2000, seed=2)
encoder = make_column_transformer(
    (OneHotEncoder(), ["customer"]), remainder=StandardScaler()
)
model = make_pipeline(encoder, LogisticRegression())
nothing = real.iloc[:0]
auc = {}
for name, rows in {"nothing added": nothing, **drawn}.items():
    train = pd.concat([real, rows])
    model.fit(train[list(X)], train["order"])
    returned = model.predict_proba(X_test)[:, 1]
    auc[name] = roc_auc_score(y_test == "returned", returned)
pd.Series(auc, name="AUC").round(3)
