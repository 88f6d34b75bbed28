"""Campaigns take turns."""

from __future__ import annotations

from streams.effects.ports import Lane
from streams.effects.sending.rota import Rota

A, B, C = (Lane("o", name, "campaign") for name in "abc")


def test_who_was_served_longest_ago_comes_first() -> None:
    rota = Rota()
    turns = []
    for _ in range(6):
        lane = rota.in_order([A, B, C], 0.0)[0]
        rota.served(lane)
        turns.append(lane)

    assert turns == [A, B, C, A, B, C]


def test_a_new_campaign_need_not_wait_for_a_big_one() -> None:
    rota = Rota()
    for _ in range(100):
        rota.in_order([A], 0.0)
        rota.served(A)

    assert rota.in_order([A, B], 0.0) == [B, A]


def test_one_put_aside_does_not_keep_the_others_from_their_turn() -> None:
    rota = Rota()
    rota.put_aside(A, until=10.0)

    assert rota.in_order([A, B], 9.9) == [B]
    assert rota.in_order([A, B], 10.0) == [A, B]
