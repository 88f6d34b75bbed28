"""Who an audience is: pages for expansion, forecasts for a person, overlap with recent campaigns.

Every function names the organization, because workers see the rows of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import sql

from projections.queries.conditions import compile_conditions
from projections.queries.rows import Conn, Row, fetch_all

OVERLAP_WINDOW: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen if the audience were mailed now. `count` = recipients + all withheld."""

    count: int
    recipients: int
    withheld: dict[str, int]


@dataclass(frozen=True, slots=True)
class Audience:
    """Contacts of an organization that meet conditions, as they are at `now` (aware)."""

    organization_id: str
    conditions: Mapping[str, Any]
    now: datetime

    def where(self) -> tuple[sql.Composed, list[Any]]:
        """A predicate over `views.contacts AS c`. Raises ConditionError."""
        predicate, params = compile_conditions(self.conditions, self.now)
        whole = sql.SQL("c.organization_id = %s AND NOT c.deleted AND {}").format(predicate)
        return whole, [self.organization_id, *params]


def audience_count(conn: Conn, audience: Audience) -> int:
    """How many contacts meet the conditions, mailable or not."""
    where, params = audience.where()
    query = sql.SQL("SELECT count(*) AS n FROM views.contacts c WHERE {}").format(where)
    return int(fetch_all(conn, query, params)[0]["n"])


def audience_page(
    conn: Conn, audience: Audience, after_contact_id: str | None, limit: int
) -> list[str]:
    """Up to `limit` contact ids in id order, behind `after_contact_id`; fewer = the last page."""
    where, params = audience.where()
    behind = sql.SQL(" AND c.id > %s::uuid" if after_contact_id else "")
    query = sql.SQL("SELECT c.id FROM views.contacts c WHERE {}{} ORDER BY c.id LIMIT %s")
    found = fetch_all(
        conn,
        query.format(where, behind),
        [*params, *([after_contact_id] if after_contact_id else []), limit],
    )
    return [row["id"] for row in found]


def forecast(conn: Conn, audience: Audience) -> Forecast:
    """Recipients, and who would be withheld by reason, from the table that decides."""
    where, params = audience.where()
    query = sql.SQL(
        """SELECT CASE WHEN m.suppression IS NOT NULL THEN m.suppression
                       WHEN m.consent IS DISTINCT FROM 'granted' THEN 'no_consent' END AS reason,
                  count(*) AS n
           FROM views.contacts c LEFT JOIN log.mailable m ON m.contact_id = c.id
           WHERE {} GROUP BY reason"""
    ).format(where)
    by_reason: dict[str | None, int] = {r["reason"]: r["n"] for r in fetch_all(conn, query, params)}
    recipients = by_reason.pop(None, 0)
    withheld = {str(reason): n for reason, n in sorted(by_reason.items(), key=lambda e: str(e[0]))}
    return Forecast(recipients + sum(withheld.values()), recipients, withheld)


def without_attribute(conn: Conn, organization_id: str, name: str) -> int:
    """Contacts that have no value for an attribute, such as those who never bought."""
    query = """SELECT count(*) AS n FROM views.contacts c
               WHERE c.organization_id = %s AND NOT c.deleted
                 AND coalesce(c.attributes ->> %s, '') = ''"""
    return int(fetch_all(conn, query, [organization_id, name])[0]["n"])


def overlaps(conn: Conn, audience: Audience, besides_campaign_id: str | None = None) -> list[Row]:
    """Campaigns whose e-mails went to members of this audience within the last 24 hours.

    {campaign_id, name, contacts}, most contacts first; `contacts` over `audience_count` is the
    share that a warning is about.
    """
    where, params = audience.where()
    query = sql.SQL(
        """SELECT k.id AS campaign_id, k.name, count(DISTINCT d.contact_id) AS contacts
           FROM views.campaigns k
           JOIN views.deliveries d ON d.campaign_id = k.id AND d.kind = 'campaign'
             AND d.state <> 'withheld' AND d.intended_at >= %s
           JOIN views.contacts c ON c.id = d.contact_id
           WHERE k.organization_id = %s AND k.started_at IS NOT NULL
             AND (k.status IN ('sending', 'paused') OR k.updated_at >= %s)
             AND k.id IS DISTINCT FROM %s::uuid AND {}
           GROUP BY k.id, k.name ORDER BY contacts DESC, k.id"""
    ).format(where)
    since = audience.now - OVERLAP_WINDOW
    return fetch_all(
        conn, query, [since, audience.organization_id, since, besides_campaign_id, *params]
    )
