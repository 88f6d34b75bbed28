"""import: 100,000 contacts as one CSV through the API, and the API process's memory meanwhile.

No peer: the limits are absolute. The whole product runs, so that relay, projections and analytics
carry the events away while the import makes them. Flat means: the memory of the last quarter of the
import is no more than a tenth above that of the second quarter.
"""

from __future__ import annotations

import csv
import json
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError
from tests.benchmarks.processes import pids_by_role, watched
from tests.benchmarks.report import Figure, Report, at_most
from tests.support.whole_stack import Tenant, eventually

ABOUT = """One CSV of 100,000 new contacts with nine columns posted to `/v1/contacts/import`, the
whole product running; until the answer's totals, and until the contacts view has them all."""
_COLUMNS = (
    "email", "first_name", "last_name", "timezone", "last_order_date", "total_spent", "city",
    "consent_status", "consent_source", "consent_at",
)  # fmt: skip


def contacts_csv(folder: Path, count: int, *, domain: str = "example.com") -> Path:
    """A file of so many people who may be mailed; half of them bought long ago."""
    rng = random.Random(count)
    path = folder / f"contacts-{count}-{domain}.csv"
    with path.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(_COLUMNS)
        for number in range(count):
            month = rng.randint(1, 12)
            bought = f"20{24 + number % 2}-{month:02}-{rng.randint(1, 28):02}"
            spent, city = f"{rng.random() * 400:.2f}", rng.choice(("Wien", "Köln", "Lyon"))
            person = f"person{number}@{domain}", f"First{number % 500}", f"Last{number % 900}"
            consent = "granted", "till, signed card", "2024-08-16T05:47:00Z"
            writer.writerow([*person, "Europe/Berlin", bought, spent, city, *consent])
    return path


def import_contacts(tenant: Tenant, path: Path) -> tuple[dict[str, Any], str]:
    """Import a file; the totals, and the token to wait for."""
    headers = {"Content-Type": "text/csv", "Accept": "application/x-ndjson"}
    with (
        path.open("rb") as opened,
        tenant.http.stream(
            "POST", "/v1/contacts/import", content=opened, headers=headers, timeout=600
        ) as answer,
    ):
        if answer.status_code != 200:
            raise CannotMeasureError(f"the import was refused: {answer.read().decode()}")
        last = [json.loads(line) for line in answer.iter_lines()][-1]
        return last["totals"], answer.headers.get("Nudge-Position", "")


def run(bench: Bench) -> Report:
    """Measure."""
    count = 10_000 if bench.quick else 100_000
    with bench.product("import") as stack:
        tenant = stack.new_tenant()
        path = contacts_csv(stack.settings.data_dir, count)
        pids = pids_by_role(stack)
        with watched(pids) as usage:
            began = time.perf_counter()
            totals, _ = import_contacts(tenant, path)
            imported = time.perf_counter() - began
            samples = len(usage.memory["api"])
            eventually(
                lambda: tenant.get("/v1/contacts", limit=1)["total"] >= count,
                seconds=300,
                what="the view's last contact",
            )
            visible = time.perf_counter() - began
    if totals["added"] != count:
        raise CannotMeasureError(f"not every contact was added: {totals}")
    memory = usage.memory["api"][:samples]
    figures = [
        Figure(f"{count:,} contacts imported", imported, "s", at_most(60)),
        Figure("all of them in the contacts view", visible, "s"),
        Figure("memory of the API, highest", max(memory, default=0.0), "MB", at_most(400)),
        Figure("memory, last quarter / second quarter", _growth(memory), "times", at_most(1.1)),
    ]
    notes = [
        f"Processor, shares of one core: {usage.shares()}.",
        f"Both cores together were {usage.machine_share():.0f} % full.",
    ]
    return Report("import", "Import", " ".join(ABOUT.split()), figures, notes)


def _growth(samples: Sequence[float]) -> float:
    quarter = len(samples) // 4
    if quarter == 0:
        return 1.0
    return statistics.mean(samples[-quarter:]) / statistics.mean(samples[quarter : 2 * quarter])


BENCHMARK = Benchmark("import", "100,000 contacts through the API", run)
