"""A letter of the projections, retried: its row is what it would be had nothing gone wrong."""

from __future__ import annotations

from typing import Any

import pytest

from domain.shared.errors import RuleViolatedError
from infra.letters.reading import Letter
from projections.postgres.refolding import NotPassedError
from projections.postgres.view import View
from projections.postgres.views import deliveries
from projections.postgres.writer import ProjectionWriter
from schemas.codec import Event
from streams.guard import Guard
from tests.integration.letters.conftest import Desk, broken, views_with
from tests.support.cold_replay import ColdReplay


def consumed(desk: Desk, views: tuple[View[Any], ...]) -> None:
    """The projections take what is new, behind their guard."""
    api = desk.story.api
    writer = ProjectionWriter(
        api.worker.pool.connection, api.worker.codec, api.worker.keys, views=views
    )
    api.writer = writer
    guard = Guard(writer, desk.box)

    class Guarded:
        def handle(self, batch: Any) -> None:
            guard.process(batch)

    api.writer = Guarded()  # type: ignore[assignment]
    api.project()


def sent_with_a_broken_fold(desk: Desk) -> tuple[str, str]:
    """A campaign sent while the fold of acceptances was broken for one delivery."""
    story = desk.story
    people = story.contacts("good", 3)
    campaign = story.drafted()
    story.approve(campaign)
    victim = story.delivery(campaign, people[0])

    def at(event: Event) -> bool:
        return event.stream_id == victim and event.type == "DeliveryAccepted"

    views = views_with("deliveries", broken(deliveries.VIEW, at))
    rest, story.rest = story.rest, lambda: None  # type: ignore[method-assign]
    story.send(campaign, lambda _: "accepted")
    consumed(desk, views)
    story.rest = rest  # type: ignore[method-assign]
    story.webhook("Delivery", campaign, people)
    return campaign, victim


def row(desk: Desk, delivery: str) -> dict[str, Any]:
    shown: dict[str, Any] = desk.story.api.get(f"/v1/deliveries/{delivery}").json()
    return shown


def accepted(desk: Desk, campaign: str) -> int:
    return int(desk.story.api.get(f"/v1/campaigns/{campaign}").json()["metrics"]["accepted"])


def test_a_retried_event_takes_its_place_before_those_that_came_after_it(desk: Desk) -> None:
    campaign, victim = sent_with_a_broken_fold(desk)
    (letter,) = desk.open()
    assert letter.reason == "BrokenFoldError: a mistake"
    assert (row(desk, victim)["state"], accepted(desk, campaign)) == ("delivered", 2)
    assert row(desk, victim)["message_id"] is None

    outcome = desk.with_views().retry(letter)

    assert outcome.failure is None
    assert (row(desk, victim)["state"], accepted(desk, campaign)) == ("delivered", 3)
    assert row(desk, victim)["message_id"] is not None
    assert desk.open() == []
    organization = desk.story.api.tenant.organization_id
    assert desk.decisions() == [
        ("DeadLetterTakenUp", "operator:ada", organization),
        ("DeadLetterRetried", "operator:ada", organization),
    ]


def test_all_rows_are_then_those_of_a_cold_replay(desk: Desk) -> None:
    campaign, _ = sent_with_a_broken_fold(desk)
    (letter,) = desk.open()
    desk.with_views().retry(letter)
    story, core = desk.story, desk.story.api.worker
    organization = story.api.tenant.organization_id
    cold = ColdReplay.of(core.codec, core.keys, story.rows(), organization, story.position)
    names = deliveries.DeliveryRow._fields
    rows = story.sql.execute(f"SELECT {', '.join(names)} FROM views.deliveries")  # noqa: S608
    assert {each[0]: deliveries.DeliveryRow(*each) for each in rows.fetchall()} == (
        cold.views().rows["deliveries"]
    )
    counted = cold.views().counters
    assert counted[campaign, 1, organization][2] == accepted(desk, campaign) == 3


def test_a_letter_is_retried_once(desk: Desk) -> None:
    campaign, _ = sent_with_a_broken_fold(desk)
    (letter,) = desk.open()
    desk.with_views().retry(letter)

    with pytest.raises(RuleViolatedError, match="decided"):
        desk.with_views().retry(letter)

    assert accepted(desk, campaign) == 3
    assert len(desk.decisions()) == 2


def test_a_retry_that_fails_again_stays_listed_with_its_new_reason(desk: Desk) -> None:
    campaign, victim = sent_with_a_broken_fold(desk)
    (letter,) = desk.open()
    still = broken(deliveries.VIEW, lambda event: event.type == "DeliveryAccepted", "still wrong")

    outcome = desk.with_views(views_with("deliveries", still)).retry(letter)

    assert outcome.failure == "BrokenFoldError: still wrong"
    (again,) = desk.open()
    assert (again.origin, again.reason) == (letter.origin, "BrokenFoldError: still wrong")
    assert again.offset > letter.offset
    assert "still wrong" in again.trace
    assert accepted(desk, campaign) == 2
    assert [event for event, _, _ in desk.decisions()] == ["DeadLetterTakenUp", "DeadLetterRetried"]

    assert desk.with_views().retry(again).failure is None
    assert row(desk, victim)["message_id"] is not None
    assert desk.open() == []


def test_a_dropped_letter_is_gone_with_an_event_that_says_who_and_why(desk: Desk) -> None:
    campaign, _ = sent_with_a_broken_fold(desk)
    (letter,) = desk.open()

    with pytest.raises(RuleViolatedError, match="why"):
        desk.with_views().drop(letter, " ")
    desk.with_views().drop(letter, "a test mail")

    assert desk.open() == []
    assert accepted(desk, campaign) == 2
    assert [event for event, _, _ in desk.decisions()] == ["DeadLetterTakenUp", "DeadLetterDropped"]
    with pytest.raises(RuleViolatedError, match="decided"):
        desk.with_views().retry(letter)


def test_a_record_that_its_consumer_has_not_passed_is_left_to_it(desk: Desk) -> None:
    sent_with_a_broken_fold(desk)
    (letter,) = desk.open()
    ahead = Letter(
        letter.offset, letter.record.__class__(
            letter.record.topic, letter.record.partition, 10**9, None, letter.record.value,
            letter.record.headers,
        ), "projections", "", "", letter.at,
    )  # fmt: skip
    with pytest.raises(NotPassedError):
        desk.with_views().retry(ahead)
    assert desk.decisions() == []
