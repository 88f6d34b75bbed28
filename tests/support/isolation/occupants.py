"""Two organizations with everything a customer has, made alike, each in words of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from projections.clickhouse.bookkeeping import Bookkeeping
from projections.clickhouse.connect import DATABASE, connect
from projections.clickhouse.inserts import Inserter
from projections.clickhouse.migrate import migrate
from projections.clickhouse.writer import AnalyticsWriter, Limits
from streams.recognition.ports import Recognizer
from tests.support.api import PROFILE, Api, Tenant, make_tenant
from tests.support.log_batches import LogBatches
from tests.support.people import PASSWORD, Entrance
from tests.support.story import VIENNA, Story
from tests.support.talking import begin

PEOPLE = 4


@dataclass(frozen=True)
class Occupant:
    """An organization; `word` begins every text that is only its own."""

    tenant: Tenant
    word: str

    @property
    def address(self) -> str:
        """The address of one of its contacts."""
        return f"{self.word}0@example.com"

    @property
    def draft(self) -> str:
        """The name of one of its campaigns."""
        return f"{self.word}draft"


def furnish(story: Story, recognizer: Recognizer, word: str) -> Occupant:
    """A new organization with people, an import, an erasure, campaigns, mails and a dialogue."""
    api = story.api
    profile = replace(PROFILE, name=f"{word}bakery", sender_name=f"{word}sender",
                      postal_address=f"{word}lane 3")  # fmt: skip
    api.tenant = make_tenant(api.worker, profile)
    api.project()
    people = _people(api, word)
    _colleagues(Entrance(api), word)
    _mails(story, word, people)
    _settle(api, word)
    talk = begin(api, recognizer)
    talk.ask(f"Win back customers who haven't bought {word}croissants for 60 days with 20% off")
    talk.ask(f"send a test to {word}stranger@example.com")
    story.rest()
    return Occupant(api.tenant, word)


def _people(api: Api, word: str) -> list[str]:
    people = [
        api.contact(f"{word}{n}@example.com", first_name=f"{word}first{n}", tags=[f"{word}tag"],
                    attributes={"city": "Vienna", "note": f"{word}note{n}"})
        for n in range(PEOPLE)
    ]  # fmt: skip
    gone = api.contact(f"{word}gone@example.com", first_name=f"{word}gone")
    _done(api.request("DELETE", f"/v1/contacts/{gone}?erase=true"))
    rows = f"email,first_name\n{word}imported@example.com,{word}imported\nnonsense,{word}bad\n"
    headers = {"Content-Type": "text/csv", "Idempotency-Key": f"{word}-import"}
    _done(api.request("POST", "/v1/contacts/import", content=rows, headers=headers))
    return people


def _colleagues(entrance: Entrance, word: str) -> None:
    """Two who work there, with sessions, and one who is invited."""
    api = entrance.api
    for number, role in enumerate(("marketer", "analyst", "approver")):
        email = f"{word}colleague{number}@example.com"
        _done(api.post("/v1/invitations", {"email": email, "role": role}))
        entrance.run_errands()
        if role != "approver":
            token = entrance.postbox.token(email)
            who = {"token": token, "name": f"{word}colleague{number}", "password": PASSWORD}
            entrance.enter(entrance.browser(), email, "/v1/invitations/accept", **who)


def _mails(story: Story, word: str, people: list[str]) -> None:
    """A campaign that was sent: one mail held, the others delivered and opened."""
    api = story.api
    sent = _campaign(api, word, "sent")
    path = f"/v1/campaigns/{sent['id']}"
    _done(api.post(f"{path}/approve", {"content_hash": sent["content_hash"]}))
    story.rest()
    story.send(sent["id"], lambda contact: "ambiguous" if contact == people[0] else "accepted")
    story.look_up(lambda _: False)
    story.webhook("Delivery", sent["id"], people[1:])
    story.webhook("Open", sent["id"], people[1:3], FirstOpen=True, UserAgent=f"{word}browser")
    draft = _campaign(api, word, "draft")
    _done(api.post(f"/v1/campaigns/{draft['id']}/test", {"email": f"{word}tester@example.com"}))


def _campaign(api: Api, word: str, name: str) -> dict[str, Any]:
    email = {"subject": f"{word}subject", "html": f"<p>{word}html {{{{ first_name }}}}</p>"}
    return api.campaign(name=f"{word}{name}", audience={"conditions": VIENNA}, emails=[email])


def _settle(api: Api, word: str) -> None:
    """Its name, its way to send, and reads of personal data that were recorded."""
    _done(api.patch("/v1/organization", {"name": f"{word}house"}))
    server = {"server_token": f"{word}-token-0123456789"}
    _done(api.request("PUT", "/v1/organization/postmark", server))
    _done(api.get("/v1/events"))
    _done(api.post("/v1/analysts", {"name": f"{word}dashboard"}))
    _done(api.post("/v1/api-keys", {"name": f"{word}key", "scopes": ["campaigns:read"]}))


def _done(answer: Any) -> None:
    assert answer.is_success, answer.text


def analyse(api: Api, story: Story, database: str = DATABASE) -> None:
    """Everything in the log written to ClickHouse too."""
    at = api.core.addresses
    client = connect(
        at.clickhouse_url, at.clickhouse_username, at.clickhouse_password, database=database
    )
    migrate(client)
    codec = api.worker.codec
    writer = AnalyticsWriter(
        codec, Bookkeeping(api.worker.pool), Inserter(client), topics=tuple(codec.registry.topics),
        topic_prefix="isolation-", limits=Limits(linger=3600.0),
    )  # fmt: skip
    for batch in LogBatches(story.sql).news():
        writer.handle(batch)
    writer.flush()
    writer.close()
    client.close()
