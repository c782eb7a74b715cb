"""How much may be spent, and the wrapper that sees to it."""

import math
import threading
import uuid
from collections.abc import Mapping
from dataclasses import astuple
from numbers import Real
from typing import Any

from t2sampler.exceptions import BudgetError
from t2sampler.llm._base import Chat, ChatClient, ChatReply, ChatRequest, Usage
from t2sampler.llm._ledger import Amount, Balance, Ledger
from t2sampler.llm._responses import size_of

MILLION = 1e6
PER_MESSAGE, PER_REQUEST = 16, 64  # tokens a chat template adds, at most
MARGIN = 1.2  # on the most tokens per byte seen so far


class Budget:
    """Limit what the calls of a language model may take.

    Each call reserves what it can take at most until it is answered, so that calls in
    flight cannot pass a limit together. The call that would pass one is not made: the
    drawing ends there, and ``on_shortfall`` of the sampler decides what then. Stored
    replies are free.

    Parameters
    ----------
    max_tokens : int >= 0, default=None
        Most input and output tokens, together. None: no limit.
    max_cost : float >= 0, default=None
        Most money, in the currency of the model's ``prices``, which must be given.
    max_calls : int >= 0, default=None
        Most answers; a call that is tried again counts once.
    shared : bool, default=False
        False: for one fit. True: for all fits with this very budget and its copies
        together, in other processes too, as in a grid search; kept in the store.

    Raises
    ------
    ValueError
        A limit is no number, or less than 0.

    Notes
    -----
    The input of a call is taken to have a token per byte until the first answers of
    that model tell better. Calls that fail count as free.

    Examples
    --------
    >>> from t2sampler.llm import Budget
    >>> Budget(max_tokens=200_000, shared=True)
    Budget(max_tokens=200000, shared=True)
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        max_calls: int | None = None,
        shared: bool = False,
    ) -> None:
        self.max_tokens = max_tokens
        self.max_cost = max_cost
        self.max_calls = max_calls
        self.shared = shared
        self._name = uuid.uuid4().hex  # the same in all copies
        for limit in ("max_tokens", "max_cost", "max_calls"):
            _check_limit(limit, getattr(self, limit))

    def __repr__(self) -> str:
        limits = {
            name: value
            for name, value in vars(self).items()
            if not name.startswith("_") and value is not None and value is not False
        }
        return f"Budget({', '.join(f'{name}={v!r}' for name, v in limits.items())})"

    @property
    def name(self) -> str:
        """Name of the ledger that all copies share."""
        return self._name

    def check(self, chat: Chat) -> None:
        """Refuse to count money without prices.

        Parameters
        ----------
        chat : Chat

        Raises
        ------
        ValueError
            ``max_cost`` is given, but the chat has no prices.
        """
        if self.max_cost is not None and chat.prices is None:
            raise ValueError(
                "`Budget(max_cost=...)` needs the prices of every model. Give those of "
                "a million tokens: `ChatModel(prices={'input': ..., 'output': ...})`."
            )


class Budgeted:
    """Make only calls that fit a budget.

    Parameters
    ----------
    client : ChatClient
    budget : Budget
    ledger : Ledger
        Where it is kept.
    """

    def __init__(self, client: ChatClient, budget: Budget, ledger: Ledger) -> None:
        self.client = client
        self.budget = budget
        self.ledger = ledger
        self.limit = Amount(
            *(math.inf if limit is None else float(limit) for limit in _limits(budget))
        )
        self._tokens_per_byte: dict[int, float] = {}
        self._lock = threading.Lock()
        self._n_answers, self._answered = 0, Amount()
        self._largest = Amount()  # of the amounts that were reserved

    def room(self) -> float:
        """Return about how many calls may still be made, those in flight among them.

        It goes by what a call took on average, and leaves what the dearest reserves.
        """
        with self._lock:
            n_answers, answered = self._n_answers, astuple(self._answered)
            largest = astuple(self._largest)
        spent, limit = astuple(self.ledger.spent()), astuple(self.limit)
        if not n_answers:
            return limit[-1] - spent[-1] if math.isfinite(limit[-1]) else 0.0
        means = [taken / n_answers for taken in answered]
        rooms = [
            1 + (most - gone - dear) / mean
            for most, gone, dear, mean in zip(limit, spent, largest, means, strict=True)
            if mean and math.isfinite(most)
        ]
        return min(rooms, default=math.inf)

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request.

        Raises
        ------
        BudgetError
            It would pass the budget, even when all calls in flight are answered.
        """
        self.budget.check(request.chat)
        size = size_of(request) + PER_MESSAGE * len(request.messages) + PER_REQUEST
        most = self._most(request, size)
        hold = self._reserve(most)
        spent = Amount()
        try:
            reply = self.client.complete(request)
            spent = _amount(request.chat, reply.usage)
        finally:
            self.ledger.settle(hold, spent)
        with self._lock:
            self._n_answers, self._answered = (
                self._n_answers + 1,
                self._answered + spent,
            )
            self._largest = self._largest.join(most)
        ratio = MARGIN * reply.usage.input_tokens / size
        known = self._tokens_per_byte.get(id(request.chat), 0.0)
        self._tokens_per_byte[id(request.chat)] = max(known, ratio)
        return reply

    def _most(self, request: ChatRequest, size: int) -> Amount:
        """Return what a call can take at most."""
        ratio = self._tokens_per_byte.get(id(request.chat), 1.0)
        usage = Usage(math.ceil(size * ratio), request.max_tokens)
        return _amount(request.chat, usage)

    def _reserve(self, amount: Amount) -> str:
        """Hold an amount, if need be after calls in flight were answered."""
        while True:
            hold, balance = self.ledger.reserve(amount, self.limit)
            if hold:
                return hold
            if not balance.n_held:
                raise BudgetError(_describe(amount, self.limit, balance))
            self.ledger.wait()


def cost_of(prices: Mapping[str, float] | None, usage: Usage) -> float | None:
    """Return what tokens cost; None without prices."""
    if prices is None:
        return None
    fresh = usage.input_tokens - usage.cached_tokens
    cost = (
        fresh * prices["input"]
        + usage.cached_tokens * prices.get("cached", prices["input"])
        + usage.output_tokens * prices["output"]
    )
    return float(cost) / MILLION


def _amount(chat: Chat, usage: Usage) -> Amount:
    tokens = usage.input_tokens + usage.output_tokens
    return Amount(tokens, cost_of(chat.prices, usage) or 0.0, 1.0)


def _check_limit(name: str, value: Any) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not (value is None or (is_number and value >= 0)):
        raise ValueError(f"`{name}` must be a number >= 0, got {value!r}.")


def _limits(budget: Budget) -> tuple[float | None, float | None, float | None]:
    return budget.max_tokens, budget.max_cost, budget.max_calls


def _describe(amount: Amount, limit: Amount, balance: Balance) -> str:
    """Say which limit the next call would pass."""
    for name in ("tokens", "cost", "calls"):
        spent, most = getattr(balance.spent, name), getattr(limit, name)
        if spent + getattr(amount, name) > most:
            break
    return (
        f"The budget allows max_{name}={most:,g}; {spent:,g} are spent, and the next "
        f"call can take {getattr(amount, name):,g}. Raise the budget and run again: "
        "what is in the store is free."
    )
