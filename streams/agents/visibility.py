"""Whether the contacts view already has everything of one organization up to a position."""

from __future__ import annotations

from typing import Final

from schemas.registry import default_registry
from schemas.topics import all_topics, partition_of
from streams.agents.ports import Connection

_VIEW: Final = "contacts"
_TOPIC: Final = "contact-events"
_PAGE: Final = 1000
_UNSEEN = """
    SELECT stream_id, position FROM log.events
    WHERE organization_id = %s::uuid AND position > %s AND position <= %s AND type = ANY(%s)
    ORDER BY position LIMIT %s
"""


def contacts_visible(connection: Connection, organization_id: str, position: int) -> bool:
    """Exact: no contact event of the organization up to `position` is missing in the view.

    Looks only at events behind the partition that is furthest behind, which are few once the
    view has caught up.
    """
    partitions = all_topics()[_TOPIC].partitions
    stored = dict(
        connection.execute(
            "SELECT partition, position FROM state.positions WHERE consumer = %s AND topic = %s",
            (_VIEW, _TOPIC),
        ).fetchall()
    )
    after = min(stored.get(partition, 0) for partition in range(partitions))
    types = [t for t, topic in default_registry().topic_of.items() if topic == _TOPIC]
    while True:
        rows = connection.execute(
            _UNSEEN, (organization_id, after, position, types, _PAGE)
        ).fetchall()
        for stream_id, at in rows:
            if at > stored.get(partition_of(stream_id, partitions), 0):
                return False
        if len(rows) < _PAGE:
            return True
        after = rows[-1][1]
