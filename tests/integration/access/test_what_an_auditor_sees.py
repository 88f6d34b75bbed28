"""An auditor reads events with personal fields masked, and proofs; who unmasks is recorded."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any

from domain.access.permissions import ROLES
from infra.audit.verify_bundle import check_file
from tests.support.api import Api
from tests.support.auditing import SIGNER, sign_everything


def events(api: Api, key: str, kind: str) -> list[dict[str, Any]]:
    answer = api.get(f"/v1/events?type={kind}&limit=500", key=key)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def readings(api: Api) -> list[tuple[str, str]]:
    """Who read what in plain text, by the log."""
    return [
        (each["data"]["caller"], each["data"]["what"])
        for each in events(api, api.key("audit:read"), "PersonalDataRead")
    ]


def stands(proof: dict[str, Any], folder: Path) -> bool:
    """Whether an outsider's checker accepts it."""
    file = folder / "proof.json"
    file.write_text(json.dumps(proof))
    return check_file(file, None, [SIGNER.public_key.hex()]).findings == []


def test_an_auditor_reads_events_with_personal_fields_masked(shared: Api) -> None:
    shared.contact("ada@x.test", first_name="Ada", attributes={"city": "Graz"})
    before = readings(shared)

    added = events(shared, shared.key(*ROLES["auditor"]), "ContactAdded")[-1]

    assert {added["data"][each] for each in ("email", "first_name", "attributes")} == {"***"}
    assert "ada@x.test" not in str(added)
    assert added["data"]["address_hmac"], "what is not personal stands there"
    assert readings(shared) == before, "nothing was unmasked"


def test_personal_fields_inside_a_list_are_masked_too(shared: Api) -> None:
    talk = shared.post("/v1/conversations", {}).json()["id"]
    said = {"text": "send a test to stranger@x.test"}
    shared.post(f"/v1/conversations/{talk}/messages", said, headers={"Prefer": "wait=0"})

    (turn,) = events(shared, shared.key(*ROLES["auditor"]), "TurnReceived")

    assert turn["data"]["text"] == "***"
    assert [each["address"] for each in turn["data"]["mentions"]] == ["***"]
    assert "conversations:write" in turn["data"]["permissions"]


def test_who_may_read_contacts_reads_them_and_that_is_recorded_once_a_day(shared: Api) -> None:
    shared.contact("ben@x.test")
    key = shared.key("audit:read", "contacts:read")
    before = readings(shared)

    for _ in range(3):
        assert events(shared, key, "ContactAdded")[-1]["data"]["email"] == "ben@x.test"

    (new,) = readings(shared)[len(before) :]
    assert new[0].startswith("key:")
    assert new[1] == "events"


def test_an_auditor_sees_the_proof_of_an_erasure(shared: Api) -> None:
    person = shared.contact(f"{uuid.uuid4()}@x.test")
    auditor = shared.key(*ROLES["auditor"])
    erased = shared.request("DELETE", f"/v1/contacts/{person}?erase=true")
    assert erased.status_code == 200, erased.text

    proof = shared.get(f"/v1/contacts/{person}/erasure", key=auditor)

    assert proof.status_code == 200
    assert shared.get(f"/v1/contacts/{person}", key=auditor).status_code == 403


def test_addresses_in_a_conversation_are_hidden_from_who_may_not_read_contacts(
    shared: Api,
) -> None:
    shared.contact("cleo@x.test")
    talk = shared.post("/v1/conversations", {}).json()["id"]
    said = {"text": "tag cleo@x.test and stranger@x.test as vip"}
    headers = {"Prefer": "wait=0"}
    turn = shared.post(f"/v1/conversations/{talk}/messages", said, headers=headers).json()
    path = f"/v1/conversations/{talk}/turns/{turn['turn_id']}"

    seen = shared.get(path, key=shared.key("conversations:read"))

    assert shared.get(path).json()["text"] == said["text"]
    assert seen.json()["text"] == "tag *** and *** as vip"


def test_an_auditor_gets_the_proof_of_an_event_that_a_signed_head_covers(
    shared: Api, tmp_path: Path
) -> None:
    shared.contact("dora@x.test")
    auditor = shared.key(*ROLES["auditor"])
    event = events(shared, auditor, "ContactAdded")[-1]
    path = f"/v1/events/{event['position']}/proof"
    early = shared.get(path, key=auditor)
    assert (early.status_code, early.json()["code"]) == (503, "not_proven_yet")
    assert early.headers["Retry-After"] == "10"

    sign_everything(shared)

    proof = shared.get(path, key=auditor)
    assert proof.status_code == 200, proof.text
    assert proof.json()["event"]["position"] == event["position"]
    assert proof.json()["event"]["type"] == "ContactAdded"
    assert "dora" not in str(base64.b64decode(proof.json()["event"]["bytes"]))
    assert stands(proof.json(), tmp_path)
    assert not stands({**proof.json(), "index": proof.json()["index"] - 1}, tmp_path)


def test_the_proof_of_somebody_elses_event_is_not_to_be_had(shared: Api) -> None:
    stranger = shared.new_tenant()
    position = shared.get("/v1/events", key=stranger.api_key).json()["items"][0]["position"]
    sign_everything(shared)

    assert shared.get(f"/v1/events/{position}/proof").status_code == 404
    assert shared.get(f"/v1/events/{position + 10**9}/proof").status_code == 404
    assert shared.get("/v1/events/0/proof").status_code == 422
