"""Random histories of every aggregate: replay is live, and a refusal leaves nothing behind."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.access.permissions import EVERYTHING
from domain.campaign.aggregate import Campaign
from domain.campaign.commands import RequestTest
from domain.campaign.decisions import workflow_graph
from domain.contact.aggregate import Contact
from domain.contact.commands import Suppress
from domain.contact.decisions import RANK
from domain.contact.values import UNKNOWN, Consent
from domain.conversation.aggregate import Conversation
from domain.conversation.commands import Recognise, Reply
from domain.shared.aggregate import Root
from domain.shared.errors import DomainError
from domain.workflow.aggregate import Workflow
from domain.workflow.generate import generate
from tests.unit.domain import made
from tests.unit.domain.made import GRANTED, HMAC, META, NOW, OTHER_HMAC, later

Act = Callable[[Any], Any]
IDS = st.sampled_from([UUID(int=n) for n in range(1, 6)])


def contact_acts() -> st.SearchStrategy[Act]:
    consents = [UNKNOWN, GRANTED, Consent("withdrawn", "mail"), Consent("granted", "x", NOW)]
    details = [made.details(), made.details(first_name="A"), made.details(tags=[])]
    addresses = st.sampled_from([HMAC, OTHER_HMAC])
    return st.one_of(
        st.builds(lambda d, h: lambda c: c.revise(d, h, META), st.sampled_from(details), addresses),
        st.builds(lambda x: lambda c: c.record_consent(x, META), st.sampled_from(consents)),
        st.builds(
            lambda r: lambda c: c.suppress(Suppress(r, "webhook"), META), st.sampled_from([*RANK])
        ),
        st.builds(
            lambda p: lambda c: c.reactivate("webhook", META, by_the_person=p), st.booleans()
        ),
        st.sampled_from([lambda c: c.delete(META)]),
    )


def campaign_acts() -> st.SearchStrategy[Act]:
    contents = [
        made.content(),
        made.content(subject="B"),
        made.content(emails=3),
        made.content(schedule_at=later(days=1).now),
    ]
    hashes = st.sampled_from([None, "0" * 64])
    metas = st.sampled_from([META, later(days=2)])
    simple: list[Act] = [
        lambda c: c.reject("", META),
        lambda c: c.pause(META),
        lambda c: c.resume(META),
        lambda c: c.cancel(META),
        lambda c: c.start_sending(1, META),
        lambda c: c.complete(3, META),
        lambda c: c.request_test(RequestTest(UUID(int=1), UUID(int=2), "a@example.com", 2), META),
    ]
    return st.one_of(
        st.builds(
            lambda x, m: lambda c: c.revise(x, workflow_graph(x), m),
            st.sampled_from(contents),
            metas,
        ),
        st.builds(lambda h, m: lambda c: c.approve(h or c.content_hash, m), hashes, metas),
        st.sampled_from(simple),
    )


def conversation_acts() -> st.SearchStrategy[Act]:
    shown = st.sampled_from([(None, None), (UUID(int=9), "h1"), (UUID(int=9), None)])
    intents = st.sampled_from(["help", "create_campaign", "make_coffee"])
    return st.one_of(
        st.builds(lambda t: lambda c: c.receive_turn(t, "hello", (), EVERYTHING, META), IDS),
        st.builds(
            lambda t, i: lambda c: c.recognise(Recognise(t, i, 0.5, "offline", 1), META),
            IDS,
            intents,
        ),
        st.builds(
            lambda t, s: (
                lambda c: c.reply(Reply(t, "yes", 1, campaign_id=s[0], content_hash=s[1]), META)
            ),
            IDS,
            shown,
        ),
        st.builds(lambda n: lambda c: c.revise_context({"n": n}, META), st.integers(0, 2)),
    )


def workflow_acts() -> st.SearchStrategy[Act]:
    steps, small = st.integers(0, 4), st.integers(0, 4)
    return st.one_of(
        st.builds(
            lambda n, v: (
                lambda w: w.regenerated(
                    generate("immediate", made.content(emails=n).delays, version=v), META
                )
            ),
            st.integers(1, 3),
            st.integers(1, 5),
        ),
        st.builds(lambda p: lambda w: w.start_run(p, META), small),
        st.builds(lambda s, d: lambda w: w.schedule_step(s, later(days=d).now, META), steps, small),
        st.builds(lambda s, n: lambda w: w.expand_step(s, n, META), steps, small),
        st.sampled_from([lambda w: w.end_run("completed", META)]),
    )


def play(aggregate: Root, acts: Sequence[Act]) -> list[Any]:
    """Try every act; everything recorded. A refused one must leave no trace."""
    recorded = list(aggregate.collect_events())
    for act in acts:
        before = copy.deepcopy(vars(aggregate))
        try:
            act(aggregate)
        except DomainError:
            assert vars(aggregate) == before
        recorded += aggregate.collect_events()
    return recorded


def replayed(events: Sequence[Any]) -> Any:
    """The aggregate that copies of its events alone make."""
    again: Any = None
    for event in copy.deepcopy(list(events)):
        again = event.mutate(again)
    return again


def check(aggregate: Root, acts: Sequence[Act]) -> None:
    events = play(aggregate, acts)
    assert [event.originator_version for event in events] == list(range(1, len(events) + 1))
    assert vars(replayed(events)) == vars(aggregate)


@settings(max_examples=60, deadline=None)
@given(st.lists(contact_acts(), max_size=15))
def test_a_contact_is_its_history(acts: list[Act]) -> None:
    contact: Contact = made.contact()
    check(contact, acts)


@settings(max_examples=60, deadline=None)
@given(st.lists(campaign_acts(), max_size=20))
def test_a_campaign_is_its_history(acts: list[Act]) -> None:
    campaign: Campaign = made.drafted()
    check(campaign, acts)


@settings(max_examples=60, deadline=None)
@given(st.lists(conversation_acts(), max_size=20))
def test_a_conversation_is_its_history(acts: list[Act]) -> None:
    conversation: Conversation = made.conversation()
    check(conversation, acts)


@settings(max_examples=60, deadline=None)
@given(st.lists(workflow_acts(), max_size=20))
def test_a_workflow_is_its_history(acts: list[Act]) -> None:
    workflow: Workflow = made.workflow()
    check(workflow, acts)


@settings(max_examples=60, deadline=None)
@given(st.lists(campaign_acts(), max_size=20))
def test_nothing_starts_without_an_approval_of_exactly_this_content(acts: list[Act]) -> None:
    campaign = made.drafted()
    approved: str | None = None
    for event in play(campaign, acts):
        match event:
            case Campaign.Approved():
                approved = event.content_hash
            case Campaign.Revised():
                approved = None
            case Campaign.SendingStarted():
                assert approved is not None
    if campaign.started:
        assert campaign.content_hash == approved
