"""A command may do what the key it is given may, and says what is missing."""

from __future__ import annotations

import json
import uuid
from contextlib import nullcontext
from typing import Any, cast

import httpx
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from infra.cli import sends
from infra.cli.chat import Dialogue
from infra.cli.chat_live import LiveFigures
from infra.cli.main import application
from tests.support.api import Api


def nudge(*arguments: str) -> Any:
    return CliRunner().invoke(application(["infra.cli.sends"]), arguments)


@pytest.fixture
def commands(shared: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The command line's calls go to this API."""
    monkeypatch.setattr(sends, "client_of", lambda to: nullcontext(client(shared, to.headers)))
    return shared


def client(api: Api, headers: dict[str, str]) -> TestClient:
    return TestClient(api.client.app, headers=headers)


def test_a_command_does_what_its_key_may(commands: Api) -> None:
    ran = nudge("sends", "ambiguous", "--json", "--api-key", commands.key("campaigns:read"))

    assert (ran.exit_code, json.loads(ran.stdout)) == (0, {"items": [], "total": 0})


def test_a_command_that_its_key_may_not_do_ends_with_what_is_missing(commands: Api) -> None:
    key = commands.key("campaigns:read")

    ran = nudge("sends", "resend", str(uuid.uuid4()), "--yes", "--api-key", key)

    assert ran.exit_code == 1
    assert "not_allowed" in ran.output
    assert "campaigns:send" in ran.output


def chatting(api: Api, key: str) -> Dialogue:
    """A chat in the terminal with this key; nothing live is shown."""
    with_key = cast("httpx.Client", client(api, {"Authorization": f"Bearer {key}"}))
    return Dialogue(with_key, str(uuid.uuid4()), cast("LiveFigures", None))


def test_an_approval_in_the_terminal_waits_for_a_second_person(
    shared: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    shared.contact("ada@x.test")
    shared.patch("/v1/organization", {"second_approver_above": 0})
    drafted = shared.campaign()
    shown = {"id": drafted["id"], "content_hash": drafted["content_hash"]}

    for person, said in (("ada", "Your yes is kept"), ("ben", "Approved")):
        key = shared.key("campaigns:approve", made_by=f"user:{person}")
        chatting(shared, key).approve(shown)
        shared.project()

        assert said in capsys.readouterr().out

    assert shared.get(f"/v1/campaigns/{drafted['id']}").json()["status"] == "approved"


def test_an_approval_in_the_terminal_says_what_is_missing(
    shared: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    drafted = shared.campaign()
    shown = {"id": drafted["id"], "content_hash": drafted["content_hash"]}

    chatting(shared, shared.key("campaigns:read")).approve(shown)

    assert "campaigns:approve" in capsys.readouterr().err
