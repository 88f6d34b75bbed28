"""Every endpoint asked for another organization's things, and found to give nothing of them."""

from __future__ import annotations

import pytest

from api.document import endpoints
from tests.integration.isolation.conftest import House
from tests.support.isolation.operations import UncoveredError, operations

UNDOCUMENTED = {
    "/docs",
    "/docs/{name}",
    "/docs/start.js",
    "/registry/config/{subject}",
    "/registry/mode/{subject}",
    "/registry/associations/resources/{resource:path}",
}
"""Endpoints that are not in the document: none of them looks at an organization."""


def test_no_endpoint_gives_or_changes_what_is_anothers(house: House) -> None:
    swaps = house.swaps()
    every = operations(house.api.client.get("/openapi.json").json())
    assert len(swaps.secrets) > 200

    found = swaps.run(every)

    assert not found, "\n".join(map(str, found))
    assert swaps.asked > 15 * len(every)


def test_every_endpoint_gives_its_owner_what_was_asked_for(house: House) -> None:
    every = operations(house.api.client.get("/openapi.json").json())

    found = house.swaps().controls(every)

    assert not found, "\n".join(map(str, found))


def test_every_endpoint_is_in_the_document(house: House) -> None:
    hidden = {each.path for each in endpoints(house.application) if not each.include_in_schema}
    assert hidden == UNDOCUMENTED


def test_an_endpoint_that_the_walk_cannot_ask_fails_it(house: House) -> None:
    document = {
        "paths": {
            "/v1/gizmos/{gizmo_id}": {
                "get": {
                    "security": [{"bearer": []}],
                    "parameters": [
                        {"in": "path", "name": "gizmo_id", "schema": {"type": "string"}}
                    ],
                }
            }
        }
    }
    with pytest.raises(UncoveredError, match="gizmo_id"):
        house.swaps().run(operations(document))


def test_a_body_without_an_example_fails_the_walk() -> None:
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    with pytest.raises(UncoveredError, match="no example"):
        operations({"paths": {"/v1/gizmos": {"post": {"requestBody": body}}}})
