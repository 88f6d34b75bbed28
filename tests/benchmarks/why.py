"""why: how long it takes to say why somebody got a mail, and why somebody else did not.

No peer: the limit is absolute. The whole product runs; a sentence became a campaign, which was
approved and sent. The log holds other campaigns' events besides. Then
one question after the other over HTTP, each about another delivery or contact.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import Any

from infra.postgres import connect
from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError, percentile
from tests.benchmarks.contacts import contacts_csv, import_contacts
from tests.benchmarks.report import Figure, Report, at_most
from tests.benchmarks.stores import Database, fill_log
from tests.benchmarks.workload import delivery_events
from tests.support.whole_stack import Tenant, WholeStack, eventually

ABOUT = """A campaign of one sentence, approved and sent to those of 10,000 contacts whom it is for,
in a log that holds 200,000 events of other campaigns besides; the whole product running. 200
deliveries asked why, 200 contacts asked why not, the same deliveries as of an earlier position, one
after the other over HTTP; milliseconds a question."""
_SENTENCE = "Win back customers who haven't bought in {days} days with 20% off"
_HALF = datetime(2025, 1, 1, tzinfo=UTC)
"""Half of the contacts bought before it for the last time."""


def run(bench: Bench) -> Report:
    """Measure."""
    contacts, others, asked = (1_000, 20_000, 20) if bench.quick else (10_000, 200_000, 200)
    with bench.product("why", send_rate=0) as stack:
        tenant = stack.new_tenant()
        stack.sandbox.put("/sandbox/behaviour", json={"faults": {}}).raise_for_status()
        import_contacts(tenant, contacts_csv(stack.settings.data_dir, contacts))
        eventually(lambda: tenant.get("/v1/contacts", limit=1)["total"] >= contacts, what="view")
        campaign = _sent(stack, tenant)
        _fill(bench, stack, others)
        got, left, midst = _people(stack, campaign)
        rng = random.Random(4)
        why = [f"/v1/deliveries/{each}/why" for each in rng.sample(got, min(asked, len(got)))]
        others_asked = rng.sample(left, min(asked, len(left)))
        bench.say(f"asking {len(why)} and {len(others_asked)} questions")
        asked_why = [_asked(tenant, path, "chain") for path in why]
        path = f"/v1/campaigns/{campaign}/why-not"
        asked_why_not = [_asked(tenant, path, "reason", contact_id=each) for each in others_asked]
        earlier = [_asked(tenant, path, "chain", as_of=midst) for path in why]
    figures = []
    for what, times in (
        ("why", asked_why), ("why not", asked_why_not), ("why, as of an earlier position", earlier),
    ):  # fmt: skip
        figures += [
            Figure(f"{what}, p50", percentile(times, 0.5), "ms"),
            Figure(f"{what}, p99", percentile(times, 0.99), "ms", at_most(100)),
        ]
    notes = [f"{len(got):,} got the campaign, {len(left):,} did not."]
    return Report("why", "Why and why not", " ".join(ABOUT.split()), figures, notes)


def _sent(stack: WholeStack, tenant: Tenant) -> str:
    """The id of a campaign made from the sentence, approved and sent; its webhooks still come."""
    conversation = tenant.post("/v1/conversations", {}, 201).json()["id"]
    answer = tenant.http.post(
        f"/v1/conversations/{conversation}/messages",
        json={"text": _SENTENCE.format(days=(stack.now() - _HALF).days)},
        headers={"Prefer": "wait=10"},
    )
    draft = answer.json().get("campaign") if answer.status_code == 200 else None
    if draft is None:
        raise CannotMeasureError(f"the sentence gave no draft: {answer.status_code}")
    campaign: str = draft["id"]
    shown = tenant.get(f"/v1/campaigns/{campaign}", answer.headers.get("Nudge-Position"))
    tenant.post(f"/v1/campaigns/{campaign}/approve", {"content_hash": shown["content_hash"]})
    eventually(
        lambda: tenant.get(f"/v1/campaigns/{campaign}")["status"] == "sent" or None,
        what="the campaign to be sent",
    )
    return campaign


def _fill(bench: Bench, stack: WholeStack, count: int) -> None:
    """Others' events into the log, and through the product."""
    bench.say(f"putting {count:,} other events into the log")
    at = stack.addresses
    if at.postgres_admin_url is None:
        raise CannotMeasureError("Postgres has no administrator's login here")
    fill_log(
        Database(
            at.postgres_admin_url,
            at.postgres_owner_url,
            at.postgres_worker_url,
            at.postgres_api_url,
        ),
        delivery_events(count),
    )
    eventually(lambda: _behind(stack) == 0 or None, seconds=300, what="the views to have them")


def _behind(stack: WholeStack) -> int:
    behind: int = sum(each["events"] for each in stack.status()["lag"])
    return behind


def _people(stack: WholeStack, campaign: str) -> tuple[list[str], list[str], int]:
    """Deliveries of the campaign, contacts without one, and a position in the midst of it."""
    with connect(stack.addresses.postgres_worker_url, autocommit=True) as log:
        got = log.execute(
            "SELECT id::text, position FROM views.deliveries WHERE campaign_id = %s ORDER BY id",
            (campaign,),
        ).fetchall()
        left = log.execute(
            "SELECT id::text FROM views.contacts c WHERE NOT EXISTS (SELECT 1 FROM views.deliveries"
            " d WHERE d.contact_id = c.id AND d.campaign_id = %s) ORDER BY id",
            (campaign,),
        ).fetchall()
    if not got or not left:
        raise CannotMeasureError(f"{len(got)} got the campaign, {len(left)} did not")
    positions = sorted(position for _, position in got)
    return [each for each, _ in got], [each for (each,) in left], positions[len(positions) // 2]


def _asked(tenant: Tenant, path: str, must_have: str, **query: Any) -> float:
    """Milliseconds of one question, which must be answered."""
    began = time.perf_counter()
    answer = tenant.get(path, **query)
    took = (time.perf_counter() - began) * 1000
    if not answer.get(must_have):
        raise CannotMeasureError(f"{path} was answered without {must_have}")
    return took


BENCHMARK = Benchmark("why", "why and why not, asked over HTTP", run)
