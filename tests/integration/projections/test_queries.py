"""What the API reads, through the login that row-level security binds."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.postgres import Connection, connect
from projections.postgres.writer import ProjectionWriter
from projections.queries import (
    campaigns,
    contacts,
    conversations,
    deliveries,
    organizations,
    progress,
)
from projections.queries.audience import Audience, forecast, overlaps, without_attribute
from projections.queries.rows import Paging, QueryError
from schemas.codec import Codec, Event
from schemas.registry import default_registry
from tests.conftest import Database
from tests.support.histories import (
    ORGANIZATION,
    batch_of,
    history,
    identity,
    make_event,
    records,
)

OTHER = identity("another organization")
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
Project = Callable[[list[Event]], None]


@pytest.fixture
def project(writer: ProjectionWriter, codec: Codec) -> Project:
    def run(events: list[Event]) -> None:
        for partition, log in records(codec, events).items():
            writer.handle(batch_of(partition, log))

    return run


@pytest.fixture
def api(database: Database) -> Iterator[Connection]:
    connection = connect(database.api_url, autocommit=True)
    connection.execute("SELECT set_config('nudge.organization', %s, false)", (ORGANIZATION,))
    yield connection
    connection.close()


def test_an_organization_sees_its_own_rows_only(project: Project, api: Connection) -> None:
    mine, theirs = identity("mine"), identity("theirs")
    project(
        [
            make_event("BusinessAdded", mine, position=1),
            make_event("BusinessAdded", theirs, position=2, organization=OTHER),
        ]
    )
    assert organizations.get_business(api, theirs) is None
    assert [b["id"] for b in organizations.list_businesses(api, {}, Paging()).items] == [mine]
    first = organizations.first_business(api, ORGANIZATION)
    assert first is not None
    assert first["id"] == mine


def test_pages_and_cursors_walk_the_same_list(project: Project, api: Connection) -> None:
    ids = [identity(i) for i in range(7)]
    project([make_event("CampaignDrafted", each, position=i + 1) for i, each in enumerate(ids)])
    newest_first = ids[::-1]
    by_page = [
        row["id"]
        for page in (1, 2, 3)
        for row in campaigns.list_campaigns(api, {}, Paging(page=page, limit=3)).items
    ]
    assert by_page == newest_first
    walked, after = [], None
    while True:
        page = campaigns.list_campaigns(api, {"status": "draft"}, Paging(limit=3, after=after))
        walked += [row["id"] for row in page.items]
        assert page.total == 7
        after = page.next_after
        if after is None:
            break
    assert walked == newest_first


def test_a_list_refuses_what_it_does_not_know(api: Connection) -> None:
    with pytest.raises(QueryError) as refused:
        campaigns.list_campaigns(api, {}, Paging(sort="secret; DROP"))
    assert refused.value.field == "sort"
    with pytest.raises(QueryError) as refused:
        campaigns.list_campaigns(api, {"colour": "red"}, Paging())
    assert refused.value.field == "colour"
    with pytest.raises(QueryError) as refused:
        campaigns.list_campaigns(api, {}, Paging(after="1 OR true"))
    assert refused.value.field == "after"


def test_metrics_are_sums_and_zeros(project: Project, api: Connection) -> None:
    campaign = identity("k")
    sent = [
        make_event(kind, identity("d", step), v, step * 10 + v, kind="campaign", step=step,
                   campaign_id=campaign)
        for step in (1, 2)
        for v, kind in enumerate(["DeliveryIntended", "DeliveryClaimed", "DeliveryAccepted"], 1)
    ]  # fmt: skip
    project(sent)
    found = campaigns.metrics(api, campaign)
    assert (found["intended"], found["accepted"], found["opened"]) == (2, 2, 0)
    assert [row["step"] for row in campaigns.metrics_by_step(api, campaign)] == [1, 2]
    nobody = identity("unknown")
    assert set(campaigns.metrics(api, nobody).values()) == {0}
    both = campaigns.metrics_of(api, [campaign, nobody])
    assert (both[campaign], set(both[nobody].values())) == (found, {0})
    assert deliveries.list_deliveries(api, campaign, {"step": 2}, Paging()).total == 1
    accepted = deliveries.list_deliveries(api, campaign, {"state": "accepted"}, Paging())
    assert {row["id"] for row in accepted.items} == {identity("d", 1), identity("d", 2)}
    one = deliveries.get_delivery(api, identity("d", 1))
    assert one is not None
    assert one["state"] == "accepted"


def test_a_conversation_comes_with_its_turns_in_order(project: Project, api: Connection) -> None:
    stream, first, second = identity("talk"), identity("t1"), identity("t2")
    project(
        [
            make_event("ConversationStarted", stream, 1, 1),
            make_event("TurnReceived", stream, 2, 2, turn_id=first, number=1),
            make_event("TurnReceived", stream, 3, 3, turn_id=second, number=2),
            make_event("ReplyGiven", stream, 4, 4, turn_id=second, content="hi"),
        ]
    )
    found = conversations.get_conversation(api, stream)
    assert found is not None
    assert [(t["id"], t["reply"]) for t in found["items"]] == [(first, None), (second, "hi")]
    assert conversations.get_turn(api, identity("other"), first) is None
    pending = conversations.get_turn(api, stream, first)
    assert pending is not None
    assert pending["reply"] is None


def test_contacts_are_found_by_address_and_hidden_when_deleted(
    project: Project, api: Connection
) -> None:
    stream = identity("ada")
    project([make_event("ContactAdded", stream, 1, 1, email="Ada@Example.com")])
    found = contacts.contact_by_email(api, ORGANIZATION, "ada@example.COM")
    assert found is not None
    assert found["id"] == stream
    assert "address_hmac" not in found
    project([make_event("ContactAdded", stream, 1, 1), make_event("ContactDeleted", stream, 2, 2)])
    assert contacts.get_contact(api, stream) is None
    assert contacts.list_contacts(api, {}, Paging()).total == 0


def test_a_forecast_says_who_is_left_out_and_why(
    project: Project, api: Connection, worker: Connection
) -> None:
    people = [identity("p", i) for i in range(5)]
    project([make_event("ContactAdded", p, 1, i + 1) for i, p in enumerate(people)])
    for person, consent, suppression in [
        (people[0], "granted", None),
        (people[1], "granted", "unsubscribed"),
        (people[2], "unknown", None),
        (people[3], "unknown", "hard_bounced"),
    ]:
        worker.execute(
            """INSERT INTO log.mailable
                   (organization_id, address_hmac, contact_id, consent, suppression)
               VALUES (%s, %s, %s, %s, %s)""",
            (ORGANIZATION, person.encode(), person, consent, suppression),
        )
    found = forecast(api, Audience(ORGANIZATION, {"all": []}, NOW))
    assert (found.count, found.recipients) == (5, 1)
    assert found.withheld == {"unsubscribed": 1, "no_consent": 2, "hard_bounced": 1}
    assert without_attribute(api, ORGANIZATION, "city") == 0
    assert without_attribute(api, ORGANIZATION, "shoe_size") == 5


def test_overlap_counts_members_mailed_within_a_day(project: Project, api: Connection) -> None:
    people, campaign = [identity("p", i) for i in range(3)], identity("k")
    project([make_event("ContactAdded", p, 1, i + 1) for i, p in enumerate(people)])
    project(
        [
            make_event("CampaignDrafted", campaign, 1, 1),
            make_event("SendingStarted", campaign, 2, 2),
        ]
    )
    project(
        [
            make_event("DeliveryIntended", identity("d", p), 1, 10 + i, contact_id=p,
                       kind="campaign", campaign_id=campaign)
            for i, p in enumerate(people[:2])
        ]
    )  # fmt: skip
    everyone = Audience(ORGANIZATION, {"all": []}, NOW)
    [found] = overlaps(api, everyone)
    assert (found["campaign_id"], found["contacts"]) == (campaign, 2)
    assert overlaps(api, everyone, besides_campaign_id=campaign) == []
    later = Audience(ORGANIZATION, {"all": []}, NOW + timedelta(hours=25))
    assert overlaps(api, later) == []


def test_waiting_ends_when_the_views_have_what_was_written(
    writer: ProjectionWriter, codec: Codec, database: Database
) -> None:
    events = [make_event("BusinessAdded", identity("b"), position=7)]
    [(partition, log)] = records(codec, events).items()
    topics = progress.readers_of(default_registry())

    def listen() -> Connection:
        return connect(database.api_url, autocommit=True)

    def wait(seconds: float, views: list[str]) -> bool:
        deadline = time.monotonic() + seconds
        return progress.wait_for(listen, {partition: 7}, views, topics, deadline)

    assert wait(0.1, ["businesses"]) is False
    assert wait(0.1, ["deliveries"]) is True, (
        "a view that does not read the topic is not waited for"
    )
    later = threading.Timer(0.3, lambda: writer.handle(batch_of(partition, log)))
    later.start()
    began = time.monotonic()
    assert wait(10, ["businesses", "organizations"]) is True
    assert time.monotonic() - began < 9
    later.join()


def test_lag_shows_where_every_view_stands(project: Project, api: Connection) -> None:
    events = history(random.Random(5), streams=30)
    project(events)
    rows = progress.lag(api)
    assert {row["view"] for row in rows} >= {"deliveries", "contacts", "turns"}
    assert max(row["position"] for row in rows) == len(events)
