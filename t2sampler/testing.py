"""A competent team without a model: answers made of what a question says."""

import copy
import json
import random
import re

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from t2sampler._records import Batch, Request
from t2sampler._schema import TableSchema
from t2sampler.generators._base import BaseGenerator
from t2sampler.llm._base import ChatReply, Usage
from t2sampler.llm._tokens import count_request, count_tokens

SCALAR = r'(?:"(?:[^"\\]|\\.)*"|-?[\d.]+(?:e[+-]?\d+)?|true|false)'
TEXT = r'"(?:[^"\\]|\\.)*"'
LEVELS = re.compile(rf"({SCALAR}) (?:<?\d+%|new)")
FIGURES = re.compile(rf"{SCALAR}(?: {SCALAR})*")
DECODER = json.JSONDecoder()
PART_SIZE = 3  # columns of a component


def answer_competently(request):
    """Return a fitting answer to a manager's, a worker's or a label worker's question.

    Values come from the schema's enum or the dictionary of columns. Rows and keys come
    in any order, and a key, its column's place ("c1") or its name stands for it. The
    same question has the same answer.

    Parameters
    ----------
    request : ChatRequest

    Returns
    -------
    text : str
        JSON.
    """
    properties = request.schema["properties"]
    columns = read_dictionary(request.messages[0][1])
    *_, label = columns
    dice = random.Random(f"{request.seed} {request.attempt} {request.messages[-1]}")
    if "components" in properties:
        return json.dumps(_plan(list(columns)[:-1], dice))
    wanted = dict(properties["rows"]["items"]["properties"])
    wanted.pop("i")
    rows = [
        {"i": row["i"], **_write_row(row, wanted, columns, label, dice)}
        for row in read_rows(request.messages[-1][1])
    ]
    places = {key: f"c{j}" for j, key in enumerate(columns, 1) if key != label}
    rows = [_call_otherwise(row, places, wanted, dice) for row in rows]
    dice.shuffle(rows)
    return json.dumps({"rows": rows}, separators=(",", ":"))


def read_dictionary(text):
    """Return the values of each column, by key; that of the label comes last.

    They are those of the real rows that are shown, or else what the dictionary says.
    """
    head, _, shown = text.partition(" real rows:\n")
    lines = re.findall(rf"^({TEXT})(?: \(label\))?: (.*)$", head, re.M)
    told = {json.loads(key): _read_values(rest) for key, rest in lines}
    start = f"{{{lines[0][0]}:"  # a real row has the columns in the same order
    rows = [json.loads(row) for row in shown.splitlines() if row.startswith(start)]
    seen = {key: {row[key] for row in rows} - {None} for key in told}
    return {key: sorted(seen[key], key=str) or told[key] for key in told}


def _read_values(description):
    """Return levels, or figures of numbers."""
    found = LEVELS.findall(description)
    if not found and (figures := FIGURES.search(description)):
        found = re.findall(SCALAR, figures[0])
    return [json.loads(value) for value in found]


def read_rows(question):
    """Return the rows that end a question; none where it asks for a plan."""
    _, title, lines = question.rpartition("\nRows:\n")
    rows = []
    for line in lines.splitlines() if title else ():
        count, _, given = line.partition(" x ") if line[0] != "{" else ("1", "", line)
        rows += [DECODER.raw_decode(given)[0] for _ in range(int(count))]
    return [{"i": number, **row} for number, row in enumerate(rows, start=1)]


def _write_row(row, wanted, columns, label, dice):
    """Return values by key; the label is the one that the row is for, if it has one."""
    values = {}
    for key, form in wanted.items():
        if key == label and key in row:
            values[key] = row[key]
        elif key in columns:
            values[key] = _invent(form, columns[key], dice)
        else:  # the probability of a class
            values[key] = round(dice.random() / len(wanted), 2)
    return values


def _call_otherwise(row, places, wanted, dice):
    """Return a row in another order, some of its values under other words."""
    items = list(row.items())
    dice.shuffle(items)
    is_free = not set(places.values()) & set(places)
    words = {
        key: dice.choice([key, key.upper(), places[key]]) if key in places else key
        for key in wanted
    }
    if not is_free or len({word.casefold() for word in words.values()}) < len(words):
        words = {}
    return {words.get(key, key): value for key, value in items}


def _invent(form, known, dice):
    if "enum" in form:
        return dice.choice([value for value in form["enum"] if value is not None])
    if any(isinstance(value, str | bool) for value in known):
        return dice.choice(known)
    return _between(min(known), max(known), form, dice)


def _between(low, high, form, dice):
    value = dice.uniform(low, high)
    is_integer = "integer" in form.get("type", ())
    return round(value) if is_integer else round(value, 6)


def _plan(keys, dice):
    """Return parts of a few columns in a chain; the columns come in any order."""
    keys = dice.sample(keys, len(keys))
    parts = [keys[i : i + PART_SIZE] for i in range(0, len(keys), PART_SIZE)]
    components = [
        {
            "name": f"part {n}",
            "role": "writer",
            "columns": part,
            "reads": [f"part {n - 1}"] if n > 1 else [],
        }
        for n, part in enumerate(parts, start=1)
    ]
    return {"components": components, "rules": []}


__all__ = [
    "RepeatRows",
    "ScriptedChat",
    "answer_competently",
    "check_filter",
    "check_generator",
    "make_requests",
]


class RepeatRows(BaseGenerator):
    """Draw real rows again: the simplest honest generator, for tests.

    Examples
    --------
    >>> import numpy as np
    >>> from t2sampler import TeamThenTrimSampler
    >>> from t2sampler.testing import RepeatRows
    >>> sampler = TeamThenTrimSampler(
    ...     RepeatRows(), cost="passthrough", diversity="passthrough", random_state=0
    ... )
    >>> X, y = np.arange(8).reshape(4, 2), [0, 0, 0, 1]
    >>> sampler.fit_resample(X, y)[0][4:].tolist()
    [[6, 7], [6, 7]]
    """

    def fit(self, X, y, schema=None):
        """Keep the real rows.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_features)
        y : Series of shape (n_rows,)
        schema : TableSchema, default=None

        Returns
        -------
        self : estimator
        """
        self.schema_ = TableSchema.learn(X, y) if schema is None else schema
        self.X_, self.y_ = X, y
        return self

    def draw(self, requests):
        """Yield a batch of repeated real rows per request.

        Parameters
        ----------
        requests : iterable of Request

        Yields
        ------
        batch : Batch
        """
        codes = self.schema_.target.encode(self.y_)
        for request in requests:
            wanted = request.labels
            if wanted is None:
                wanted = request.rng.choice(self.y_.to_numpy(), request.n_rows)
            labels = self.schema_.target.encode(pd.Series(wanted))
            rows = [request.rng.choice(np.flatnonzero(codes == k)) for k in labels]
            yield Batch(
                request.index,
                self.X_.iloc[rows].reset_index(drop=True),
                self.y_.iloc[rows].reset_index(drop=True),
            )


class ScriptedChat(BaseEstimator):
    """Take the place of a language model: a function answers, and nothing is sent.

    Parameters
    ----------
    script : callable, default=None
        From a request to the text of a reply, to a `ChatReply`, or to an exception,
        which is raised. A request has ``role`` ("manager", "worker", "label"),
        ``messages`` (pairs of role and text), ``schema``, ``seed`` and ``attempt``.
        None: plausible answers, made of what the question says.
    model : str, default="scripted"
        Name; part of what the store knows an answer by.
    max_tokens : int, default=4096
    max_concurrency : int, default=16
    prices : dict, default=None
        Price of a million tokens: "input" and "output".

    Examples
    --------
    >>> from t2sampler.generators import LLMTeam
    >>> from t2sampler.testing import ScriptedChat, answer_competently
    >>> def veto_all(request):
    ...     text = answer_competently(request)
    ...     return text.replace("true", "false") if request.role == "label" else text
    >>> team = LLMTeam(ScriptedChat(veto_all), store=False)
    """

    def __init__(
        self,
        script=None,
        *,
        model="scripted",
        max_tokens=4096,
        max_concurrency=16,
        prices=None,
    ):
        self.script = script
        self.model = model
        self.max_tokens = max_tokens
        self.max_concurrency = max_concurrency
        self.prices = prices

    def connect(self):
        """Return a client.

        Returns
        -------
        client : object with ``complete(request)``
        """
        return _Script(self.script or answer_competently)

    def describe(self):
        """Return what makes the answers: the script's name and the model's.

        Returns
        -------
        settings : dict
        """
        script = getattr(self.script, "__qualname__", repr(self.script))
        return {"endpoint": "scripted", "model": self.model, "script": script}


class _Script:
    def __init__(self, script):
        self._script = script

    def complete(self, request):
        answer = self._script(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, ChatReply):
            return answer
        return ChatReply(
            answer, usage=Usage(count_request(request), count_tokens(answer))
        )


def make_requests(n_batches, n_rows, *, labels=None, seed=0):
    """Return requests as the sampler would make them.

    Parameters
    ----------
    n_batches, n_rows : int
        Batches, and rows of each.
    labels : array-like of shape (n_rows,), default=None
        Labels wanted in each batch; None leaves them to the generator.
    seed : int, default=0

    Returns
    -------
    requests : list of Request
    """
    labels = None if labels is None else np.asarray(labels, dtype=object)
    return [
        Request(index, n_rows, labels, np.random.default_rng([seed, index]))
        for index in range(n_batches)
    ]


def check_generator(generator):
    """Assert that a generator keeps the contract.

    It can be cloned and copied, changes no input, answers every request in order with
    rows in the real table's dtypes, gives wanted labels, and gives a request the same
    rows whatever else is drawn beside it.

    Parameters
    ----------
    generator : object with ``fit`` and ``draw``
        Not fitted; it is cloned.

    Raises
    ------
    AssertionError
        A promise is broken; the message says which.
    """
    X, y = _mixed_table()
    generator = clone(generator, safe=False)
    X_before, y_before = X.copy(), y.copy()
    fitted = generator.fit(X, y, schema=TableSchema.learn(X, y))
    assert fitted is generator, "fit must return self"
    pd.testing.assert_frame_equal(X, X_before)
    pd.testing.assert_series_equal(y, y_before)
    requests = make_requests(4, 6, labels=["no", "yes"] * 3, seed=7)
    batches = list(generator.draw(copy.deepcopy(requests)))
    _check_batches(batches, requests, X, y)
    _check_free_labels(generator, y)
    alone = next(iter(generator.draw([copy.deepcopy(requests[2])])))
    assert alone.X.equals(batches[2].X), "a batch must depend on its request alone"


def check_filter(trim):
    """Assert that a filter keeps the contract.

    It can be cloned, changes no input, gives one verdict per row and a reason for
    every dropped row, and gives the same verdict twice.

    Parameters
    ----------
    trim : BaseFilter
        Not fitted; it is cloned.

    Raises
    ------
    AssertionError
        A promise is broken; the message says which.
    """
    X, y = _mixed_table()
    trim = clone(trim).fit(X, y)
    X_new, y_new = X.iloc[::-1].reset_index(drop=True), y.iloc[::-1]
    before = X_new.copy()
    ids = np.repeat([3, 1], [20, len(X) - 20])
    verdict = trim.inspect(X_new, y_new, batch=ids)
    pd.testing.assert_frame_equal(X_new, before)
    assert verdict.keep.shape == (len(X),), "one verdict per row"
    assert verdict.keep.dtype == bool, "keep must be boolean"
    has_reason = np.array([bool(reason) for reason in verdict.reasons])
    assert np.array_equal(has_reason, ~verdict.keep), "a reason for each dropped row"
    assert verdict.accepted.index.tolist() == [3, 1], "batches by first appearance"
    assert verdict.stats.index.tolist() == [3, 1], "figures per batch"
    again = trim.inspect(X_new, y_new, batch=ids)
    assert np.array_equal(verdict.keep, again.keep), "same rows, same verdict"


def _check_batches(batches, requests, X, y):
    indices = [batch.index for batch in batches]
    assert indices == [request.index for request in requests], "one batch per request"
    for batch, request in zip(batches, requests, strict=True):
        assert batch.X.dtypes.equals(X.dtypes), "rows in the real table's dtypes"
        assert batch.y.dtype == y.dtype, "labels in the real labels' dtype"
        wanted = iter(request.labels.tolist())  # `in` reads on from where it stopped
        assert all(label in wanted for label in batch.y), "labels as wanted, in order"
        assert len(batch.X), "some rows of each batch"


def _check_free_labels(generator, y):
    batch = next(iter(generator.draw(make_requests(1, 5))))
    assert set(batch.y) <= set(y), "free labels are labels of y"


def _mixed_table():
    rng = np.random.default_rng(0)
    size = rng.normal(size=40).round(2)
    X = pd.DataFrame({"size": size, "n": rng.poisson(3, 40), "kind": list("uvwx") * 10})
    return X, pd.Series(np.where(size > 0.4, "yes", "no"), name="label")
