"""How organizations send, from their own events; and registrations still to be made."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

from domain.organization.aggregate import Organization
from domain.organization.commands import RecordRegistration
from domain.shared.meta import Meta
from infra.transactions import CommandLog, PostgresTransaction
from schemas.codec import Event
from streams.effects.ports import Registered, RegistrationTask, Route, Sending

ACTOR = "system:effects"
_KEPT = 10_000
_TAKE = """
    UPDATE state.registration_tasks SET next_try = now() + interval '1 minute',
        attempts = attempts + 1
    WHERE organization_id = (SELECT organization_id FROM state.registration_tasks
        WHERE state = 'waiting' AND next_try <= now() ORDER BY next_try LIMIT 1
        FOR UPDATE SKIP LOCKED)
    RETURNING organization_id, version, attempts - 1
"""


_CONNECTED = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = %(organization)s AND type = 'PostmarkConnected'
      AND %(version)s IN (version, 0)
    ORDER BY version DESC LIMIT 1
"""


_CONNECTED_SINCE = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = %(organization)s AND type = 'PostmarkConnected' AND version >= coalesce((
        SELECT max(version) FROM log.events WHERE stream_id = %(organization)s
          AND type = 'PostmarkConnected' AND recorded_at <= %(moment)s), 0)
    ORDER BY version
"""


class LoggedSenders:
    """The Senders over the event log. Thread-safe; reads a connection again when it is newer."""

    def __init__(self, commands: CommandLog) -> None:
        self._commands = commands
        self._kept: dict[str, tuple[int, Sending | None]] = {}
        self._lock = threading.Lock()

    def sending(self, organization_id: str) -> Sending | None:
        """The newest connection; None when there is none."""
        with self._commands.pool.connection() as connection:
            row = connection.execute(
                "SELECT max(version) FROM log.events WHERE stream_id = %s", (organization_id,)
            ).fetchone()
        version = (row and row[0]) or 0
        with self._lock:
            kept = self._kept.get(organization_id)
        if kept is not None and kept[0] == version:
            return kept[1]
        found = self._read(organization_id) if version else None
        with self._lock:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[organization_id] = found.version if found else version, found
        return found

    def sent_by(self, organization_id: str, route: Route) -> Sending | None:
        """The connection and stream of a route, also after another server was connected."""
        place = {"organization": organization_id, "version": route.connection}
        log = self._commands
        with log.pool.connection() as connection:
            rows = connection.execute(_CONNECTED, place).fetchall()
            events = log.codec.decode_batch(rows, log.keys.on(connection))
        for event in events:
            if event.data["server_token"]:
                return _connected(event, route.stream)
        return None

    def since(self, organization_id: str, moment: datetime) -> Sequence[Sending]:
        """The connection of that moment and all later ones."""
        place = {"organization": organization_id, "moment": moment}
        log = self._commands
        with log.pool.connection() as connection:
            rows = connection.execute(_CONNECTED_SINCE, place).fetchall()
            events = log.codec.decode_batch(rows, log.keys.on(connection))
        return [_connected(event, event.data["broadcast_stream"]) for event in events]

    def _read(self, organization_id: str) -> Sending | None:
        identity = UUID(organization_id)
        organization, _ = self._commands.run(identity, lambda tx: tx.load(Organization, identity))
        connected = organization.postmark
        if connected is None or not connected.server_token:
            return None
        return Sending(
            organization_id=organization_id,
            server_token=connected.server_token,
            stream=connected.broadcast_stream,
            transactional_stream=connected.transactional_stream,
            handling=organization.unsubscribe_handling.get(connected.broadcast_stream),
            webhook_username=connected.webhook_username,
            webhook_password=connected.webhook_password,
            version=organization.version,
            connection=connected.version,
        )


def _connected(event: Event, stream: str) -> Sending:
    data = event.data
    return Sending(
        organization_id=event.organization_id,
        server_token=data["server_token"] or "",  # erased: the provider lets nobody in with it
        stream=stream,
        transactional_stream=data["transactional_stream"],
        handling=None,
        webhook_username=data["webhook_username"],
        webhook_password=data["webhook_password"],
        version=event.version,
        connection=event.version,
    )


class PostgresRegistrations:
    """The Registrations in Postgres; what becomes of one is an event of the organization."""

    def __init__(self, commands: CommandLog) -> None:
        self._commands = commands

    def take(self) -> RegistrationTask | None:
        """One that is due, for a minute this caller's alone."""
        with self._commands.pool.connection() as connection:
            row = connection.execute(_TAKE).fetchone()
        return RegistrationTask(*row) if row else None

    def record(self, task: RegistrationTask, registered: Iterable[Registered]) -> None:
        """The provider accepted; nothing is said of a connection that was replaced meanwhile."""
        commands = [RecordRegistration(r.stream, r.webhook_id, r.handling) for r in registered]

        def decide(transaction: PostgresTransaction) -> None:
            if _ended(transaction, task, "done"):
                organization, meta = _organization(transaction, task)
                for command in commands:
                    organization.record_registration(command, meta)
                transaction.save(organization)

        self._commands.run(UUID(task.organization_id), decide)

    def record_failure(self, task: RegistrationTask, code: str, detail: str) -> None:
        """The provider refused."""

        def decide(transaction: PostgresTransaction) -> None:
            if _ended(transaction, task, "failed"):
                organization, meta = _organization(transaction, task)
                organization.record_failed_registration(code, detail, meta)
                transaction.save(organization)

        self._commands.run(UUID(task.organization_id), decide)

    def postpone(self, task: RegistrationTask, delay: timedelta) -> None:
        """Try again after the delay."""
        with self._commands.pool.connection() as connection:
            connection.execute(
                "UPDATE state.registration_tasks SET next_try = now() + %s"
                " WHERE organization_id = %s AND version = %s AND state = 'waiting'",
                (delay, task.organization_id, task.version),
            )


def _ended(transaction: PostgresTransaction, task: RegistrationTask, state: str) -> bool:
    found = transaction.connection.execute(
        "UPDATE state.registration_tasks SET state = %s"
        " WHERE organization_id = %s AND version = %s AND state = 'waiting' RETURNING 1",
        (state, task.organization_id, task.version),
    ).fetchone()
    return found is not None


def _organization(
    transaction: PostgresTransaction, task: RegistrationTask
) -> tuple[Organization, Meta]:
    row = transaction.connection.execute("SELECT now() + ahead FROM state.clock").fetchone()
    now = cast("tuple[datetime]", row)[0]
    organization_id, request = UUID(task.organization_id), uuid4()
    meta = Meta(organization_id, ACTOR, request, request, now)
    return transaction.load(Organization, organization_id), meta
