"""What a call to the provider means for each delivery in it: the heart of sending once.

Safe to repeat is only what certainly sent nothing. Whatever is not understood is ambiguous.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Policy = Literal["resend", "hold"]

RATE_LIMITED: Final = 429
UNAVAILABLE: Final = 503
MAINTENANCE: Final = 100
INACTIVE_RECIPIENT: Final = 406
LOOKUPS: Final = 2
"""Empty look-ups after which a message counts as never accepted."""

OF_THE_SENDER: Final = frozenset({400, 401, 405, 412, 413, 1235, 1236})
"""Item errors about the account, sender or stream, and nothing about the person: none was sent,
every further mail would be refused too, and all can be sent once somebody has put it right."""
SENDER_REFUSED: Final = "sender_refused"


# --- what happened to the call -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NotSent:
    """The call failed before any byte of it was sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An HTTP answer; `body` is its parsed JSON, None where it was no JSON."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Lost:
    """Bytes were sent and no whole answer came: a timeout, a closed connection."""

    reason: str


Call = NotSent | Answered | Lost


# --- what it means for one delivery --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it. `via`: how we know."""

    message_id: str
    via: Literal["answer", "search"] = "answer"


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider refused it for good; `suppress`: because it has the address as inactive."""

    error_code: int
    suppress: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """Nothing was sent; it is intended again. `reason`: why that is certain."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Whether it was sent is not known."""

    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """Still unknown after the last look-up; a person decides."""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Not found yet; the provider's search may lag."""


@dataclass(frozen=True, slots=True)
class Released:
    """A person decided that a held delivery is sent again, whatever became of it before."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A person decided that a held delivery is not sent any more."""


Verdict = Accepted | Refused | Returned | Ambiguous
Resolution = Accepted | Returned | Held | LookAgain
Decision = Released | Closed
"""What a person may decide about a held delivery."""

GIVEN_UP: Final = "given_up"
"""Why a closed delivery counts as withheld."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Why the campaign must not go on before a person looked."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """One verdict for each delivery, in order of the batch; `back_off`: wait before the next."""

    verdicts: tuple[Verdict, ...]
    pause: Pause | None = None
    back_off: bool = False


def judge(call: Call, size: int) -> BatchOutcome:
    """The outcome of a batch of `size` deliveries."""
    match call:
        case NotSent(reason):
            return _returned(reason, size, back_off=True)
        case Lost(reason):
            return _ambiguous(reason, size)
        case Answered(200, body):
            return _by_item(body, size)
        case Answered(status, body):
            return _whole(status, body, size)


def lease_over(*, handed_over: bool) -> Ambiguous | Returned:
    """What a lease that ended without an outcome says of each delivery of its batch."""
    return Ambiguous("no_outcome") if handed_over else Returned("not_handed_over")


def resolve(message_id: str | None, lookups: int, policy: Policy) -> Resolution:
    """What becomes of one ambiguous delivery after a look-up at the provider.

    `message_id`: what the search found, if anything; `lookups`: how many were made, this one
    included. `policy`: send again what was not found, or hold it for a person.
    """
    if message_id:
        return Accepted(message_id, "search")
    if lookups < LOOKUPS:
        return LookAgain()
    return Returned("not_found") if policy == "resend" else Held()


def _returned(
    reason: str, size: int, *, back_off: bool = False, pause: Pause | None = None
) -> BatchOutcome:
    return BatchOutcome((Returned(reason),) * size, pause, back_off)


def _ambiguous(reason: str, size: int) -> BatchOutcome:
    return BatchOutcome((Ambiguous(reason),) * size)


def _whole(status: int, body: Any, size: int) -> BatchOutcome:
    """An answer about the batch as a whole. ErrorCodes overlap with HTTP's: never mix them."""
    code = _integer(body, "ErrorCode")
    if status == RATE_LIMITED:
        return _returned("rate_limited", size, back_off=True)
    if status == UNAVAILABLE and code == MAINTENANCE:
        return _returned("maintenance", size, back_off=True)
    if 400 <= status < 500:
        pause = Pause("provider_refused", _explanation(status, code, body))
        return _returned(f"http_{status}", size, back_off=True, pause=pause)
    return _ambiguous(f"http_{status}", size)


def _by_item(body: Any, size: int) -> BatchOutcome:
    if not isinstance(body, list):
        return _ambiguous("unreadable_answer", size)
    if len(body) != size:
        return _ambiguous("wrong_number_of_items", size)
    pause = _pause_of(body)
    return BatchOutcome(tuple(map(_verdict, body)), pause, back_off=pause is not None)


def _verdict(item: Any) -> Verdict:
    code = _integer(item, "ErrorCode")
    if code is None:
        return Ambiguous("unreadable_item")
    if code in OF_THE_SENDER:
        return Returned(SENDER_REFUSED)
    if code:
        return Refused(code, suppress=code == INACTIVE_RECIPIENT)
    message_id = item.get("MessageID")
    if not isinstance(message_id, str) or not message_id:
        return Ambiguous("no_message_id")
    return Accepted(message_id)


def _pause_of(items: list[Any]) -> Pause | None:
    for item in items:
        code = _integer(item, "ErrorCode")
        if code in OF_THE_SENDER:
            return Pause(SENDER_REFUSED, _explanation(200, code, item))
    return None


def _integer(answer: Any, name: str) -> int | None:
    value = answer.get(name) if isinstance(answer, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _explanation(status: int, code: int | None, answer: Any) -> str:
    said = answer.get("Message", "") if isinstance(answer, Mapping) else ""
    number = "" if code is None else f", ErrorCode {code}"
    return f"Postmark answered HTTP {status}{number}. {str(said)[:500]}".strip()
