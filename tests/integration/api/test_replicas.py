"""Two API processes over the same stores: what one is told about a key, both act upon."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from infra.kafka import create_topics
from infra.settings import Settings, load_settings
from schemas.topics import all_topics
from tests.conftest import Database, fresh_database
from tests.support.api import Api, running_api
from tests.support.services import Services, environment_of, free_row

WITHIN = 1.0
"""Seconds after its answer in which a revocation must have reached every process."""


@dataclass(frozen=True)
class Replicas:
    """Addresses of two processes, and the organization they serve."""

    urls: tuple[str, str]
    api: Api

    def status(self, url: str, key: str) -> int:
        return httpx.get(f"{url}/v1/contacts", headers=bearer(key), timeout=20).status_code


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def settings_of(
    stack: Services, database: Database, folder: Path, port: int, prefix: str
) -> Settings:
    return load_settings(
        data_dir=folder,
        api_port=port,
        postgres_url=database.owner_url,
        postgres_worker_url=database.worker_url,
        postgres_api_url=database.api_url,
        kafka_bootstrap=stack.kafka_bootstrap,
        clickhouse_url=stack.clickhouse_url,
        clickhouse_password=stack.clickhouse_password,
        postmark_url="http://127.0.0.1:9",
        secret_key_file=stack.addresses.secret_key_file,
        master_key_file=stack.addresses.master_key_file,
        topic_prefix=prefix,
    )


@pytest.fixture(scope="module")
def replicas(stack: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    folder, prefix = tmp_path_factory.mktemp("replicas"), "replicas-"
    create_topics(stack.kafka_bootstrap, prefix, all_topics().values())
    with (
        fresh_database(stack) as database,
        running_api(stack, database) as api,
        ExitStack() as started,
    ):
        urls = []
        for port in free_row(2):
            settings = settings_of(stack, database, folder, port, prefix)
            log = started.enter_context((folder / f"api-{port}.log").open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", "infra.run", "api"],
                env=environment_of(settings),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            started.callback(process.wait, 20)
            started.callback(process.terminate)
            urls.append(settings.base_url)
        for url in urls:
            until(lambda url=url: answers(url), 60)  # type: ignore[misc]
        yield Replicas((urls[0], urls[1]), api)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=5).is_success
    except httpx.TransportError:
        return False


def until(holds: Callable[[], bool], seconds: float) -> float:
    """When it held, by the clock that only goes forward; fails when it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)
    return time.monotonic()


def test_a_key_made_at_one_process_works_at_the_other_and_its_revocation_reaches_both(
    replicas: Replicas,
) -> None:
    one, other = replicas.urls
    made = httpx.post(
        f"{one}/v1/api-keys",
        json={"scopes": ["contacts:read"]},
        headers=bearer(replicas.api.tenant.api_key),
        timeout=20,
    ).json()
    assert [replicas.status(url, made["secret"]) for url in (one, other)] == [200, 200]

    revoked = httpx.delete(
        f"{one}/v1/api-keys/{made['id']}",
        headers=bearer(replicas.api.tenant.api_key),
        timeout=20,
    )
    assert revoked.status_code == 204

    # Whatever a process still remembers is older than the revocation, and believed for less than
    # the second that is allowed; so after it none may let the key in, however slow the machine.
    time.sleep(WITHIN)
    assert [replicas.status(url, made["secret"]) for url in (one, other)] == [401, 401]


def test_a_connection_that_began_with_a_key_ends_with_it(replicas: Replicas) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    one, other = replicas.urls
    owner = bearer(replicas.api.tenant.api_key)
    scopes = ["conversations:read", "conversations:write"]
    made = httpx.post(
        f"{one}/v1/api-keys", json={"scopes": scopes}, headers=owner, timeout=20
    ).json()
    address = f"{other.replace('http', 'ws')}/v1/ws"
    with connect(address, additional_headers=bearer(made["secret"])) as socket:
        assert '"welcome"' in str(socket.recv(timeout=20))
        httpx.delete(f"{one}/v1/api-keys/{made['id']}", headers=owner, timeout=20)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "Authentication required")
