"""What was spent and what may be spent by calls in flight."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Protocol

from t2sampler.llm._cache import Store

LOOK_S = 0.1
ADD = """INSERT INTO ledgers VALUES (?1, ?2, ?3, ?4) ON CONFLICT (budget) DO UPDATE
    SET tokens = tokens + ?2, cost = cost + ?3, calls = calls + ?4"""


@dataclass(frozen=True)
class Amount:
    """Tokens, money and calls."""

    tokens: float = 0.0
    cost: float = 0.0
    calls: float = 0.0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            self.tokens + other.tokens,
            self.cost + other.cost,
            self.calls + other.calls,
        )

    def join(self, other: "Amount") -> "Amount":
        """Return the larger of each."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Amount(*(max(pair) for pair in pairs))

    def fits(self, limit: "Amount") -> bool:
        """Tell whether nothing here is more than there."""
        return all(a <= b for a, b in zip(astuple(self), astuple(limit), strict=True))


@dataclass(frozen=True)
class Balance:
    """What stands in a ledger: spent, held for calls in flight, and how many those."""

    spent: Amount
    held: Amount
    n_held: int


class Ledger(Protocol):
    """Where a budget is kept."""

    def reserve(self, amount: Amount, limit: Amount) -> tuple[str, Balance]:
        """Hold an amount if it fits; return the hold's name, "" if it does not."""
        ...

    def settle(self, hold: str, spent: Amount) -> None:
        """Put what was really spent in place of a hold."""
        ...

    def spent(self) -> Amount:
        """Return what was spent."""
        ...

    def wait(self) -> None:
        """Wait until something may have been settled."""
        ...


class MemoryLedger:
    """Keep a budget in memory, for one fit."""

    def __init__(self) -> None:
        self._spent = Amount()
        self._holds: dict[str, Amount] = {}
        self._changed = threading.Condition()

    def reserve(self, amount: Amount, limit: Amount) -> tuple[str, Balance]:
        """Hold an amount if it fits; return the hold's name, "" if it does not."""
        with self._changed:
            held = sum(self._holds.values(), Amount())
            balance = Balance(self._spent, held, len(self._holds))
            if not (self._spent + held + amount).fits(limit):
                return "", balance
            hold = uuid.uuid4().hex
            self._holds[hold] = amount
            return hold, balance

    def settle(self, hold: str, spent: Amount) -> None:
        """Put what was really spent in place of a hold."""
        with self._changed:
            del self._holds[hold]
            self._spent += spent
            self._changed.notify_all()

    def spent(self) -> Amount:
        """Return what was spent."""
        with self._changed:
            return self._spent

    def wait(self) -> None:
        """Wait until something may have been settled."""
        with self._changed:
            if self._holds:
                self._changed.wait(LOOK_S)


class StoredLedger:
    """Keep a budget in the store, for all processes that share it.

    What a killed process held counts as spent: it may have been.

    Parameters
    ----------
    store : Store
    budget : str
        Name of the budget.
    sleep : callable
        Stand-in for `time.sleep`.
    """

    def __init__(
        self,
        store: Store,
        budget: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._file = store.file
        self._budget = budget
        self._sleep = sleep

    def reserve(self, amount: Amount, limit: Amount) -> tuple[str, Balance]:
        """Hold an amount if it fits; return the hold's name, "" if it does not."""
        with self._file.write() as connection:
            balance = self._balance(connection)
            if not (balance.spent + balance.held + amount).fits(limit):
                return "", balance
            hold = uuid.uuid4().hex
            row = (hold, self._budget, self._file.owner, *astuple(amount))
            connection.execute("INSERT INTO holds VALUES (?, ?, ?, ?, ?, ?)", row)
            self._file.hold(connection)
            return hold, balance

    def settle(self, hold: str, spent: Amount) -> None:
        """Put what was really spent in place of a hold."""
        self._file.let_go()
        with self._file.write() as connection:
            gone = connection.execute("DELETE FROM holds WHERE hold = ?", (hold,))
            if gone.rowcount:
                connection.execute(ADD, (self._budget, *astuple(spent)))

    def spent(self) -> Amount:
        """Return what was spent."""
        with self._file.write() as connection:
            return self._balance(connection).spent

    def wait(self) -> None:
        """Wait until something may have been settled."""
        self._sleep(LOOK_S)

    def _balance(self, connection: sqlite3.Connection) -> Balance:
        """Read the books; what dead owners held is spent."""
        ask = """SELECT hold, beat, holds.tokens, holds.cost, holds.calls FROM holds
            LEFT JOIN owners USING (owner) WHERE budget = ?"""
        held, n_held = Amount(), 0
        for hold, beat, *amount in connection.execute(ask, (self._budget,)).fetchall():
            if self._file.is_alive(beat):
                held, n_held = held + Amount(*amount), n_held + 1
            else:
                connection.execute("DELETE FROM holds WHERE hold = ?", (hold,))
                connection.execute(ADD, (self._budget, *amount))
        ask = "SELECT tokens, cost, calls FROM ledgers WHERE budget = ?"
        spent = connection.execute(ask, (self._budget,)).fetchone() or ()
        return Balance(Amount(*spent), held, n_held)
