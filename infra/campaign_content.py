"""Approved content, read from the campaign's own events and kept by its hash."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import cast

from domain.campaign.content.brief import ContentError
from domain.campaign.values import Content
from infra.transactions import CommandLog
from streams.effects.ports import CampaignContent, Lane

_KEPT = 32
_VERSIONS = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = %s AND type IN ('CampaignDrafted', 'CampaignRevised') ORDER BY version
"""


class LoggedContents:
    """The Contents over the event log. Thread-safe; blocks on Postgres for what is new."""

    def __init__(self, commands: CommandLog) -> None:
        self._commands = commands
        self._kept: OrderedDict[tuple[str, str], CampaignContent] = OrderedDict()
        self._lock = threading.Lock()

    def content(self, lane: Lane, content_hash: str) -> CampaignContent:
        """The content with this hash. Raises ContentError when the campaign never had it."""
        place = lane.campaign_id, content_hash
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
                return self._kept[place]
        found = self._read(lane, content_hash)
        with self._lock:
            self._kept[place] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _read(self, lane: Lane, content_hash: str) -> CampaignContent:
        log = self._commands
        with log.pool.connection() as connection:
            rows = connection.execute(_VERSIONS, (lane.campaign_id,)).fetchall()
            events = log.codec.decode_batch(rows, log.keys.on(connection), rich=True)
        for event in events:
            # Ids are UUIDs in events decoded for aggregates.
            if str(event.organization_id) != lane.organization_id:
                break
            if event.data["content_hash"] == content_hash:
                campaign_type = cast("str", events[0].data["campaign_type"])
                return CampaignContent(campaign_type, Content.from_fields(event.data))
        raise ContentError("content_missing", "The approved content is not in the log.")
