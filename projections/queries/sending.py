"""What the ledger says, where views may be behind: who is intended, mailboxes, tests of a day."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from projections.queries.rows import Conn, fetch_all, fetch_one


class StepCounts(NamedTuple):
    """Of one step of a campaign: deliveries intended, contacts of the first step, and whether
    everybody who is to get it has a delivery."""

    intended: int
    first_step: int
    expanded: bool


def standing_of(
    conn: Conn, organization_id: str, address_hmac: bytes
) -> tuple[str | None, str | None]:
    """The contact that has this address, and why it must not be mailed; None where neither."""
    row = fetch_one(
        conn,
        """SELECT contact_id, suppression FROM log.mailable
           WHERE organization_id = %s AND address_hmac = %s""",
        [organization_id, address_hmac],
    )
    return (row["contact_id"], row["suppression"]) if row else (None, None)


def count_test(conn: Conn, organization_id: str, day: date) -> int:
    """Count one more test send of that day, in the caller's transaction; how many it has now."""
    row = fetch_one(
        conn,
        """INSERT INTO state.test_sends AS t (organization_id, day, used) VALUES (%s, %s, 1)
           ON CONFLICT (organization_id, day) DO UPDATE SET used = t.used + 1 RETURNING used""",
        [organization_id, day],
    )
    return int(row["used"]) if row else 0


def must_look_back(conn: Conn, campaign_id: str) -> bool:
    """Whether a campaign of a restored log sends nothing before it knows what left already."""
    asked = "SELECT 1 FROM state.lookbacks WHERE campaign_id = %s"
    return fetch_one(conn, asked, [campaign_id]) is not None


def step_counts(conn: Conn, campaign_id: str, step: int) -> StepCounts:
    """Where the expansion of a step stands."""
    row = fetch_one(
        conn,
        """SELECT count(*) FILTER (WHERE step = %(step)s) AS intended,
                  count(*) FILTER (WHERE step = 1) AS first_step,
                  EXISTS (SELECT 1 FROM state.run_steps r WHERE r.campaign_id = %(campaign)s
                          AND r.step = %(step)s AND r.state = 'expanded') AS expanded
           FROM state.sends
           WHERE campaign_id = %(campaign)s AND step IN (1, %(step)s) AND kind = 'campaign'""",
        {"campaign": campaign_id, "step": step},
    )
    return StepCounts(**row) if row else StepCounts(0, 0, False)


def intended_page(
    conn: Conn, campaign_id: str, step: int, after_contact_id: str | None, limit: int
) -> list[str]:
    """Up to `limit` contacts of a step that has begun, in id order, behind the last one."""
    rows = fetch_all(
        conn,
        """SELECT contact_id FROM state.sends
           WHERE campaign_id = %s AND step = %s AND kind = 'campaign'
             AND contact_id > coalesce(%s::uuid, '00000000-0000-0000-0000-000000000000')
           ORDER BY contact_id LIMIT %s""",
        [campaign_id, step, after_contact_id, limit],
    )
    return [row["contact_id"] for row in rows]
