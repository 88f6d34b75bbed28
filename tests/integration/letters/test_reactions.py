"""A letter of the reactions, retried: what follows happens once, and in its stream's order."""

from __future__ import annotations

from domain.organization.dead_letter import INSTALLATION
from infra.letters.reading import Letter
from projections.batch import Batch, Record
from tests.integration.letters.conftest import Desk


def put_aside(desk: Desk, event_type: str) -> Letter:
    """The reactions come to an event of this type, cannot handle it, and pass over it."""
    found: Letter | None = None
    for batch in desk.news():
        for record in batch.records:
            one = Batch(batch.topic, batch.partition, (record,))
            if record.headers["type"].decode() == event_type:
                desk.story.reactions.skip(one)
                desk.box.put(record, consumer="reactions", reason="a mistake", trace="")
                found = desk.box.letters[-1]
            elif batch.topic in desk.story.reactions.topics:
                desk.story.reactions.handle(one)
    assert found is not None
    return found


def run_of(desk: Desk, campaign: str) -> list[tuple[str]]:
    return desk.story.sql.execute(
        "SELECT state FROM state.runs WHERE campaign_id = %s", (campaign,)
    ).fetchall()


def approved_in_silence(desk: Desk) -> str:
    """A draft, approved while nobody reacts."""
    story = desk.story
    story.contacts("good", 3)
    campaign = story.drafted()
    rest, story.rest = story.rest, story.api.project  # type: ignore[method-assign]
    story.approve(campaign)
    story.rest = rest  # type: ignore[method-assign]
    return campaign


def test_an_approval_that_is_retried_starts_its_campaign_once(desk: Desk) -> None:
    campaign = approved_in_silence(desk)
    letter = put_aside(desk, "CampaignApproved")
    desk.story.rest()
    assert run_of(desk, campaign) == []

    assert desk.with_views().retry(letter).failure is None
    desk.story.rest()

    assert run_of(desk, campaign) == [("running",)]
    sends = desk.story.sql.execute("SELECT count(*) FROM state.sends").fetchone()
    started = desk.story.sql.execute(
        "SELECT count(*) FROM log.events WHERE type IN ('WorkflowRunStarted', 'SendingStarted')"
    ).fetchone()
    assert (sends, started) == ((3,), (2,))


def test_an_approval_retried_after_the_cancellation_that_followed_it_sends_nothing(
    desk: Desk,
) -> None:
    campaign = approved_in_silence(desk)
    letter = put_aside(desk, "CampaignApproved")
    desk.story.change(campaign, lambda c: c.cancel(desk.story.meta()))
    assert run_of(desk, campaign) == []

    assert desk.with_views().retry(letter).failure is None
    desk.story.rest()

    assert run_of(desk, campaign) == [("cancelled",)]
    assert desk.story.sql.execute("SELECT count(*) FROM state.sends").fetchone() == (0,)


def test_a_pause_retried_after_the_resumption_that_followed_it_pauses_nothing(desk: Desk) -> None:
    story = desk.story
    campaign = approved_in_silence(desk)
    story.rest()
    rest, story.rest = story.rest, story.api.project  # type: ignore[method-assign]
    story.change(campaign, lambda c: c.pause(story.meta()))
    story.rest = rest  # type: ignore[method-assign]
    letter = put_aside(desk, "CampaignPaused")
    story.change(campaign, lambda c: c.resume(story.meta()))

    assert desk.with_views().retry(letter).failure is None

    assert run_of(desk, campaign) == [("running",)]


def test_a_webhook_that_is_retried_is_recorded_once(desk: Desk) -> None:
    story = desk.story
    people = story.contacts("good", 1)
    campaign = story.drafted()
    story.approve(campaign)
    story.send(campaign, lambda _: "accepted")
    raw = story._letter("Delivery", campaign, people[0], {})
    story.reactions.skip(Batch(raw.topic, raw.partition, (raw,)))
    desk.box.put(raw, consumer="reactions", reason="a mistake", trace="")
    (letter,) = desk.open()

    assert desk.with_views().retry(letter).failure is None
    story.webhook("Delivery", campaign, people, ID=raw.offset - 1)  # the provider posts it again
    story.rest()

    delivered = story.sql.execute(
        "SELECT count(*) FROM log.events WHERE type = 'Delivered'"
    ).fetchone()
    assert delivered == (1,)


def test_a_webhook_nobody_can_read_stays_a_letter_and_is_the_installations(desk: Desk) -> None:
    raw = Record("postmark-webhooks", 0, 5, None, b"no json", {"organization": b"nobody"})
    desk.story.reactions.skip(Batch(raw.topic, raw.partition, (raw,)))
    desk.box.put(raw, consumer="reactions", reason="first", trace="")
    (letter,) = desk.open()

    outcome = desk.with_views().retry(letter)

    assert outcome.failure is not None
    assert outcome.failure.startswith("UnreadableWebhookError")
    (again,) = desk.open()
    desk.with_views().drop(again, "noise")
    assert desk.open() == []
    assert {organization for _, _, organization in desk.decisions()} == {str(INSTALLATION)}
