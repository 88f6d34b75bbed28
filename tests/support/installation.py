"""An installation as commands find it: a database, topics and a relay, named by the environment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from typer.testing import CliRunner, Result

from infra.cli.main import application
from infra.kafka import create_topics
from infra.relay import Relay, RelaySettings
from schemas.topics import all_topics
from tests.conftest import Database
from tests.support.api import running_api
from tests.support.relaying import records_on
from tests.support.services import Services, environment_at
from tests.support.story import Story


@dataclass
class Installation:
    """A story on Postgres and Kafka; `run` is the command line of its operator."""

    story: Story
    stack: Services
    prefix: str
    environment: dict[str, str]

    def run(self, *arguments: str) -> Result:
        """`nudge` with these arguments."""
        return CliRunner().invoke(
            application([f"infra.cli.{arguments[0]}"]), list(arguments),
            env={**self.environment, "COLUMNS": "200"},
        )  # fmt: skip

    def relayed(self) -> None:
        """Wait until Kafka has the whole log."""
        wanted = self.story.position
        with running_relay(self):
            deadline = time.monotonic() + 60
            while self._highest() < wanted:
                assert time.monotonic() < deadline, "the relay never got there"
                time.sleep(0.1)

    def _highest(self) -> int:
        positions = [
            position
            for topic in self.story.api.worker.codec.registry.topics
            for _, position, _, _ in records_on(self.stack.kafka_bootstrap, self.prefix, topic)
        ]
        return max(positions, default=0)


@contextmanager
def running_relay(installation: Installation) -> Iterator[None]:
    """The relay, in a thread."""
    stop, ready = threading.Event(), threading.Event()
    relay = Relay(
        RelaySettings(
            installation.stack.kafka_bootstrap,
            installation.story.api.worker.addresses.postgres_worker_url,
            installation.prefix,
        ),
        on_ready=ready.set,
    )
    thread = threading.Thread(target=relay.run, args=(stop,), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield
    finally:
        stop.set()
        thread.join(15)


@contextmanager
def installed(stack: Services, database: Database, prefix: str) -> Iterator[Installation]:
    """Topics of its own, nothing in them."""
    create_topics(stack.kafka_bootstrap, prefix, all_topics().values())
    at = replace(
        stack.addresses,
        postgres_owner_url=database.owner_url,
        postgres_worker_url=database.worker_url,
        postgres_api_url=database.api_url,
    )
    with running_api(stack, database) as api:
        story = Story(api)
        yield Installation(story, stack, prefix, environment_at(at, prefix))
        story.close()
