"""login: how many people can log in a second, on one core; and what a token costs a request.

No peer: the limit is absolute. The whole product runs, the API's threads bound to one core. Eight
people, each with an address of their own, log in again and again, first one of them alone, then all
at once. Beside it argon2id by itself, which is what a log-in consists of on purpose. Then, in one
process, what checking an access token costs: when it was seen in the last second, and when it
was not.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import httpx

from infra.bootstrap import Core
from infra.people.access_tokens import AccessTokens
from infra.people.passwords import Passwords
from infra.people.wiring import people_of
from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError, median
from tests.benchmarks.processes import pids_by_role, watched
from tests.benchmarks.report import Figure, Report, at_least, at_most
from tests.support.signing_up import PASSWORD, sign_up
from tests.support.whole_stack import WholeStack

PEOPLE = 8
ABOUT = f"""Log-ins a second over HTTP with the API bound to one core, one person after the other,
then {PEOPLE} people at once; argon2id alone at the same parameters (19 MiB, 2 iterations); and what
it costs to check an access token."""


def run(bench: Bench) -> Report:
    """Measure."""
    seconds = 3.0 if bench.quick else 20.0
    with bench.product("login") as stack:
        emails = [f"person{number}@example.com" for number in range(PEOPLE)]
        admitted = [sign_up(stack, email) for email in emails]
        pids = pids_by_role(stack)
        _bind(pids["api"])
        _rate(stack, emails[:1], 1.0)
        with watched(pids, every=1) as usage:
            alone = _rate(stack, emails[:1], seconds)
            together = _rate(stack, emails, seconds)
        seen, unseen = _token_checks(
            stack, admitted[0]["access_token"], 200 if bench.quick else 2_000
        )
    figures = [
        Figure("log-ins, one person", alone, "/s", at_least(10)),
        Figure(f"log-ins, {PEOPLE} people", together, "/s", at_least(10)),
        Figure("argon2id alone", _hashes(seconds / 4), "/s"),
        Figure("token check, seen in the last second, median", seen * 1000, "ms", at_most(0.3)),
        Figure("token check, not seen, median", unseen * 1000, "ms"),
    ]
    notes = [
        f"Processor while logging in, shares of one core: {usage.shares()}.",
        "A token not seen costs a signature, its session's row and here the keys too.",
    ]
    return Report("login", "Log-in", " ".join(ABOUT.split()), figures, notes)


def _bind(pid: int) -> None:
    """All threads of a process, and those to come, on the first core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {0})


def _rate(stack: WholeStack, emails: Sequence[str], seconds: float) -> float:
    done: list[int] = []
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_log_in, args=(stack, email, until, done)) for email in emails
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(done) != len(emails):
        raise CannotMeasureError("a log-in was refused")
    return sum(done) / (time.monotonic() - began)


def _log_in(stack: WholeStack, email: str, until: float, done: list[int]) -> None:
    count = 0
    with httpx.Client(base_url=stack.settings.base_url, timeout=30) as client:
        while time.monotonic() < until:
            body = {"email": email, "password": PASSWORD}
            if client.post("/v1/auth/login", json=body).status_code != 200:
                return
            count += 1
    done.append(count)


def _hashes(seconds: float) -> float:
    passwords, count, began = Passwords(), 0, time.monotonic()
    while time.monotonic() - began < seconds:
        passwords.matches(None, PASSWORD)
        count += 1
    return count / (time.monotonic() - began)


def _token_checks(stack: WholeStack, token: str, times: int) -> tuple[float, float]:
    """Seconds for a token that was seen in the last second, and for one that was not."""
    core = Core.of(stack.settings, "api")
    tokens = cast("AccessTokens", people_of(core, lambda: datetime.now(UTC)).tokens)
    try:
        if tokens.find(token) is None:
            raise CannotMeasureError("the token is not believed")
        seen = [_timed(tokens, token) for _ in range(times)]
        unseen = []
        for _ in range(times // 10):
            tokens.forget()
            unseen.append(_timed(tokens, token))
        return median(seen), median(unseen)
    finally:
        core.pool.close()


def _timed(tokens: AccessTokens, token: str) -> float:
    began = time.perf_counter()
    tokens.find(token)
    return time.perf_counter() - began


BENCHMARK = Benchmark("login", "log-ins a second on one core, and the check of a token", run)
