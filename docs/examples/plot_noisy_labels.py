"""
Noisy labels
============

A third of the labels of a table is wrong. SMOTE multiplies them; a team of fitted
models predicts the labels of new rows, and the cost filter reads what does not fit.
"""

# %%
# The tables
# ----------
# Simulated patients, of which 30 % get another label. Test labels are the true ones.

import numpy as np
import pandas as pd

from t2sampler.datasets import flip_labels, make_diabetes

X_test, y_test = make_diabetes(2000, labels="binary", random_state=99)


def make_table(seed):
    """Return 60 rows, their labels of which 30 % are wrong, and which are."""
    X, y = make_diabetes(60, labels="binary", random_state=seed)
    y_noisy, is_wrong = flip_labels(y, 0.3, random_state=seed)
    return X, y_noisy, is_wrong


# %%
# Rows added by three samplers
# ----------------------------
# Each doubles the table: :func:`~t2sampler.sampling.grow` asks for twice as many rows
# of every class.

from imblearn.over_sampling import SMOTE, RandomOverSampler

from t2sampler import TeamThenTrimSampler, grow

samplers = {
    "copies": RandomOverSampler(sampling_strategy=grow(2), random_state=0),
    "SMOTE": SMOTE(sampling_strategy=grow(2), random_state=0),
    "team": TeamThenTrimSampler(sampling_strategy=grow(2), random_state=0),
}

# %%
# AUC of a forest and a logistic regression, for three draws of the table. Points are
# draws, bars are means.

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

learners = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest": RandomForestClassifier(50, random_state=0),
}
rows = []
for seed in range(3):
    X, y, _ = make_table(seed)
    tables = {"real rows": (X, y)}
    tables |= {name: s.fit_resample(X, y) for name, s in samplers.items()}
    for learner, model in learners.items():
        for name, table in tables.items():
            chance = model.fit(*table).predict_proba(X_test)[:, 1]
            rows.append((learner, name, seed, roc_auc_score(y_test, chance)))
scores = pd.DataFrame(rows, columns=["learner", "rows", "seed", "AUC"])
means = scores.pivot_table("AUC", "rows", "learner", sort=False)
means.round(3)

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(6.8, 3.4), sharey=True, layout="constrained")
for ax, learner in zip(axes, learners, strict=True):
    ax.bar(means.index, means[learner], color="#8a8a8a55")
    part = scores[scores["learner"] == learner]
    ax.scatter(part["rows"], part["AUC"], c=part["seed"], cmap="viridis", zorder=2)
    ax.set(title=learner, ylim=(0.5, 1))
axes[0].set_ylabel("AUC, true labels")

# %%
# Which rows does the cost filter find?
# -------------------------------------
# The filter also reads rows that come from elsewhere. Here these are 120 patients of
# whom 30 % have a wrong label; the filter has seen 60 others, whose labels are right.

from t2sampler import CostAssessmentFilter

X, y = make_diabetes(60, labels="binary", random_state=0)
X_new, y_true = make_diabetes(120, labels="binary", random_state=1)
y_new, is_wrong = flip_labels(y_true, 0.3, random_state=0)
verdict = CostAssessmentFilter(random_state=0).fit(X, y).inspect(X_new, y_new)
pd.crosstab(
    np.where(is_wrong, "wrong label", "right label"),
    np.where(verdict.keep, "kept", "trimmed"),
    rownames=["candidate"],
    colnames=[""],
)

# %%
print(*verdict.notes, sep="\n")
