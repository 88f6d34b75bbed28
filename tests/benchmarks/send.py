"""send: from the approval of a campaign to the last message accepted, for 10,000 contacts.

No peer: the limit is absolute. The whole product runs, the rate is unlimited, the sandbox accepts
everything and plays its recipients, so that webhooks come back meanwhile. One e-mail of about 30 KB
with three personal fields. Time runs from the request that approves until the sandbox has accepted
the last one. Every address must have been accepted exactly once.
"""

from __future__ import annotations

import time
from typing import Any

from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError
from tests.benchmarks.contacts import contacts_csv, import_contacts
from tests.benchmarks.processes import Usage, pids_by_role, watched
from tests.benchmarks.report import Figure, Report, at_most
from tests.support.whole_stack import Tenant, WholeStack, eventually

ABOUT = """One campaign to 10,000 contacts, one e-mail of about 30 KB with three personal fields,
rate unlimited, webhooks on, the whole product and the sandbox on the same two cores; from the
request that approves until the sandbox has accepted the last message."""
_GREETING = (
    "<p>Hello {{ contact.first_name | default: 'there' }}, it has been a while since you were with "
    "us in {{ contact.attributes.city | default: 'town' }}.</p>\n"
)
_PARAGRAPH = (
    "<p>Our bakery in the old town has been baking with time and butter since the day it opened, "
    "and we would love to see you again.</p>\n"
)


def run(bench: Bench) -> Report:
    """Measure."""
    count = 1_000 if bench.quick else 10_000
    with bench.product("send", send_rate=0) as stack:
        tenant = stack.new_tenant()
        stack.sandbox.put("/sandbox/behaviour", json={"faults": {}}).raise_for_status()
        import_contacts(tenant, contacts_csv(stack.settings.data_dir, count))
        eventually(
            lambda: tenant.get("/v1/contacts", limit=1)["total"] >= count, seconds=120, what="view"
        )
        campaign = _draft(tenant)
        with watched(pids_by_role(stack), every=0.25) as usage:
            seconds = _approve(stack, tenant, campaign, count)
        once = _accepted_once(stack, campaign["id"], count)
    role, share = usage.busiest()
    figures = [
        Figure(f"approval to {count:,} accepted", seconds, "s", at_most(15)),
        Figure("messages a second", count / seconds, "messages/s"),
        Figure("accepted twice or not at all", once, "contacts", at_most(0)),
        Figure(f"busiest process ({role}), of one core", share * 100, "%"),
        Figure("both cores together", usage.machine_share(), "%"),
    ]
    return Report("send", "Approval to accepted", " ".join(ABOUT.split()), figures, _notes(usage))


def _notes(usage: Usage) -> list[str]:
    return [f"Processor, shares of one core while it sent: {usage.shares()}."]


def _draft(tenant: Tenant) -> dict[str, Any]:
    """A campaign to everybody, with a mail of about 30 KB."""
    html = _GREETING + _PARAGRAPH * (28 * 1024 // len(_PARAGRAPH))
    subject = "We miss you, {{ contact.first_name | default: 'friend' }}"
    email = {"subject": subject, "preheader": "Come by", "html": f"<body>{html}</body>"}
    everybody = {"conditions": {"all": [{"field": "email", "op": "exists", "value": True}]}}
    answer = tenant.post(
        "/v1/campaigns",
        {
            "business_id": tenant.business_id,
            "type": "newsletter",
            "name": "Benchmark",
            "audience": everybody,
            "emails": [email],
        },
        201,
    )
    made: dict[str, Any] = answer.json()
    return made


def _approve(stack: WholeStack, tenant: Tenant, campaign: dict[str, Any], count: int) -> float:
    """Approve; the seconds until all are accepted."""
    began = time.perf_counter()
    path = f"/v1/campaigns/{campaign['id']}/approve"
    tenant.post(path, {"content_hash": campaign["content_hash"]})
    while _accepted(stack, campaign["id"]) < count:
        if time.perf_counter() - began > 300:
            raise CannotMeasureError("the sending did not end within five minutes")
        time.sleep(0.25)
    return time.perf_counter() - began


def _accepted(stack: WholeStack, campaign: str) -> int:
    answer = stack.sandbox.get(
        "/sandbox/messages", params={"metadata_campaign_id": campaign, "limit": 1}
    )
    total: int = answer.json()["total"]
    return total


def _accepted_once(stack: WholeStack, campaign: str, count: int) -> int:
    """How many contacts were accepted twice or not at all."""
    answer = stack.sandbox.get(
        "/sandbox/messages", params={"metadata_campaign_id": campaign, "limit": 10_000}
    )
    found = [to.lower() for message in answer.json()["messages"] for to in message["to"]]
    return abs(count - len(found)) + len(found) - len(set(found))


BENCHMARK = Benchmark("send", "approval to the last of 10,000 accepted", run)
