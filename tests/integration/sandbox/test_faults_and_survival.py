"""Accepted messages outlive a kill -9, faults strike as set, search lags and pages."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.integration.sandbox.conftest import (
    Mailer,
    Receiver,
    SandboxProcess,
    eventually,
    new_mailer,
)


def total(mailer: Mailer) -> int:
    found: int = mailer.http.get("/sandbox/messages", params={"server": mailer.token}).json()[
        "total"
    ]
    return found


def test_a_kill_right_after_an_answer_loses_no_message_and_no_webhook(
    tmp_path: Path, receiver: Receiver
) -> None:
    process = SandboxProcess(tmp_path)
    try:
        mailer = new_mailer(process, "survivor")
        mailer.everyone(open=1)
        mailer.behave(seed=7, delays={"delivery": [1000, 2000], "open": [0, 500]})
        mailer.hook(receiver.url)
        mailer.send(*(mailer.message(f"c{number}@example.com") for number in range(500)))
        process.kill()
        process.start()
        assert total(mailer) == 500
        assert mailer.http.get("/sandbox/behaviour").json()["seed"] == 7
        eventually(lambda: len(receiver.of("Delivery")) > 100)
        process.kill()
        process.start()
        eventually(mailer.is_quiet)
        for record_type in ("Delivery", "Open"):
            assert len({body["MessageID"] for body in receiver.of(record_type)}) == 500
    finally:
        process.stop()


def test_a_timeout_after_accept_has_accepted(mailer: Mailer) -> None:
    mailer.behave(faults={"timeout_after_accept": 1})
    with pytest.raises(httpx.ReadTimeout):
        mailer.http.post("/email/batch", json=[mailer.message("ada@example.com")], timeout=1)
    assert total(mailer) == 1


def test_a_hanging_request_is_broken_off_at_last(mailer: Mailer) -> None:
    mailer.behave(faults={"timeout_after_accept": 1, "hang_seconds": 0.2})
    with pytest.raises(httpx.RemoteProtocolError):
        mailer.http.post("/email", json=mailer.message("ada@example.com"))
    assert total(mailer) == 1


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("rate_limit", 429, 429), ("error_500", 500, 500), ("maintenance", 503, 100)],
)
def test_a_refusing_fault_accepts_nothing(
    mailer: Mailer, fault: str, status: int, code: int
) -> None:
    mailer.behave(faults={fault: 1})
    response = mailer.http.post("/email/batch", json=[mailer.message("ada@example.com")])
    assert (response.status_code, response.json()["ErrorCode"]) == (status, code)
    assert total(mailer) == 0


def test_a_fault_strikes_as_often_as_its_probability(mailer: Mailer) -> None:
    mailer.behave(faults={"rate_limit": 0.5})
    message = mailer.message("ada@example.com")
    statuses = [mailer.http.post("/email", json=message).status_code for _ in range(100)]
    assert 25 < statuses.count(429) < 75
    assert statuses.count(200) == total(mailer) == 100 - statuses.count(429)


def test_a_wrong_behaviour_is_refused_by_name_and_changes_nothing(mailer: Mailer) -> None:
    before = mailer.http.get("/sandbox/behaviour").json()
    response = mailer.http.put("/sandbox/behaviour", json={"rates": {"open": 2}})
    assert response.status_code == 422
    assert "rates.open" in response.json()["Message"]
    assert mailer.http.get("/sandbox/behaviour").json() == before


def test_search_lags_filters_and_pages(mailer: Mailer) -> None:
    mailer.everyone()
    mailer.behave(search_lag_seconds=1.5)
    batch = [
        mailer.message(f"c{number}@example.com", Tag="t", Metadata={"batch_id": f"b{number % 2}"})
        for number in range(300)
    ]
    first = mailer.send(*batch)[0]

    def search(**query: str | int) -> tuple[int, list[str]]:
        asked = {"count": 100, "offset": 0, "messagestream": "broadcast", **query}
        response = mailer.http.get("/messages/outbound", params=asked)
        assert response.status_code == 200, response.text
        found = response.json()
        return found["TotalCount"], [message["Recipients"][0] for message in found["Messages"]]

    assert search(metadata_batch_id="b0") == (0, [])
    eventually(lambda: search(metadata_batch_id="b0")[0] == 150)
    pages = [search(metadata_batch_id="b0", offset=offset)[1] for offset in (0, 100, 200)]
    assert [len(page) for page in pages] == [100, 50, 0]
    assert len({*pages[0], *pages[1]}) == 150
    assert search(recipient="C7@example.com") == (1, ["c7@example.com"])
    assert search(tag="t", status="sent")[0] == 300
    assert search(fromdate="2100-01-01")[0] == search(messagestream="outbound")[0] == 0
    assert search(messagestream="")[0] == 0, "without a stream only `outbound` is searched"
    details = mailer.http.get(f"/messages/outbound/{first['MessageID']}/details").json()
    assert details["Metadata"] == {"batch_id": "b0"}
    assert "https://shop.example/bread" in details["HtmlBody"]
    assert [event["Type"] for event in details["MessageEvents"]] == ["Delivered"]
    statistics = mailer.http.get("/stats/outbound", params={"tag": "t"}).json()
    assert (statistics["Sent"], statistics["Bounced"]) == (300, 0)


def test_emptying_forgets_messages_and_pending_webhooks(tmp_path: Path, receiver: Receiver) -> None:
    process = SandboxProcess(tmp_path)
    try:
        mailer = new_mailer(process, "emptied")
        mailer.behave(delays={"delivery": [100_000, 100_000]})
        mailer.hook(receiver.url)
        mailer.send(mailer.message("test@blackhole.postmarkapp.com"))
        assert mailer.counts()["planned"] == 1
        assert mailer.http.delete("/sandbox/messages").json() == {"deleted": 1}
        assert (total(mailer), mailer.counts()["planned"]) == (0, 0)
        assert mailer.send(mailer.message("ada@example.com"))[0]["ErrorCode"] == 0
        assert total(mailer) == 1
    finally:
        process.stop()
