"""The sandbox's SQLite file: one transaction per request, shared by concurrent threads and processes."""

import json
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from pallink import private_files
from pallink.os_errors import os_reason
from pallink.sandbox.state.errors import SandboxStateError
from pallink.sandbox.state.settings import Setting
from pallink.sandbox.state.world import World
from pallink.sandbox.state.world_file import initial_world, parse_world

_SCHEMA_VERSION = 10  # SQLite's user_version. Raise it with every change to the tables or to the shape of the world.
_SCHEMA = (
    # The revision comes first: SQLite reads it without the pages of the document.
    "CREATE TABLE world (revision TEXT NOT NULL DEFAULT (hex(randomblob(16))), document TEXT NOT NULL)",
    """CREATE TRIGGER world_changed AFTER UPDATE OF document ON world BEGIN
        UPDATE world SET revision = hex(randomblob(16));
    END""",
    "CREATE TABLE signing_key (key BLOB NOT NULL)",
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE redeemed_code (id TEXT PRIMARY KEY, expires_on INTEGER NOT NULL)",
    "CREATE TABLE revocation (object_id TEXT NOT NULL, revoked_on INTEGER NOT NULL)",
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
    "CREATE TABLE bucket (key TEXT PRIMARY KEY, level REAL NOT NULL, filled_on REAL NOT NULL)",
    "CREATE TABLE fault (number INTEGER PRIMARY KEY, rule TEXT NOT NULL, seen INTEGER NOT NULL)",
)
_DEVICE_CODE_RETENTION = 3600  # Seconds after expiry, in which a code is reported as expired, not as unknown.
_BUSY_TIMEOUT = 60.0  # Seconds: long enough for 40 processes that queue for the file.
_MESSAGES = {
    sqlite3.SQLITE_BUSY: "is in use by another process",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened or created",
    sqlite3.SQLITE_CORRUPT: "is corrupt",
    sqlite3.SQLITE_FULL: "cannot be written",
    sqlite3.SQLITE_IOERR: "cannot be read or written",
    sqlite3.SQLITE_NOTADB: "is corrupt",
    sqlite3.SQLITE_PERM: "cannot be opened or created",
    sqlite3.SQLITE_READONLY: "cannot be written",
}
_UNUSABLE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}

# By file. Threads take turns here: one that waits for SQLite's own lock sleeps up to 100 ms at a time.
_locks: defaultdict[Path, Lock] = defaultdict(Lock)

_MAX_WORLDS = 4
_worlds: dict[str, World] = {}  # By revision. Every request needs a world, which is large and rarely changes.


@dataclass(frozen=True, slots=True)
class Link:
    """One version of the link of an account. Azure keeps a deleted link, with another state.

    Attributes:
        tenant_id: The tenant ID.
        object_id: The account's object ID in the tenant.
        partner_id: The partner ID.
        state: `Active` or `Deleted`.
        version: The number of writes, deletions included, from 1.
        created_time: The time of the first creation, in Azure's format; later creations do not change it.
        updated_time: The time of the last write, in Azure's format.
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
    """What one transaction reads and writes."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._world: World | None = None
        self._settings: dict[str, str] | None = None

    @property
    def path(self) -> Path:
        """The sandbox's file."""
        return self._path

    @property
    def world(self) -> World:
        """The tenants, accounts, roles and partners."""
        if self._world is None:
            self._world = self._load_world()
        return self._world

    def _load_world(self) -> World:
        revision = self._value("SELECT revision FROM world")
        world = _worlds.get(revision)
        if world is None:
            try:
                world = parse_world(self._value("SELECT document FROM world"))
            except (KeyError, TypeError, ValueError) as error:
                raise SandboxStateError(self._path, f"holds an invalid world: {error}") from error
            if len(_worlds) >= _MAX_WORLDS:
                _worlds.clear()
            _worlds[revision] = world
        return world

    def change_world(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the world.

        Args:
            change: Called with the world as a dictionary in the shape of `world.toml`, which it changes in place.

        Raises:
            ValueError: The changed world is invalid, for example has an unknown name; it is not stored.
        """
        data = json.loads(self._value("SELECT document FROM world"))
        change(data)
        document = json.dumps(data)
        self._world = parse_world(document)
        self._connection.execute("UPDATE world SET document = ?", (document,))

    @property
    def signing_key(self) -> bytes:
        """The random key that tokens are signed with; a reset replaces it."""
        return bytes(self._value("SELECT key FROM signing_key"))

    def setting(self, setting: Setting) -> str:
        """Return the value of a setting."""
        if self._settings is None:
            self._settings = dict(self._connection.execute("SELECT name, value FROM setting"))
        try:
            return setting.check(self._settings.get(setting.name, setting.default))
        except ValueError as error:
            raise SandboxStateError(self._path, f"holds an invalid setting: {error}") from error

    def set(self, setting: Setting, value: str) -> None:
        """Change a setting.

        Raises:
            ValueError: The value is not allowed.
        """
        self._connection.execute("REPLACE INTO setting VALUES (?, ?)", (setting.name, setting.check(value)))
        self._settings = None

    def link(self, tenant_id: str, object_id: str) -> Link | None:
        """Return the link of an account, active or deleted; None if there never was one."""
        return next(self._versions(tenant_id, object_id), None)

    def former_link(self, tenant_id: str, object_id: str) -> Link | None:
        """Return the link of an account as it was before the last write; None if there was none."""
        versions = self._versions(tenant_id, object_id)
        next(versions, None)
        return next(versions, None)

    def _versions(self, tenant_id: str, object_id: str) -> Iterator[Link]:
        """Yield every version of an account's link, newest first."""
        rows = self._connection.execute(
            "SELECT * FROM link WHERE tenant_id = ? AND object_id = ? ORDER BY version DESC", (tenant_id, object_id)
        )
        yield from (Link(*row) for row in rows)

    def links(self) -> tuple[Link, ...]:
        """Return the links of all accounts, active and deleted."""
        rows = self._connection.execute("SELECT * FROM link ORDER BY tenant_id, object_id, version")
        latest = {(link.tenant_id, link.object_id): link for link in (Link(*row) for row in rows)}
        return tuple(latest.values())

    def save_link(self, link: Link) -> None:
        """Store the next version of an account's link."""
        self._connection.execute("INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(link))

    def delete_links(self, accounts: Collection[tuple[str, str]]) -> None:
        """Remove every version of the links of some accounts, each named by tenant and object ID."""
        self._connection.executemany("DELETE FROM link WHERE tenant_id = ? AND object_id = ?", accounts)

    def faults(self) -> list[tuple[int, str, int]]:
        """Return the faults, oldest first: the number, the rule as stored, and how many requests it has matched."""
        return self._connection.execute("SELECT number, rule, seen FROM fault ORDER BY number").fetchall()

    def add_fault(self, rule: str) -> int:
        """Store the rule of a fault, and return its number."""
        return int(self._connection.execute("INSERT INTO fault (rule, seen) VALUES (?, 0)", (rule,)).lastrowid or 0)

    def count_fault(self, number: int) -> None:
        """Count one more request that a fault has matched."""
        self._connection.execute("UPDATE fault SET seen = seen + 1 WHERE number = ?", (number,))

    def clear_faults(self, number: int | None = None) -> int:
        """Remove one fault, or all of them, and return how many were removed."""
        return self._connection.execute("DELETE FROM fault WHERE ?1 IS NULL OR number = ?1", (number,)).rowcount

    def bucket(self, key: str) -> tuple[float, float] | None:
        """Return the level of a token bucket, and when it was filled to it; None for a bucket that was never used."""
        row = self._connection.execute("SELECT level, filled_on FROM bucket WHERE key = ?", (key,)).fetchone()
        return row and (float(row[0]), float(row[1]))

    def save_bucket(self, key: str, level: float, filled_on: float) -> None:
        """Store the level of a token bucket at a time, in seconds since the epoch."""
        self._connection.execute("REPLACE INTO bucket VALUES (?, ?, ?)", (key, level, filled_on))

    def redeem(self, code_id: str, *, expires_on: int, now: int) -> bool:
        """Mark an authorization code as redeemed.

        Args:
            code_id: The ID of the code.
            expires_on: When the code expires and its record can be deleted, in seconds since the epoch.
            now: The current time, in seconds since the epoch.

        Returns:
            False where the code was redeemed before.
        """
        self._connection.execute("DELETE FROM redeemed_code WHERE expires_on < ?", (now,))
        inserted = self._connection.execute("INSERT OR IGNORE INTO redeemed_code VALUES (?, ?)", (code_id, expires_on))
        return inserted.rowcount == 1

    def revocations(self, object_id: str) -> tuple[int, ...]:
        """Return when the sessions of a user were revoked, oldest first, in seconds since the epoch.

        Args:
            object_id: The user's object ID in the home tenant.
        """
        rows = self._connection.execute(
            "SELECT revoked_on FROM revocation WHERE object_id = ? ORDER BY rowid", (object_id,)
        )
        return tuple(int(revoked_on) for (revoked_on,) in rows)

    def revoke_sessions(self, object_id: str, *, now: int) -> None:
        """Revoke the sessions of a user, named by the object ID in the home tenant, at a time since the epoch."""
        self._connection.execute("INSERT INTO revocation VALUES (?, ?)", (object_id, now))

    def certificates(self, client_id: str) -> tuple[bytes, ...]:
        """Return the certificates (DER) that are registered for an application."""
        rows = self._connection.execute("SELECT der FROM certificate WHERE client_id = ?", (client_id,))
        return tuple(bytes(der) for (der,) in rows)

    def register_certificate(self, client_id: str, der: bytes) -> None:
        """Register a certificate (DER) for an application."""
        self._connection.execute("INSERT INTO certificate VALUES (?, ?)", (client_id, der))

    def device_code(self, user_code: str) -> str | None:
        """Return the stored document of a device code; None if it is unknown."""
        row = self._connection.execute("SELECT document FROM device_code WHERE user_code = ?", (user_code,)).fetchone()
        return row and str(row[0])

    def save_device_code(self, user_code: str, document: str, *, expires_on: int, now: int) -> None:
        """Store the document of a device code, replacing an earlier one; delete those that expired an hour ago.

        Args:
            user_code: The code that the user types.
            document: The document (JSON).
            expires_on: When the code expires, in seconds since the epoch.
            now: The current time, in seconds since the epoch.
        """
        self._connection.execute("DELETE FROM device_code WHERE expires_on < ?", (now - _DEVICE_CODE_RETENTION,))
        self._connection.execute("REPLACE INTO device_code VALUES (?, ?, ?)", (user_code, document, expires_on))

    def _value(self, query: str) -> Any:  # noqa: ANN401 - The column may have any type.
        row = self._connection.execute(query).fetchone()
        if row is None:
            raise SandboxStateError(self._path, "is incomplete")
        return row[0]


class Store:
    """The file, and the transactions on it.

    Attributes:
        path: The file, created with the initial world on first use.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / "sandbox.sqlite3"
        self._lock = _locks[self.path]

    @contextmanager
    def transaction(self) -> Iterator[State]:
        """Open the file for one exclusive transaction, creating it first if there is none.

        Yields:
            What the transaction reads and writes; it is committed at the end, or rolled back where the block raises.

        Raises:
            SandboxStateError: The file is corrupt, was made by another version, can be changed by another user, or
                cannot be created or written.
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
        """Restore the initial world, and delete links, settings, faults and the signing key.

        The tables are replaced within a transaction, since other processes may use the file. Only a file that SQLite
        cannot use is removed, together with SQLite's own files beside it.

        Raises:
            SandboxStateError: The file cannot be removed, created or written.
        """
        try:
            self._recreate_tables()
        except SandboxStateError as error:
            if not isinstance(error.__cause__, sqlite3.Error) or _code(error.__cause__) not in _UNUSABLE:
                raise
            self._remove()
            self._recreate_tables()

    def _recreate_tables(self) -> None:
        with self._connection() as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                connection.execute(f'DROP TABLE "{table}"')
            _seed(connection)

    def _remove(self) -> None:
        for suffix in ("-journal", "-wal", "-shm", ""):
            try:
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            except OSError as error:
                raise SandboxStateError(self.path, f"cannot be removed: {os_reason(error)}") from error

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Open the file within an immediate transaction, which is rolled back where the block raises."""
        try:
            private_files.make_folder(self.path.parent)
            if not self.path.exists():
                # SQLite would create it by the umask. The files that SQLite puts beside it take its mode.
                self.path.touch(mode=0o600)
            private_files.check(self.path)
        except private_files.UnsafeFileError as error:
            raise SandboxStateError(self.path, f"cannot be used: {error}") from error
        except OSError as error:
            raise SandboxStateError(self.path, f"cannot be created: {os_reason(error)}") from error
        try:
            # Without an isolation level, sqlite3 begins no transaction itself. Closing rolls back an open one.
            with (
                self._lock,
                closing(sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT, isolation_level=None)) as connection,
            ):
                # No write waits for the disk: a process that is killed loses nothing, only a power failure would.
                connection.execute("PRAGMA synchronous = OFF")
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            message = _MESSAGES.get(_code(error), "cannot be used")
            raise SandboxStateError(self.path, f"{message}: {error}") from error


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary error code; the generic one for errors of the Python module, which have none."""
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
    connection.execute("INSERT INTO world (document) VALUES (?)", (initial_world(),))
    connection.execute("INSERT INTO signing_key VALUES (?)", (secrets.token_bytes(32),))
    connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
