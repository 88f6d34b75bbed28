"""What every kind of answer to a batch means for each delivery in it."""

from __future__ import annotations

from typing import Any

import pytest

from domain.delivery.decisions import (
    OF_THE_SENDER,
    Accepted,
    Ambiguous,
    Answered,
    BatchOutcome,
    Call,
    Held,
    LookAgain,
    Lost,
    NotSent,
    Pause,
    Policy,
    Refused,
    Resolution,
    Returned,
    judge,
    resolve,
)

OK = {"ErrorCode": 0, "MessageID": "m1", "Message": "OK"}


def item(code: Any) -> dict[str, Any]:
    return {"ErrorCode": code, "Message": "no"}


def whole(status: int, code: Any = None) -> Answered:
    return Answered(status, None if code is None else item(code))


@pytest.mark.parametrize(
    ("call", "reason", "back_off"),
    [
        (NotSent("connection_refused"), "connection_refused", True),
        (whole(429), "rate_limited", True),
        (whole(429, 429), "rate_limited", True),
        (whole(503, 100), "maintenance", True),
    ],
)
def test_what_certainly_sent_nothing_is_intended_again(
    call: Call, reason: str, back_off: bool
) -> None:
    assert judge(call, 3) == BatchOutcome((Returned(reason),) * 3, None, back_off)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422])
def test_a_refused_batch_is_intended_again_and_pauses_the_campaign(status: int) -> None:
    outcome = judge(whole(status, 412), 2)
    assert outcome.verdicts == (Returned(f"http_{status}"),) * 2
    detail = f"Postmark answered HTTP {status}, ErrorCode 412. no"
    assert outcome.pause == Pause("provider_refused", detail)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (Lost("read_timeout"), "read_timeout"),
        (whole(500), "http_500"),
        (whole(500, 100), "http_500"),
        (whole(502), "http_502"),
        (whole(503), "http_503"),
        (whole(503, 0), "http_503"),
        (whole(503, True), "http_503"),
        (whole(504), "http_504"),
        (whole(201, 0), "http_201"),
        (whole(302), "http_302"),
        (Answered(200, None), "unreadable_answer"),
        (Answered(200, OK), "unreadable_answer"),
        (Answered(200, []), "wrong_number_of_items"),
        (Answered(200, [OK]), "wrong_number_of_items"),
        (Answered(200, [OK, OK, OK]), "wrong_number_of_items"),
    ],
)
def test_whatever_is_not_understood_is_ambiguous(call: Call, reason: str) -> None:
    assert judge(call, 2) == BatchOutcome((Ambiguous(reason),) * 2)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (OK, Accepted("m1", "answer")),
        (item(406), Refused(406, suppress=True)),
        (item(300), Refused(300)),
        (item(411), Refused(411)),
        ({"ErrorCode": 0}, Ambiguous("no_message_id")),
        ({"ErrorCode": 0, "MessageID": ""}, Ambiguous("no_message_id")),
        (item("0"), Ambiguous("unreadable_item")),
        (item(False), Ambiguous("unreadable_item")),
        ({}, Ambiguous("unreadable_item")),
        (None, Ambiguous("unreadable_item")),
        ("OK", Ambiguous("unreadable_item")),
    ],
)
def test_every_item_has_its_own_verdict(answer: Any, verdict: object) -> None:
    outcome = judge(Answered(200, [OK, answer]), 2)
    assert outcome == BatchOutcome((Accepted("m1"), verdict))  # type: ignore[arg-type]


@pytest.mark.parametrize("code", sorted(OF_THE_SENDER))
def test_an_error_of_the_sender_sent_nothing_and_pauses_until_it_is_put_right(code: int) -> None:
    outcome = judge(Answered(200, [OK, item(code), item(300)]), 3)
    assert outcome.verdicts == (Accepted("m1"), Returned("sender_refused"), Refused(300))
    assert outcome.pause is not None
    assert outcome.pause.reason == "sender_refused"
    assert outcome.back_off


@pytest.mark.parametrize(
    ("found", "lookups", "policy", "resolution"),
    [
        ("m1", 1, "resend", Accepted("m1", "search")),
        ("m1", 2, "hold", Accepted("m1", "search")),
        (None, 1, "resend", LookAgain()),
        (None, 1, "hold", LookAgain()),
        (None, 2, "resend", Returned("not_found")),
        (None, 2, "hold", Held()),
        (None, 3, "resend", Returned("not_found")),
        ("", 1, "resend", LookAgain()),
    ],
)
def test_an_ambiguous_delivery_is_resolved_by_asking(
    found: str | None, lookups: int, policy: Policy, resolution: Resolution
) -> None:
    assert resolve(found, lookups, policy) == resolution
