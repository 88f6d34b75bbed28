"""`nudge why` and `nudge why-not` against an API that is really served."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from infra.cli.main import application
from tests.integration.history.conftest import Told
from tests.support.services import free_port


@pytest.fixture(scope="module")
def base_url(told: Told) -> Iterator[str]:
    port = free_port()
    config = uvicorn.Config(
        told.story.api.client.app, host="127.0.0.1", port=port, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def nudge(told: Told, base_url: str, *arguments: str) -> Result:
    given = ["--base-url", base_url, "--api-key", told.story.api.tenant.api_key]
    return CliRunner().invoke(
        application(["infra.cli.why"]), [*arguments, *given], env={"COLUMNS": "200"}
    )


def test_why_prints_the_chain_line_by_line(told: Told, base_url: str) -> None:
    delivery = told.story.delivery(told.main, told.story.people["good"][0])

    shown = nudge(told, base_url, "why", "delivery", delivery)

    assert shown.exit_code == 0, shown.stdout
    assert "Win back Vienna" in shown.stdout
    assert 'attributes.city eq "Vienna": was "Vienna", met' in shown.stdout
    assert shown.stdout.index("sentence") < shown.stdout.index("approval")
    assert shown.stdout.index("approval") < shown.stdout.index("webhook")


def test_why_as_json_is_what_the_api_says(told: Told, base_url: str) -> None:
    delivery = told.story.delivery(told.main, told.story.people["good"][1])
    shown = nudge(told, base_url, "why", "delivery", delivery, "--json")
    api = told.story.api.get(f"/v1/deliveries/{delivery}/why").json()
    assert json.loads(shown.stdout) == api


def test_why_not_says_the_reason_and_its_event(told: Told, base_url: str) -> None:
    contact = told.story.people["no_consent"][0]
    asked = ("why-not", "--campaign", told.main, "--contact", contact)

    shown = nudge(told, base_url, *asked)

    assert shown.exit_code == 0, shown.stdout
    assert "The contact has not agreed to be mailed. (no_consent, e-mail 1)" in shown.stdout
    assert "ConsentRecorded" in shown.stdout
    as_json = json.loads(nudge(told, base_url, *asked, "--json").stdout)
    assert as_json["reason"]["code"] == "no_consent"


def test_why_not_of_somebody_who_got_it_says_so(told: Told, base_url: str) -> None:
    contact = told.story.people["good"][0]
    asked = ("why-not", "--campaign", told.main, "--contact", contact, "--step", "1")
    assert "It was sent: delivery" in nudge(told, base_url, *asked).stdout


def test_a_moment_that_cannot_be_read_ends_with_its_code(told: Told, base_url: str) -> None:
    delivery = told.story.delivery(told.main, told.story.people["good"][0])
    shown = nudge(told, base_url, "why", "delivery", delivery, "--as-of", "yesterday")
    assert shown.exit_code == 1
    assert "invalid_as_of" in shown.output
