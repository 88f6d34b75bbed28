"""Deliveries in doubt over HTTP and on the command line: listed, sent again, closed."""

from __future__ import annotations

import json
import uuid
from contextlib import nullcontext
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.delivery.ids import delivery_id
from infra.cli import sends
from infra.cli.main import application
from tests.integration.api.test_campaign_actions import approved
from tests.integration.api.test_campaign_runs import claim, delivery_event
from tests.support.api import Api


def in_doubt(api: Api, *states: str) -> tuple[str, list[str]]:
    """A campaign with a delivery in each state; its id and theirs."""
    campaign, found = approved(api)["id"], []
    for number, state in enumerate(states):
        contact = api.contact(f"ada{number}@example.com")
        batch = claim(api, campaign, contact)
        found.append(delivery_id(campaign, 1, contact))
        told = [("DeliveryAmbiguous", {"reason": "deadline"})]
        told += [("DeliveryHeld", {})] if state == "held" else []
        api.append(
            *(
                delivery_event(api, campaign, contact, version, kind, batch_id=batch, **data)
                for version, (kind, data) in enumerate(told, 3)
            )
        )
        with api.worker.pool.connection() as connection:
            connection.execute(
                "UPDATE state.sends SET state = %s, version = %s WHERE delivery_id = %s",
                (state, 2 + len(told), found[-1]),
            )
    return campaign, found


def listed(api: Api, query: str = "", **more: Any) -> list[str]:
    answer = api.get(f"/v1/deliveries{query}", **more)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


def test_what_is_in_doubt_is_listed_by_state_and_campaign(api: Api) -> None:
    campaign, (ambiguous, held) = in_doubt(api, "ambiguous", "held")
    assert set(listed(api)) == {ambiguous, held}
    assert listed(api, "?state=held") == [held]
    assert listed(api, f"?state=ambiguous&campaign_id={campaign}") == [ambiguous]
    assert listed(api, f"?campaign_id={uuid.uuid4()}") == []
    shown = api.get("/v1/deliveries?state=ambiguous").json()["items"][0]
    assert shown["next_lookup_at"] is not None
    assert (shown["state"], shown["lookups"], shown["campaign_id"]) == ("ambiguous", 0, campaign)
    assert api.get("/v1/deliveries?state=accepted").status_code == 422


def test_a_held_delivery_is_released_or_closed_once(api: Api) -> None:
    campaign, (again, never) = in_doubt(api, "held", "held")
    released = api.post(f"/v1/deliveries/{again}/resend")
    closed = api.post(f"/v1/deliveries/{never}/close")
    assert (released.status_code, released.json()) == (200, {"id": again, "state": "intended"})
    assert (closed.status_code, closed.json()) == (200, {"id": never, "state": "withheld"})
    assert released.headers["Nudge-Position"]
    shown = api.get(f"/v1/deliveries/{never}").json()
    assert (shown["state"], shown["withheld_reason"]) == ("withheld", "given_up")
    assert shown["history"][-1]["event"] == "DeliveryClosed"
    assert shown["history"][1]["details"]["proof_position"] == 1
    metrics = api.get(f"/v1/campaigns/{campaign}").json()["metrics"]
    assert (metrics["intended"], metrics["withheld"], metrics["held"]) == (2, 1, 0)
    for what in ("resend", "close"):
        refused = api.post(f"/v1/deliveries/{again}/{what}")
        assert (refused.status_code, refused.json()["code"]) == (409, "not_held")
    assert listed(api) == []


def test_another_organization_neither_sees_nor_decides(api: Api) -> None:
    _, (held,) = in_doubt(api, "held")
    stranger = api.new_tenant().api_key
    assert listed(api, key=stranger) == []
    for what in ("resend", "close"):
        assert api.post(f"/v1/deliveries/{held}/{what}", key=stranger).status_code == 404
    assert listed(api) == [held]


def test_a_decision_about_nothing_is_404_and_about_no_id_422(api: Api) -> None:
    assert api.post(f"/v1/deliveries/{uuid.uuid4()}/resend").status_code == 404
    assert api.post("/v1/deliveries/seven/close").status_code == 422


# --- the command line --------------------------------------------------------------------------


@pytest.fixture
def nudge(api: Api, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`nudge(*arguments)` against this API; what it printed."""
    monkeypatch.setattr(sends, "client_of", lambda to: _as_tenant(api, to.headers))

    def run(*arguments: str, code: int = 0) -> str:
        given = [*arguments, "--api-key", api.tenant.api_key]
        ran = CliRunner().invoke(application(["infra.cli.sends"]), given)
        assert ran.exit_code == code, ran.output
        return ran.output if code else ran.stdout

    return run


def _as_tenant(api: Api, headers: dict[str, str]) -> Any:
    api.client.headers.update(headers)
    return nullcontext(api.client)


def test_the_command_line_lists_resends_and_closes(api: Api, nudge: Any) -> None:
    campaign, (ambiguous, first, second) = in_doubt(api, "ambiguous", "held", "held")
    shown = json.loads(nudge("sends", "ambiguous", "--json"))
    assert {each["id"] for each in shown["items"]} == {ambiguous, first, second}
    assert "held" in nudge("sends", "ambiguous")
    assert "say --yes" in nudge("sends", "resend", first, "--json", code=2)
    assert sorted(listed(api)) == sorted([ambiguous, first, second])
    assert json.loads(nudge("sends", "resend", first, "--json", "--yes"))["items"] == [
        {"id": first, "state": "intended"}
    ]
    assert "1 decided" in nudge("sends", "close", "--campaign", campaign, "--yes")
    assert listed(api) == [ambiguous]
    nudge("sends", "resend", ambiguous, "--yes", code=1)
    nudge("sends", "close", code=1)
