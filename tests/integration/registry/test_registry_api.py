"""The registry answers as Confluent's does: bodies, statuses, error codes, media type."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from schemas.registry import Schema, default_registry

REGISTRY = default_registry()
SUBJECT = "nudge.CampaignApproved"
LATEST = REGISTRY.latest("CampaignApproved")


def posted(client: httpx.Client, path: str, schema: Schema, **more: Any) -> httpx.Response:
    return client.post(path, json={"schema": json.dumps(schema), **more})


def altered(change: Any) -> Schema:
    """CampaignApproved's schema after a change."""
    schema: Schema = json.loads(json.dumps(LATEST.definition))
    change(schema)
    return schema


def test_subjects_are_full_record_names(client: httpx.Client) -> None:
    answer = client.get("/subjects")
    assert answer.headers["content-type"] == "application/vnd.schemaregistry.v1+json"
    assert answer.json() == sorted(f"nudge.{kind}" for kind in REGISTRY.topic_of)


@pytest.mark.parametrize("version", ["1", "latest", "-1"])
def test_a_version_has_id_and_schema(client: httpx.Client, version: str) -> None:
    assert client.get(f"/subjects/{SUBJECT}/versions").json() == [1]
    answer = client.get(f"/subjects/{SUBJECT}/versions/{version}").json()
    assert json.loads(answer.pop("schema")) == LATEST.definition
    assert answer == {"subject": SUBJECT, "version": 1, "id": LATEST.schema_id}
    alone = client.get(f"/subjects/{SUBJECT}/versions/{version}/schema").json()
    assert alone == LATEST.definition


def test_an_id_leads_to_schema_subject_and_version(client: httpx.Client) -> None:
    for schema_id, schema in REGISTRY.by_id.items():
        found = client.get(f"/schemas/ids/{schema_id}").json()
        assert json.loads(found["schema"]) == schema.definition
        versions = client.get(f"/schemas/ids/{schema_id}/versions").json()
        assert versions == [{"subject": schema.subject, "version": schema.version}]
        assert client.get(f"/schemas/ids/{schema_id}/subjects").json() == [schema.subject]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/subjects/nudge.Nothing/versions", 404, 40401),
        ("/subjects/CampaignApproved/versions", 404, 40401),
        ("/subjects/nudge.Nothing/versions/1", 404, 40401),
        (f"/subjects/{SUBJECT}/versions/99", 404, 40402),
        (f"/subjects/{SUBJECT}/versions/0", 422, 42202),
        (f"/subjects/{SUBJECT}/versions/newest", 422, 42202),
        (f"/subjects/{SUBJECT}/versions/%D9%A1", 422, 42202),
        (f"/subjects/{SUBJECT}/versions/{10**30}", 422, 42202),
        ("/schemas/ids/99999", 404, 40403),
        ("/schemas/ids/one", 404, 40403),
        (f"/schemas/ids/{10**30}/versions", 404, 40403),
    ],
)
def test_what_is_not_there_has_confluents_code(
    client: httpx.Client, path: str, status: int, code: int
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert answer.json()["message"]
    assert answer.headers["content-type"] == "application/vnd.schemaregistry.v1+json"


def test_settings_say_that_nothing_is_registered_here(client: httpx.Client) -> None:
    assert client.get("/config").json() == {"compatibilityLevel": "BACKWARD_TRANSITIVE"}
    assert client.get(f"/config/{SUBJECT}").json() == client.get("/config").json()
    assert client.get("/mode").json() == client.get(f"/mode/{SUBJECT}").json()
    assert client.get("/mode").json() == {"mode": "READONLY"}
    assert client.get("/schemas/types").json() == ["AVRO"]
    resources = "/associations/resources/-/campaign-events?resourceType=topic"
    assert client.get(resources).json() == []
    refused = posted(client, f"/subjects/{SUBJECT}/versions", LATEST.definition)
    assert (refused.status_code, refused.json()["error_code"]) == (422, 42205)


def test_a_schema_is_looked_up_by_its_text(client: httpx.Client) -> None:
    found = posted(client, f"/subjects/{SUBJECT}", LATEST.definition).json()
    assert (found["id"], found["version"]) == (LATEST.schema_id, 1)
    other = posted(client, f"/subjects/{SUBJECT}", altered(lambda s: s["fields"].pop()))
    assert (other.status_code, other.json()["error_code"]) == (404, 40403)


@pytest.mark.parametrize("version", ["/1", "/latest", ""])
def test_a_compatible_schema_is_said_to_be_so(client: httpx.Client, version: str) -> None:
    new = {"name": "note", "type": "string", "default": "", "doc": "N."}
    schema = altered(lambda s: s["fields"].append(new))
    path = f"/compatibility/subjects/{SUBJECT}/versions{version}"
    assert posted(client, path, schema).json() == {"is_compatible": True}
    verbose = posted(client, f"{path}?verbose=true", schema, schemaType="AVRO").json()
    assert verbose == {"is_compatible": True, "messages": []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s["fields"].pop(1), "content_hash: was removed"),
        (lambda s: s["fields"][1].update(type="int"), "content_hash: changed its type"),
        (
            lambda s: s["fields"].append({"name": "n", "type": "int"}),
            "n: is new and has no default",
        ),
    ],
    ids=["removed", "type", "no default"],
)
def test_an_incompatible_schema_is_named_with_its_field(
    client: httpx.Client, change: Any, said: str
) -> None:
    path = f"/compatibility/subjects/{SUBJECT}/versions/latest?verbose=true"
    answer = posted(client, path, altered(change)).json()
    assert answer["is_compatible"] is False
    assert answer["messages"][0].startswith(said)
    assert "(against version 1)" in answer["messages"][0]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"schema": 7}',
        b'{"schema": "{"}',
        b'{"schema": "[]"}',
        b'{"schema": "{\\"type\\": 1}"}',
        b'{"schema": "{\\"type\\": \\"record\\", \\"name\\": \\"A\\", \\"fields\\": 3}"}',
        b'{"schema": "{\\"type\\": \\"nothing\\"}"}',
        b'{"schema": "syntax = \\"proto3\\";", "schemaType": "PROTOBUF"}',
        json.dumps({"schema": '{"type":' * 5000 + "1" + "}" * 5000}).encode(),
    ],
    ids=lambda content: content[:40].decode("latin-1"),
)
def test_what_is_no_schema_is_refused_in_the_registrys_words(
    client: httpx.Client, content: bytes
) -> None:
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    path = f"/compatibility/subjects/{SUBJECT}/versions/latest"
    answer = client.post(path, content=content, headers=headers)
    assert answer.status_code == 422
    assert str(answer.json()["error_code"]).startswith("422")
    assert answer.headers["content-type"] == "application/vnd.schemaregistry.v1+json"


@pytest.mark.parametrize("mark", ["yes", 7, {}, {"subject": 1, "fields": [1]}, {"fields": {}}])
def test_a_mark_that_is_none_is_refused(client: httpx.Client, mark: Any) -> None:
    new = {"name": "sealed", "type": "bytes", "default": "", "pii": mark}
    path = f"/compatibility/subjects/{SUBJECT}/versions/latest"
    answer = posted(client, path, altered(lambda s: s["fields"].append(new)))
    assert answer.status_code == 422
    assert answer.json()["error_code"] == 42201


def test_asyncapi_names_this_registry(base_url: str) -> None:
    document = httpx.get(f"{base_url}/asyncapi.json").raise_for_status().json()
    assert document["asyncapi"] == "3.0.0"
    kafka = document["servers"]["kafka"]["bindings"]["kafka"]
    assert kafka["schemaRegistryUrl"] == f"{base_url}/registry"
