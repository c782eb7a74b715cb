"""Models that write lamps, whose rounds get better or worse as a test says."""

import numpy as np
import pandas as pd

from doubles.sampler_runs import OFF
from t2sampler import TeamThenTrimSampler
from t2sampler.generators import TAGAL
from t2sampler.testing import (
    ScriptedChat,
    make_requests,
    read_rows,
)

METHODS = ["synth_loop", "reduced_loop", "prompt_refine"]
LOG = []
HEADER = "size,town,glow"
MEANS = {"dim": 20, "bright": 40, "black": 5}
ADVICE = "Sizes are {dull}; cost $5, never {0}."
BRIEF = "Vary {size} by $3.\n[examples]\nThen {} go on."


def lamps(n_bright=12, n_dim=28):
    """Return rows whose size tells their label, in no order."""
    rng = np.random.default_rng(4)
    y = np.repeat(["bright", "dim"], [n_bright, n_dim])
    order = rng.permutation(len(y))
    size = [rng.normal(MEANS[label], 12) for label in y]
    X = pd.DataFrame(
        {"size": np.round(size, 1), "town": rng.choice(["Bonn", "Ulm"], len(y))}
    )
    return (
        X.iloc[order].reset_index(drop=True),
        pd.Series(y[order], name="glow"),
    )


def write(labels, wrong, seed):
    """Return rows as CSV; a share of them has the size of the other label."""
    rng = np.random.default_rng(seed)
    lines = []
    for label in labels:
        other = {"dim": "bright", "bright": "dim"}
        is_wrong = rng.random() < wrong
        size = rng.normal(MEANS[other.get(label, label) if is_wrong else label], 4)
        lines.append(f"{size:.1f},{rng.choice(['Bonn', 'Ulm'])},{label}")
    return "\n".join([HEADER, *lines])


def find_round(request):
    return sum(role == "assistant" for role, _ in request.messages)


def script(wrong=(0.0, 0.0, 0.0), brief=BRIEF, advice=f"- {ADVICE}\n- Be brave."):
    """Return a model whose rows of each round have so many wrong sizes."""

    def answer(request):
        LOG.append(request)
        if request.role == "critic":
            return advice
        if request.role == "summarizer":
            return brief if isinstance(brief, str) else brief[find_round(request)]
        labels = [row["glow"] for row in read_rows(request.messages[-1][1])]
        labels = labels or ["dim", "dim", "bright"] * 8
        return write(labels, wrong[find_round(request)], request.seed)

    return answer


WORSE, BETTER = (0.0, 1.0, 1.0), (1.0, 1.0, 0.0)


def make(answer, **settings):
    chosen = {"batch_size": 8, "max_batches": 6, "random_state": 0} | OFF
    sampler = {k: settings.pop(k) for k in [*chosen, "n_batches"] if k in settings}
    prices = settings.pop("prices", None)
    tagal = TAGAL(ScriptedChat(answer, prices=prices), **{"store": False} | settings)
    return TeamThenTrimSampler(tagal, **(chosen | sampler))


def draw(answer, n_batches=2, labels=("dim", "bright", "dim"), **settings):
    """Return the generator, what `fit` asked, and the batches."""
    tagal = make(answer, **settings).generator
    tagal.fit(*lamps())
    asked = [request.role for request in LOG]
    LOG.clear()
    batches = list(tagal.draw(make_requests(n_batches, 3, labels=labels)))
    return tagal, asked, batches


def by_batch(n_batches):
    """Return the roles asked for each batch, by the beginning of the conversation."""
    found = {}
    for request in LOG:
        found.setdefault(request.messages[1][1], []).append(request)
    return list(found.values())
