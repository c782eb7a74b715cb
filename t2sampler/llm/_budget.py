"""Budget of tokens, money or calls, and the client that keeps within it."""

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

MILLION = 1e6
PER_MESSAGE, PER_REQUEST = 16, 64  # tokens that a chat template adds, at most
MARGIN = 1.2  # on the largest number of tokens per byte so far


class Budget:
    """Limit the tokens, the money or the calls that language models may take.

    Each call reserves the most that it can take until its reply has come, so that calls
    in flight cannot exceed a limit together. A call that could exceed one is not made:
    no further rows are drawn, and the sampler's ``on_shortfall`` decides how to go on.
    Stored replies are free.

    Parameters
    ----------
    max_tokens : int >= 0, default=None
        Largest number of input and output tokens, together. None: no limit.
    max_cost : float >= 0, default=None
        Largest cost, in the currency of the model's ``prices``, which must be given.
    max_calls : int >= 0, default=None
        Largest number of replies; retries do not count.
    shared : bool, default=False
        False: each fit may spend the whole budget. True: all fits with this budget or
        a copy of it spend it together, also in other processes, as in a grid search;
        what was spent is kept in the store.

    Raises
    ------
    ValueError
        A limit is not a number, or is negative.

    Notes
    -----
    A call's input is assumed to have one token per byte until the first replies of the
    model show its true ratio. Calls that fail are assumed to be free.

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
        """Raise if cost is limited but a model has no prices.

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


class BudgetedClient:
    """Make only calls that fit a budget.

    Parameters
    ----------
    client : ChatClient
    budget : Budget
    ledger : Ledger
        Counts what is spent and reserved.
    """

    def __init__(self, client: ChatClient, budget: Budget, ledger: Ledger) -> None:
        self.client = client
        self.budget = budget
        self.ledger = ledger
        limits = (budget.max_tokens, budget.max_cost, budget.max_calls)
        self.limit = Amount(
            *(math.inf if limit is None else float(limit) for limit in limits)
        )
        self._tokens_per_byte: dict[int, float] = {}  # largest so far, by chat
        self._lock = threading.Lock()
        self._n_replies, self._taken = 0, Amount()
        self._largest_reserved = Amount()

    def calls_left(self) -> float:
        """Return about how many calls may still be made, those in flight included.

        The estimate assumes calls of average size, and keeps back as much as the
        largest call reserved.
        """
        with self._lock:
            n_replies, taken = self._n_replies, astuple(self._taken)
            largest = astuple(self._largest_reserved)
        spent, limit = astuple(self.ledger.spent()), astuple(self.limit)
        if not n_replies:  # nothing is known of sizes, but calls can be counted
            return limit[-1] - spent[-1] if math.isfinite(limit[-1]) else 0.0
        means = [total / n_replies for total in taken]
        calls_left = [
            1 + (most - gone - reserved) / mean
            for most, gone, reserved, mean in zip(
                limit, spent, largest, means, strict=True
            )
            if mean and math.isfinite(most)
        ]
        return min(calls_left, default=math.inf)

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request.

        Raises
        ------
        BudgetError
            It could exceed the budget, even after all calls in flight are settled.
        """
        self.budget.check(request.chat)
        size = request.n_bytes + PER_MESSAGE * len(request.messages) + PER_REQUEST
        ratio = self._tokens_per_byte.get(id(request.chat), 1.0)
        most = _to_amount(
            request.chat, Usage(math.ceil(size * ratio), request.max_tokens)
        )
        reservation = self._reserve(most)
        spent = Amount()
        try:
            reply = self.client.complete(request)
            spent = _to_amount(request.chat, reply.usage)
        finally:
            self.ledger.settle(reservation, spent)
        with self._lock:
            self._n_replies, self._taken = self._n_replies + 1, self._taken + spent
            self._largest_reserved = self._largest_reserved.maximum(most)
        ratio = MARGIN * reply.usage.input_tokens / size
        largest = self._tokens_per_byte.get(id(request.chat), 0.0)
        self._tokens_per_byte[id(request.chat)] = max(largest, ratio)
        return reply

    def _reserve(self, amount: Amount) -> str:
        """Reserve an amount, if need be after calls in flight are settled."""
        while True:
            reservation, balance = self.ledger.reserve(amount, self.limit)
            if reservation:
                return reservation
            if not balance.n_reserved:
                raise BudgetError(_describe_excess(amount, self.limit, balance))
            self.ledger.wait()


def cost_of(prices: Mapping[str, float] | None, usage: Usage) -> float | None:
    """Return the cost of tokens; None without prices."""
    if prices is None:
        return None
    n_uncached = usage.input_tokens - usage.cached_tokens
    cost = (
        n_uncached * prices["input"]
        + usage.cached_tokens * prices.get("cached", prices["input"])
        + usage.output_tokens * prices["output"]
    )
    return float(cost) / MILLION


def _to_amount(chat: Chat, usage: Usage) -> Amount:
    tokens = usage.input_tokens + usage.output_tokens
    return Amount(tokens, cost_of(chat.prices, usage) or 0.0, 1.0)


def _check_limit(name: str, value: Any) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not (value is None or (is_number and value >= 0)):
        raise ValueError(f"`{name}` must be a number >= 0, got {value!r}.")


def _describe_excess(amount: Amount, limit: Amount, balance: Balance) -> str:
    """Return which limit the next call could exceed."""
    for name in ("tokens", "cost", "calls"):
        spent, most = getattr(balance.spent, name), getattr(limit, name)
        if spent + getattr(amount, name) > most:
            break
    return (
        f"The budget allows max_{name}={most:,g}; {spent:,g} are spent, and the next "
        f"call can take {getattr(amount, name):,g}. Raise the budget and run again: "
        "stored replies are free."
    )
