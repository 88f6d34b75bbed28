"""What stands in the clear beside a dead letter names nobody."""

from __future__ import annotations

import psycopg
import pytest

from streams.ports import RefusedRecordError
from streams.telling import LONGEST_REASON, LONGEST_TRACE, reason_of, trace_of

ADA = "Ada.Lovelace@example.com"


class DetailedError(psycopg.DataError):
    """As Postgres words it: the row stands in the details."""

    def __str__(self) -> str:
        return f"value too long for type\nDETAIL:  Failing row contains (1, {ADA}, Lovelace)."


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError(f"no contact {ADA}\nhere"), "ValueError: no contact [address] here"),
        (ValueError("to=ada%40example.com&x"), "ValueError: to=[address]&x"),
        (ValueError("invalid literal for int(): 'Lovelace'"),
         "ValueError: invalid literal for int(): '…'"),
        (ValueError('“Lovelace” and "Ada King" are no dates'),
         "ValueError: '…' and '…' are no dates"),
        (KeyError("schedule_at"), "KeyError: 'schedule_at'"),
        (KeyError("ContactAdded"), "KeyError: 'ContactAdded'"),
        (KeyError("ada"), "KeyError: '…'"),
        (DetailedError(), "DetailedError: value too long for type"),
        (RefusedRecordError("unknown RecordType 'Inbound'"),
         "RefusedRecordError: unknown RecordType 'Inbound'"),
        (RefusedRecordError(f"from '{ADA}'"), "RefusedRecordError: from '[address]'"),
    ],
)  # fmt: skip
def test_a_reason_says_what_kind_and_no_value(error: Exception, told: str) -> None:
    assert reason_of(error) == told


def test_a_long_reason_is_cut() -> None:
    assert len(reason_of(ValueError("x" * 9_000))) == LONGEST_REASON + len("ValueError: ")


def raised() -> Exception:
    """An error with a cause, both about Ada."""
    try:
        try:
            raise KeyError(ADA)
        except KeyError as cause:
            raise ValueError(f"what {ADA} bought: 'a boat'") from cause
    except ValueError as error:
        return error


def test_a_trace_says_where_for_each_error_that_led_there_and_no_value() -> None:
    told = trace_of(raised())

    assert told.count("Traceback (most recent call last):") == 2
    assert told.count("in raised") == 2
    assert told.index("KeyError: ") < told.index("ValueError: what [address] bought: '…'")
    assert "example.com" not in told
    assert "bought: 'a boat'" not in told.replace("f\"what {ADA} bought: 'a boat'\"", "")


def test_a_long_trace_keeps_its_end() -> None:
    def deeper(left: int) -> None:
        if not left:
            raise ValueError("at last")
        deeper(left - 1)

    try:
        deeper(500)
    except ValueError as error:
        told = trace_of(error)

    assert len(told) <= LONGEST_TRACE
    assert told.endswith("ValueError: at last\n")
