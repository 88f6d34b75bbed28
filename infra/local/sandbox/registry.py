"""Servers, their tokens and their suppressions: held in memory, every change written through."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from infra.local.sandbox import TEST_TOKEN
from infra.local.sandbox.behaviour import Behaviour
from infra.local.sandbox.servers import Server, Webhook, default_streams

TEST_SERVER = Server(id=0, name="Test", api_tokens=[TEST_TOKEN], streams=default_streams(0, ""))


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why an address gets nothing on a stream any more. `created_at` in seconds since 1970."""

    address: str
    reason: str
    origin: str
    created_at: float


class Registry:
    """Everything the sandbox keeps in memory. Methods that take a connection also store."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT document FROM servers ORDER BY id")
        self.servers = [Server.model_validate_json(row["document"]) for row in rows]
        self._suppressed: dict[tuple[int, str], dict[str, Suppression]] = {}
        for row in connection.execute("SELECT * FROM suppressions ORDER BY created_at"):
            key = row["server_id"], row["stream"]
            self._suppressed.setdefault(key, {})[row["address"]] = Suppression(
                row["address"], row["reason"], row["origin"], row["created_at"]
            )
        stored = connection.execute("SELECT value FROM settings WHERE name = 'behaviour'")
        row = stored.fetchone()
        self.behaviour = Behaviour.model_validate_json(row["value"]) if row else Behaviour()

    def server_by_token(self, token: str) -> Server | None:
        if token == TEST_TOKEN:
            return TEST_SERVER
        return next((server for server in self.servers if token in server.api_tokens), None)

    def server(self, server_id: int) -> Server | None:
        return next((server for server in self.servers if server.id == server_id), None)

    def webhook(self, server_id: int, webhook_id: int) -> Webhook | None:
        server = self.server(server_id)
        return next((w for w in server.webhooks if w.id == webhook_id), None) if server else None

    def next_server_id(self) -> int:
        return max((server.id for server in self.servers), default=0) + 1

    def next_id(self, taken: list[int]) -> int:
        """A number for a new webhook or template, unlike any other of the sandbox."""
        return max(taken, default=1000) + 1

    def save(self, connection: sqlite3.Connection, server: Server) -> None:
        """Add the server, or replace the one with its id."""
        connection.execute(
            "INSERT OR REPLACE INTO servers VALUES (?, ?)",
            (server.id, server.model_dump_json(by_alias=True)),
        )
        others = [known for known in self.servers if known.id != server.id]
        self.servers = sorted([*others, server], key=lambda known: known.id)

    def set_behaviour(self, connection: sqlite3.Connection, behaviour: Behaviour) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO settings VALUES ('behaviour', ?)",
            (behaviour.model_dump_json(),),
        )
        self.behaviour = behaviour

    def suppression(self, server_id: int, stream: str, address: str) -> Suppression | None:
        return self._suppressed.get((server_id, stream), {}).get(address.lower())

    def suppressions(self, server_id: int, stream: str) -> list[Suppression]:
        return list(self._suppressed.get((server_id, stream), {}).values())

    def suppress(
        self, connection: sqlite3.Connection, server_id: int, stream: str, entry: Suppression
    ) -> bool:
        """Suppress an address; False when it already was (the first reason stays)."""
        known = self._suppressed.setdefault((server_id, stream), {})
        if entry.address in known:
            return False
        connection.execute(
            "INSERT OR IGNORE INTO suppressions VALUES (?, ?, ?, ?, ?, ?)",
            (server_id, stream, entry.address, entry.reason, entry.origin, entry.created_at),
        )
        known[entry.address] = entry
        return True

    def reactivate(
        self, connection: sqlite3.Connection, server_id: int, stream: str, address: str
    ) -> None:
        connection.execute(
            "DELETE FROM suppressions WHERE server_id = ? AND stream = ? AND address = ?",
            (server_id, stream, address),
        )
        self._suppressed.get((server_id, stream), {}).pop(address, None)
