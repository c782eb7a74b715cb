"""
A rare class
============

Seven rows of 160 have the class that matters. We look at where new rows lie, whether
levels keep their shares, and what the added rows do to probabilities.
"""

# %%
# The table
# ---------
# Machines that fail, or not.

import numpy as np
import pandas as pd


def make_machines(n_rows, seed):
    """Return readings of machines, and whether they failed."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.integers(0, 16, n_rows),
            "heat": rng.normal(60, 8, n_rows).round(1),
            "load": rng.beta(2, 2, n_rows).round(2),
            "maker": rng.choice(["Arco", "Bell", "Corin"], n_rows, p=[0.5, 0.3, 0.2]),
        }
    )
    z = -7.5 + 0.25 * X["age"] + 0.08 * (X["heat"] - 60) + 2.5 * X["load"]
    z += 1.2 * (X["maker"] == "Corin")
    chance = 1 / (1 + np.exp(-z))
    failed = pd.Series(np.where(rng.random(n_rows) < chance, "failed", "fine"))
    return X, failed


X, y = make_machines(160, seed=4)
X_test, y_test = make_machines(5000, seed=5)
y.value_counts()

# %%
# Add rows of the rare class
# --------------------------

from t2sampler import TeamThenTrimSampler

sampler = TeamThenTrimSampler(random_state=0)
X_res, y_res = sampler.fit_resample(X, y)
sampler.report_.totals

# %%
# Where the new rows lie
# ----------------------
# Real rows by class, new ones, and those that the filters trimmed.

from t2sampler.report import MarginalsDisplay, RowsDisplay

RowsDisplay.from_sampler(sampler).plot()

# %%
# Is a column of the class as it is among its real rows?
# ------------------------------------------------------
# The columns that differ most come first. Of seven real rows one is of Arco, and none
# of the new ones is: rows are chosen whose label is clear, and one row is too little
# evidence to mark it as a shift. Rows stay closer with
# ``StatisticalTeam(keep_fraction=1.0)``.

MarginalsDisplay.from_sampler(sampler).plot()

# %%
# What it does to a model
# -----------------------
# Scores over 5,000 rows; lower Brier scores are better. Balanced accuracy is shown at a
# probability of one half, and at a threshold that cross-validation over the *real* rows
# chose.

from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def build(sampler=None, class_weight=None):
    """Return a pipeline of a sampler, an encoder and a logistic regression."""
    encoder = make_column_transformer(
        (OneHotEncoder(), ["maker"]), remainder=StandardScaler()
    )
    model = LogisticRegression(class_weight=class_weight)
    return make_pipeline(sampler or "passthrough", encoder, model)


def score(model):
    """Return scores of a model that is fitted on the real rows."""
    tuned = TunedThresholdClassifierCV(model, cv=2).fit(X, y)
    model = tuned.estimator_  # fitted on all real rows
    failed = model.predict_proba(X_test)[:, 0]
    return {
        "AUC": roc_auc_score(y_test == "failed", failed),
        "balanced accuracy": balanced_accuracy_score(y_test, model.predict(X_test)),
        "with a tuned threshold": balanced_accuracy_score(
            y_test, tuned.predict(X_test)
        ),
        "Brier score": brier_score_loss(y_test == "failed", failed),
        "mean probability": failed.mean(),
    }


table = pd.DataFrame(
    {
        "real rows": score(build()),
        "class weights": score(build(class_weight="balanced")),
        "RandomOverSampler": score(build(RandomOverSampler(random_state=0))),
        "TeamThenTrimSampler": score(build(TeamThenTrimSampler(random_state=0))),
    }
).T
table.round(3)

# %%
# The share of failures among the test rows, which the mean probability should be:

round(float((y_test == "failed").mean()), 3)

# %%
# Nothing here ranks machines better than a model of the real rows. What class weights
# and added rows change is which side of one half a machine falls on, at the price of
# probabilities that are too high. A tuned threshold does the same to the model of the
# real rows, whose probabilities stay right.
# :doc:`When it helps <../start/when-it-helps>` has the cases in which rows add more.
