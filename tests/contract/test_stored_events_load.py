"""What an aggregate recorded comes back from its stored bytes, also once its keys are gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from domain.access.permissions import EVERYTHING
from domain.campaign.commands import RequestTest
from domain.campaign.decisions import workflow_graph
from domain.contact.commands import Suppress
from domain.conversation.commands import Position, Recognise, Reply
from domain.conversation.values import Mention
from domain.people.commands import Invite, RegisterUser
from domain.people.invitation import Invitation
from domain.people.session import Session
from domain.people.user import User
from domain.shared.aggregate import Root
from domain.shared.meta import event_id
from domain.workflow.generate import generate
from infra.event_store import domain_event_of, draft_of
from schemas.codec import Codec
from schemas.registry import default_registry
from tests.unit.domain import made
from tests.unit.domain.made import HMAC, META, NOW, OTHER_HMAC

CODEC = Codec(default_registry(), os.urandom)


class EveryKey:
    """A key for every subject, made when first asked for."""

    def __init__(self) -> None:
        self.made: dict[str, bytes] = {}

    def keys_of(self, subjects: Iterable[str]) -> Mapping[str, bytes]:
        return {s: self.made.setdefault(s, os.urandom(32)) for s in subjects}


class NoKeys:
    """Everybody is erased."""

    def keys_of(self, _subjects: Iterable[str]) -> Mapping[str, bytes]:
        return {}


def contact() -> Root:
    contact = made.contact()
    contact.revise(made.details(first_name="Augusta"), HMAC, META)
    contact.suppress(Suppress("hard_bounced", "webhook", uuid4()), META)
    contact.revise(made.details(email="b@example.com"), OTHER_HMAC, META)
    contact.delete(META)
    return contact


def campaign() -> Root:
    campaign = made.drafted()
    changed = made.content(emails=3, schedule_at=made.later(days=1).now)
    campaign.revise(changed, workflow_graph(changed), META)
    campaign.request_test(RequestTest(uuid4(), uuid4(), "ada@example.com", 2), META)
    campaign.approve_first(campaign.content_hash, 5, 2, META)
    campaign.approve(campaign.content_hash, META)
    campaign.pause(META)
    campaign.resume(META)
    campaign.start_sending(1, META)
    campaign.complete(5, META)
    return campaign


def conversation() -> Root:
    talk = made.conversation()
    turn_id = uuid4()
    mentions = (Mention(uuid4()), Mention(uuid4(), "a@b.de"))
    talk.receive_turn(turn_id, "mail them", mentions, EVERYTHING, META)
    talk.recognise(Recognise(turn_id, "create_campaign", 1, "offline", 3, "win_back"), META)
    positions = (Position("campaign-events", 1, 8),)
    talk.reply(Reply(turn_id, "Look", 9, {}, uuid4(), "h", positions), META)
    talk.revise_context({"page": "home"}, META)
    return talk


def workflow() -> Root:
    workflow = made.workflow(1)
    workflow.regenerated(generate("immediate", made.content(emails=2).delays, version=2), META)
    workflow.start_run(7, META)
    workflow.schedule_step(2, NOW, META)
    workflow.expand_step(1, 5, META)
    workflow.end_run("completed", META)
    return workflow


def user() -> Root:
    user = User.register(RegisterUser(uuid4(), "ada@example.com", "Ada", "marketer", uuid4()), META)
    user.change_role("owner", 1, META)
    user.change_password("reset", META)
    user.remove(1, META)
    return user


def invitation() -> Root:
    invite = Invite(uuid4(), uuid4(), "ada@example.com", "analyst", made.later(days=7).now)
    invitation = Invitation.create(invite, META)
    invitation.accept(META, inviter_left=False)
    return invitation


def session() -> Root:
    session = Session.start(uuid4(), uuid4(), "password", META)
    session.end("logged_out", META)
    return session


def stored(event: Any, keys: EveryKey) -> bytes:
    draft = draft_of(event)
    meta = {
        "event_id": event_id(UUID(draft.stream_id), draft.version),
        "organization_id": UUID(draft.organization_id),
        "stream_id": UUID(draft.stream_id),
        "stream_version": draft.version,
        "occurred_at": draft.now,
        "actor": draft.actor,
        "correlation_id": UUID(draft.correlation_id),
        "causation_id": UUID(draft.causation_id),
    }
    found = keys.keys_of(CODEC.subjects(draft.type, meta, draft.data))
    return CODEC.encode(draft.type, meta, draft.data, found, rich=True)


def loaded(values: list[bytes], keys: EveryKey | NoKeys) -> Any:
    again: Any = None
    for value in values:
        event = cast("Any", domain_event_of(CODEC.decode(value, 0, keys, rich=True)))
        again = event.mutate(again)
    return again


EACH = pytest.mark.parametrize(
    "make", [contact, campaign, conversation, workflow, user, invitation, session]
)


@EACH
def test_an_aggregate_is_the_same_from_its_stored_bytes(make: Callable[[], Root]) -> None:
    live, keys = make(), EveryKey()
    values = [stored(event, keys) for event in live.collect_events()]
    assert vars(loaded(values, keys)) == vars(live)


@EACH
def test_an_aggregate_loads_when_nothing_of_it_can_be_read(make: Callable[[], Root]) -> None:
    live, keys = make(), EveryKey()
    values = [stored(event, keys) for event in live.collect_events()]
    assert loaded(values, NoKeys()).version == live.version


def test_erased_texts_read_as_nothing() -> None:
    keys = EveryKey()
    live = made.contact()
    person = loaded([stored(e, keys) for e in live.collect_events()], NoKeys()).details
    assert (person.email, person.attributes, person.tags) == ("", {}, ())
    draft = made.drafted()
    content = loaded([stored(e, keys) for e in draft.collect_events()], NoKeys()).content
    assert (content.name, content.emails, content.sender.complete) == ("", (), False)
