"""Audience conditions as a person reads them."""

from __future__ import annotations

from typing import Any

import pytest

from domain.campaign.audience import LONGEST, describe

DAYS = {"field": "attributes.last_purchase_at", "op": "before_days", "value": 60}
OLD, TAGGED = "last purchase at is more than 60 days ago", "tags is one of vip, regular"
VIP = {"field": "tags", "op": "in", "value": ["vip", "regular"]}


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"all": []}, "everyone"),
        ({"all": [DAYS]}, "contacts where last purchase at is more than 60 days ago"),
        (
            {"all": [{"any": [DAYS, VIP]}, {"not": VIP}]},
            f"contacts where ({OLD} or {TAGGED}) and not ({TAGGED})",
        ),
        (
            {"field": "first_name", "op": "exists", "value": False},
            "contacts where first name is empty",
        ),
        ({"any": []}, "contacts where nobody is meant"),
    ],
)
def test_conditions_read_as_a_phrase(conditions: dict[str, Any], words: str) -> None:
    assert describe(conditions) == words


def test_a_long_audience_is_cut_short() -> None:
    many = {"field": "email", "op": "in", "value": ["somebody@example.com"] * 1000}
    assert len(describe({"all": [many]})) == LONGEST
