"""Ledgers of a budget: what was spent, and what calls in flight have reserved."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import astuple, dataclass

from t2sampler.llm._cache import ReplyStore

POLL_S = 0.1
ADD_SPENT = """INSERT INTO ledgers VALUES (?1, ?2, ?3, ?4) ON CONFLICT (budget)
    DO UPDATE SET tokens = tokens + ?2, cost = cost + ?3, calls = calls + ?4"""
SELECT_RESERVED = """SELECT hold, beat, holds.tokens, holds.cost, holds.calls FROM holds
    LEFT JOIN owners USING (owner) WHERE budget = ?"""
SELECT_SPENT = "SELECT tokens, cost, calls FROM ledgers WHERE budget = ?"


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

    def maximum(self, other: "Amount") -> "Amount":
        """Return the larger of each."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Amount(*(max(pair) for pair in pairs))

    def fits(self, limit: "Amount") -> bool:
        """Tell whether no value is above that of the limit."""
        return all(a <= b for a, b in zip(astuple(self), astuple(limit), strict=True))


@dataclass(frozen=True)
class Balance:
    """State of a ledger: the amounts spent and reserved, and how many reservations."""

    spent: Amount
    reserved: Amount
    n_reserved: int


class MemoryLedger:
    """Ledger in memory, for the budget of one fit."""

    def __init__(self) -> None:
        self._spent = Amount()
        self._reservations: dict[str, Amount] = {}
        self._has_changed = threading.Condition()

    def reserve(self, amount: Amount, limit: Amount) -> tuple[str, Balance]:
        """Reserve an amount if it fits; return the reservation's id, else ""."""
        with self._has_changed:
            reserved = sum(self._reservations.values(), Amount())
            balance = Balance(self._spent, reserved, len(self._reservations))
            if not (self._spent + reserved + amount).fits(limit):
                return "", balance
            reservation = uuid.uuid4().hex
            self._reservations[reservation] = amount
            return reservation, balance

    def settle(self, reservation: str, spent: Amount) -> None:
        """Replace a reservation by what was spent."""
        with self._has_changed:
            del self._reservations[reservation]
            self._spent += spent
            self._has_changed.notify_all()

    def spent(self) -> Amount:
        """Return what was spent."""
        with self._has_changed:
            return self._spent

    def wait(self) -> None:
        """Wait until a reservation may have been settled."""
        with self._has_changed:
            if self._reservations:
                self._has_changed.wait(POLL_S)


class StoredLedger:
    """Ledger in the store, for a budget that processes share.

    What a killed process had reserved counts as spent, since its call may have been
    answered and charged.

    Parameters
    ----------
    store : ReplyStore
    budget : str
        Name of the budget.
    sleep : callable
        Replacement of `time.sleep`, for tests.
    """

    def __init__(
        self,
        store: ReplyStore,
        budget: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._file = store.file
        self._budget = budget
        self._sleep = sleep

    def reserve(self, amount: Amount, limit: Amount) -> tuple[str, Balance]:
        """Reserve an amount if it fits; return the reservation's id, else ""."""
        with self._file.write() as connection:
            balance = self._balance(connection)
            if not (balance.spent + balance.reserved + amount).fits(limit):
                return "", balance
            reservation = uuid.uuid4().hex
            row = (reservation, self._budget, self._file.owner, *astuple(amount))
            connection.execute("INSERT INTO holds VALUES (?, ?, ?, ?, ?, ?)", row)
            self._file.acquire(connection)
            return reservation, balance

    def settle(self, reservation: str, spent: Amount) -> None:
        """Replace a reservation by what was spent."""
        self._file.release()
        with self._file.write() as connection:
            is_there = _delete_reservation(connection, reservation)
            if is_there:  # else another process took us for dead and settled it
                connection.execute(ADD_SPENT, (self._budget, *astuple(spent)))

    def spent(self) -> Amount:
        """Return what was spent."""
        with self._file.write() as connection:
            return self._balance(connection).spent

    def wait(self) -> None:
        """Wait until a reservation may have been settled."""
        self._sleep(POLL_S)

    def _balance(self, connection: sqlite3.Connection) -> Balance:
        """Return the balance; settle the reservations of dead owners."""
        reserved, n_reserved = Amount(), 0
        rows = connection.execute(SELECT_RESERVED, (self._budget,)).fetchall()
        for reservation, heartbeat, *amount in rows:
            if self._file.is_alive(heartbeat):
                reserved, n_reserved = reserved + Amount(*amount), n_reserved + 1
            else:
                _delete_reservation(connection, reservation)
                connection.execute(ADD_SPENT, (self._budget, *amount))
        spent = connection.execute(SELECT_SPENT, (self._budget,)).fetchone() or ()
        return Balance(Amount(*spent), reserved, n_reserved)


Ledger = MemoryLedger | StoredLedger


def _delete_reservation(connection: sqlite3.Connection, reservation: str) -> bool:
    """Delete a reservation; return whether it was there."""
    query = "DELETE FROM holds WHERE hold = ?"
    return connection.execute(query, (reservation,)).rowcount > 0
