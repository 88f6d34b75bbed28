"""reply: from a sentence to its answer, with twenty people speaking at once; and to a draft.

No peer: the limits are absolute. The whole product runs with the offline engine and 2,000 contacts.
Twenty people, each in a conversation of their own, say something every two seconds for half a
minute, beginning spread over those two seconds; a person who still waits says the next thing when
the answer is there. Time runs from the request to the answer, as `Prefer: wait` gives it. An answer
that came as 202 counts as the time until the turn could be read as answered.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError, percentile
from tests.benchmarks.contacts import contacts_csv, import_contacts
from tests.benchmarks.processes import pids_by_role, watched
from tests.benchmarks.report import Figure, Report, at_most
from tests.support.whole_stack import Tenant, eventually

PEOPLE, EVERY = 20, 2.0
ABOUT = f"""{PEOPLE} people, each saying something every {EVERY:.0f} s for half a minute in a
conversation of their own, offline engine, the whole product running."""
_DRAFT = "Win back customers who haven't bought in 60 days with 20% off"
_SMALL = (
    "hello there", "what can you do?", "how did my campaigns do last week?",
    "who would get a newsletter?", "thanks, that helps",
)  # fmt: skip
_SCRIPT = (*_SMALL, _DRAFT, "make it friendlier", "who gets this?")


def run(bench: Bench) -> Report:
    """Measure."""
    seconds = 8 if bench.quick else 30
    with bench.product("reply") as stack:
        tenant = stack.new_tenant()
        import_contacts(tenant, contacts_csv(stack.settings.data_dir, 2_000))
        eventually(lambda: tenant.get("/v1/contacts", limit=1)["total"] >= 2_000, seconds=60)
        drafts = [_said(tenant, _begin(tenant), _DRAFT) for _ in range(2 if bench.quick else 10)]
        with watched(pids_by_role(stack), every=1) as usage:
            replies = _speak(tenant, seconds)
    if not all(made for _, made in drafts):
        raise CannotMeasureError("the sentence did not give a draft")
    times = [taken for taken, _ in replies]
    draft = [taken * 1000 for taken, _ in drafts]
    figures = [
        Figure("reply, p50", percentile(times, 0.5) * 1000, "ms"),
        Figure("reply, p95", percentile(times, 0.95) * 1000, "ms", at_most(300)),
        Figure("reply, slowest", max(times) * 1000, "ms"),
        Figure("sentence to draft campaign, slowest", max(draft), "ms", at_most(2_000)),
    ]
    with_draft = sum(made for _, made in replies)
    notes = [
        f"{len(replies)} replies, {with_draft} of them with a new or changed campaign.",
        f"Processor, shares of one core: {usage.shares()}.",
        f"Both cores together, the benchmark included, were {usage.machine_share():.0f} % full.",
    ]
    return Report("reply", "Sentence to reply", " ".join(ABOUT.split()), figures, notes)


def _begin(tenant: Tenant) -> str:
    started: str = tenant.post("/v1/conversations", {}, 201).json()["id"]
    return started


def _said(tenant: Tenant, conversation: str, text: str) -> tuple[float, bool]:
    """Seconds until the answer, and whether a campaign came with it."""
    began = time.perf_counter()
    path = f"/v1/conversations/{conversation}/messages"
    answer = tenant.http.post(path, json={"text": text}, headers={"Prefer": "wait=10"})
    if answer.status_code == 202:
        place = answer.headers["Location"]
        eventually(lambda: tenant.get(place)["status"] != "pending", what="the answer")
        return time.perf_counter() - began, False
    if answer.status_code != 200:
        raise CannotMeasureError(f"a sentence was refused: {answer.status_code} {answer.text}")
    return time.perf_counter() - began, answer.json().get("campaign") is not None


def _speak(tenant: Tenant, seconds: float) -> list[tuple[float, bool]]:
    """Everybody speaks; all answers' times."""
    conversations = [_begin(tenant) for _ in range(PEOPLE)]
    gate = threading.Barrier(PEOPLE)

    def person(number: int) -> list[tuple[float, bool]]:
        gate.wait()
        began = time.perf_counter() + number * EVERY / PEOPLE
        answers: list[tuple[float, bool]] = []
        for turn in range(int(seconds / EVERY)):
            time.sleep(max(0.0, began + turn * EVERY - time.perf_counter()))
            text = _SCRIPT[(number + turn) % len(_SCRIPT)]
            answers.append(_said(tenant, conversations[number], text))
        return answers

    with ThreadPoolExecutor(PEOPLE) as people:
        return [each for answers in people.map(person, range(PEOPLE)) for each in answers]


BENCHMARK = Benchmark("reply", "sentence to reply, twenty people; sentence to draft", run)
