"""One SQLite file that threads and processes share: opening, locking, owners."""

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

APPLICATION = 0x54325354  # marks the file as ours
VERSION = 1
BUSY_S = 30.0
BEAT_S, STALE_S = 1.0, 4.0  # an owner that has not beaten for so long is dead
FORGOTTEN_S = 3600.0
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


class StoreFile:
    """Open the file when first used, and run one statement after the other.

    What this process works on, it holds in the name of an owner, whose beat a thread
    renews each second; a killed process stops beating, and what it held is free again.

    Parameters
    ----------
    path : Path
    clock : callable
        Stand-in for `time.time`, which all processes of a machine share.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self.owner = uuid.uuid4().hex
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inherited: sqlite3.Connection | None = None
        self._pid = os.getpid()
        self._n_held = 0
        self._is_closing = False
        self._heart: threading.Thread | None = None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give the connection, to look something up."""
        with self._lock, self._own_words():
            yield self._open()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the connection within a transaction: all of it happens, or nothing."""
        with self._lock, self._own_words():
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

        While calls are in flight it stays open, so that their answers are kept.
        """
        with self._lock:
            self._is_closing = True
            if not self._n_held:
                self._shut()

    def hold(self, connection: sqlite3.Connection) -> None:
        """Beat from now on, until as much was let go as was held."""
        with self._lock:
            self._n_held += 1
            self._beat(connection)
            if self._heart is None:
                self._heart = threading.Thread(target=self._keep_beating, daemon=True)
                self._heart.start()

    def let_go(self) -> None:
        """Take back one `hold`."""
        with self._lock:
            self._n_held = max(0, self._n_held - 1)

    def is_alive(self, beat: float | None) -> bool:
        """Tell whether an owner that beat last at that time still works."""
        return beat is not None and abs(self.clock() - beat) <= STALE_S

    def _beat(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO owners VALUES (?, ?)", (self.owner, self.clock())
        )

    def _keep_beating(self) -> None:
        while True:
            time.sleep(BEAT_S)
            with self._lock:
                if not self._n_held or self._heart is not threading.current_thread():
                    self._heart = None
                    if self._is_closing:
                        self._shut()
                    return
                with contextlib.suppress(GeneratorError), self.write() as connection:
                    self._beat(connection)

    def _shut(self) -> None:
        if self._connection is not None and self._pid == os.getpid():
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._pid != os.getpid():  # a forked process must not touch it
            self._inherited, self._connection = self._connection, None
            self._pid, self._heart, self._n_held = os.getpid(), None, 0
            self.owner = uuid.uuid4().hex
        self._is_closing = False
        if self._connection is None:
            self._connection = _connect(self.path)
            old = self.clock() - FORGOTTEN_S
            self._connection.execute("DELETE FROM owners WHERE beat < ?", (old,))
        return self._connection

    @contextmanager
    def _own_words(self) -> Iterator[None]:
        """Say what is wrong with the file in one sentence."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise GeneratorError(
                f"The store of replies {str(self.path)!r} cannot be used ({error}). "
                "Give another path as `store`, or delete the file if it is broken."
            ) from error


def _connect(path: Path) -> sqlite3.Connection:
    """Return a connection to our own file, made if there is none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        _make_tables(connection)
        path.chmod(0o600)  # before there is a write-ahead log, which takes its mode
        _use_write_ahead_log(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of a new file; leave a foreign one as it is."""
    connection.execute("BEGIN IMMEDIATE")
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    n_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not n_tables:
        for statement in TABLES.split(";")[:-1]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    elif (mark, version) != (APPLICATION, VERSION):
        raise sqlite3.DatabaseError("it is another program's, or another version's")
    connection.execute("COMMIT")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Let readers read while one writes; SQLite does not wait for this by itself."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    connection.execute("PRAGMA synchronous = NORMAL")
