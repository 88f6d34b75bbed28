"""Organizations that left: their events make no rows any more, live and in a rebuild."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import psycopg

from schemas.codec import Event

PRESENT: Final = "organization_id NOT IN (SELECT organization_id FROM state.departed)"
"""A condition on rows of the log: of organizations that are still there."""
_LEFT: Final = "SELECT organization_id::text FROM state.departed"


def departed(conn: psycopg.Connection[Any]) -> frozenset[str]:
    """Who has left. Nobody else does while the caller holds the positions of a view."""
    return frozenset(row[0] for row in conn.execute(_LEFT).fetchall())


def present(events: Iterable[tuple[int, Event]], gone: frozenset[str]) -> list[tuple[int, Event]]:
    """Offsets and events, without those of organizations that left."""
    return [(offset, event) for offset, event in events if event.organization_id not in gone]
