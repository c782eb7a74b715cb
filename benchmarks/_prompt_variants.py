"""Other settings and prompts for a team of language models, by name.

Other prompts are made by editing those that are sent: an `EditedChat` takes the place
of a `ChatModel` and rewrites the messages of each question. So a sentence, or a way to
show the rows, can be tried without a setting for it in the package.
"""

import json
import os
import re
import zlib
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import roc_auc_score

from t2sampler.team import Component, Plan

GUIDE = (
    " Use the real rows, and what you know of the subject: follow them in the range of "
    "each column, in how the columns go together and in how they go with the label, "
    "and differ from them and from one another as real rows would. Copy no real row."
)
ROWS_WIN = (
    " Write different, plausible cases, as the real rows show them; where these and "
    "what is commonly known disagree, the real rows win. Copy none of them."
)
REAL_ROWS = " real rows:\n"


class EditedChat(BaseEstimator):
    """Ask a model with edited messages.

    Parameters
    ----------
    chat : ChatModel
    edit : callable
        A function of this module: from the text of the system message and of the
        question to both.
    """

    def __init__(self, chat, edit):
        self.chat = chat
        self.edit = edit

    @property
    def max_concurrency(self):
        """Return the model's."""
        return self.chat.max_concurrency

    @property
    def max_tokens(self):
        """Return the model's."""
        return self.chat.max_tokens

    @property
    def prices(self):
        """Return the model's."""
        return self.chat.prices

    def connect(self):
        """Return a client that edits what it sends."""
        return _Editor(self.chat.connect(), self.edit)

    def describe(self):
        """Return the model's settings, and which edit is made."""
        return {**self.chat.describe(), "edit": self.edit.__name__}


class _Editor:
    def __init__(self, client, edit):
        self.client, self.edit = client, edit

    def complete(self, request):
        (first, system), (second, question) = request.messages
        system, question = self.edit(system, question)
        messages = ((first, system), (second, question))
        return self.client.complete(replace(request, messages=messages))


def let_rows_win(system, question):
    """Say that real rows win over common knowledge."""
    return system, _swap(question, GUIDE, ROWS_WIN)


def say_nothing(system, question):
    """Say nothing of how rows are to be written."""
    return system, _swap(question, GUIDE, "")


def show_associations(system, question):
    """Say how well each column alone tells a label, and which columns go together."""
    lines = _describe_associations(_read_real_rows(system), _find_label(system))
    return "\n".join([system, *lines]), question


def name_real_rows(system, question):
    """Name a real row of its label for each new row to stand near."""
    real, label = _read_real_rows(system), _find_label(system)
    head, title, _ = system.partition(REAL_ROWS)
    shown = [f"#{k} {_quote(row)}" for k, row in enumerate(real, start=1)]
    text, mark, rows = question.rpartition("\nRows:\n")
    dice, lines = np.random.default_rng(zlib.crc32(text.encode())), []
    for line in rows.splitlines():
        count, _, wanted = line.partition(" x ")
        value = json.loads(wanted)[label]
        alike = [k for k, row in enumerate(real, start=1) if row[label] == value]
        near = [f"#{k}" for k in dice.choice(alike, int(count))]
        lines.append(f"{line}, one near each of {' '.join(near)}")
    text += " A row near a real one is a case like it, and yet another one."
    return head + title + "\n".join(shown), text + mark + "\n".join(lines)


def _swap(text, old, new):
    if old not in text:
        raise ValueError(f"Expected the prompt to say {old!r}; it was changed.")
    return text.replace(old, new)


def _quote(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _find_label(system):
    """Return the key of the label."""
    return json.loads(re.search(r'^("(?:[^"\\]|\\.)*") \(label\):', system, re.M)[1])


def _read_real_rows(system):
    """Return the real rows that a system message shows."""
    lines = system.partition(REAL_ROWS)[2].splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"')]


def _describe_associations(rows, label):
    labels = np.array([row[label] for row in rows])
    keys = [key for key in rows[0] if key != label]
    columns = {key: _rank([row[key] for row in rows], labels) for key in keys}
    yield "How well a column alone tells a label in the real rows (AUC x 100; above 50:"
    yield "high values, or the levels that have it more often, speak for it):"
    for label in dict.fromkeys(labels.tolist()):
        aucs = {
            key: 100 * roc_auc_score(labels == label, values)
            for key, values in columns.items()
        }
        told = sorted(aucs, key=lambda key: -abs(aucs[key] - 50))
        yield f"{_quote(label)}: " + ", ".join(
            f"{_quote(key)} {aucs[key]:.0f}" for key in told
        )
    links = np.nan_to_num(np.corrcoef(np.array(list(columns.values()))))
    pairs = [(a, b) for a in range(len(keys)) for b in range(a)]
    best = sorted(pairs, key=lambda pair: -abs(links[pair]))[: len(keys)]
    yield "Columns that go together most (rank correlation x 100): " + ", ".join(
        f"{_quote(keys[a])} {_quote(keys[b])} {100 * links[a, b]:.0f}" for a, b in best
    )


def _rank(values, labels):
    """Return numbers for values: ranks, or how often a level has the last label."""
    is_number = [isinstance(v, int | float) and not isinstance(v, bool) for v in values]
    if any(is_number):
        present = [v if ok else np.nan for v, ok in zip(values, is_number, strict=True)]
        filled = np.nan_to_num(np.array(present, float), nan=np.nanmedian(present))
        return filled.argsort(kind="stable").argsort(kind="stable").astype(float)
    last = labels == max(labels.tolist())
    levels = np.array([str(value) for value in values])
    return np.array([last[levels == level].mean() for level in levels])


def plan_three(columns):
    """Return a plan of three workers in a chain."""
    parts = [part.tolist() for part in np.array_split(np.array(columns, object), 3)]
    names = ["first", "second", "third"]
    return Plan([Component(names[k], parts[k], names[:k]) for k in range(3)])


def make_checker(chat):
    """Return the model that checks labels: at LABEL_BASE_URL, or who writes."""
    address = os.environ.get("LABEL_BASE_URL", chat.base_url)
    return clone(chat).set_params(base_url=address)


TEAM, LAST = "team", "labels last"
VARIANTS = {  # settings of LLMTeam, from a model and the real rows
    TEAM: lambda chat, X, y: {},
    "examples=5": lambda chat, X, y: {"examples": 5},
    "summary": lambda chat, X, y: {"examples": "summary"},
    "three workers": lambda chat, X, y: {"plan": plan_three(list(X))},
    "label check": lambda chat, X, y: {"label": make_checker(chat)},
    "rows win": lambda chat, X, y: {"chat": EditedChat(chat, let_rows_win)},
    "nothing said": lambda chat, X, y: {"chat": EditedChat(chat, say_nothing)},
    "associations": lambda chat, X, y: {"chat": EditedChat(chat, show_associations)},
    "near real rows": lambda chat, X, y: {"chat": EditedChat(chat, name_real_rows)},
    LAST: lambda chat, X, y: {},
}
