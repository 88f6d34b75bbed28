"""Erasing a person over HTTP: keys, read models, suppression, certificate, and every refusal."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import psycopg
import pytest

from infra.bootstrap import Core
from infra.erasure.certificate import read_certificate
from infra.keys import ERASURES
from infra.postgres import connect
from infra.rebuilding.desk import PostgresDesk
from infra.rebuilding.workers import Access
from infra.verifying.verifier import Verifier
from infra.wakeups import Wakeups
from projections.postgres.tables import open_tables
from projections.postgres.views import contacts
from projections.queries import persons
from projections.verify import rows as verify_rows
from projections.verify.fault import POSTGRES
from tests.integration.api.test_campaign_actions import approved
from tests.integration.api.test_campaign_runs import claim, delivery_event
from tests.support.api import Api

ADA = "Ada.Lovelace@example.com"


def erase(api: Api, contact: str, **more: Any) -> Any:
    return api.request("DELETE", f"/v1/contacts/{contact}?erase=true", **more)


def rows(api: Api, query: str, *params: Any) -> list[tuple[Any, ...]]:
    with api.worker.pool.connection() as connection:
        return connection.execute(query.encode(), params).fetchall()


def say(api: Api, text: str) -> str:
    """A turn in a new conversation; the conversation's id."""
    conversation = api.post("/v1/conversations").json()["id"]
    said = api.post(
        f"/v1/conversations/{conversation}/messages", {"text": text},
        headers={"Prefer": "wait=0"},
    )  # fmt: skip
    assert said.status_code == 202, said.text
    return str(conversation)


def test_an_erased_person_is_nowhere_and_stays_unmailed(api: Api) -> None:
    contact = api.contact(ADA, first_name="Ada", last_name="Lovelace", tags=["vip"])

    answer = erase(api, contact)

    assert answer.status_code == 200, answer.text
    assert answer.headers["Nudge-Position"]
    audited = api.get("/v1/audit", params={"kind": "erasure"}).json()["items"]
    assert [each["subject"] for each in audited] == [contact]
    assert api.get(f"/v1/contacts/{contact}").status_code == 404
    assert api.get("/v1/contacts", params={"email": ADA}).json()["items"] == []
    assert "ovelace" not in json.dumps(api.get("/v1/events", params={"limit": 500}).json())
    assert rows(api, "SELECT wrapped FROM log.subject_keys WHERE subject_id = %s", contact) == [
        (None,)
    ]
    back = api.post(
        "/v1/contacts", {"email": ADA, "consent": {"status": "granted", "source": "form"}}
    )
    assert back.status_code == 201
    assert back.json()["suppression"] == "erased"


def test_the_certificate_is_signed_and_can_be_had_again(api: Api) -> None:
    contact = api.contact(ADA)
    document = erase(api, contact).json()
    statement = read_certificate(document, api.core.signer.public_key)
    assert statement["contact_id"] == contact
    assert statement["address_hashes"] == [api.core.hasher(ADA.lower()).hex()]
    again = api.get(f"/v1/contacts/{contact}/erasure")
    assert again.json() == document
    assert api.core.erasures.ledger.find(contact) == document


def test_what_a_stranger_said_to_be_is_erased_with_the_contact(api: Api) -> None:
    conversation = say(api, f"send a test to {ADA}")
    shown = api.get(f"/v1/conversations/{conversation}").json()["turns"][0]["text"]
    assert shown == f"send a test to {ADA}"
    contact = api.contact(ADA)

    keys = erase(api, contact).json()["certificate"]["keys_destroyed"]

    assert len(keys) == 2
    shown = api.get(f"/v1/conversations/{conversation}").json()["turns"][0]["text"]
    assert shown == "send a test to [removed]"
    found = rows(api, "SELECT mentions::text FROM views.turns")
    assert "ovelace" not in str(found)


def test_however_much_was_said_all_of_it_is_looked_through(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persons, "PAGE", 1)
    for text in (f"send a test to {ADA}", "hello", f"who is {ADA}"):
        say(api, text)
    contact = api.contact(ADA)

    keys = erase(api, contact).json()["certificate"]["keys_destroyed"]

    assert len(keys) == 3


def test_a_former_address_is_silenced_too_but_not_one_that_is_somebody_elses(api: Api) -> None:
    contact = api.contact("first@example.com")
    for address in ("second@example.com", "third@example.com"):
        assert api.patch(f"/v1/contacts/{contact}", {"email": address}).status_code == 200
    other = api.contact("first@example.com")

    erase(api, contact)

    assert api.get(f"/v1/contacts/{other}").json()["suppression"] is None
    found = rows(api, "SELECT address_hmac, suppression FROM log.mailable WHERE contact_id IS NULL")
    wanted = {api.core.hasher(f"{name}@example.com") for name in ("second", "third")}
    assert {(bytes(address), why) for address, why in found} == {(a, "erased") for a in wanted}


def test_erasing_twice_is_refused_and_changes_nothing(api: Api) -> None:
    contact = api.contact(ADA)
    erase(api, contact)
    before = rows(api, "SELECT count(*) FROM log.events")

    again = erase(api, contact)

    assert (again.status_code, again.json()["code"]) == (409, "contact_erased")
    assert rows(api, "SELECT count(*) FROM log.events") == before


def test_a_deleted_contact_can_be_erased(api: Api) -> None:
    contact = api.contact(ADA)
    assert api.request("DELETE", f"/v1/contacts/{contact}").status_code == 204
    assert erase(api, contact).status_code == 200
    assert rows(api, "SELECT suppression FROM log.mailable") == [("erased",)]


def test_another_organization_can_neither_erase_nor_see(api: Api) -> None:
    contact = api.contact(ADA)
    stranger = api.new_tenant()
    assert erase(api, contact, key=stranger.api_key).status_code == 404
    assert api.get(f"/v1/contacts/{contact}/export", key=stranger.api_key).status_code == 404
    assert api.get(f"/v1/contacts/{contact}").json()["email"] == ADA
    erase(api, contact)
    assert api.get(f"/v1/contacts/{contact}/erasure", key=stranger.api_key).status_code == 404
    assert erase(api, str(uuid.uuid4())).status_code == 404
    assert erase(api, "nobody").status_code == 422


def test_nothing_is_erased_when_the_ledger_cannot_be_written(api: Api) -> None:
    contact = api.contact(ADA)
    ledger = api.core.addresses.erasure_ledger_file
    ledger.parent.mkdir(parents=True, exist_ok=True)
    kept = ledger.read_bytes() if ledger.exists() else b""
    ledger.write_bytes(b"not a ledger\n")
    try:
        answer = erase(api, contact)
    finally:
        ledger.write_bytes(kept)
    assert answer.status_code == 503
    assert api.get(f"/v1/contacts/{contact}").json()["email"] == ADA


def test_a_certificate_that_a_crash_kept_from_the_ledger_is_added_later(api: Api) -> None:
    contact = api.contact(ADA)
    document = erase(api, contact).json()
    ledger = api.core.addresses.erasure_ledger_file
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:-1]))
    assert api.core.erasures.ledger.find(contact) is None
    with api.worker.pool.connection() as connection:
        assert api.worker.erasures.catch_up(connection) == 1
        assert api.worker.erasures.catch_up(connection) == 0
    assert api.core.erasures.ledger.find(contact) == document


def test_the_api_can_destroy_a_persons_key_and_nothing_else(api: Api) -> None:
    contact = api.contact(ADA)
    organization = api.tenant.organization_id

    def change(subject: str, wrapped: bytes | None) -> None:
        with psycopg.connect(api.core.addresses.postgres_api_url) as connection:
            connection.execute("SELECT set_config('nudge.organization', %s, true)", (organization,))
            done = connection.execute(
                "UPDATE log.subject_keys SET wrapped = %s WHERE subject_id = %s", (wrapped, subject)
            )
            assert done.rowcount == 1

    with pytest.raises(AssertionError):
        change(organization, None)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        change(contact, b"x")
    change(contact, None)


def test_an_erased_key_is_forgotten_by_every_process_that_listens(api: Api) -> None:
    contact, keys, heard = api.contact(ADA), api.worker.keys, threading.Event()

    def forget() -> None:
        keys.forget()
        heard.set()

    with Wakeups(api.core.addresses.postgres_worker_url, {ERASURES: forget}):
        assert heard.wait(60)  # it listens
        assert keys.keys_of([contact])
        heard.clear()
        erase(api, contact)
        assert heard.wait(60)
        assert not keys.keys_of([contact])


def test_a_rebuild_afterwards_gives_the_same_rows(api: Api) -> None:
    contact = api.contact(ADA, first_name="Ada", attributes={"city": "Wien"})
    say(api, f"who is {ADA} and stranger@example.com")
    erase(api, contact)
    columns = ", ".join(contacts.ContactRow._fields)
    live = rows(api, f"SELECT {columns} FROM views.contacts")  # noqa: S608 - fixed columns

    values = rows(api, "SELECT bytes, position FROM log.events ORDER BY position")
    events = api.worker.codec.decode_batch(values, api.worker.keys)
    row: contacts.ContactRow | None = None
    for event in events:
        if event.stream_id == contact:
            row = contacts.fold(row, event)

    assert row is not None
    assert len(live) == 1
    assert live[0] == tuple(row)


def test_a_copy_that_stands_still_for_comparison_forgets_the_person_too(api: Api) -> None:
    contact = api.contact(ADA, first_name="Ada")
    other = api.contact("bob@example.com", first_name="Bob")
    ((position,),) = rows(api, "SELECT max(position) FROM log.events")
    at = api.worker.addresses
    desk = PostgresDesk(Access(at.postgres_owner_url, at.master_key_file))
    desk.rebuild("contacts", as_of=position)

    def kept() -> set[tuple[Any, ...]]:
        return set(rows(api, "SELECT id, email, first_name FROM shadow.contacts"))

    assert kept() == {(contact, ADA, "Ada"), (other, "bob@example.com", "Bob")}

    erase(api, contact)

    assert kept() == {(contact, "", ""), (other, "bob@example.com", "Bob")}
    assert desk.diff("contacts").same


def shadow_of_contacts(api: Api) -> tuple[PostgresDesk, str, str]:
    """A shadow of two contacts that follows; the first one is to be erased."""
    contact = api.contact(ADA, first_name="Ada")
    other = api.contact("bob@example.com", first_name="Bob")
    at = api.worker.addresses
    desk = PostgresDesk(Access(at.postgres_owner_url, at.master_key_file))
    desk.rebuild("contacts")
    return desk, contact, other


def test_a_shadow_that_a_migration_left_behind_forgets_the_person_too(api: Api) -> None:
    desk, contact, other = shadow_of_contacts(api)
    with connect(api.worker.addresses.postgres_owner_url) as owner:
        # As a migration does, seen from the shadow: one of the two has a column more.
        owner.execute("ALTER TABLE shadow.contacts ADD COLUMN more integer NOT NULL DEFAULT 0")

    erase(api, contact)

    kept = rows(api, "SELECT id, email, first_name FROM shadow.contacts")
    assert kept == [(other, "bob@example.com", "Bob")]
    desk.rebuild("contacts")
    assert desk.diff("contacts").same


def test_a_rebuild_that_was_interrupted_forgets_the_person_and_can_go_on(api: Api) -> None:
    desk, contact, other = shadow_of_contacts(api)
    with connect(api.worker.addresses.postgres_owner_url) as owner:
        # As one leaves it that is killed before the projections follow.
        owner.execute("DELETE FROM state.positions WHERE consumer = 'contacts/shadow'")
        owner.execute("UPDATE state.rebuilds SET state = 'building' WHERE view = 'contacts'")
    assert api.patch(f"/v1/contacts/{contact}", {"email": "countess@example.com"}).is_success

    erase(api, contact)

    kept = set(rows(api, "SELECT id, email, first_name FROM shadow.contacts"))
    assert kept == {(contact, "", ""), (other, "bob@example.com", "Bob")}
    desk.rebuild("contacts")
    assert desk.diff("contacts").same


def test_an_erasure_while_the_stores_are_compared_is_taken_for_no_fault(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = api.contact(ADA, first_name="Ada")
    erased = []

    def meanwhile(conn: Any, views: Any) -> Any:
        """Told once what is compared was settled, and before any of it is read."""
        if views == [contacts.VIEW]:
            erased.append(erase(api, contact).status_code)
        return open_tables(conn, views)

    monkeypatch.setattr(verify_rows, "open_tables", meanwhile)
    core = Core(api.worker.settings, api.worker.addresses, "verify")

    found = Verifier(core).verify((POSTGRES,))
    core.pool.close()

    assert erased == [200]
    assert found.faults == []


def test_totals_and_deliveries_stay_as_they_were(api: Api) -> None:
    contact = api.contact(ADA)
    campaign = approved(api)["id"]
    claim(api, campaign, contact)
    api.append(
        delivery_event(api, campaign, contact, 3, "DeliveryAccepted", batch_id=str(uuid.uuid4()),
                       message_id=str(uuid.uuid4()), via="answer"),
        delivery_event(api, campaign, contact, 4, "Opened", at=1, observation="9f", platform="x",
                       first_open=True, user_agent="Mozilla of Ada", geo="{}"),
    )  # fmt: skip

    def told() -> tuple[Any, Any]:
        metrics = api.get(f"/v1/campaigns/{campaign}").json()["metrics"]
        return metrics, api.get(f"/v1/campaigns/{campaign}/deliveries").json()

    before = told()
    exported = api.get(f"/v1/contacts/{contact}/export").json()["deliveries"][0]["history"]
    assert exported[-1]["details"]["user_agent"] == "Mozilla of Ada"

    erase(api, contact)

    assert before[0]["opened"] == 1
    assert told() == before
    events = api.get("/v1/events", params={"type": "Opened"}).json()["items"]
    assert [each["data"]["user_agent"] for each in events] == [""]


def test_everything_about_a_person_can_be_exported(api: Api) -> None:
    conversation = say(api, f"is {ADA} a customer?")
    contact = api.contact(ADA, first_name="Ada", last_name="Lovelace")
    api.patch(f"/v1/contacts/{contact}", {"tags": ["vip"]})

    answer = api.get(f"/v1/contacts/{contact}/export")

    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["Content-Disposition"]
    found = answer.json()
    assert (found["contact"]["email"], found["contact"]["deleted"]) == (ADA, False)
    history = [(each["event"], each["details"].get("tags")) for each in found["history"]]
    assert history == [("ContactAdded", []), ("ConsentRecorded", None), ("ContactRevised", ["vip"])]
    assert [turn["conversation_id"] for turn in found["turns"]] == [conversation]
    assert len(found["references"]) == 1
    assert [each["consent"] for each in found["standings"]] == ["granted"]
    audited = api.get("/v1/audit", params={"kind": "export"}).json()["items"]
    assert [(each["subject"], each["what"]) for each in audited] == [(contact, "contact")]


def test_a_deleted_person_can_be_exported_and_an_erased_one_cannot(api: Api) -> None:
    contact = api.contact(ADA)
    api.request("DELETE", f"/v1/contacts/{contact}")
    found = api.get(f"/v1/contacts/{contact}/export").json()
    assert found["contact"]["deleted"]
    assert found["history"][0]["details"]["email"] == ADA
    erase(api, contact)
    assert api.get(f"/v1/contacts/{contact}/export").status_code == 404
