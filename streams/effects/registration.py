"""The registrar: lets Postmark post what happens to our mails, on both streams of a connection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from streams.effects.metrics import REGISTRATIONS
from streams.effects.ports import (
    ProviderAwayError,
    ProviderRefusedError,
    Registrations,
    RegistrationTask,
    Senders,
    WebhookProvider,
)

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Registrar:
    """Works through the registrations still to be made. `url` is where webhooks shall go."""

    registrations: Registrations
    senders: Senders
    provider: WebhookProvider
    url: str

    def step(self) -> bool:
        """Make one registration; whether there was one."""
        task = self.registrations.take()
        if task is None:
            return False
        sending = self.senders.sending(task.organization_id)
        try:
            if sending is None:
                raise ProviderRefusedError("not_connected", "The organization has no server.")
            registered = self.provider.register(sending, self.url)
        except ProviderAwayError:
            REGISTRATIONS.labels("away").inc()
            self.registrations.postpone(task, _pause(task))
        except ProviderRefusedError as error:
            REGISTRATIONS.labels("refused").inc()
            self.registrations.record_failure(task, error.code, error.detail)
        else:
            REGISTRATIONS.labels("registered").inc()
            self.registrations.record(task, registered)
        return True


def _pause(task: RegistrationTask) -> timedelta:
    doubled: timedelta = FIRST_PAUSE * 2 ** min(task.attempts, 16)
    return min(doubled, LONGEST_PAUSE)
