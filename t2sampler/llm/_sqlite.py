"""A SQLite file that threads and processes share: locks, owners and their heartbeat."""

import contextlib
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from t2sampler.exceptions import GeneratorError

APPLICATION_ID = 0x54325354  # marks the file as ours
VERSION = 1
BUSY_TIMEOUT_S = 30.0
HEARTBEAT_S = 1.0
MAX_SILENCE_S = 4.0  # an owner without a heartbeat for so long is dead
OWNER_AGE_S = 3600.0  # rows of dead owners are kept so long
TABLES = """
CREATE TABLE replies (key TEXT PRIMARY KEY, text TEXT, finish_reason TEXT,
    input_tokens INT, output_tokens INT, cached_tokens INT, model TEXT,
    fingerprint TEXT, seconds REAL);
CREATE TABLE owners (owner TEXT PRIMARY KEY, beat REAL);
CREATE TABLE claims (key TEXT PRIMARY KEY, owner TEXT);
CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT, made REAL);
CREATE TABLE ledgers (budget TEXT PRIMARY KEY, tokens REAL, cost REAL, calls REAL);
CREATE TABLE holds (hold TEXT PRIMARY KEY, budget TEXT, owner TEXT, tokens REAL,
    cost REAL, calls REAL);
"""


class SQLiteFile:
    """Open a file when first used, and run one statement after the other.

    What this process has acquired (claims, reservations) belongs to an owner, whose
    heartbeat a thread renews each second. The heartbeat of a killed process stops, and
    what it had acquired is free again.

    Parameters
    ----------
    path : Path
    clock : callable
        Replacement of `time.time`, for tests.
    """

    # Not `time.monotonic`: all processes of a machine compare their heartbeats.
    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self.owner = uuid.uuid4().hex
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inherited: sqlite3.Connection | None = None
        self._pid = os.getpid()
        self._n_acquired = 0
        self._is_closing = False
        self._heartbeat_thread: threading.Thread | None = None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection for a query."""
        with self._lock, self._translate_errors():
            yield self._open()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection within a transaction, rolled back after an exception."""
        with self._lock, self._translate_errors():
            connection = self._open()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file; the next use opens it again.

        It stays open while something is acquired, so that replies of calls in flight
        are stored.
        """
        with self._lock:
            self._is_closing = True
            if not self._n_acquired:
                self._close_connection()

    def acquire(self, connection: sqlite3.Connection) -> None:
        """Keep the heartbeat going until `release` was called as often as this."""
        with self._lock:
            self._n_acquired += 1
            self._heartbeat(connection)
            if self._heartbeat_thread is None:
                self._heartbeat_thread = threading.Thread(
                    target=self._keep_heartbeat, daemon=True
                )
                self._heartbeat_thread.start()

    def release(self) -> None:
        """Take back one `acquire`."""
        with self._lock:
            self._n_acquired = max(0, self._n_acquired - 1)

    def is_alive(self, heartbeat: float | None) -> bool:
        """Tell whether an owner with its last heartbeat at that time still works."""
        if heartbeat is None:
            return False
        return abs(self.clock() - heartbeat) <= MAX_SILENCE_S

    def _heartbeat(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO owners VALUES (?, ?)", (self.owner, self.clock())
        )

    def _keep_heartbeat(self) -> None:
        """Renew the heartbeat while something is acquired; then close if asked to."""
        while True:
            time.sleep(HEARTBEAT_S)
            with self._lock:
                is_current = self._heartbeat_thread is threading.current_thread()
                if not self._n_acquired or not is_current:
                    self._heartbeat_thread = None
                    if self._is_closing:
                        self._close_connection()
                    return
                with contextlib.suppress(GeneratorError), self.write() as connection:
                    self._heartbeat(connection)

    def _close_connection(self) -> None:
        if self._connection is not None and self._pid == os.getpid():
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            # SQLite forbids a forked process to use or close its parent's connection,
            # so the reference is kept for ever.
            self._inherited, self._connection = self._connection, None
            self._pid, self._heartbeat_thread = os.getpid(), None
            self._n_acquired = 0
            self.owner = uuid.uuid4().hex
        self._is_closing = False
        if self._connection is None:
            self._connection = _connect(self.path)
            since = self.clock() - OWNER_AGE_S
            self._connection.execute("DELETE FROM owners WHERE beat < ?", (since,))
        return self._connection

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn errors of SQLite and the file system into one clear sentence."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise GeneratorError(
                f"The store of replies {str(self.path)!r} cannot be used ({error}). "
                "Give another path as `store`, or delete the file if it is broken."
            ) from error


def _connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the file, which is created if there is none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        _create_tables(connection)
        path.chmod(0o600)  # before there is a write-ahead log, which takes its mode
        _use_write_ahead_log(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create_tables(connection: sqlite3.Connection) -> None:
    """Create the tables of a new file; raise for a file that is not ours."""
    connection.execute("BEGIN IMMEDIATE")
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    n_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not n_tables:
        for statement in TABLES.split(";")[:-1]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    elif (application, version) != (APPLICATION_ID, VERSION):
        raise sqlite3.DatabaseError("it is another program's, or another version's")
    connection.execute("COMMIT")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Let readers read while another writes."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            # SQLite's own timeout does not cover this statement.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    connection.execute("PRAGMA synchronous = NORMAL")
