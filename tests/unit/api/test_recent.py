"""What may be a moment old is found once a second at most, however many ask."""

from __future__ import annotations

import asyncio
import threading

import pytest

from api.recent import Recent


class Store:
    """Counts how often it is asked, and answers when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 0.0
        self.lets = threading.Event()
        self.lets.set()

    def find(self) -> int:
        self.lets.wait(10)
        self.asked += 1
        return self.asked

    def recent(self) -> Recent[int]:
        return Recent(self.find, lambda: self.now)


async def test_many_at_once_share_one_search() -> None:
    store = Store()
    recent = store.recent()
    store.lets.clear()
    asking = [asyncio.create_task(recent()) for _ in range(50)]
    await asyncio.sleep(0)
    store.lets.set()
    assert await asyncio.gather(*asking) == [1] * 50


async def test_an_answer_is_good_for_a_second() -> None:
    store = Store()
    recent = store.recent()
    assert await recent() == 1
    store.now = 0.9
    assert await recent() == 1
    store.now = 1.0
    assert await recent() == 2


async def test_who_leaves_takes_nobodys_answer_along() -> None:
    store = Store()
    recent = store.recent()
    store.lets.clear()
    leaving, staying = (asyncio.create_task(recent()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving})
    store.lets.set()
    assert await staying == 1


async def test_what_went_wrong_is_told_and_tried_again_later() -> None:
    store, away = Store(), [False, True]

    def find() -> int:
        if away.pop():
            raise OSError("away")
        return 7

    recent = Recent(find, lambda: store.now)
    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            await recent()
    store.now = 1.0
    assert await recent() == 7
