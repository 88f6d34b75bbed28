"""Campaigns that must look back before they send: their marks, and what the looks found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from domain.campaign.aggregate import Campaign
from domain.contact.values import EmailAddress
from domain.delivery.lookback import NOT_LOOKED_BACK, Place
from domain.shared.errors import InvalidValueError, RuleViolatedError
from domain.shared.meta import Meta
from infra.keys import AddressHasher
from infra.ledger.rows import ACTOR
from infra.postgres import Connection
from infra.transactions import CommandLog, PostgresTransaction
from projections.postgres.departed import PRESENT
from streams.effects.ports import Route
from streams.effects.sending.lookback import Mark, Sent

# A completed run that has not ended is one of which a person released a held delivery.
LANES: Final = """
    SELECT r.organization_id, r.campaign_id, 'campaign' AS kind FROM state.runs r
    WHERE NOT r.ended AND r.state IN ('running', 'completed')
      AND EXISTS (SELECT 1 FROM state.sends s
        WHERE s.campaign_id = r.campaign_id AND s.state = 'intended' AND s.kind = 'campaign')
    UNION ALL
    SELECT DISTINCT organization_id, campaign_id, 'test' FROM state.sends
    WHERE state = 'intended' AND kind = 'test'
"""
"""Where something waits to be claimed."""
_DUE: Final = f"""
    SELECT b.campaign_id, b.organization_id, b.since, b.route, b.part, b.newest_only, now()
    FROM ({LANES}) AS lane JOIN state.lookbacks b USING (campaign_id)
    WHERE b.next_at <= now() AND b.marked_at + %s <= now() ORDER BY b.next_at LIMIT 1
"""  # noqa: S608 - fixed text
_WAITING: Final = f"""
    SELECT DISTINCT b.campaign_id, b.organization_id, b.since, b.problem
    FROM ({LANES}) AS lane JOIN state.lookbacks b USING (campaign_id) ORDER BY b.campaign_id
"""  # noqa: S608 - fixed text
_MARK: Final = f"""
    INSERT INTO state.lookbacks AS b (campaign_id, organization_id, since)
    SELECT stream_id, organization_id, %s FROM log.events
    WHERE type = 'CampaignDrafted' AND {PRESENT}
    ON CONFLICT (campaign_id) DO UPDATE SET since = least(b.since, excluded.since),
        marked_at = now(), route = 0, part = -1, newest_only = false, next_at = now(), problem = ''
"""  # noqa: S608 - fixed text
_SAME_SERVER: Final = """
    UPDATE state.lookbacks SET newest_only = true, route = 0, part = -1, next_at = now(),
        problem = '' WHERE organization_id = %s
"""
_HERE: Final = "campaign_id = %s AND route = %s AND part = %s"
_CLEAR: Final = f"DELETE FROM state.lookbacks WHERE {_HERE}"  # noqa: S608 - fixed text
_MOVE: Final = f"""
    UPDATE state.lookbacks SET route = %s, part = %s, next_at = now(), problem = '' WHERE {_HERE}
"""  # noqa: S608 - fixed text
_BATCHES: Final = """
    INSERT INTO state.send_batches (batch_id, organization_id, campaign_id, message_stream,
        connection, size, claimed_at, lease_until, handed_over_at, resolve_at, state)
    SELECT b, %s, %s, %s, %s, count(*), min(at), min(at), min(at), min(at), 'settled'
    FROM unnest(%s::uuid[], %s::timestamptz[]) AS u (b, at) GROUP BY b ORDER BY b
    ON CONFLICT DO NOTHING
"""
_KEEP: Final = """
    INSERT INTO state.sent_before (delivery_id, organization_id, campaign_id, step, address_hmac,
        message_id, batch_id, accepted_at)
    SELECT DISTINCT ON (d) d, %s, %s, s, a, m, b, at
    FROM unnest(%s::uuid[], %s::integer[], %s::bytea[], %s::text[], %s::uuid[], %s::timestamptz[])
        AS u (d, s, a, m, b, at)
    ORDER BY d, at DESC ON CONFLICT DO NOTHING
"""
_PAUSE: Final = (
    "UPDATE state.runs SET state = 'paused' WHERE campaign_id = %s AND state = 'running'"
)


def mark_campaigns(connection: Connection, since: datetime) -> int:
    """Let every campaign of the log look back before it sends; how many those are.

    `since`: the moment of the backup. One that was to look further back still does.
    """
    return connection.execute(_MARK, (since,)).rowcount


def same_server(connection: Connection, organization_id: UUID) -> int:
    """Let an organization's campaigns look at its newest connection only; how many those are.

    Right when it is to the server that it always was, with a new token.
    """
    return connection.execute(_SAME_SERVER, (organization_id,)).rowcount


@dataclass(frozen=True, slots=True)
class PostgresMarks:
    """The Marks. Thread-safe. `after`: how long the provider's search may lag behind a call that
    was under way when the product was lost."""

    commands: CommandLog
    hasher: AddressHasher
    after: timedelta

    def due(self) -> Mark | None:
        """One that has something to send and may look back now."""
        with self.commands.pool.connection() as connection:
            row = connection.execute(_DUE.encode(), (self.after,)).fetchone()
        if row is None:
            return None
        campaign, organization, since, route, part, newest_only, now = row
        return Mark(campaign, organization, since, Place(route, part), now, newest_only)

    def keep(self, mark: Mark, route: Route, sent: Sequence[Sent], onward: Place | None) -> None:
        """One transaction: what was found, and the mark moved on or cleared."""
        here = (mark.campaign_id, *mark.place)
        with self.commands.pool.connection() as connection:
            if onward is None:
                moved = connection.execute(_CLEAR.encode(), here)
            else:
                moved = connection.execute(_MOVE.encode(), (*onward, *here))
            if moved.rowcount and sent:
                self._keep(connection, mark, route, sent)
            connection.execute("NOTIFY nudge_sends")

    def _keep(self, connection: Connection, mark: Mark, route: Route, sent: Sequence[Sent]) -> None:
        whose = (mark.organization_id, mark.campaign_id)
        batches, times = [each.batch_id for each in sent], [each.accepted_at for each in sent]
        connection.execute(_BATCHES, (*whose, route.stream, route.connection, batches, times))
        deliveries = [each.delivery_id for each in sent]
        steps, messages = [each.step for each in sent], [each.message_id for each in sent]
        addresses = [self._hash_of(each.address) for each in sent]
        connection.execute(_KEEP, (*whose, deliveries, steps, addresses, messages, batches, times))

    def _hash_of(self, address: str | None) -> bytes | None:
        if address is None:
            return None
        try:
            return self.hasher(EmailAddress.parse(address).normalised)
        except InvalidValueError:
            return None  # no contact has such an address

    def postpone(self, mark: Mark, delay: timedelta, problem: str) -> None:
        """Try again after the delay."""
        with self.commands.pool.connection() as connection:
            _postpone(connection, mark, delay, problem)

    def refuse(self, mark: Mark, delay: timedelta, problem: str) -> None:
        """Pause the campaign, if it is one that can be paused; it stays marked in any case."""

        def decide(transaction: PostgresTransaction) -> None:
            _postpone(transaction.connection, mark, delay, problem)
            campaign = transaction.load(Campaign, UUID(mark.campaign_id))
            cause = uuid5(campaign.id, f"look back {campaign.version}")
            meta = Meta(campaign.organization_id, ACTOR, cause, cause, mark.now)
            try:
                campaign.pause(meta, NOT_LOOKED_BACK, problem)
            except RuleViolatedError:
                return  # it is over: what was released of it, and its tests, wait
            transaction.connection.execute(_PAUSE, (mark.campaign_id,))
            transaction.save(campaign)

        self.commands.run(UUID(mark.organization_id), decide)


class Waiting(NamedTuple):
    """A campaign that has something to send and must look back first. `problem`: why it could
    not yet, if it tried."""

    campaign_id: str
    organization_id: str
    since: datetime
    problem: str


def waiting(connection: Connection) -> list[Waiting]:
    """All of them."""
    return [Waiting(*row) for row in connection.execute(_WAITING.encode()).fetchall()]


def _postpone(connection: Connection, mark: Mark, delay: timedelta, problem: str) -> None:
    connection.execute(
        "UPDATE state.lookbacks SET next_at = now() + %s, problem = %s WHERE campaign_id = %s",
        (delay, problem[:500], mark.campaign_id),
    )
