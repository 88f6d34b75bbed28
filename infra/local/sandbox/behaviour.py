"""How the sandbox behaves: rates and delays of its recipients, and faults it plays."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=10_000_000)]
Span = tuple[Seconds, Seconds]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Rates(_Strict):
    """Shares of accepted messages that bounce, and of delivered ones that get a reaction.

    Whoever clicks has opened before, so opens are at least as many as clicks. `silent` messages
    are accepted and never heard of again. `reopen` is the chance of each further open. `scanner`
    and `privacy_proxy` are the shares of mailboxes behind which such a machine reads first.
    """

    hard_bounce: Probability = 0.008
    soft_bounce: Probability = 0.007
    blocked: Probability = 0.003
    silent: Probability = 0.007
    open: Probability = 0.38
    reopen: Probability = 0.25
    click: Probability = 0.06
    complaint: Probability = 0.0005
    unsubscribe: Probability = 0.004
    scanner: Probability = 0.03
    privacy_proxy: Probability = 0.05


class Delays(_Strict):
    """Spans in seconds of real life, each multiplied by `time_scale` before it is waited for.

    Delivery and bounce count from acceptance, a reopen or click from the open before it,
    everything else from the delivery. `open` begins so late that at the default scale nobody is
    as quick as a scanner.
    """

    delivery: Span = (3, 60)
    bounce: Span = (3, 90)
    open: Span = (130, 1200)
    reopen: Span = (30, 600)
    click: Span = (5, 120)
    complaint: Span = (30, 600)
    unsubscribe: Span = (15, 300)
    scan: Span = (0.1, 1.5)
    prefetch: Span = (1, 900)


class Faults(_Strict):
    """Probabilities of what goes wrong, per request (the first four) or per webhook.

    `rate_limit` (429), `maintenance` (503, ErrorCode 100) and `error_500` accept nothing;
    `timeout_after_accept` accepts and stays silent for `hang_seconds`, then breaks off.
    """

    timeout_after_accept: Probability = 0.0
    error_500: Probability = 0.0
    rate_limit: Probability = 0.0
    maintenance: Probability = 0.0
    drop_webhooks: Probability = 0.0
    duplicate_webhooks: Probability = 0.0
    shuffle_webhooks: Probability = 0.0
    hang_seconds: Seconds = 60.0
    shuffle_seconds: Seconds = 180.0


class Behaviour(_Strict):
    """Everything `PUT /sandbox/behaviour` can set. `time_scale` 1/60: a minute takes a second."""

    seed: int = Field(default=1, ge=0, lt=2**63)
    time_scale: float = Field(default=1 / 60, ge=0, le=1000)
    search_lag_seconds: Seconds = 2.0
    rates: Rates = Rates()
    delays: Delays = Delays()
    faults: Faults = Faults()

    def changed(self, patch: Any) -> Behaviour:
        """This behaviour with a partial update applied; raises pydantic's ValidationError."""
        if not isinstance(patch, dict):
            return Behaviour.model_validate(patch)
        return Behaviour.model_validate(_merged(self.model_dump(), patch))


def _merged(base: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in patch.items():
        old = merged.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merged(old, value)
        merged[name] = value
    return merged
