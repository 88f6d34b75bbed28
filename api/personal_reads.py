"""Records that a caller reads personal data in plain text: once per caller and day."""

from __future__ import annotations

from fastapi import Request

from api.auth import Principal
from api.ports import Answer, CommandTransaction, Services
from api.requests import meta_of
from domain.organization.aggregate import Organization

_FIRST_TODAY = (
    "INSERT INTO state.personal_reads (organization_id, caller, day, what)"
    " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING 1"
)


class PersonalReads:
    """Remembers what this process has recorded today, so that most reads cost nothing."""

    def __init__(self) -> None:
        self._recorded: set[tuple[str, str, str]] = set()

    def record(self, request: Request, caller: Principal, services: Services, what: str) -> None:
        """Make sure that today's reading is recorded. Blocks; raises when Postgres is away."""
        meta = meta_of(request, caller, services)
        day = meta.now.date().isoformat()
        if (caller.actor, day, what) in self._recorded:
            return

        def decide(tx: CommandTransaction) -> Answer:
            values = (tx.organization_id, caller.actor, day, what)
            if tx.connection.execute(_FIRST_TODAY, values).fetchone():
                organization = tx.load(Organization, caller.organization_id)
                organization.record_personal_read(caller.actor, day, what, meta)
                tx.save(organization)
            return Answer(204, None)

        services.commands.run_once(caller.organization_id, None, b"", decide)
        self._recorded = {entry for entry in self._recorded if entry[1] == day}
        self._recorded.add((caller.actor, day, what))
