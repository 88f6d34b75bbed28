"""The walk over the endpoints finds every kind of hole that it is there to find."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from api.app import build_app
from infra.bootstrap import Core
from infra.web import PostgresReads, api_services
from tests.integration.isolation.conftest import House
from tests.support.isolation.operations import operations
from tests.support.isolation.planted import HOLES, planted
from tests.support.isolation.swaps import Finding, Swaps


@pytest.fixture(scope="module")
def findings(house: House) -> list[Finding]:
    """What the walk says of the planted endpoints."""
    app = build_app(api_services(house.api.core))
    app.include_router(planted(house.api.worker))
    with_holes = [each for each in operations(app.openapi()) if each.path.startswith("/planted")]
    client = TestClient(app, raise_server_exceptions=False)
    swaps = Swaps(house.api, client, house.mine, house.theirs)
    return swaps.run(with_holes)


@pytest.mark.parametrize("endpoint", HOLES)
def test_a_planted_hole_is_found(findings: list[Finding], endpoint: str) -> None:
    said = [each.what for each in findings if each.operation == endpoint]
    assert any(HOLES[endpoint] in what for what in said), said


def test_a_login_that_sees_everybody_is_noticed(house: House) -> None:
    """The application as it is, over a connection that Postgres does not bind."""
    unbound = Core(house.api.core.settings, house.api.core.addresses, "worker")
    services = replace(api_services(house.api.core), reads=PostgresReads(unbound))
    app = build_app(services)
    reads = [each for each in operations(app.openapi()) if each.method == "GET" and each.needs_key]

    client = TestClient(app, raise_server_exceptions=False)
    found = Swaps(house.api, client, house.mine, house.theirs).run(reads)

    unbound.pool.close()
    open_ = {each.operation for each in found}
    assert {"GET /v1/contacts", "GET /v1/contacts/{contact_id}", "GET /v1/campaigns"} <= open_
