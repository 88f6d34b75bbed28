"""One long story, told once for all tests that only read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from domain.contact.commands import SuppressionReason
from tests.conftest import fresh_database
from tests.support.api import running_api
from tests.support.services import Services
from tests.support.story import Story

DAY = timedelta(days=1)
ACCEPTED = ("good", "bounced", "complained_later")
SENT_AS = {**dict.fromkeys(ACCEPTED, "accepted"), "found": "ambiguous", "lost": "ambiguous"}
"""What the provider answers to each kind of contact, where it is not the kind's own name."""


SUPPRESSED: tuple[SuppressionReason, ...] = (
    "unsubscribed", "hard_bounced", "complained", "inactive_at_provider",
)  # fmt: skip


@dataclass
class Told:
    """The story, and the campaigns in it by what became of them."""

    story: Story
    conversation: str
    main: str
    others: dict[str, str]


def tell(story: Story) -> Told:
    """Somebody asks for a campaign to customers in Vienna; some other campaigns go nowhere."""
    _people(story)
    conversation = story.conversation()
    turn, said = story.say(conversation, "Win back Vienna", "create_campaign")
    main = story.drafted((conversation, turn, said), delays=(timedelta(), DAY))
    story.mark("drafted")
    story.say(conversation, "Make it friendlier", "modify_campaign")
    story.revise(main)
    _, yes = story.say(conversation, "Yes, send it", "approve_campaign")
    story.approve(main, yes)
    story.mark("expanded")
    _happens_before_sending(story)
    others = _others(story)
    story.send(main, lambda contact: _answer(story, contact))
    story.mark("sent")
    story.look_up(lambda contact: contact in story.people["found"])
    story.webhook("Bounce", main, story.people["bounced"], Type="SoftBounce", Inactive=False)
    story.webhook("Delivery", main, story.people["good"][:40])
    story.webhook("Open", main, story.people["good"][:40], FirstOpen=True, UserAgent="x")
    story.mark("told")
    return Told(story, str(conversation), main, others)


def _people(story: Story) -> None:
    story.contacts("good", 150)
    for kind in ("refused", "returned", "found", "lost", "bounced"):
        story.contacts(kind, 6)
    story.contacts("no_consent", 8, consent="unknown")
    for kind in SUPPRESSED:
        story.contacts(kind, 4)
    story.contacts("deleted_after", 3)
    story.contacts("deleted_before", 3)
    story.contacts("elsewhere", 8, city="Graz")
    for contact in story.people["deleted_before"]:
        assert story.api.request("DELETE", f"/v1/contacts/{contact}").status_code == 204


def _happens_before_sending(story: Story) -> None:
    story.contacts("added_later", 4)
    for kind in SUPPRESSED:
        story.suppress(story.people[kind], kind)
    for contact in story.people["deleted_after"]:
        assert story.api.request("DELETE", f"/v1/contacts/{contact}").status_code == 204
    for contact in story.people["elsewhere"][:4]:  # moved to Vienna, but too late
        moved = story.api.patch(f"/v1/contacts/{contact}", {"attributes": {"city": "Vienna"}})
        assert moved.status_code == 200
    story.rest()


def _others(story: Story) -> dict[str, str]:
    made = {name: story.drafted() for name in ("never_approved", "rejected", "approval_lapsed")}
    story.change(made["rejected"], lambda c: c.reject("", story.meta()))
    later = datetime.now(UTC) + DAY
    for name in ("paused", "cancelled", "not_due"):
        made[name] = story.drafted(schedule_at=later)
        story.approve(made[name])
    lapsed = story.drafted(schedule_at=later)
    story.approve(lapsed)
    story.revise(lapsed)
    made["approval_lapsed"] = lapsed
    story.change(made["paused"], lambda c: c.pause(story.meta()))
    story.change(made["cancelled"], lambda c: c.cancel(story.meta()))
    stopped = made["stopped"] = story.drafted()
    story.approve(stopped)
    story.change(stopped, lambda c: c.cancel(story.meta()))
    return made


def _answer(story: Story, contact: str) -> str:
    kind = next(kind for kind, ids in story.people.items() if contact in ids)
    return SENT_AS.get(kind, kind)


@pytest.fixture(scope="package")
def told(stack: Services) -> Iterator[Told]:
    with fresh_database(stack) as database, running_api(stack, database) as api:
        story = Story(api)
        yield tell(story)
        story.close()
