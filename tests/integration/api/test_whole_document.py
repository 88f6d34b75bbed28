"""Schemathesis asks everything that the OpenAPI document describes, well and badly, and checks it.

All its checks are on. The number of examples is bounded and they are the same every time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import pytest
import schemathesis
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema

from infra.bootstrap import Core
from infra.kafka import create_topics
from infra.reference.endpoints import application
from infra.reference.problems import registered
from projections.clickhouse.connect import connect
from projections.clickhouse.migrate import migrate
from schemas.topics import all_topics
from tests.conftest import fresh_database
from tests.support.api import Api, running_api
from tests.support.auditing import sign_everything
from tests.support.services import Services
from tests.support.serving import served

_REFUSALS: Final = ["412", "413", "422"]
"""Statuses that the issue accepts besides Schemathesis's own, with a code that is registered."""
_CHECKS: Final = {
    "positive_data_acceptance": {
        "expected-statuses": ["2xx", "401", "403", "404", "409", "429", "503", *_REFUSALS]
    },
    "negative_data_rejection": {
        "expected-statuses": [
            "400", "401", "403", "404", "405", "409", "415", "429", "503", *_REFUSALS,
        ]
    },
}  # fmt: skip


_OFF: Final = {"enabled": False}
_EXCEPTIONS: Final = [
    # These paths are an item's, too, whose id they are not: its methods say 422, not 405.
    {"include-name": "POST /v1/invitations/accept", "checks": {"unsupported_method": _OFF}},
    # A bad line is told in the answer and loses no other: 200.
    {
        "include-name": "POST /v1/contacts/import",
        "checks": {"unsupported_method": _OFF, "negative_data_rejection": _OFF},
    },
]


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context: Any, value: Any) -> bytes:
    """A value a line; anything that is no list as it is."""
    lines = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


@dataclass(frozen=True)
class Asked:
    """Where the document's API is, and as whom it is asked."""

    base_url: str
    headers: dict[str, str]
    webhook: dict[str, str]
    closed: frozenset[str]
    """Endpoints, such as `GET /v1/events`, that want a key."""

    def headers_of(self, case: Case[Any]) -> dict[str, str]:
        """The credentials that this endpoint wants."""
        return self.webhook if case.path.startswith("/v1/webhooks/") else self.headers


@pytest.fixture(scope="module")
def asked(stack: Services) -> Iterator[tuple[Api, Asked]]:
    prefix = "whole-document-"
    create_topics(stack.kafka_bootstrap, prefix, all_topics().values())
    settings = stack.settings.model_copy(update={"topic_prefix": prefix})
    with ExitStack() as running:
        database = running.enter_context(fresh_database(stack))
        api = running.enter_context(running_api(stack, database))
        at = running.enter_context(served(Core(settings, api.core.addresses, "api")))
        bearer = {"Authorization": f"Bearer {api.tenant.api_key}"}
        migrate(connect(*_clickhouse(api)))
        sign_everything(api)
        yield api, Asked(f"http://{at}", bearer, _webhook(api), _closed(api))


def _clickhouse(api: Api) -> tuple[str, str, str]:
    at = api.core.addresses
    return at.clickhouse_url, at.clickhouse_username, at.clickhouse_password


def _webhook(api: Api) -> dict[str, str]:
    """The credentials of the organization's webhooks."""
    token = {"server_token": "5f3f9a52-1f0f-4a5e-8f0a-1b2c3d4e5f60"}
    assert api.request("PUT", "/v1/organization/postmark", token).status_code == 202
    with api.worker.pool.connection() as connection:
        rows = connection.execute(
            "SELECT bytes, position FROM log.events WHERE type = 'PostmarkConnected'"
        ).fetchall()
        (connected,) = api.worker.codec.decode_batch(rows, api.worker.keys.on(connection))
    pair = f"{connected.data['webhook_username']}:{connected.data['webhook_password']}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _closed(api: Api) -> frozenset[str]:
    paths = api.client.get("/openapi.json").json()["paths"]
    return frozenset(
        f"{method.upper()} {path}"
        for path, item in paths.items()
        for method, operation in item.items()
        if "security" in operation
    )


def document_of(*, systematic: bool, examples: int, mode: str = "all") -> BaseSchema:
    """The document. `systematic`: every boundary and every kind of wrong value too, some 40
    requests an endpoint, beside so many examples. `mode`: `positive` asks what is allowed only."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "checks": _CHECKS,
            "operations": _EXCEPTIONS,
            "phases": {"coverage": {"enabled": systematic}},
            "generation": {
                "mode": mode,
                "deterministic": True,
                "max-examples": examples,
                "database": "none",
            },
        }
    )
    return schemathesis.openapi.from_dict(application().openapi(), config=config)


@pytest.fixture(scope="module")
def belongings(asked: tuple[Api, Asked]) -> dict[str, str]:
    """Ids of things that are there, by the name they have in a path."""
    api, _ = asked
    conversation = api.post("/v1/conversations", {}).json()["id"]
    said = api.post(
        f"/v1/conversations/{conversation}/messages", {"text": "hello"},
        headers={"Prefer": "wait=0"},
    )  # fmt: skip
    return {
        "contact_id": api.contact("somebody@example.org", first_name="Ada"),
        "campaign_id": api.campaign()["id"],
        "business_id": api.tenant.business_id,
        "conversation_id": conversation,
        "turn_id": said.json()["turn_id"],
    }


MADE_UP = document_of(systematic=True, examples=5)
OWN = document_of(systematic=False, examples=15, mode="positive")
KEYLESS = document_of(systematic=False, examples=5)


@schemathesis.check
def code_is_registered(ctx: Any, response: Any, case: Case[Any]) -> None:
    """An error has a code, and the code is one that the reference explains."""
    if "problem+json" not in "".join(response.headers.get("content-type", [])):
        return
    problem = response.json()
    assert (problem["status"], problem["code"]) in REGISTERED, problem


REGISTERED: Final = frozenset(registered()) | {
    (400, "bad_request"),
    (413, "request_entity_too_large"),
    (422, "invalid_fields"),
}


def _prove(api: Api, case: Case[Any]) -> None:
    """What others have asked for has made events, which are proven from their signing on."""
    if case.path.endswith("/proof"):
        sign_everything(api)


@MADE_UP.parametrize()
def test_what_anybody_with_a_key_asks(case: Case[Any], asked: tuple[Api, Asked]) -> None:
    api, how = asked
    _prove(api, case)
    case.call_and_validate(base_url=how.base_url, headers=how.headers_of(case))


@OWN.parametrize()
def test_what_an_owner_asks_about_its_things(
    case: Case[Any], asked: tuple[Api, Asked], belongings: dict[str, str]
) -> None:
    api, how = asked
    _prove(api, case)
    case.path_parameters |= {n: v for n, v in belongings.items() if n in case.path_parameters}
    hurry = {**how.headers_of(case), "Prefer": "wait=0"}  # nobody answers sentences here
    case.call_and_validate(base_url=how.base_url, headers=hurry)


@KEYLESS.parametrize()
def test_what_is_asked_without_a_key(case: Case[Any], asked: tuple[Api, Asked]) -> None:
    _, how = asked
    answer = case.call_and_validate(base_url=how.base_url)
    if case.operation.label in how.closed:
        assert not 200 <= answer.status_code < 300, answer.text
