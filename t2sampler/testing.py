"""Checks of a new generator or filter, and stand-ins for generators and models."""

import copy

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from t2sampler._records import Batch, Request
from t2sampler._schema import TableSchema
from t2sampler._scripted_replies import answer_competently, read_rows
from t2sampler.generators._base import BaseGenerator
from t2sampler.llm._base import ChatReply, Usage
from t2sampler.llm._tokens import count_request, count_tokens

__all__ = [
    "RepeatRows",
    "ScriptedChat",
    "answer_competently",
    "check_filter",
    "check_generator",
    "make_requests",
    "read_rows",
]


def check_generator(generator):
    """Assert that a generator keeps the contract.

    It can be cloned, does not change its inputs, answers every request in order with
    rows in the real table's dtypes, gives the wanted labels, and gives the same rows
    for the same request whatever else is drawn.

    Parameters
    ----------
    generator : object with ``fit`` and ``draw``
        Unfitted; it is cloned.

    Raises
    ------
    AssertionError
        The contract is broken; the message names the rule.
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
    free = next(iter(generator.draw(make_requests(1, 5))))
    assert set(free.y) <= set(y), "labels that nobody asked for must be labels of y"
    alone = next(iter(generator.draw([copy.deepcopy(requests[2])])))
    assert alone.X.equals(batches[2].X), "a batch must depend on its request alone"


def _check_batches(batches, requests, X, y):
    indices = [batch.index for batch in batches]
    assert indices == [request.index for request in requests], "one batch per request"
    for batch, request in zip(batches, requests, strict=True):
        assert batch.X.dtypes.equals(X.dtypes), "rows in the real table's dtypes"
        assert batch.y.dtype == y.dtype, "labels in the real labels' dtype"
        wanted = iter(request.labels.tolist())  # `in` continues where it stopped
        assert all(label in wanted for label in batch.y), "wanted labels, in order"
        assert len(batch.X), "some rows of each batch"


def check_filter(trim):
    """Assert that a filter keeps the contract.

    It can be cloned, does not change its inputs, gives one verdict per row and a reason
    for each trimmed row, and gives the same verdict for the same rows.

    Parameters
    ----------
    trim : BaseFilter
        Unfitted; it is cloned.

    Raises
    ------
    AssertionError
        The contract is broken; the message names the rule.
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
    assert np.array_equal(has_reason, ~verdict.keep), "a reason for each trimmed row"
    assert verdict.accepted.index.tolist() == [3, 1], "batches by first appearance"
    assert verdict.stats.index.tolist() == [3, 1], "statistics per batch"
    again = trim.inspect(X_new, y_new, batch=ids)
    assert np.array_equal(verdict.keep, again.keep), "same rows, same verdict"


def _mixed_table():
    rng = np.random.default_rng(0)
    size = rng.normal(size=40).round(2)
    X = pd.DataFrame({"size": size, "n": rng.poisson(3, 40), "kind": list("uvwx") * 10})
    return X, pd.Series(np.where(size > 0.4, "yes", "no"), name="label")


def make_requests(n_batches, n_rows, *, labels=None, seed=0):
    """Return requests as the sampler would make them.

    Parameters
    ----------
    n_batches, n_rows : int
        Number of batches, and of rows in each.
    labels : array-like of shape (n_rows,), default=None
        Wanted labels of each batch; None: the generator chooses.
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


class RepeatRows(BaseGenerator):
    """Draw real rows with replacement: the simplest generator, for tests.

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
        self.X_, self.y_, self.schema_ = self._open(X, y, schema)
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
    """Replace a language model by a function, without sending anything.

    Parameters
    ----------
    script : callable, default=None
        Function of a request that returns the text of a reply, a ``ChatReply``, or an
        exception to raise. A request has ``role`` ("manager", "worker", "label"),
        ``messages`` (pairs of role and text), ``schema``, ``seed`` and ``attempt``.
        None: `answer_competently`.
    model : str, default="scripted"
        Name; part of the key of a stored reply.
    max_tokens : int, default=4096
        As in `ChatModel`.
    max_concurrency : int, default=16
        As in `ChatModel`.
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
        return _ScriptedClient(self.script or answer_competently)

    def describe(self):
        """Return the settings that determine replies: names of script and model.

        Returns
        -------
        settings : dict
        """
        script = getattr(self.script, "__qualname__", repr(self.script))
        return {"endpoint": "scripted", "model": self.model, "script": script}


class _ScriptedClient:
    def __init__(self, script):
        self._script = script

    def complete(self, request):
        reply = self._script(request)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, ChatReply):
            return reply
        usage = Usage(count_request(request), count_tokens(reply))
        return ChatReply(reply, usage=usage)
