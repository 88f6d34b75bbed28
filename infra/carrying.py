"""The whole log carried to Kafka by a relay of this process, before the product starts."""

from __future__ import annotations

import threading
from collections.abc import Callable

from infra.local.addresses import Addresses
from infra.postgres import connect
from infra.relay import Relay, RelaySettings

Progress = Callable[[int, int], None]
"""Told the position that is on Kafka, and the last one of the log."""
_LOOK = 0.05


class NotCarriedError(Exception):
    """The relay ended before Kafka had everything."""


def carry_log(
    addresses: Addresses, prefix: str, progress: Progress = lambda _at, _last: None
) -> int:
    """Every event that Kafka has not, to the topics with this prefix; the log's last position.

    Goes on where an earlier call ended, however it ended. Raises NotCarriedError.
    """
    with connect(addresses.postgres_worker_url, autocommit=True) as connection:
        row = connection.execute("SELECT coalesce(max(position), 0) FROM log.events").fetchone()
    last, stop = int(row[0]) if row else 0, threading.Event()
    relay = Relay(RelaySettings(addresses.kafka_bootstrap, addresses.postgres_worker_url, prefix))
    failed: list[BaseException] = []

    def carry() -> None:
        try:
            relay.run(stop)
        except BaseException as error:  # noqa: BLE001 - told to the one who waits
            failed.append(error)

    thread = threading.Thread(target=carry, name="relay")
    thread.start()
    try:
        while relay.position < last and thread.is_alive():
            thread.join(_LOOK)
            progress(relay.position, last)
    finally:
        stop.set()
        thread.join()
    if failed:
        raise NotCarriedError(f"Kafka could not be filled: {failed[0]}") from failed[0]
    return last
