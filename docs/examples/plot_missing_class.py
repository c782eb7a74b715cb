"""
A missing class, written by a language model
============================================

Forty patients were recorded, none of them at high risk of diabetes. A model that
learns from them alone can never predict high risk. Methods that copy or interpolate
rows cannot help, because there is no row to start from. A language model knows what
such patients look like: it can extend the trend from low to moderate risk.

The replies of a language model are stored beside this example, so it runs without a
key and without a network.
"""

# %%
# The table
# ---------
#
# The patients are simulated, so the true rule of the label is known and no language
# model can remember the rows. There are 32 patients at low risk (LR), 8 at moderate
# (MR) and none at high risk (HR). Held-out patients have all three labels, at 7:2:1.

from t2sampler.datasets import make_diabetes_split

X, X_test, y, y_test = make_diabetes_split("incompleteness", n_real=40, random_state=0)
y.value_counts()

# %%
# Ask for the missing class
# -------------------------
#
# ``new_classes`` says how many rows of a class to add that ``y`` does not hold. The
# model is told what the table and its columns mean, and is shown the real rows.
#
# ``mode="replay"`` answers from the store only. Leave it out, and name your endpoint,
# to ask a model.

from pathlib import Path

from t2sampler import TeamThenTrimSampler
from t2sampler.generators import LLMTeam
from t2sampler.llm import ChatModel

chat = ChatModel("language-model", base_url="http://localhost:8000/v1")
team = LLMTeam(
    chat,
    context="Patients of a clinic and their risk of diabetes: LR is low, MR moderate "
    "and HR high risk, the highest tenth of all patients.",
    feature_descriptions={
        "HbA1c": "glycated haemoglobin, %",
        "FastingGlucose": "mg/dL",
        "BMI": "body mass index, kg/m²",
        "BloodPressure": "systolic, mmHg",
        "Cholesterol": "total, mg/dL",
        "Insulin": "µU/mL",
        "PhysicalActivity": "hours a week",
    },
    store=Path("replies.sqlite"),
    mode="replay",
)
sampler = TeamThenTrimSampler(team, new_classes={"HR": 30}, random_state=0)
X_new, y_new = sampler.fit_resample(X, y)
sampler.report_.classes

# %%
# Three replies hold all 54 rows. ``stored`` counts those that the store gave, for free.

sampler.report_.usage

# %%
# Is the class found in real patients?
# ------------------------------------
#
# Both models are tested on the held-out patients.

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def measure_recall(X, y):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    labels = ["LR", "MR", "HR"]
    found = recall_score(y_test, model.predict(X_test), labels=labels, average=None)
    return pd.Series(found, index=labels)


recall = pd.DataFrame(
    {
        "real rows": measure_recall(X, y),
        "with new rows": measure_recall(X_new, y_new),
    }
)
recall.round(2)

# %%
# Without new rows, no patient at high risk is found. With them, some are: not most,
# since the model had to guess how far the trend goes. The figure shows where it put
# them.

import matplotlib.pyplot as plt

is_new = sampler.synthetic_mask_ & (y_new == "HR").to_numpy()
is_high = (y_test == "HR").to_numpy()
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
groups = {
    "LR, real": (X[y == "LR"], "#56B4E9", "o"),
    "MR, real": (X[y == "MR"], "#0072B2", "o"),
    "HR, written by the model": (X_new[is_new], "#D55E00", "^"),
    "HR, held out": (X_test[is_high], "#8a8a8a", "x"),
}
for name, (rows, color, marker) in groups.items():
    left.scatter(
        rows["Insulin"], rows["Cholesterol"], c=color, marker=marker, s=24, label=name
    )
left.set(xlabel="Insulin", ylabel="Cholesterol")
left.legend(fontsize=8)
recall.plot.bar(ax=right, rot=0, color=["#8a8a8a", "#E69F00"], ylabel="recall")
plt.show()

# %%
# **What to take from this.** A language model can write a class that you have not seen,
# where it knows the subject and the columns have names and meanings. Check such rows
# with an expert before you rely on them: no filter can compare them with real rows of
# their class, because there are none.
