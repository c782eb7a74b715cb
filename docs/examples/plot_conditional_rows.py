"""
Conditional rows
================

Rows that meet conditions: women above forty of the class that is rare, and how their
numbers differ from those of everybody.
"""

# %%
# The table
# ---------

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
n_rows = 300
X = pd.DataFrame(
    {
        "sex": rng.choice(["F", "M"], n_rows),
        "age": rng.integers(18, 80, n_rows),
    }
)
X["pressure"] = (100 + 0.5 * X["age"] + 6 * (X["sex"] == "M")).round()
X["pressure"] += rng.normal(0, 8, n_rows).round()
X["smokes"] = np.where(rng.random(n_rows) < 0.4 - 0.004 * X["age"], "yes", "no")
z = 0.06 * (X["age"] - 60) + 0.05 * (X["pressure"] - 130) + (X["smokes"] == "yes")
y = pd.Series(np.where(rng.random(n_rows) < 1 / (1 + np.exp(2 - z)), "ill", "well"))
is_asked = (X["sex"] == "F") & (X["age"] >= 40) & (y == "ill")
print(f"{is_asked.sum()} of {n_rows} rows meet the conditions")

# %%
# Draw rows under conditions
# --------------------------
# A condition is a value, a pair (low, high), or a list of values.

from t2sampler.generators import StatisticalTeam

team = StatisticalTeam().fit(X, y)
given = {"sex": "F", "age": (40, None)}
rows, labels = team.draw_conditional(100, given, label="ill", random_state=0)
rows.head()

# %%
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.scatter(X["age"], X["pressure"], c="#8a8a8a", marker=".", label="all real rows")
ax.scatter(rows["age"], rows["pressure"], c="#E69F00", marker="x", label="drawn")
asked = X[is_asked]
ax.scatter(asked["age"], asked["pressure"], c="#0072B2", label="real, as asked for")
ax.axvline(40, color="#8a8a8a", linestyle=":")
ax.set(xlabel="age", ylabel="pressure")
ax.legend(frameon=False)

# %%
# Other columns follow the conditions: old women smoke less.

pd.DataFrame(
    {
        "all real rows": X["smokes"].value_counts(normalize=True),
        "real, as asked for": asked["smokes"].value_counts(normalize=True),
        "drawn": rows["smokes"].value_counts(normalize=True),
    }
).round(2)

# %%
# What cannot be is refused
# -------------------------
# The message names the condition.

from t2sampler.exceptions import GeneratorError

try:
    team.draw_conditional(5, {"sex": "X"})
except GeneratorError as error:
    print(error)
