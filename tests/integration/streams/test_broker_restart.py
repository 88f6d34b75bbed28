"""A broker that dies and comes back: lag is measured again, without anybody's help."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from infra.kafka import KafkaUnavailableError, KafkaWatermarks, create_topics
from infra.settings import Settings
from schemas.topics import all_topics
from tests.support.services import environment_of, settings_on_free_ports


class Broker:
    """A Kafka of this test's own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.bootstrap = f"127.0.0.1:{settings.kafka_port}"
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "infra.local.kafka"],
            env=environment_of(self._settings),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Start again on the same data."""
        self._process = self._started()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    started = Broker(settings_on_free_ports(tmp_path / "data"))
    yield started
    started.kill()


def make_topic(broker: Broker, name: str) -> None:
    deadline = time.monotonic() + 60
    made = False
    while not made:
        assert time.monotonic() < deadline, "Kafka did not start"
        with suppress(KafkaUnavailableError, KafkaException):
            made = bool(create_topics(broker.bootstrap, "", [all_topics()[name]]))


def ends(watermarks: KafkaWatermarks, place: tuple[str, int]) -> dict[tuple[str, int], int]:
    """The end of a partition, as soon as it is known."""
    deadline = time.monotonic() + 60
    while True:
        assert time.monotonic() < deadline, "the end stays unknown"
        with suppress(KafkaUnavailableError):
            return watermarks.end_offsets([place], timeout=2)


def test_the_ends_of_partitions_are_known_again_soon_after_a_broker_was_killed(
    broker: Broker,
) -> None:
    make_topic(broker, "campaign-events")
    watermarks = KafkaWatermarks(broker.bootstrap, "")
    place = ("campaign-events", 0)
    assert ends(watermarks, place) == {place: 0}

    broker.kill()
    broker.restart()

    assert ends(watermarks, place) == {place: 0}
