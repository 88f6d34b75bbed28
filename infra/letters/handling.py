"""A record handed to one consumer again, in the transaction that records the decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from projections.batch import Record
from projections.clickhouse.again import AnalyticsAgain
from projections.postgres.refolding import Refolder
from schemas.codec import Codec, Event
from streams.agents.addresses import Addresses
from streams.agents.again import react_again
from streams.agents.ports import WorkerTransaction

Again = Callable[[WorkerTransaction, Record, Event | None], None]
"""Handles a record within a transaction; the event is the record's as the log has it."""


class UnknownConsumerError(Exception):
    """The letter names a consumer that cannot be asked from here."""


@dataclass(frozen=True)
class Handling:
    """The consumers that can be asked again, by name."""

    consumers: Mapping[str, Again]

    def handle(
        self, tx: WorkerTransaction, consumer: str, record: Record, event: Event | None
    ) -> None:
        """Raises UnknownConsumerError, and whatever the consumer does."""
        again = self.consumers.get(consumer)
        if again is None:
            known = ", ".join(sorted(self.consumers))
            raise UnknownConsumerError(
                f"{consumer or 'nobody'} cannot be asked again ({known} can); the letter can be"
                " dropped"
            )
        again(tx, record, event)


_NO_EVENT: Final = "a raw webhook is read by reactions only"


def handling_of(
    codec: Codec, refolder: Refolder, addresses: Addresses, analytics: AnalyticsAgain
) -> Handling:
    """The three consumers of the product."""

    def project(tx: WorkerTransaction, record: Record, event: Event | None) -> None:
        refolder.refold(tx.connection, record, _needed(event))

    def react(tx: WorkerTransaction, record: Record, event: Event | None) -> None:
        react_again(tx, record, event, codec, addresses)

    def analyse(tx: WorkerTransaction, record: Record, event: Event | None) -> None:
        analytics.write(tx.connection, record, _needed(event))

    return Handling({"projections": project, "reactions": react, "analytics": analyse})


def _needed(event: Event | None) -> Event:
    if event is None:
        raise UnknownConsumerError(_NO_EVENT)
    return event
