"""Keys of subjects, wrapped by the master key, in Postgres; and the keyed hash of addresses."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from psycopg import sql

from infra.master_keys import KeyFileError, MasterKeys, read_keys
from infra.postgres import Connection
from schemas.ports import RandomBytes

ERASURES = "nudge_erasures"
"""The channel that tells every process to forget its cached keys."""
_CACHED = 200_000
"""About 60 MB when full; a key is looked up once per process while it stays here."""


def read_key_file(path: Path) -> bytes:
    """The 32 bytes of a file of one key. Raises KeyFileError that names the file."""
    keys = read_keys(path)
    if len(keys) != 1:
        raise KeyFileError(f"{path}: holds {len(keys)} keys, not one")
    return keys[0]


def derive_key(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose from the process secret (HMAC-SHA-256 as a one-step KDF)."""
    return hmac.digest(secret, purpose.encode(), "sha256")


class AddressHasher:
    """The keyed hash under which an address is known unstored. The key never changes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, normalised_address: str) -> bytes:
        """32 bytes, the same for the same normalised address."""
        return hmac.new(self._key, normalised_address.encode(), hashlib.sha256).digest()


def announce(connection: Connection) -> None:
    """Make every process forget its cached keys and read the master keys again, by NOTIFY."""
    connection.execute(sql.SQL("NOTIFY {}").format(sql.Identifier(ERASURES)))


class SubjectKeys:
    """The key ring over `log.subject_keys`, with a cache per process.

    Reads through `connections` (any role); makes keys only on the caller's own connection, so that
    a key exists exactly when the event it seals does.
    """

    def __init__(
        self,
        master: MasterKeys,
        connections: Callable[[], AbstractContextManager[Connection]],
        random_bytes: RandomBytes,
    ) -> None:
        self._master = master
        self._connections = connections
        self._random = random_bytes
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.generation = 0
        """Rises whenever keys were forgotten: what was opened before may have been erased."""

    def keys_of(self, subjects: Iterable[str]) -> Mapping[str, bytes]:
        """Keys of those subjects that have one; the others have been erased."""
        found, missing = self._cached(subjects)
        if missing:
            with self._connections() as connection:
                found.update(self._select(connection, missing))
        return found

    def on(self, connection: Connection) -> KeysOn:
        """The same key ring on a given connection, which sees what its transaction has made."""
        return KeysOn(self, connection)

    def keys_on(self, connection: Connection, subjects: Iterable[str]) -> Mapping[str, bytes]:
        """Keys of those subjects that have one, read on the connection."""
        found, missing = self._cached(subjects)
        if missing:
            found.update(self._select(connection, missing))
        return found

    def ensure(self, connection: Connection, wanted: Mapping[str, str]) -> Mapping[str, bytes]:
        """Keys of subjects (id -> organization id), made in this transaction where there are none.

        An erased subject gets none.
        """
        found, missing = self._cached(wanted)
        if missing:
            found.update(self._make(connection, {s: wanted[s] for s in missing}))
        return found

    def destroy(self, connection: Connection, subjects: Collection[str]) -> None:
        """Destroy these keys for good when the caller's transaction commits.

        Every process then forgets what it has cached (`forget`, by NOTIFY).
        """
        connection.execute(
            "UPDATE log.subject_keys SET wrapped = NULL WHERE subject_id = ANY(%s::uuid[])",
            (sorted(subjects),),
        )
        announce(connection)

    def forget(self) -> None:
        """Drop all cached keys: somebody was erased, and the next look-up asks Postgres.

        It is also how every process hears of a new master key.
        """
        self._master.reload()
        with self._lock:
            self.generation += 1
            self._cache.clear()

    def _cached(self, subjects: Iterable[str]) -> tuple[dict[str, bytes], list[str]]:
        found: dict[str, bytes] = {}
        missing: list[str] = []
        with self._lock:
            for subject in subjects:
                key = self._cache.get(subject)
                if key is None:
                    missing.append(subject)
                else:
                    found[subject] = key
        return found, missing

    def _make(self, connection: Connection, missing: Mapping[str, str]) -> dict[str, bytes]:
        """New keys for subjects never seen; those that exist are read. Not cached before commit."""
        fresh = {subject: self._random(32) for subject in missing}
        wrapped = [self._master.wrap(subject, key) for subject, key in fresh.items()]
        made = connection.execute(
            "INSERT INTO log.subject_keys (subject_id, organization_id, wrapped, wrapped_by)"
            " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bytea[], %s::bytea[])"
            " ON CONFLICT DO NOTHING RETURNING subject_id",
            (
                list(fresh),
                list(missing.values()),
                [value for value, _ in wrapped],
                [by for _, by in wrapped],
            ),
        ).fetchall()
        new = {subject: fresh[subject] for (subject,) in made}
        others = [subject for subject in missing if subject not in new]
        return {**new, **(self._select(connection, others) if others else {})}

    def _select(self, connection: Connection, subjects: list[str]) -> dict[str, bytes]:
        generation = self.generation
        rows = connection.execute(
            "SELECT subject_id, wrapped, wrapped_by FROM log.subject_keys"
            " WHERE subject_id = ANY(%s::uuid[]) AND wrapped IS NOT NULL",
            (subjects,),
            binary=False,
        ).fetchall()
        found = {subject: self._master.unwrap(subject, *wrapped) for subject, *wrapped in rows}
        with self._lock:
            if generation == self.generation:  # else one of them may have been erased meanwhile
                self._cache.update(found)
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return found


class KeysOn:
    """A key ring bound to one connection."""

    def __init__(self, keys: SubjectKeys, connection: Connection) -> None:
        self._keys = keys
        self._connection = connection

    def keys_of(self, subjects: Iterable[str]) -> Mapping[str, bytes]:
        """Keys of those subjects that have one."""
        return self._keys.keys_on(self._connection, subjects)
