"""Child processes of these tests never outlive them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Database
from tests.support.child import start
from tests.support.relaying import TOPIC
from tests.support.services import Services

Child = subprocess.Popen[str]
Start = Callable[[], Child]


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Whatever is put in is killed at the end."""
    started: list[Child] = []
    yield started
    for child in started:
        child.kill()
        child.wait()
        if child.stdout:
            child.stdout.close()


@pytest.fixture
def start_relay(
    stack: Services, database: Database, topic_prefix: str, children: list[Child]
) -> Start:
    """Starts a relay that leads, or knows that another one does."""

    def started() -> Child:
        children.append(
            start(
                "tests.support.relaying", stack.kafka_bootstrap, database.worker_url, topic_prefix
            )
        )
        return children[-1]

    return started


@pytest.fixture
def start_consumer(
    stack: Services, database: Database, topic_prefix: str, children: list[Child]
) -> Start:
    """Starts a stream process that has its partitions."""

    def started() -> Child:
        children.append(
            start(
                "tests.support.counting",
                stack.kafka_bootstrap,
                database.worker_url,
                topic_prefix,
                TOPIC,
            )
        )
        return children[-1]

    return started
