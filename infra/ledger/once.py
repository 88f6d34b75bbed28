"""One address, one mail of a step: also when the address moves to another contact meanwhile.

An address is one contact's at a time, and a claim holds its row of `log.mailable`: whoever gets the
address later claims later, and finds here what the earlier claim left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from domain.delivery.mailability import SAME_ADDRESS, beside
from domain.delivery.states import State
from infra.ledger.rows import Change, SendRow, withholding
from infra.postgres import Connection

_THERE: Final = """
    SELECT s.step, s.address_hmac, s.state,
        (SELECT max(e.position) FROM log.events e
         WHERE e.stream_id = s.delivery_id AND e.type IN ('DeliveryClaimed', 'DeliveryAccepted'))
    FROM state.sends s
    WHERE s.campaign_id = %s AND s.address_hmac = ANY(%s) AND s.kind = 'campaign'
      AND s.step = ANY(%s)
"""


def sort_out(
    connection: Connection, rows: Sequence[SendRow], addresses: Mapping[str, bytes]
) -> tuple[list[SendRow], list[Change]]:
    """Those of a campaign's intended rows to be sent now, and those that are withheld.

    Left out of both: who waits until it is known whether another contact's mail got there.
    `addresses`: by contact, their rows of `log.mailable` locked.
    """
    if not rows:
        return [], []
    wanted = [addresses[row.contact_id] for row in rows]
    steps = sorted({row.step for row in rows})
    found = connection.execute(_THERE, (rows[0].campaign_id, wanted, steps)).fetchall()
    there: dict[tuple[int, bytes], dict[State, int]] = {}
    for step, address, state, proof in found:
        there.setdefault((step, bytes(address)), {})[state] = proof
    send: list[SendRow] = []
    withheld: list[Change] = []
    for row in rows:
        others = there.get((row.step, addresses[row.contact_id]), {})
        match beside(others):
            case "send":
                send.append(row)
            case "withhold":
                proof = max(others.values())
                withheld.append(withholding(row, SAME_ADDRESS, proof))
    return send, withheld
