"""A whole organization as lines of JSON, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from api.ports import Services
from api.routers.events import show
from projections.queries.everything import EXPORTED, event_page, events_left, row_page

_PAGE: Final = 500


def chunks(services: Services, organization: str, after: int) -> Iterator[bytes]:
    """The lines, some at once. Each page is read in a transaction of its own, so that nothing is
    held while it is sent; events that come in meanwhile are left for the next export."""
    with services.reads.of(organization) as connection:
        total, head = events_left(connection, organization, after)
    yield _lines([{"export": {"organization_id": organization, "position": head, "events": total}}])
    sent, position = 0, after
    while position < head:
        with services.reads.of(organization) as connection:
            stored = event_page(connection, organization, position, head, _PAGE)
            events = services.decode_events(connection, stored, True)
        if not events:
            return  # it was deleted meanwhile: no `done`
        sent, position = sent + len(events), events[-1].position
        progress = {"events": sent, "of": total, "position": position}
        yield _lines([*({"event": show(event)} for event in events), {"progress": progress}])
    for table in EXPORTED:
        yield from _rows(services, organization, table)
    yield _lines([{"done": {"events": sent, "position": max(position, head)}}])


def _rows(services: Services, organization: str, table: str) -> Iterator[bytes]:
    last: str | None = None
    while True:
        with services.reads.of(organization) as connection:
            rows = row_page(connection, table, last, _PAGE)
        if rows:
            yield _lines({"table": table, "row": row} for row in rows)
        if len(rows) < _PAGE:
            return
        last = rows[-1]["id"]


def _lines(each: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in each).encode()
