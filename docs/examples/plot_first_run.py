"""
A first run
===========

A table of 71 patients, eleven of the class that matters. We add rows, look at what came
back, and score models on rows that nobody learned from.
"""

# %%
# The table
# ---------
# A part of scikit-learn's breast cancer table, with a column of words and with missing
# values. All other rows are held out: **split before you sample**.

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

data = load_breast_cancer(as_frame=True)
X = data.data.iloc[:, :8].copy()
y = data.target.map({0: "malignant", 1: "benign"}).rename("tumour")
X["mean texture"] = pd.qcut(X["mean texture"], 3, labels=["fine", "coarse", "rough"])
X["mean concavity"] = X["mean concavity"].mask(X.index % 10 == 0)

rare, common = (np.flatnonzero(y == name) for name in ("malignant", "benign"))
rows = np.concatenate([rare[::21], common[::6]])
X_train, y_train = X.iloc[rows], y.iloc[rows]
X_test, y_test = X.drop(index=rows), y.drop(index=rows)
X_train.iloc[:3, :5]

# %%
# Add rows
# --------
# The sampler takes the dataframe as it is. The same seed gives the same rows.

from t2sampler import TeamThenTrimSampler

sampler = TeamThenTrimSampler(random_state=0)
X_res, y_res = sampler.fit_resample(X_train, y_train)
is_new = sampler.synthetic_mask_
X_res[is_new].iloc[:3, :5]

# %%
# What became of the candidates
# -----------------------------
# "drawn" is the sum of the others. "surplus" passed after the class was full.

sampler.report_.totals

# %%
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
for name, color in [("benign", "#0072B2"), ("malignant", "#D55E00")]:
    for part, marker in [(X_res[~is_new], "o"), (X_res[is_new], "x")]:
        shown = part[y_res[part.index] == name]
        if len(shown):
            label = f"{name}, {'new' if marker == 'x' else 'real'}"
            columns = shown["mean radius"], shown["mean smoothness"]
            ax.scatter(*columns, c=color, marker=marker, alpha=0.7, label=label)
ax.set(xlabel="mean radius", ylabel="mean smoothness")
ax.legend(frameon=False)

# %%
# Did it help?
# ------------
# Over 490 real rows that were held out. The AUC asks whether sick patients are ranked
# above healthy ones; balanced accuracy, whether the two are told apart at a probability
# of one half, which is too high a threshold where one class is rare. The last line of a
# learner weighs classes instead of adding rows, which is free.

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

encoder = make_column_transformer(
    (OneHotEncoder(), make_column_selector(dtype_include="category")),
    remainder=make_pipeline(SimpleImputer(), StandardScaler()),
)
learners = {
    "logistic regression": LogisticRegression(),
    "forest": RandomForestClassifier(random_state=0),
}
scores = {}
for name, learner in learners.items():
    for way, weights, table in [
        ("real rows", None, (X_train, y_train)),
        ("rows added", None, (X_res, y_res)),
        ("class weights", "balanced", (X_train, y_train)),
    ]:
        learner.set_params(class_weight=weights)
        model = make_pipeline(encoder, learner).fit(*table)
        malignant = model.predict_proba(X_test)[:, 1]
        scores[name, way] = {
            "AUC": roc_auc_score(y_test == "malignant", malignant),
            "balanced accuracy": balanced_accuracy_score(y_test, model.predict(X_test)),
        }
pd.DataFrame(scores).T.round(3)

# %%
# One split of one table is an anecdote, and where the real rows alone reach such an AUC
# there is little to gain. :func:`~t2sampler.comparison.compare` repeats splits, and
# :doc:`When it helps <../start/when-it-helps>` has what was measured over many tables.
