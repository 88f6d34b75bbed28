"""Rota: campaigns take turns, so that a big one never makes a small one wait."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from streams.effects.ports import Lane


class Rota:
    """Who was served when, for all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = 0
        self._served: dict[Lane, int] = {}
        self._aside: dict[Lane, float] = {}

    def in_order(self, waiting: Iterable[Lane], now: float) -> list[Lane]:
        """Those who wait, who was served longest ago first; lanes put aside are left out."""
        lanes = list(waiting)
        with self._lock:
            self._aside = {lane: until for lane, until in self._aside.items() if until > now}
            self._served = {lane: self._served.get(lane, 0) for lane in lanes}
            free = [lane for lane in lanes if lane not in self._aside]
            return sorted(free, key=self._served.__getitem__)

    def served(self, lane: Lane) -> None:
        """It was this one's turn."""
        with self._lock:
            self._turn += 1
            self._served[lane] = self._turn

    def put_aside(self, lane: Lane, until: float) -> None:
        """Something is wrong with this one; the others go on."""
        with self._lock:
            self._aside[lane] = until
