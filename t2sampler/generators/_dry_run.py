"""Count what a generator would ask: replay stored replies, and estimate all others."""

import weakref
from dataclasses import replace
from itertools import chain

import numpy as np

from t2sampler._records import Estimate
from t2sampler.exceptions import ReplayError
from t2sampler.llm._base import ChatReply, Usage
from t2sampler.llm._budget import cost_of
from t2sampler.llm._session import open_session
from t2sampler.llm._tokens import count_request, count_tokens


class Replay:
    """Answer requests from the store; without one, answer nothing.

    Attributes
    ----------
    last_request : ChatRequest or None
        Whether it was answered or not.
    answered : set
        What identifies the requests that the store answered.
    """

    def __init__(self):
        self.last_request, self.answered = None, set()
        self._session = None

    def open(self, store, chats):
        """Open a store.

        Parameters
        ----------
        store : True, str or path
        chats : sequence of Chat
            Those that replies are from.
        """
        self._session = open_session(store=store, mode="replay", chats=chats)
        weakref.finalize(self, self._session.close).atexit = False

    @property
    def is_open(self):
        """Whether there is a store."""
        return self._session is not None

    def complete(self, request):
        """Answer a request, or raise `ReplayError`."""
        self.last_request = request
        if self._session is None:
            raise ReplayError("Nothing is stored.")
        reply = self._session.complete(request)
        self.answered.add((request.messages, request.seed, request.attempt))
        return reply


class DryAsker:
    """Answer from the store; else with a typical reply, which is counted.

    Parameters
    ----------
    replay : Replay

    Attributes
    ----------
    calls : list of (Chat, int, int)
        Model, input tokens and output tokens of each call that nothing is stored of.
    n_sure : int or None
        How many of them are made in any case; None: all.
    """

    def __init__(self, replay):
        self.calls, self.n_sure = [], None
        self._replay = replay

    def __call__(self, request, typical):
        """Return the reply to a request."""
        try:
            return self._replay.complete(request)
        except ReplayError:
            text = typical()
            n_input, n_output = count_request(request), count_tokens(text)
            self.calls.append((request.chat, n_input, n_output))
            return ChatReply(text)

    def all(self, questions):
        """Return a reply per pair of request and typical reply."""
        return [self(*question) for question in questions]

    def end_sure(self):
        """Take note that what is asked from here on may not be asked."""
        self.n_sure = len(self.calls)


class DryRun:
    """A generator that asks no model, fitted.

    Parameters
    ----------
    generator : ChatGenerator
        Started, and not yet fitted.
    replay : Replay

    Attributes
    ----------
    plan_ : None
    seed_ : int
    n_drawn : int
        Batches of which the store holds all replies, from the first on.
    """

    plan_ = None

    def __init__(self, generator, replay):
        self.seed_, self.n_drawn = generator.seed_, 0
        self._generator, self._replay = generator, replay
        self._typical = {}  # calls of a batch, by what they depend on
        ask = DryAsker(replay)
        generator._learn(ask)
        self._fit_calls, self._n_sure = ask.calls, ask.n_sure

    def draw(self, requests):
        """Yield batches as long as the store holds all their replies."""
        for request in () if self._fit_calls else requests:
            ask = DryAsker(self._replay)
            batch, _ = self._generator._write_batch(request, ask)
            if ask.calls:
                return
            self.n_drawn = max(self.n_drawn, request.index + 1)
            yield batch

    def count_calls(self, requests, n_sure):
        """Estimate what batches take: the first ``n_sure``, and all of them.

        Parameters
        ----------
        requests : list of Request
        n_sure : int

        Returns
        -------
        estimate : Estimate
        """
        is_fresh = bool(self._fit_calls) or not self._replay.is_open
        calls = count_batches(
            requests, n_sure, self._count_left, self._count_typical, is_fresh=is_fresh
        )
        low, high = chain(*calls[:n_sure]), chain(*calls)
        fit = self._fit_calls
        sure = fit[: self._n_sure]
        return add_up([*sure, *low], [*fit, *high], len(self._replay.answered))

    def _count_left(self, request):
        """Return the calls of a batch that nothing is stored of."""
        ask = DryAsker(self._replay)
        self._generator._write_batch(request, ask)
        return ask.calls

    def _count_typical(self, request):
        """Return the calls of such a batch, which are counted once."""
        kind = request.n_rows, request.labels is None
        if kind not in self._typical:
            request = replace(request, rng=np.random.default_rng(0))
            ask = DryAsker(Replay())
            self._generator._write_batch(request, ask)
            self._typical[kind] = ask.calls
        return self._typical[kind]


def count_batches(requests, n_sure, count_left, count_typical, *, is_fresh):
    """Return the calls of each batch.

    Parameters
    ----------
    requests : list of Request
    n_sure : int
        Batches that are drawn in any case.
    count_left, count_typical : callable
        From a request to its calls: those that nothing is stored of, or all.
    is_fresh : bool
        Nothing is stored of any batch.
    """
    calls = []
    for place, request in enumerate(requests):
        # First what is left: it takes the random numbers that drawing takes.
        left = None if is_fresh else count_left(request)
        typical = count_typical(request)
        left = typical if left is None else left
        # After a batch of which nothing is stored, nothing is stored of the rest.
        is_fresh = is_fresh or (place >= n_sure and len(left) == len(typical))
        calls.append(left)
    return calls


def add_up(low, high, n_stored):
    """Return calls as an estimate."""
    sums = []
    for calls in (low, high):
        cost = None
        if all(chat.prices is not None for chat, _, _ in calls):
            usages = [(chat.prices, Usage(*tokens)) for chat, *tokens in calls]
            cost = sum((cost_of(*pair) for pair in usages), 0.0)
        n_input, n_output = (sum(call[k] for call in calls) for k in (1, 2))
        sums.append((len(calls), n_input, n_output, cost))
    n_calls, inputs, outputs, costs = zip(*sums, strict=True)
    cost = None if None in costs else costs
    return Estimate(n_calls, inputs, outputs, cost, n_stored)
