"""Briefings, tasks and models that answer from a script."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from t2sampler import testing
from t2sampler._schema import TableSchema
from t2sampler._table import open_table
from t2sampler.chat._context import Briefing
from t2sampler.chat._label_worker import find_class_keys
from t2sampler.llm._base import ChatReply
from t2sampler.team._task import RowTask


@dataclass
class Chat:
    """Settings of a model that is never connected to."""

    max_concurrency: int = 1
    max_tokens: int = 4096
    prices: dict | None = None


@dataclass
class Script:
    """Answer requests one after another; the last answer goes on for ever.

    An answer is a text, a reply, an exception to raise, or a function of the request.
    """

    answers: list
    requests: list = field(default_factory=list)

    def __call__(self, request):
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(request)
        answer = answer(request) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return ChatReply(answer) if isinstance(answer, str) else answer


@pytest.fixture
def chat():
    return Chat()


@pytest.fixture
def script():
    """Return a function from answers to a model."""
    return lambda *answers: Script(list(answers))


@pytest.fixture
def make_briefing():
    """Return a function from a table to its briefing."""

    def make(X, y, new_labels=(), **settings):
        table = open_table(X, y)
        schema = TableSchema.learn(table.frame, table.target, new_labels)
        return Briefing(schema, frame=table.frame, target=table.target, **settings)

    return make


@pytest.fixture
def mixed(make_briefing, mixed_table):
    """Return the briefing of a table with a column of every kind."""
    return make_briefing(*mixed_table)


@pytest.fixture
def make_task():
    """Return a function that asks for columns beside given ones of real rows."""

    def make(briefing, columns, reads=(), *, rows=range(4), wanted=True, width=9):
        schema, rows = briefing.schema, list(rows)
        places = [schema.names.index(name) for name in reads]
        written = [schema.columns[schema.names.index(name)] for name in columns]
        noise = np.random.default_rng(0).random((len(rows), width))
        return RowTask(
            tuple(written),
            tuple(schema.columns[j] for j in places),
            briefing.codes[np.ix_(rows, places)],
            briefing.labels[rows],
            noise,
            (len(rows),),
            wanted,
        )

    return make


@pytest.fixture
def echo():
    """Return a function from a briefing to a model that repeats the real rows.

    Asked for row n beside given values, it gives those of the real row n - 1; asked
    for so many rows of a label, the first real ones with it. Asked for a label, it is
    sure of the real row's.
    """

    def make(briefing):
        label = briefing.label_key
        classes = find_class_keys(briefing.spelling(label).levels)
        n_real = len(briefing.labels)
        shown = [label, *briefing.columns_by_key()]
        real = [briefing.spell_row(row, shown) for row in range(n_real)]

        def answer(request):
            keys = list(request.schema["properties"]["rows"]["items"]["required"][1:])
            left, rows = list(real), []
            for given in read_rows(request):
                row = real[given["i"] - 1]
                if set(given) == {"i", label} and len(keys) == len(shown):
                    row = next(row for row in left if row[label] == given[label])
                    left.remove(row)
                sure = {k: float(level == row[label]) for k, level in classes.items()}
                known = {**sure, **row, **given}
                rows.append({"i": given["i"], **{key: known[key] for key in keys}})
            return json.dumps({"rows": rows})

        return answer

    return make


@pytest.fixture
def rows_of():
    """Return a function from a question to the rows at its end."""
    return read_rows


def read_rows(request):
    """Return the rows at the end of a question."""
    return testing.read_rows(request.messages[-1][1])
