"""A budget refuses the call that could exceed it, before it is made."""

import copy
import math
import pickle
import time

import pytest
from sklearn.base import BaseEstimator, clone

from t2sampler.exceptions import BudgetError, ChatError
from t2sampler.llm import Budget, ChatModel
from t2sampler.llm._base import ChatReply, Usage
from t2sampler.llm._budget import BudgetedClient, cost_of
from t2sampler.llm._cache import ReplyStore
from t2sampler.llm._ledger import Amount, MemoryLedger, StoredLedger
from t2sampler.llm._session import open_session

PRICES = {"input": 2.0, "output": 8.0, "cached": 0.5}
NO_LIMIT = Amount(math.inf, math.inf, math.inf)


class Paid:
    """A client whose every answer takes the same."""

    def __init__(self, usage, delay=0.0, error=None):
        self.usage, self.delay, self.error = usage, delay, error
        self.n_calls = 0

    def complete(self, request):
        self.n_calls += 1
        time.sleep(self.delay)
        if self.error is not None:
            raise self.error
        return ChatReply("{}", usage=self.usage)


@pytest.fixture(params=["memory", "store"])
def ledger(request, tmp_path):
    """Return a ledger, in memory and in a store."""
    if request.param == "memory":
        yield MemoryLedger()
        return
    store = ReplyStore(tmp_path / "store.sqlite")
    yield StoredLedger(store, "a budget", sleep=lambda seconds: time.sleep(0.01))
    store.close()


def test_cached_tokens_have_their_own_price():
    usage = Usage(1_000_000, 500_000, cached_tokens=400_000)

    assert cost_of(PRICES, usage) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.5 * 8)
    assert cost_of({"input": 2.0, "output": 8.0}, usage) == pytest.approx(2 + 4)
    assert cost_of(None, usage) is None


def test_calls_are_counted(ask, ledger):
    client = Paid(Usage(10, 5))
    limited = BudgetedClient(client, Budget(max_calls=3), ledger)
    for seed in range(3):
        limited.complete(ask(seed=seed))

    with pytest.raises(BudgetError, match=r"max_calls=3; 3 are spent"):
        limited.complete(ask(seed=3))

    assert client.n_calls == 3


def test_calls_left_counts_calls_that_still_fit(ask, ledger):
    limited = BudgetedClient(Paid(Usage(10, 5)), Budget(max_calls=3), ledger)
    free = BudgetedClient(Paid(Usage(10, 5)), Budget(), MemoryLedger())

    assert limited.calls_left() == 3
    limited.complete(ask())
    free.complete(ask())

    assert limited.calls_left() == 2
    assert free.calls_left() == math.inf


def test_calls_left_uses_the_mean_and_keeps_back_the_largest_reservation(ask):
    limited = BudgetedClient(
        Paid(Usage(10, 5)), Budget(max_tokens=30_000), MemoryLedger()
    )

    assert limited.calls_left() == 0  # nothing is known yet
    limited.complete(ask(max_tokens=90))

    # Of what is left after 15, less some hundreds that one call may reserve.
    assert (30_000 - 15 - 5_000) / 15 < limited.calls_left() < (30_000 - 15) / 15


def test_first_call_that_may_be_too_large_is_not_made(ask, ledger):
    client = Paid(Usage(10, 5))

    with pytest.raises(BudgetError, match=r"max_tokens=100; 0 are spent, and the next"):
        BudgetedClient(client, Budget(max_tokens=100), ledger).complete(
            ask(max_tokens=90)
        )

    assert client.n_calls == 0


def test_input_is_estimated_from_real_answers(ask, ledger):
    """At first a token per byte, over 1000; then 10 tokens and a margin."""
    client = Paid(Usage(10, 5))
    limited = BudgetedClient(client, Budget(max_tokens=1500), ledger)

    for seed in range(20):
        limited.complete(ask("x" * 1000, seed=seed))

    assert client.n_calls == 20


def test_money_is_counted(ask, chat, ledger):
    chat.set_params(prices=PRICES)
    client = Paid(Usage(100_000, 100_000))  # 1.0 each
    limited = BudgetedClient(client, Budget(max_cost=2.5), ledger)
    limited.complete(ask())
    limited.complete(ask(max_tokens=100_000))

    with pytest.raises(BudgetError, match=r"max_cost=2\.5; 2 are spent"):
        limited.complete(ask(max_tokens=100_000))

    assert client.n_calls == 2


def test_failed_calls_are_free(ask, ledger):
    client = Paid(Usage(10, 5), error=ChatError("no"))
    limited = BudgetedClient(client, Budget(max_calls=1), ledger)

    for _ in range(3):
        with pytest.raises(ChatError, match="no"):
            limited.complete(ask())

    assert client.n_calls == 3


def test_sixty_four_in_flight_do_not_pass_it(ask, in_threads, ledger):
    """Each takes 1050 at most and 50 really: calls wait for others, and all fit."""
    client = Paid(Usage(20, 30), delay=0.005)
    limited = BudgetedClient(client, Budget(max_tokens=5000), ledger)
    refused = []

    def complete(i):
        try:
            limited.complete(ask(seed=i, max_tokens=30))
        except BudgetError:
            refused.append(i)

    in_threads(64, complete)
    in_threads(64, complete)

    assert client.n_calls * 50 <= 5000
    assert client.n_calls >= 90  # what is left cannot hold another call
    assert client.n_calls + len(refused) == 128


def test_reservation_of_a_dead_owner_is_spent(tmp_path):
    now = [1000.0]
    ours, theirs = (
        ReplyStore(tmp_path / "store.sqlite", clock=lambda: now[0]) for _ in range(2)
    )
    StoredLedger(theirs, "b").reserve(Amount(70, 0, 1), NO_LIMIT)
    _, alive = StoredLedger(ours, "b").reserve(Amount(), NO_LIMIT)
    theirs.file._n_acquired = 0  # no heartbeat, as if killed
    now[0] += 5

    _, dead = StoredLedger(ours, "b").reserve(Amount(), NO_LIMIT)

    assert (alive.spent.tokens, alive.reserved.tokens) == (0, 70)
    assert dead.spent.tokens == 70
    ours.file._n_acquired = 0
    ours.close()
    theirs.close()


class Holder(BaseEstimator):
    """An estimator with a budget."""

    def __init__(self, budget=None):
        self.budget = budget


@pytest.mark.parametrize(
    "copied",
    [
        copy.deepcopy,
        lambda budget: pickle.loads(pickle.dumps(budget)),
        lambda budget: clone(Holder(budget)).budget,
    ],
)
def test_copies_spend_one_shared_budget(endpoint, ask, tmp_path, copied):
    budget = Budget(max_calls=3, shared=True)
    n_refused = 0
    for seed, each in enumerate([budget, copied(budget), copied(budget), budget]):
        session = open_session(store=tmp_path / "s.sqlite", budget=each)
        try:
            session.complete(ask(seed=seed))
        except BudgetError:
            n_refused += 1
        session.close()

    assert len(endpoint.bodies) == 3
    assert n_refused == 1


def test_unshared_budget_is_new_for_each_session(endpoint, ask, tmp_path):
    budget = Budget(max_calls=1)
    for seed in range(2):
        session = open_session(store=tmp_path / "s.sqlite", budget=budget)
        session.complete(ask(seed=seed))
        session.close()

    assert len(endpoint.bodies) == 2


def test_stored_replies_are_free(endpoint, ask, tmp_path):
    session = open_session(store=tmp_path / "s.sqlite", budget=Budget(max_calls=1))
    for _ in range(3):
        session.complete(ask())
    session.close()

    assert len(endpoint.bodies) == 1


def test_shared_budget_without_a_store_is_refused():
    with pytest.raises(ValueError, match=r"shared=True.*Give one as `store`"):
        open_session(store=False, budget=Budget(max_calls=1, shared=True))


def test_money_without_prices_is_refused_before_any_work(endpoint, chat, ask):
    with pytest.raises(ValueError, match="needs the prices"):
        open_session(store=False, budget=Budget(max_cost=1.0), chats=[chat])
    with pytest.raises(ValueError, match="needs the prices"):
        open_session(store=False, budget=Budget(max_cost=1.0)).complete(ask())

    assert not endpoint.bodies


@pytest.mark.parametrize("wrong", [-1, True, float("nan"), "7"])
def test_wrong_limits_are_refused(wrong):
    with pytest.raises(ValueError, match="`max_tokens` must be a number >= 0, got"):
        Budget(max_tokens=wrong)


def test_budget_shows_its_limits_only():
    assert repr(Budget(max_cost=2.5)) == "Budget(max_cost=2.5)"
    assert repr(Budget()) == "Budget()"
    assert ChatModel("m").prices is None
