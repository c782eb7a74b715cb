"""Prompt contexts, tasks, and models that answer from a script."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from t2sampler import testing
from t2sampler._schema import TableSchema
from t2sampler._table import Table
from t2sampler.chat._context import PromptContext
from t2sampler.chat._label_worker import make_class_keys
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
def make_context():
    """Return a function from a table to its prompt context."""

    def make(X, y, new_labels=(), **settings):
        table = Table(X, y)
        schema = TableSchema.learn(table.frame, table.target, new_labels)
        frame = schema.read(table.frame)
        return PromptContext(schema, frame=frame, target=table.target, **settings)

    return make


@pytest.fixture
def mixed(make_context, mixed_table):
    """Return the prompt context of a table with a column of every kind."""
    return make_context(*mixed_table)


@pytest.fixture
def make_task():
    """Return a function that asks for columns beside given ones of real rows."""

    def make(context, columns, reads=(), *, rows=range(4), wanted=True, width=9):
        schema, rows = context.schema, list(rows)
        places = [schema.names.index(name) for name in reads]
        written = [schema.columns[schema.names.index(name)] for name in columns]
        noise = np.random.default_rng(0).random((len(rows), width))
        return RowTask(
            tuple(written),
            tuple(schema.columns[j] for j in places),
            context.codes[np.ix_(rows, places)],
            context.labels[rows],
            noise,
            wanted,
        )

    return make


@pytest.fixture
def echo():
    """Return a function from a prompt context to a model that repeats the real rows.

    Asked for row n beside given values, it gives those of the real row n - 1; asked
    for so many rows of a label, the first real ones with it. Asked for a label, it is
    sure of the real row's.
    """

    def make(context):
        label = context.label_key
        classes = make_class_keys(context.formatter(label).levels)
        n_real = len(context.labels)
        shown = [label, *context.columns_by_key()]
        real = [context.format_row(row, shown) for row in range(n_real)]

        def answer(request):
            keys = list(request.schema["properties"]["rows"]["items"]["required"][1:])
            unused, rows = list(real), []
            for given in read_rows(request):
                row = real[given["i"] - 1]
                if set(given) == {"i", label} and len(keys) == len(shown):
                    row = next(row for row in unused if row[label] == given[label])
                    unused.remove(row)
                shares = {k: float(v == row[label]) for k, v in classes.items()}
                values = {**shares, **row, **given}
                rows.append({"i": given["i"], **{key: values[key] for key in keys}})
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
