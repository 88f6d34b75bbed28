"""`nudge projections` and `nudge verify`, as a person and as a program use them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra.cli.main import application
from tests.benchmarks.workload import delivery_events
from tests.support.rebuilding import Models
from tests.support.services import Services, environment_of


class Terminal:
    """Commands against the test's own database."""

    def __init__(self, stack: Services, world: Models) -> None:
        self._environment = {
            **environment_of(stack.settings),
            "NUDGE_POSTGRES_URL": world.database.owner_url,
            "NUDGE_POSTGRES_WORKER_URL": world.database.worker_url,
            "NUDGE_POSTGRES_API_URL": world.database.api_url,
            "NUDGE_SECRET_KEY_FILE": str(world.access.master_key_file),
            "NUDGE_MASTER_KEY_FILE": str(world.access.master_key_file),
            "COLUMNS": "200",
        }

    def __call__(self, *arguments: str) -> Result:
        made = application(["infra.cli.projections", "infra.cli.verify"])
        return CliRunner().invoke(made, list(arguments), env=self._environment)

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def nudge(stack: Services, world: Models) -> Terminal:
    world.append(delivery_events(2_000))
    world.live()
    return Terminal(stack, world)


def test_from_rebuild_to_rollback(nudge: Terminal, world: Models) -> None:
    assert nudge("projections", "list").exit_code == 0
    names = {each["name"]: each["shadow"] for each in nudge.json("projections", "list")}
    assert names["deliveries"] == names["clickhouse.events"] == ""

    built = nudge("projections", "rebuild", "deliveries")
    assert built.exit_code == 0, built.output
    assert "2,000 events" in built.output
    assert "follows the live one" in built.output
    status = nudge.json("projections", "status")
    assert [(s["name"], s["state"], s["up_to_date"]) for s in status] == [
        ("deliveries", "following", True)
    ]
    assert "the same" in nudge("projections", "diff", "deliveries").output
    assert nudge("projections", "swap", "deliveries").exit_code == 0
    assert "swapped" in nudge("projections", "status").output
    assert nudge.json("projections", "rollback", "deliveries")["done"] == "rolled back"
    assert nudge("projections", "discard", "deliveries").exit_code == 0
    assert "no shadows" in nudge("projections", "status").output


def test_a_difference_is_shown_and_ends_with_one(nudge: Terminal, world: Models) -> None:
    nudge("projections", "rebuild", "deliveries", "--json")
    world.conn.execute(
        "UPDATE views.deliveries SET clicked = 7 WHERE id ="
        " (SELECT id FROM views.deliveries ORDER BY id LIMIT 1)"
    )

    shown = nudge("projections", "diff", "deliveries")
    told = nudge.json("projections", "diff", "deliveries")

    assert shown.exit_code == 1
    assert "clicked: live 7, shadow 0" in shown.output
    assert told["same"] is False
    assert told["differences"][0]["columns"] == {"clicked": {"live": 7, "shadow": 0}}
    assert told["differences"][0]["event"]["type"]


_REFUSED = {
    ("rebuild", "people"): "there is no read model people",
    ("rebuild", "clickhouse.people"): "there is no read model clickhouse.people",
    ("swap", "deliveries"): "has no shadow",
    ("rollback", "deliveries"): "has no shadow",
    ("diff", "deliveries"): "nothing to compare with",
    ("rebuild", "deliveries", "--as-of", "9999"): "in the future: the log ends at 2000",
}


def test_refusals_are_one_line(nudge: Terminal) -> None:
    for arguments, message in _REFUSED.items():
        refused = nudge("projections", *arguments)

        assert refused.exit_code == 1
        assert message in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
        assert refused.stdout == ""


def test_verify_names_the_event_and_heals(nudge: Terminal, world: Models) -> None:
    assert nudge("verify", "--store", "postgres").exit_code == 0
    world.conn.execute(
        "DELETE FROM views.deliveries WHERE id ="
        " (SELECT stream_id FROM log.events WHERE position = 5)"
    )

    found = nudge("verify", "--store", "postgres")
    assert found.exit_code == 1
    assert "the first event that differs: position 5, DeliveryIntended" in found.output
    healed = nudge("verify", "--store", "postgres", "--heal", "--json")
    assert healed.exit_code == 0, healed.output
    told = json.loads(healed.stdout)
    assert (told["healed"], told["left"]) == (["deliveries"], 0)
    assert told["first"]["position"] == 5
    assert nudge("verify", "--store", "postgres").exit_code == 0
    unknown = nudge("verify", "--store", "redis")
    assert unknown.exit_code == 2
    assert "no store redis" in unknown.output
