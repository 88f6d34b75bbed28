"""One run: a product of its own, busy, dying all the time; then calm, then counted."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg

from infra.faults import Faults
from tests.chaos.load import Load
from tests.chaos.orders import Conductor, Say
from tests.chaos.plan import BEHAVIOUR, SETTINGS, Plan
from tests.chaos.verdict import Verdict, verdict_of
from tests.support.killing import all_ready, wait_for_end
from tests.support.mailing import import_contacts
from tests.support.whole_stack import Tenant, WholeStack, whole_stack

UNKNOWN: Final = 5
"""Contacts whose consent nobody knows: they are withheld."""
_OPEN: Final = """
    SELECT (SELECT count(*) FROM state.sends WHERE organization_id = %(id)s
            AND state IN ('intended', 'claimed', 'ambiguous')),
        (SELECT count(*) FROM state.reply_tasks WHERE organization_id = %(id)s
            AND state IN ('waiting', 'claimed')),
        (SELECT count(*) FROM state.run_steps WHERE organization_id = %(id)s
            AND state <> 'expanded'),
        (SELECT %(campaigns)s - count(*) FROM state.runs WHERE organization_id = %(id)s)
"""


def run(plan: Plan, folder: Path, say: Say) -> tuple[Conductor, Load, Verdict]:
    """Everything, from the start of the stack to the count; stops the stack in the end."""
    with whole_stack(
        folder, armed=True, ambiguous_policy=plan.policy, **SETTINGS
    ) as product:  # fmt: skip
        say(f"the product runs: {plan.name}")
        tenant = product.new_tenant()
        _behave(product, BEHAVIOUR)
        import_contacts(tenant, plan.people, UNKNOWN)
        load = Load(product, tenant)
        conductor = Conductor(product, plan, Faults.of(product.data_dir), say)
        load.start()
        conductor.conduct()
        load.stop()
        say(f"all orders are given: {conductor.kills.total()} kills; calm now")
        _come_to_rest(product, tenant, len(load.campaigns), say)
        verdict = verdict_of(product, tenant, load, plan.people + UNKNOWN, seconds=120)
        tenant.http.close()
    return conductor, load, verdict


def _behave(product: WholeStack, behaviour: object) -> None:
    answer = product.sandbox.put("/sandbox/behaviour", json=behaviour)
    assert answer.status_code == 200, answer.text


def _come_to_rest(product: WholeStack, tenant: Tenant, campaigns: int, say: Say) -> None:
    """No more faults, so that what is left can end; until nothing moves any more."""
    wait_for_end(lambda: all_ready(product), 180, "the return of every process")
    faults = dict.fromkeys(BEHAVIOUR["faults"], 0.0)
    _behave(product, {"faults": {**faults, "hang_seconds": 20.0, "shuffle_seconds": 1.0}})
    wait_for_end(
        lambda: _rests(product, tenant, campaigns), 300, "an outcome for every delivery and turn"
    )
    say("every delivery and every turn has an outcome")
    wait_for_end(product.sandbox_quiet, 300, "the end of the recipients' reactions")
    say("the recipients have nothing left to do")


def _rests(product: WholeStack, tenant: Tenant, campaigns: int) -> bool:
    try:
        with psycopg.connect(product.addresses.postgres_worker_url) as connection:
            values = {"id": tenant.organization_id, "campaigns": campaigns}
            row = connection.execute(_OPEN, values).fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and not any(row)
