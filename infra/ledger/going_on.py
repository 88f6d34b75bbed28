"""Runs that were over and have something to send, or to withhold, once more."""

from __future__ import annotations

from typing import Final

from infra.postgres import Connection

_RUN: Final = "SELECT state FROM state.runs WHERE campaign_id = %s FOR UPDATE"
_GO_ON: Final = "UPDATE state.runs SET ended = false WHERE campaign_id = %s AND ended"


def locked_run(connection: Connection, campaign_id: str) -> str | None:
    """The state of a campaign's run, which cannot end before this transaction does."""
    row = connection.execute(_RUN, (campaign_id,)).fetchone()
    return row[0] if row else None


def begin_again(connection: Connection, campaign_id: str) -> None:
    """Let the run, if there is one, see to what is intended of it: a cancelled one withholds it,
    any other sends it. Comes before the locks of deliveries."""
    locked_run(connection, campaign_id)
    connection.execute(_GO_ON, (campaign_id,))
