"""The page of errors: every code that the API can answer, found where it is raised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from infra.reference.sources import NOTE, Call, calls, page, table

_PLACES: Final = (
    "api", "domain", "projections/history", "infra/event_log.py", "infra/transactions.py",
    "infra/idempotency.py", "infra/imports", "infra/people",
)  # fmt: skip
_STATUS: Final = {
    "RuleViolatedError": 409, "ConflictError": 409, "ContentError": 422, "NotAdmittedError": 401,
}  # fmt: skip
_OTHERS: Final = (
    (403, "role_beyond_yours", "This role allows what you may not do: ask an owner."),
    (404, "not_found", "There is no such thing in your organization."),
    (405, "method_not_allowed", "Method Not Allowed"),
    (409, "not_exportable", "A workflow with conditions runs in NudgeCampaign only."),
    (422, "bad_position", "Nudge-Min-Position is not a token that a write answered with."),
    (422, "idempotency_key_reused", "This Idempotency-Key was used for another request; …"),
    (422, "invalid_query", "A filter, sort field, page or cursor of a list cannot be used."),
    (429, "slow_down", "Too many attempts lately. Try again in … seconds."),
    (429, "test_limit", "… test sends a day; more tomorrow."),
)
"""Codes that are not written where they are answered."""
_NOT_AS_RAISED: Final = frozenset({(409, "test_limit")})
"""The API answers these with another status, above."""


def registered() -> dict[tuple[int, str], set[str]]:
    """Status and code of every answer that is an error -> what it is said with."""
    answers: dict[tuple[int, str], set[str]] = defaultdict(set)
    for status, code, detail in (*_OTHERS, *_answered()):
        answers[status, code].add(detail)
    return answers


def errors_page() -> str:
    """Every code with its status and what it is said with."""
    answers = registered()
    rows = [
        (str(status), f"`{code}`", _shortest(details))
        for (status, code), details in sorted(answers.items())
        if (status, code) not in _NOT_AS_RAISED
    ]
    rows_of_code: dict[str, set[str]] = defaultdict(set)
    for code, detail in _rejected():
        rows_of_code[code].add(detail)
    rejected = [(f"`{code}`", _shortest(said)) for code, said in sorted(rows_of_code.items())]
    return page(
        "# Errors",
        NOTE,
        "Every error is `application/problem+json`:"
        " `{type, title, status, detail, code, errors, request_id}`. `code` is stable, `detail` is"
        " for people, `errors` names fields. A body whose fields have the wrong type or name is 422"
        " `invalid_fields` with one entry for each in `errors`. 429 and 503 carry `Retry-After`;"
        " with an `Idempotency-Key`, what got 503 can be sent again without doing it twice.",
        "The list is made from the code, so it also has codes that guard what the product itself"
        " does in order, such as `earlier_turn_open`; they are not expected over HTTP.",
        table(("status", "code", "for example"), rows),
        "## Rows of an import",
        "A row that cannot be used is listed in `rejected` with one of these codes, or with the"
        " code of the field that is wrong (status 422 above), or with `contacts_quota_reached`; the"
        " other rows are imported.",
        table(("code", "for example"), rejected),
        "## WebSocket",
        "Error frames carry the same codes, and `unknown_message_type`, `invalid_message_format`,"
        " `rate_limited`, `voice_unavailable`, `reply_pending`.",
    )


def _answered() -> Iterator[tuple[int, str, str]]:
    for call in calls(*_PLACES):
        found = _answer(call)
        if found is not None:
            yield found


def _answer(call: Call) -> tuple[int, str, str] | None:
    match call.name:
        case "Problem":
            status, code, detail = call.number(0), call.text(1), call.text(2)
        case "unavailable":
            status, code, detail = 503, call.text(1) or "unavailable", call.text(0)
        case "InvalidValueError":
            status, code, detail = 422, call.text(1), call.text(2)
        case name if name in _STATUS:
            status, code, detail = _STATUS[name], call.text(0), call.text(1)
        case _:
            return None
    return (status, code, detail or "") if status and code else None


def _rejected() -> Iterator[tuple[str, str]]:
    for call in calls("domain/contact", "infra/imports"):
        at = {"Rejection": 1, "CellError": 0}.get(call.name)
        if at is not None and (code := call.text(at)):
            yield code, call.text(at + 1) or ""


def _shortest(details: set[str]) -> str:
    """One example is enough; the shortest that says something."""
    return min(
        (detail for detail in details if detail), key=lambda said: (len(said), said), default=""
    )
