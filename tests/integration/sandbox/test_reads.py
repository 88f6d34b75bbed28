"""Opens and clicks can be asked for afterwards, and agree with what was posted."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.integration.sandbox.conftest import Mailer, Receiver, eventually
from tests.integration.sandbox.test_webhooks import send_people

_FIELDS = {"RecordType", "MessageStream", "MessageID", "Recipient", "Tag", "ReceivedAt", "Platform",
           "Client", "OS", "UserAgent", "Geo"}  # fmt: skip


@pytest.fixture
def read(mailer: Mailer, receiver: Receiver) -> list[str]:
    """Ten people who open four times and click once; the ids of their messages."""
    mailer.everyone(open=1, reopen=1, click=1)
    mailer.hook(receiver.url)
    ids = send_people(mailer, 10)
    eventually(lambda: len(receiver.bodies) == 60 and mailer.is_quiet())
    return ids


def without_metadata(bodies: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{k: v for k, v in body.items() if k != "Metadata"} for body in bodies]


def test_what_is_listed_is_what_was_posted_newest_first(
    mailer: Mailer, receiver: Receiver, read: list[str]
) -> None:
    for path, kind, more in (
        ("opens", "Open", {"FirstOpen", "ServerID"}),
        ("clicks", "Click", {"ClickLocation", "OriginalLink"}),
    ):
        found = mailer.http.get(f"/messages/outbound/{path}", params={"count": 500, "offset": 0})
        listed = found.json()[kind + "s"]
        posted = without_metadata(receiver.of(kind))
        assert found.json()["TotalCount"] == len(posted)
        assert sorted(map(str, listed)) == sorted(map(str, posted))
        assert set(listed[0]) == _FIELDS | more
        times = [entry["ReceivedAt"] for entry in listed]
        assert times == sorted(times, reverse=True)


def test_lists_are_paged_and_filtered(mailer: Mailer, read: list[str]) -> None:
    def opens(path: str = "", **query: str | int) -> tuple[int, int]:
        asked = {"count": 500, "offset": 0, **query}
        found = mailer.http.get(f"/messages/outbound/opens{path}", params=asked).json()
        return found["TotalCount"], len(found["Opens"])

    assert opens(count=30, offset=20) == (40, 20)
    assert opens(f"/{read[0]}") == (4, 4)
    assert opens(recipient="C3@example.com") == (4, 4)
    assert opens(messagestream="outbound") == opens(tag="none") == (0, 0)


def test_days_are_counted_in_eastern_time(mailer: Mailer, read: list[str]) -> None:
    opens = mailer.http.get("/stats/outbound/opens").json()
    clicks = mailer.http.get("/stats/outbound/clicks", params={"messagestream": "broadcast"})

    days = [day["Date"] for day in opens["Days"]]
    today = datetime.now(UTC).astimezone(ZoneInfo("America/New_York")).date()
    assert days[-1] == today.isoformat()
    assert (opens["Opens"], opens["Unique"]) == (40, 10)
    assert sum(day["Opens"] for day in opens["Days"]) == 40
    assert (clicks.json()["Clicks"], clicks.json()["Unique"]) == (10, 10)
    assert mailer.http.get("/stats/outbound/opens?todate=2020-01-01").json()["Days"] == []
