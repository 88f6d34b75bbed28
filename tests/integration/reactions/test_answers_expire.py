"""Answers kept for repeated requests are gone after a day, though nobody asks again."""

from __future__ import annotations

from tests.integration.reactions.conftest import World

_KEPT = "INSERT INTO state.idempotency (organization_id, key, request_hash, created_at) VALUES"


def test_an_answer_is_kept_for_a_day_and_no_longer(world: World) -> None:
    for key, age in (("old", "25 hours"), ("new", "23 hours")):
        world.sql.execute(
            f"{_KEPT} (%s, %s, '', now() - %s::interval)".encode(), (world.organization, key, age)
        )

    world.run()

    assert world.rows("SELECT key FROM state.idempotency") == [("new",)]
