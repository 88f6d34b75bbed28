"""What the provider told goes to the intake, if it is news and ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from schemas.codec import to_micros
from streams.effects.healing.ports import Heard, Intake
from streams.effects.metrics import GAPS
from streams.steps.webhooks import Observation, UnreadableWebhookError, understand


@dataclass(slots=True)
class Feeder:
    """Compares with what was heard and puts back what was not, for one organization.

    `found` counts what was put back, by kind; `young`: something was passed over because its
    webhook may still be on its way (`settled`: what is older has had its time).
    """

    heard: Heard
    intake: Intake
    organization_id: str
    since: datetime
    settled: datetime
    found: Counter[str] = field(default_factory=Counter)
    young: bool = False

    def unheard(self, bodies: Iterable[bytes]) -> list[tuple[bytes, Observation]]:
        """Those never heard, about our messages or about none, of the time that counts."""
        understood = [(body, seen) for body in bodies if (seen := self._understood(body))]
        news = self.heard.unheard(self.organization_id, {seen.key for _, seen in understood})
        unheard = [(body, seen) for body, seen in understood if seen.key in news]
        messages = {seen.message_id for _, seen in unheard if seen.message_id}
        ours = self.heard.ours(self.organization_id, messages) if messages else set()
        unheard = [(b, s) for b, s in unheard if not s.message_id or s.message_id in ours]
        old = [(b, s) for b, s in unheard if s.at <= to_micros(self.settled)]
        self.young = self.young or len(old) < len(unheard)
        return old

    def feed(self, bodies: Iterable[bytes]) -> None:
        """Put back what is missing."""
        by_key = {seen.key: (body, seen.kind) for body, seen in self.unheard(bodies)}
        if by_key:
            self.intake.put_back(self.organization_id, [body for body, _ in by_key.values()])
            kinds = Counter(str(kind) for _, kind in by_key.values())
            self.found.update(kinds)
            for kind, count in kinds.items():
                GAPS.labels(kind).inc(count)

    def _understood(self, body: bytes) -> Observation | None:
        try:
            seen = understand(body, self.settled)
        except UnreadableWebhookError:
            return None
        return seen if seen.at >= to_micros(self.since) else None
