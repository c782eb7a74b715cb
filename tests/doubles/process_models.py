"""Models that write rows by a process, and improve it as a test says."""

import json

import numpy as np
from sklearn.linear_model import LogisticRegression

from t2sampler import TeamThenTrimSampler
from t2sampler.generators import MALLMGAN
from t2sampler.testing import (
    ScriptedChat,
    answer_competently,
    read_rows,
)

FIRST = "as real ones are"  # words of the first process
GIVEN = {"visits": ["sex", "state"], "sex": ["state"]}


class Model:
    """A model by roles, and all that it was asked, in order."""

    def __init__(self, write=answer_competently, improve=answer_competently):
        self.log = []

        def answer(request):
            self.log.append(request)
            return (improve if request.role == "optimizer" else write)(request)

        self.chat = ScriptedChat(answer, max_concurrency=1)

    @property
    def roles(self):
        return [request.role for request in self.log]

    def asked(self, role):
        return [r.messages[-1][1] for r in self.log if r.role == role]


def make_gan(model, **settings):
    quick = {"discriminator": LogisticRegression(), "structure": {}, "store": False}
    return MALLMGAN(getattr(model, "chat", model), **{**quick, **settings})


def make_sampler(gan, **settings):
    off = dict.fromkeys(["sanity", "cost", "diversity"], "passthrough")
    few = {"batch_size": 6, "max_batches": 9, "random_state": 1}
    return TeamThenTrimSampler(gan, **{**off, **few, **settings})


def propose(task, links=()):
    """Return the reply of an optimizer."""
    structure = [{"column": child, "parents": list(p)} for child, p in links]
    return json.dumps({"task": task, "structure": structure})


def write_like(X, y, seed, question, shift=0.0):
    """Return rows drawn from a table, each number moved a little and by a shift."""
    rng = np.random.default_rng([seed, len(question)])
    rows = []
    for wanted in read_rows(question):
        k = rng.choice(np.flatnonzero(y == wanted["state"]))
        row = json.loads(X.iloc[[k]].to_json(orient="records"))[0]
        if row["bmi"] is not None:
            row["bmi"] = round(row["bmi"] + rng.normal(0, 0.3) + shift, 1)
        row["age"] = int(row["age"] + rng.integers(-2, 3) + shift)
        rows.append({**row, **wanted})
    return json.dumps({"rows": rows})


def improve_as(*tasks):
    """Return an optimizer that proposes these tasks, one after the other."""
    left = list(tasks)
    return lambda request: propose(left.pop(0))
