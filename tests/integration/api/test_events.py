"""An organization's own events over HTTP: what lets somebody in somewhere is shown to nobody."""

from __future__ import annotations

import json
import re

from api.auth import CONCEALED
from api.routers.events import CREDENTIALS
from schemas.registry import ROOT
from tests.support.api import Api

TOKEN = "3f6c-a-server-token"


def test_credentials_of_the_provider_are_concealed(api: Api) -> None:
    connected = api.request("PUT", "/v1/organization/postmark", {"server_token": TOKEN})
    assert connected.status_code == 202, connected.text

    shown = api.get("/v1/events", params={"type": "PostmarkConnected"}).json()
    everything = api.get("/v1/events", params={"limit": 500}).text

    (item,) = shown["items"]
    assert (item["data"]["server_token"], item["data"]["webhook_password"]) == (CONCEALED,) * 2
    assert item["data"]["webhook_username"] not in ("", CONCEALED)
    assert TOKEN not in everything
    assert _stored_password(api) not in everything


def _stored_password(api: Api) -> str:
    """The password of the webhooks, as the log has it: else the test would prove nothing."""
    with api.worker.pool.connection() as connection:
        rows = connection.execute(
            "SELECT bytes, position FROM log.events WHERE type = 'PostmarkConnected'"
        ).fetchall()
    (event,) = api.worker.codec.decode_batch(rows, api.worker.keys)
    assert event.data["server_token"] == TOKEN
    password = str(event.data["webhook_password"])
    assert len(password) > 8
    return password


def test_every_field_that_sounds_like_a_credential_is_concealed_or_a_hash() -> None:
    found: dict[str, set[str]] = {}
    for path in ROOT.glob("avro/*/*.avsc"):
        text = path.read_text()
        names = set(re.findall(r'"name": *"(\w*(?:token|password|secret|credential)\w*)"', text))
        named = {name for name in names if not name.endswith("_hash")}
        if named:
            found.setdefault(json.loads(text)["name"], set()).update(named)
    assert found == CREDENTIALS
