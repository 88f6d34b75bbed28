"""What a reply builds on, read in one transaction: a few set-based queries and aggregates."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from domain.campaign.aggregate import Campaign
from domain.campaign.handlers import TESTS_A_DAY
from domain.contact.handlers import HashAddress
from domain.contact.values import EmailAddress
from domain.conversation.values import Mention
from domain.organization.aggregate import Organization
from domain.organization.business import Business
from domain.shared.errors import NotFoundError
from infra.postgres import Connection
from infra.replies.turns import Said
from infra.transactions import PostgresTransaction
from projections.queries.audience import Audience, forecast, overlaps, without_attribute
from projections.queries.campaigns import metrics
from projections.queries.sending import standing_of
from streams.recognition.ports import Recognition
from streams.steps.dialogue.choosing import (
    Meant,
    deletion_asked,
    meant,
    pending_of,
    yes_is_clear,
)
from streams.steps.dialogue.situation import (
    Findings,
    Named,
    Needs,
    Overlap,
    Person,
    Seen,
    Situation,
)

_TAGS = """
    SELECT tag, count(*) FROM views.contacts, unnest(tags) AS tag
    WHERE organization_id = %s AND NOT deleted GROUP BY tag ORDER BY count(*) DESC LIMIT 500
"""
_ATTRIBUTES = """
    SELECT DISTINCT name FROM (SELECT attributes FROM views.contacts
        WHERE organization_id = %s AND NOT deleted LIMIT 2000) AS sample,
        jsonb_object_keys(attributes) AS name ORDER BY name
"""
_CAMPAIGNS = """
    SELECT id, name, status FROM views.campaigns WHERE organization_id = %s
    ORDER BY created_at DESC, id LIMIT 50
"""
_PEOPLE = """
    SELECT c.id, c.first_name, c.consent_status, m.suppression, c.tags
    FROM views.contacts c LEFT JOIN log.mailable m ON m.contact_id = c.id
    WHERE c.organization_id = %s AND c.id = ANY(%s::uuid[]) AND NOT c.deleted
"""


class TagCounts:
    """Tags by organization with how many contacts carry each, counted anew when contacts change.

    Thread-safe. Counting 100,000 contacts takes too long to do it for every sentence.
    """

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[int, dict[str, int]]] = OrderedDict()

    def of(self, connection: Connection, organization_id: str) -> Mapping[str, int]:
        """The tags as of the contacts view's present state."""
        row = connection.execute(
            "SELECT coalesce(sum(position), 0)::bigint FROM state.positions"
            " WHERE consumer = 'contacts'"
        ).fetchone()
        at: int = cast("tuple[Any, ...]", row)[0]
        with self._lock:
            known = self._known.get(organization_id)
        if known is not None and known[0] == at:
            return known[1]
        rows = connection.execute(_TAGS, (organization_id,)).fetchall()
        counts: dict[str, int] = dict(rows)
        with self._lock:
            self._known[organization_id] = at, counts
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return counts


def now_of(connection: Connection) -> datetime:
    """The time by which schedules run."""
    row = connection.execute("SELECT now() + ahead FROM state.clock").fetchone()
    return cast("datetime", cast("tuple[Any, ...]", row)[0])


def campaigns_of(connection: Connection, organization_id: str) -> tuple[Named, ...]:
    """The last fifty campaigns, newest first."""
    rows = connection.execute(_CAMPAIGNS, (organization_id,)).fetchall()
    return tuple(Named(UUID(row[0]), row[1], row[2]) for row in rows)


def situation_of(
    tx: PostgresTransaction,
    said: Said,
    recognition: Recognition,
    tags: TagCounts,
    hash_address: HashAddress,
) -> Situation:
    """Everything the reply to this turn may build on."""
    connection, organization_id = tx.connection, str(tx.organization_id)
    conversation, number = said.conversation, said.turn.number
    now = now_of(connection)
    business = tx.load(Business, conversation.business_id)
    organization = tx.load(Organization, tx.organization_id)
    role = organization.attribute_roles.get("last_purchase_at")
    may = said.turn.permissions
    sees = "campaigns:read" in may
    shown = conversation.last_shown if sees else None
    campaigns = campaigns_of(connection, organization_id) if sees else ()
    choice = meant(
        recognition.intent, recognition.slots, campaigns, shown.campaign_id if shown else None
    )
    return Situation(
        now=now,
        business_id=conversation.business_id,
        business=business.profile,
        tags=tags.of(connection, organization_id),
        last_purchase_attribute=role,
        attributes=() if role else _attributes(connection, organization_id),
        campaigns=campaigns,
        target=_seen(tx, choice),
        ambiguous=choice.candidates,
        shown_id=shown.campaign_id if shown else None,
        shown_hash=shown.content_hash if shown else None,
        clear_yes=yes_is_clear(conversation.turns, number, shown),
        pending=pending_of(conversation.turns, number),
        may=may,
        second_approver_above=organization.second_approver_above,
        people=_people(tx, said.turn.mentions, hash_address) if "contacts:read" in may else {},
        deletion=_deletion(tx, deletion_asked(conversation.turns, number), hash_address)
        if "contacts:read" in may
        else None,
        tests_left=_tests_left(connection, organization_id, now)
        if recognition.intent == "send_test"
        else 0,
    )


def findings_of(
    connection: Connection, organization_id: str, needs: Needs, now: datetime
) -> Findings:
    """The figures that a reply names."""
    if needs.metrics_of is not None:
        return Findings(metrics=metrics(connection, str(needs.metrics_of)))
    if needs.conditions is None:
        return Findings()
    audience = Audience(organization_id, needs.conditions, now)
    expected = forecast(connection, audience)
    lately = overlaps(connection, audience, str(needs.besides)) if needs.besides is not None else []
    return Findings(
        recipients=expected.recipients,
        withheld=expected.withheld,
        without_value=without_attribute(connection, organization_id, needs.never_bought)
        if needs.never_bought
        else 0,
        overlaps=tuple(Overlap(row["name"], row["contacts"]) for row in lately),
    )


def _attributes(connection: Connection, organization_id: str) -> tuple[str, ...]:
    return tuple(name for (name,) in connection.execute(_ATTRIBUTES, (organization_id,)).fetchall())


def _seen(tx: PostgresTransaction, choice: Meant) -> Seen | None:
    if choice.campaign_id is None:
        return None
    try:
        campaign = tx.load(Campaign, choice.campaign_id)
    except NotFoundError:
        return None
    return Seen(
        campaign.id,
        campaign.campaign_type,
        campaign.status,
        campaign.content_hash,
        campaign.content,
        campaign.first_approved_by is not None,
    )


def _people(
    tx: PostgresTransaction, mentions: tuple[Mention, ...], hash_address: HashAddress
) -> dict[str, Person]:
    if not mentions:
        return {}
    organization_id = str(tx.organization_id)
    contacts = [str(mention.reference) for mention in mentions if mention.is_contact]
    rows = tx.connection.execute(_PEOPLE, (organization_id, contacts)).fetchall()
    people = {
        row[0]: Person(UUID(row[0]), True, row[1], row[2], row[3], tuple(row[4])) for row in rows
    }
    for mention in mentions:
        if mention.address:
            hashed = hash_address(EmailAddress.parse(mention.address).normalised)
            _, suppression = standing_of(tx.connection, organization_id, hashed)
            people[str(mention.reference)] = Person(
                mention.reference, False, suppression=suppression
            )
    return people


def _deletion(
    tx: PostgresTransaction, asked: UUID | None, hash_address: HashAddress
) -> Person | None:
    """Whom we asked about, if that is still a contact."""
    if asked is None:
        return None
    return _people(tx, (Mention(asked),), hash_address).get(str(asked))


def _tests_left(connection: Connection, organization_id: str, now: datetime) -> int:
    row = connection.execute(
        "SELECT used FROM state.test_sends WHERE organization_id = %s AND day = %s",
        (organization_id, now.date()),
    ).fetchone()
    return TESTS_A_DAY - (row[0] if row else 0)
