"""Decisions about dead letters: each letter once, with a reason, the latest counts."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from domain.organization.dead_letter import INSTALLATION, DeadLetter, letter_id
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta

META = Meta(INSTALLATION, "operator:ada", uuid4(), uuid4(), datetime(2026, 1, 5, 9, tzinfo=UTC))


def taken_up() -> DeadLetter:
    return DeadLetter.take_up("delivery-events:2:41", "projections", META)


def test_a_record_and_its_consumer_are_one_stream() -> None:
    assert taken_up().id == letter_id("delivery-events:2:41", "projections")
    assert letter_id("delivery-events:2:41", "analytics") != taken_up().id


def test_a_letter_that_was_handled_is_decided() -> None:
    letter = taken_up()
    letter.retry(7, "", META)
    assert [type(each) for each in letter.collect_events()] == [
        DeadLetter.Created, DeadLetter.Retried,
    ]  # fmt: skip
    assert not letter.is_open(7)
    with pytest.raises(RuleViolatedError, match="decided"):
        letter.retry(7, "", META)


def test_a_letter_that_failed_again_is_decided_and_its_successor_is_not() -> None:
    letter = taken_up()
    letter.retry(7, "ValueError", META)
    assert not letter.is_open(7)
    assert letter.is_open(8)
    letter.drop(8, "noise", META)
    assert not letter.is_open(8)


def test_giving_up_needs_a_reason() -> None:
    letter = taken_up()
    with pytest.raises(RuleViolatedError) as refused:
        letter.drop(7, "  ", META)
    assert refused.value.code == "reason_missing"
    assert letter.is_open(7)
