"""Recipients react, webhooks come as registered, and everybody's counts agree."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.integration.sandbox.conftest import (
    ALL_TRIGGERS,
    PASSWORD,
    USER,
    Mailer,
    Receiver,
    eventually,
)


def send_people(mailer: Mailer, count: int) -> list[str]:
    people = [mailer.message(f"c{number}@example.com") for number in range(count)]
    return [answer["MessageID"] for answer in mailer.send(*people)]


def test_everyone_opens_and_clicks_a_link_of_the_mail(mailer: Mailer, receiver: Receiver) -> None:
    mailer.everyone(open=1, click=1)
    mailer.hook(receiver.url)
    ids = send_people(mailer, 50)
    eventually(lambda: len(receiver.bodies) == 150)
    for record_type in ("Delivery", "Open", "Click"):
        bodies = receiver.of(record_type)
        assert sorted(body["MessageID"] for body in bodies) == sorted(ids)
        assert {body["Metadata"]["campaign_id"] for body in bodies} == {"c1"}
    assert {body["OriginalLink"] for body in receiver.of("Click")} == {"https://shop.example/bread"}
    eventually(mailer.is_quiet)
    counts = mailer.counts()
    assert counts["webhooks"]["Open"] == {"sent": 50, "pending": 0, "failed": 0, "dropped": 0}
    did = counts["by_campaign_id"]["c1"]
    assert (did["accepted"], did["delivered"], did["opened_unique"]) == (50, 50, 50)
    assert (did["clicked"], did["bounced"], did["unsubscribed"]) == (50, 0, 0)


def test_only_wanted_events_of_the_stream_are_posted(mailer: Mailer, receiver: Receiver) -> None:
    mailer.everyone(open=1, reopen=1, click=1)
    only_opens = {"Open": {"Enabled": True, "PostFirstOpenOnly": True}}
    mailer.hook(receiver.url, Triggers=only_opens)
    mailer.send(mailer.message("other@example.com", MessageStream="outbound"))
    send_people(mailer, 5)
    eventually(lambda: len(receiver.bodies) == 5 and mailer.is_quiet())
    assert {(b["RecordType"], b["FirstOpen"]) for b in receiver.bodies} == {("Open", True)}
    assert mailer.counts()["recipients"]["opened"] == 6 * 4


def test_a_hard_bounce_suppresses_the_address_on_its_stream(
    mailer: Mailer, receiver: Receiver
) -> None:
    mailer.everyone()
    mailer.hook(receiver.url)
    address = "hardbounce@bounce-testing.postmarkapp.com"
    mailer.send(mailer.message(address))
    eventually(lambda: len(receiver.bodies) == 2)
    bounce, change = receiver.of("Bounce")[0], receiver.of("SubscriptionChange")[0]
    assert (bounce["Email"], bounce["Type"], bounce["Inactive"]) == (address, "HardBounce", True)
    assert (change["SuppressSending"], change["SuppressionReason"]) == (True, "HardBounce")
    found = mailer.http.get("/bounces", params={"type": "HardBounce", "count": 10}).json()
    assert [found["TotalCount"], found["Bounces"][0]["ID"]] == [1, bounce["ID"]]
    assert mailer.http.get(f"/bounces/{bounce['ID']}").json()["Email"] == address
    refused = mailer.http.post("/email", json=mailer.message(address))
    assert (refused.status_code, refused.json()["ErrorCode"]) == (422, 406)
    elsewhere = mailer.message(address, MessageStream="outbound")
    assert mailer.http.post("/email", json=elsewhere).status_code == 200


def test_leaving_by_the_providers_link_and_coming_back(mailer: Mailer, receiver: Receiver) -> None:
    mailer.everyone()
    mailer.hook(receiver.url)
    sent = mailer.send(mailer.message("ada@example.com"))[0]
    link = f"/sandbox/unsubscribe/{sent['MessageID']}"
    assert mailer.http.get(link).status_code == 200
    assert mailer.http.post(link).status_code == 200
    eventually(lambda: len(receiver.of("SubscriptionChange")) == 1)
    assert receiver.of("SubscriptionChange")[0]["MessageID"] == sent["MessageID"]
    path = "/message-streams/broadcast/suppressions"
    dumped = mailer.http.get(f"{path}/dump").json()["Suppressions"]
    assert [(e["EmailAddress"], e["SuppressionReason"], e["Origin"]) for e in dumped] == [
        ("ada@example.com", "ManualSuppression", "Recipient")
    ]
    entries = {"Suppressions": [{"EmailAddress": "Ada@example.com"}, {"EmailAddress": "nobody"}]}
    answer = mailer.http.post(f"{path}/delete", json=entries).json()["Suppressions"]
    assert [entry["Status"] for entry in answer] == ["Deleted", "Failed"]
    eventually(lambda: len(receiver.of("SubscriptionChange")) == 2)
    back = receiver.of("SubscriptionChange")[1]
    assert (back["SuppressSending"], back["MessageID"]) == (False, None)
    assert mailer.send(mailer.message("ada@example.com"))[0]["ErrorCode"] == 0


def test_a_suppression_by_hand_holds_at_once(mailer: Mailer, receiver: Receiver) -> None:
    mailer.hook(receiver.url)
    entries = {"Suppressions": [{"EmailAddress": "ada@example.com"}]}
    path = "/message-streams/broadcast/suppressions"
    assert mailer.http.post(path, json=entries).json()["Suppressions"][0]["Status"] == "Suppressed"
    assert mailer.send(mailer.message("ada@example.com"))[0]["ErrorCode"] == 406
    eventually(lambda: len(receiver.bodies) == 1)
    assert receiver.bodies[0]["Origin"] == "Customer"


def test_with_custom_handling_people_leave_by_our_one_click_link(
    mailer: Mailer, receiver: Receiver
) -> None:
    mailer.everyone(unsubscribe=1)
    custom = {"SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": "Custom"}}
    patched = mailer.http.patch("/message-streams/broadcast", json=custom)
    assert patched.json()["SubscriptionManagementConfiguration"] == {
        "UnsubscribeHandlingType": "Custom"
    }
    headers = [
        {"Name": "List-Unsubscribe", "Value": f"<{receiver.url}/one-click>"},
        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
    ]
    mailer.send(mailer.message("ada@example.com", Headers=headers))
    eventually(lambda: receiver.forms == [b"List-Unsubscribe=One-Click"])
    assert mailer.http.get("/message-streams/broadcast/suppressions/dump").json() == {
        "Suppressions": []
    }


@pytest.mark.parametrize(("status", "attempts"), [(500, 4), (403, 1)])
def test_what_is_not_acknowledged_comes_again_but_never_after_a_403(
    mailer: Mailer, receiver: Receiver, status: int, attempts: int
) -> None:
    mailer.everyone()
    receiver.status = status
    mailer.hook(receiver.url)
    send_people(mailer, 1)
    eventually(lambda: mailer.counts()["webhooks"].get("Delivery", {}).get("failed") == 1)
    assert len(receiver.bodies) == attempts


def test_wrong_credentials_deliver_nothing(mailer: Mailer, receiver: Receiver) -> None:
    mailer.everyone()
    number = mailer.hook(receiver.url, HttpAuth={"Username": USER, "Password": "wrong"})
    send_people(mailer, 1)
    eventually(lambda: receiver.unauthorised >= 1)
    fixed = {"HttpAuth": {"Username": USER, "Password": PASSWORD}}
    assert mailer.http.put(f"/webhooks/{number}", json=fixed).json()["Triggers"]["Open"]["Enabled"]
    eventually(lambda: len(receiver.of("Delivery")) == 1)


def test_webhooks_are_registered_listed_and_removed(mailer: Mailer, receiver: Receiver) -> None:
    number = mailer.hook(receiver.url)
    listed = mailer.http.get("/webhooks", params={"MessageStream": "broadcast"}).json()["Webhooks"]
    assert [(hook["ID"], hook["Triggers"]["Click"]) for hook in listed] == [
        (number, ALL_TRIGGERS["Click"])
    ]
    assert mailer.http.delete(f"/webhooks/{number}").json()["ErrorCode"] == 0
    assert mailer.http.get(f"/webhooks/{number}").status_code == 404
    wrong = {"Url": "ftp://example.com", "MessageStream": "broadcast"}
    assert mailer.http.post("/webhooks", json=wrong).status_code == 422
    wrong = {"Url": receiver.url, "MessageStream": "nowhere"}
    assert mailer.http.post("/webhooks", json=wrong).status_code == 404


def test_dropped_and_doubled_webhooks_are_as_many_as_the_sandbox_says(
    mailer: Mailer, receiver: Receiver
) -> None:
    mailer.everyone(open=1)
    faults = {"drop_webhooks": 0.2, "duplicate_webhooks": 0.3, "shuffle_webhooks": 0.5}
    mailer.behave(faults=faults)
    mailer.hook(receiver.url)
    send_people(mailer, 200)
    eventually(mailer.is_quiet)
    counts = mailer.counts()["webhooks"]
    eventually(lambda: len(receiver.bodies) == sum(kind["sent"] for kind in counts.values()))
    came = Counter((body["RecordType"], body["MessageID"]) for body in receiver.bodies)
    assert 40 < sum(kind["dropped"] for kind in counts.values()) < 130
    assert sum(times == 2 for times in came.values()) > 50
    assert max(came.values()) == 2
    times = [body["DeliveredAt"] for body in receiver.of("Delivery")]
    assert times != sorted(times)
