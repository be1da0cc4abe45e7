"""The sandbox's state: one SQLite file, one transaction per request, any number of processes at once."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from pallink.sandbox.state.errors import SandboxStateError
from pallink.sandbox.state.settings import Setting
from pallink.sandbox.state.world import World
from pallink.sandbox.state.world_file import initial_world, parse_world

_SCHEMA_VERSION = 4  # Kept in SQLite's own user_version: raise it whenever the tables or the shape of the world change.
_SCHEMA = (
    "CREATE TABLE world (document TEXT NOT NULL)",
    "CREATE TABLE signing_key (key BLOB NOT NULL)",
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE redeemed_code (id TEXT PRIMARY KEY, expires_on INTEGER NOT NULL)",
    "CREATE TABLE certificate (client_id TEXT NOT NULL, der BLOB NOT NULL)",
    "CREATE TABLE device_code (user_code TEXT PRIMARY KEY, document TEXT NOT NULL, expires_on INTEGER NOT NULL)",
    """CREATE TABLE link (
        tenant_id TEXT NOT NULL,
        object_id TEXT NOT NULL,
        partner_id TEXT NOT NULL,
        state TEXT NOT NULL,
        version INTEGER NOT NULL,
        created_time TEXT NOT NULL,
        updated_time TEXT NOT NULL,
        PRIMARY KEY (tenant_id, object_id, version)
    )""",
    "CREATE TABLE fault (number INTEGER PRIMARY KEY, rule TEXT NOT NULL, seen INTEGER NOT NULL)",
)
_FORGET_AFTER = 3600  # Seconds: until then a client is told that its device code expired.
_BUSY_TIMEOUT = 60.0  # Seconds. Forty processes that queue for the file wait for one another, and none of them fails.
_PROBLEMS = {
    sqlite3.SQLITE_BUSY: "is in use by another process",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened or created",
    sqlite3.SQLITE_CORRUPT: "is corrupt",
    sqlite3.SQLITE_FULL: "cannot be written",
    sqlite3.SQLITE_IOERR: "cannot be read or written",
    sqlite3.SQLITE_NOTADB: "is corrupt",
    sqlite3.SQLITE_PERM: "cannot be opened or created",
    sqlite3.SQLITE_READONLY: "cannot be written",
}
_BEYOND_REPAIR = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


@dataclass(frozen=True, slots=True)
class Link:
    """The link of an account, deleted ones included: Azure only marks them.

    Attributes:
        tenant_id: With `object_id`, whose link it is.
        object_id: See `tenant_id`.
        partner_id: What the account is, or was, linked to.
        state: `Active` or `Deleted`.
        version: Counts the writes, delete included; starts at 1.
        created_time: Of the first creation, as Azure prints it: a re-creation leaves it alone.
        updated_time: Of the last write, as Azure prints it.
    """

    tenant_id: str
    object_id: str
    partner_id: str
    state: str
    version: int
    created_time: str
    updated_time: str

    @property
    def is_active(self) -> bool:
        """Whether the account is linked."""
        return self.state == "Active"


class State:
    """What a request may read and write, within its transaction."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @property
    def world(self) -> World:
        """The tenants, accounts, roles and partners."""
        try:
            return parse_world(self._value("SELECT document FROM world"))
        except (KeyError, TypeError, ValueError) as error:
            raise SandboxStateError(self._path, f"holds a world that cannot be read: {error}") from error

    def change_world(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the world.

        Args:
            change: Is given the world as the object that world.toml stands for, and changes it in place.

        Raises:
            ValueError: It is no world any more, as a name in it stands for nothing; then nothing is changed.
        """
        data = json.loads(self._value("SELECT document FROM world"))
        change(data)
        document = json.dumps(data)
        parse_world(document)
        self._connection.execute("UPDATE world SET document = ?", (document,))

    @property
    def signing_key(self) -> bytes:
        """What tokens are signed with: random, and another one after a reset."""
        return bytes(self._value("SELECT key FROM signing_key"))

    def setting(self, setting: Setting) -> str:
        """Returns the value of a setting."""
        row = self._connection.execute("SELECT value FROM setting WHERE name = ?", (setting.name,)).fetchone()
        try:
            return setting.check(row[0]) if row else setting.default
        except ValueError as error:
            raise SandboxStateError(self._path, f"holds a setting that cannot be: {error}") from error

    def set(self, setting: Setting, value: str) -> None:
        """Changes a setting.

        Raises:
            ValueError: The value is none of the allowed ones.
        """
        self._connection.execute("REPLACE INTO setting VALUES (?, ?)", (setting.name, setting.check(value)))

    def link(self, tenant_id: str, object_id: str) -> Link | None:
        """Returns the link of an account, a deleted one too; None where there never was one."""
        return next(self._versions(tenant_id, object_id), None)

    def former_link(self, tenant_id: str, object_id: str) -> Link | None:
        """Returns the link of an account as it was before the last write; None where there was none then."""
        versions = self._versions(tenant_id, object_id)
        next(versions, None)
        return next(versions, None)

    def _versions(self, tenant_id: str, object_id: str) -> Iterator[Link]:
        """Yields every version of an account's link, the last one first."""
        rows = self._connection.execute(
            "SELECT * FROM link WHERE tenant_id = ? AND object_id = ? ORDER BY version DESC", (tenant_id, object_id)
        )
        yield from (Link(*row) for row in rows)

    def links(self) -> tuple[Link, ...]:
        """Returns every link, deleted ones included."""
        accounts = self._connection.execute("SELECT DISTINCT tenant_id, object_id FROM link ORDER BY 1, 2").fetchall()
        return tuple(link for account in accounts if (link := self.link(*account)))

    def save_link(self, link: Link) -> None:
        """Stores the next version of an account's link."""
        self._connection.execute("INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(link))

    def faults(self) -> list[tuple[int, str, int]]:
        """Returns each fault: its number, its rule as `add_fault` was given it, and how many requests it was for."""
        return self._connection.execute("SELECT number, rule, seen FROM fault ORDER BY number").fetchall()

    def add_fault(self, rule: str) -> int:
        """Stores the rule of a fault, and returns its number."""
        return int(self._connection.execute("INSERT INTO fault (rule, seen) VALUES (?, 0)", (rule,)).lastrowid or 0)

    def count_fault(self, number: int) -> None:
        """Stores that there was one more request that a fault is for."""
        self._connection.execute("UPDATE fault SET seen = seen + 1 WHERE number = ?", (number,))

    def clear_faults(self, number: int | None = None) -> int:
        """Removes one fault, or all of them; returns how many that were."""
        return self._connection.execute("DELETE FROM fault WHERE ?1 IS NULL OR number = ?1", (number,)).rowcount

    def redeem(self, code_id: str, *, expires_on: int, now: int) -> bool:
        """Uses up an authorization code.

        Args:
            code_id: Which one.
            expires_on: When it expires and can be forgotten; seconds since the epoch, as `now`.
            now: The present.

        Returns:
            False when it was used before.
        """
        self._connection.execute("DELETE FROM redeemed_code WHERE expires_on < ?", (now,))
        inserted = self._connection.execute("INSERT OR IGNORE INTO redeemed_code VALUES (?, ?)", (code_id, expires_on))
        return inserted.rowcount == 1

    def certificates(self, client_id: str) -> tuple[bytes, ...]:
        """Returns the certificates (DER) that are registered for an application."""
        rows = self._connection.execute("SELECT der FROM certificate WHERE client_id = ?", (client_id,))
        return tuple(bytes(der) for (der,) in rows)

    def register_certificate(self, client_id: str, der: bytes) -> None:
        """Registers a certificate (DER) for an application."""
        self._connection.execute("INSERT INTO certificate VALUES (?, ?)", (client_id, der))

    def device_code(self, user_code: str) -> str | None:
        """Returns what is known of the device code that people type, as `save_device_code` was given it."""
        row = self._connection.execute("SELECT document FROM device_code WHERE user_code = ?", (user_code,)).fetchone()
        return row and str(row[0])

    def save_device_code(self, user_code: str, document: str, *, expires_on: int, now: int) -> None:
        """Stores a device code in the place of the one with the same name, and forgets those that expired an hour ago.

        Args:
            user_code: What people type.
            document: What is known of it.
            expires_on: Seconds since the epoch, as `now`.
            now: The present.
        """
        self._connection.execute("DELETE FROM device_code WHERE expires_on < ?", (now - _FORGET_AFTER,))
        self._connection.execute("REPLACE INTO device_code VALUES (?, ?, ?)", (user_code, document, expires_on))

    def _value(self, query: str) -> Any:  # noqa: ANN401 - A column of any type.
        row = self._connection.execute(query).fetchone()
        if row is None:
            raise SandboxStateError(self._path, "is incomplete")
        return row[0]


class Store:
    """The file, and the transactions on it.

    Attributes:
        path: The file. It is made, and seeded, when it is first needed.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / "sandbox.sqlite3"

    @contextmanager
    def transaction(self) -> Iterator[State]:
        """Opens the file for one transaction, which other processes wait for; seeds it first where there is none.

        Raises:
            SandboxStateError: The file is corrupt, was made by another version, or cannot be created or written.
        """
        with self._connection() as connection:
            if _is_empty(connection):
                _seed(connection)
            version = _user_version(connection)
            if version != _SCHEMA_VERSION:
                raise SandboxStateError(
                    self.path, f"was made by another version: it has schema {version}, not {_SCHEMA_VERSION}"
                )
            yield State(connection, self.path)

    def reset(self) -> None:
        """Brings back the world that the sandbox starts from. Links, settings and the signing key are gone.

        The file is emptied within a transaction, since other processes may be using it; only one that is no usable
        database is removed, together with SQLite's own files beside it.

        Raises:
            SandboxStateError: The file cannot be removed, created or written.
        """
        try:
            self._seed_anew()
        except SandboxStateError as error:
            if not isinstance(error.__cause__, sqlite3.Error) or _code(error.__cause__) not in _BEYOND_REPAIR:
                raise
            self._remove()
            self._seed_anew()

    def _seed_anew(self) -> None:
        with self._connection() as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                connection.execute(f'DROP TABLE "{table}"')
            _seed(connection)

    def _remove(self) -> None:
        for suffix in ("-journal", "-wal", "-shm", ""):
            file = self.path.with_name(self.path.name + suffix)
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise SandboxStateError(self.path, f"cannot be removed: {error.strerror}") from error

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Opens the file within an immediate transaction, which is rolled back when the block raises."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SandboxStateError(self.path, f"cannot be created: {error.strerror}") from error
        try:
            # No isolation level: sqlite3 begins no transactions of its own. To close is to roll back.
            with closing(sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            problem = _PROBLEMS.get(_code(error), "cannot be used")
            raise SandboxStateError(self.path, f"{problem}: {error}") from error


def _code(error: sqlite3.Error) -> int:
    """Returns SQLite's primary code; errors of the Python module's own have none, and count as SQLite's generic one."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def _is_empty(connection: sqlite3.Connection) -> bool:
    (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(count == 0)


def _user_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _seed(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute("INSERT INTO world VALUES (?)", (initial_world(),))
    connection.execute("INSERT INTO signing_key VALUES (?)", (secrets.token_bytes(32),))
    connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
