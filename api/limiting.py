"""How fast one may ask: by key, user, organization and network address, each with a burst.

Counted in the memory of this process by the library `limits`. The headers are those of
draft-ietf-httpapi-ratelimit-headers-11 (RateLimit-Policy and RateLimit).
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal
from uuid import UUID

from limits import parse_many
from limits.storage import MemoryStorage
from starlette.types import Scope

from api.errors import Problem
from api.ports import Services

Whose = Literal["key", "user", "organization", "address"]
OFF: Final = "off"
SWEEP: Final = 10.0
"""Seconds between two looks for counters whose time is over."""
_CALLED: Final = {"key": "API key", "address": "network address"}


class SweptStorage(MemoryStorage):
    """The library's counters. It would look through all of them a hundred times a second, in a
    thread of its own for each look; with many callers that alone costs more than the counting."""

    def __init__(self) -> None:
        super().__init__()
        self.timer.cancel()
        self.timer = _NeverNeeded(0, lambda: None)


def sweep(storage: MemoryStorage, now: float) -> None:
    """Forget counters whose time is over."""
    for counter, ends in list(storage.expirations.items()):
        if ends <= now:
            storage.clear(counter)


class _NeverNeeded(threading.Timer):
    """Never started, and yet alive: the library then starts none."""

    def is_alive(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Policy:
    """One rate: at most `most` requests in a window of `seconds`, which the first one opens."""

    name: str
    most: int
    seconds: int

    @property
    def text(self) -> str:
        """The policy as an item of RateLimit-Policy."""
        return f'"{self.name}";q={self.most};w={self.seconds}'


@dataclass(frozen=True, slots=True)
class Policies:
    """The rates of one kind of caller, the shortest first, and the header that tells them."""

    each: tuple[Policy, ...]
    header: str

    @classmethod
    def of(cls, whose: Whose, rates: str) -> Policies:
        """From rates such as `100/second;2000/minute`, or `off`. Raises ValueError for others."""
        items = [] if rates == OFF else parse_many(rates)
        each = [
            Policy(f"{whose}-{item.get_expiry()}s", item.amount, item.get_expiry())
            for item in sorted(items, key=lambda item: item.get_expiry())
        ]
        return cls(tuple(each), ", ".join(policy.text for policy in each))


class Limiter:
    """Counts requests. For one event loop; never waits."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.storage: MemoryStorage = SweptStorage()
        self._swept = 0.0

    @cached_property
    def _policies(self) -> Mapping[Whose, Policies]:
        rates = self._services.rates
        return {
            "key": Policies.of("key", rates.key),
            "user": Policies.of("user", rates.user),
            "organization": Policies.of("organization", rates.organization),
            "address": Policies.of("address", rates.address),
        }

    def take_address(self, address: str) -> None:
        """One more request from this address. Raises Problem (429)."""
        self._sweep()
        self._take("address", network_of(address))

    def take_caller(
        self, organization_id: UUID, key_id: UUID | None, user_id: UUID | None
    ) -> dict[str, str]:
        """One more request of this caller; the headers that say what is left to them.

        Raises Problem (429).
        """
        headers: dict[str, str] = {}
        if key_id is not None:
            headers = self._take("key", key_id.hex)
        elif user_id is not None:
            headers = self._take("user", user_id.hex)
        self._take("organization", organization_id.hex)
        return headers

    def _take(self, whose: Whose, who: str) -> dict[str, str]:
        """Count one request by every policy; where the longest one stands then."""
        policies = self._policies[whose]
        if not policies.each:
            return {}
        for policy in policies.each:
            counter = f"{policy.name}/{who}"
            count = self.storage.incr(counter, policy.seconds)
            if count > policy.most:
                raise self._refusal(policy, whose, counter)
        left = f'"{policy.name}";r={policy.most - count};t={self._seconds_left(counter)}'
        return {"RateLimit-Policy": policies.header, "RateLimit": left}

    def _refusal(self, policy: Policy, whose: Whose, counter: str) -> Problem:
        seconds = max(1, self._seconds_left(counter))
        return Problem(
            429,
            "too_many_requests",
            f"More than {policy.most:,} requests in {policy.seconds} s from one"
            f" {_CALLED.get(whose, whose)}. Wait {seconds} s, then go on more slowly.",
            headers={
                "Retry-After": str(seconds),
                "RateLimit-Policy": policy.text,
                "RateLimit": f'"{policy.name}";r=0;t={seconds}',
            },
        )

    def _seconds_left(self, counter: str) -> int:
        return max(0, math.ceil(self.storage.get_expiry(counter) - time.time()))

    def _sweep(self) -> None:
        now = time.monotonic()
        if now - self._swept > SWEEP:
            self._swept = now
            sweep(self.storage, time.time())


def address_of(scope: Scope) -> str:
    """The client's network address, as the server sees it; empty when it has none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def network_of(address: str) -> str:
    """Whose address it is: an IPv6 client has a whole /64, which counts as one."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), 64), strict=False).network_address)
