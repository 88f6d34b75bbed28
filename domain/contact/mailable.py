"""The table that decides who may be mailed, as commands that change it see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Standing(NamedTuple):
    """What is decided about one address. `contact_id` is the one live contact that has it.

    `position` is that of the consent or suppression event that decided; 0 before there was one.
    """

    contact_id: str | None
    consent: str
    suppression: str | None
    position: int


NOTHING_KNOWN = Standing(None, "unknown", None, 0)


class Note(NamedTuple):
    """What shall stand for an address from now on; `stream_id` has the event that says so."""

    address_hmac: bytes
    contact_id: str | None
    consent: str
    suppression: str | None
    stream_id: str


class Mailable(Protocol):
    """The rows of one organization, inside one transaction."""

    def take(self, address_hmacs: Sequence[bytes]) -> dict[bytes, Standing]:
        """The standings of these addresses, locked in key order until the transaction ends.

        An address never seen gets a row. Take all addresses of a transaction at once, before
        deciding: taking twice could deadlock with somebody else.
        """
        ...

    def note(
        self,
        address_hmac: bytes,
        *,
        contact_id: str | None,
        consent: str,
        suppression: str | None,
        stream_id: str,
    ) -> None:
        """Let this stand for a taken address.

        Written after the append, with the highest position appended on that stream in this
        transaction; the row keeps its position when nothing was.
        """
        ...

    def note_many(self, notes: Sequence[Note]) -> None:
        """The same for many addresses."""
        ...
