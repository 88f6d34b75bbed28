"""A campaign as the API shows it: from its read model, or straight from its history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from api.ports import CommandTransaction, Connection
from domain.campaign.aggregate import Campaign
from domain.campaign.content.warnings import Finding, warnings_for
from domain.campaign.decisions import workflow_graph
from domain.campaign.handlers import SENDER_INCOMPLETE
from domain.shared.canonical import canonical_json
from domain.shared.errors import NotFoundError
from domain.workflow.aggregate import Workflow
from domain.workflow.graph import to_json
from projections.queries.audience import Audience, Forecast, forecast, overlaps
from projections.queries.campaigns import get_workflow, metrics
from projections.queries.conditions import ConditionError
from projections.queries.rows import Row
from projections.queries.sending import must_look_back

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
LOOKING_BACK: Final = (
    "It comes from a backup. Before it sends anything it asks Postmark what has left since."
)
OVER: Final = frozenset({"sent", "cancelled", "rejected"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known around a campaign. `workflow` is {id, version, nodes, edges}.

    `forecast` is None where nobody counted. `overlapping`: other campaigns whose mails went to
    more than half of this audience within a day. `looking_back`: it comes from a backup and sends
    nothing before the provider has told what left since.
    """

    workflow: dict[str, Any]
    metrics: Mapping[str, int]
    forecast: Forecast | None = None
    overlapping: list[Row] = field(default_factory=list)
    looking_back: bool = False


def show(row: Row, facts: Facts) -> dict[str, Any]:
    """All of one campaign."""
    sender, at = row["sender"], row["schedule_at"]
    emails = [show_email(each) for each in row["emails"]]
    first = {key: emails[0][key] for key in _CONTENT} if emails else dict.fromkeys(_CONTENT, "")
    return {
        "id": row["id"],
        "name": row["name"],
        "type": row["type"],
        "status": row["status"],
        "status_reason": _reason(row),
        "business_id": row["business_id"],
        "conversation_id": row["conversation_id"],
        "intent": row["intent"],
        "audience": {
            "description": row["audience_description"],
            "conditions": row["conditions"],
            "count": facts.forecast.count if facts.forecast else None,
        },
        "emails": emails,
        "content": {
            **first,
            "from_name": sender.get("name", ""),
            "from_email": sender.get("email", ""),
        },
        "schedule": None if at is None else _schedule(row, at),
        "orchestrator": row["orchestrator"],
        "workflow": facts.workflow,
        "content_hash": row["content_hash"],
        "forecast": None
        if facts.forecast is None
        else {"recipients": facts.forecast.recipients, "withheld": facts.forecast.withheld},
        "warnings": [] if row["status"] in OVER else list(_warnings(row, facts)),
        "first_approved_by": row["first_approved_by"],
        "first_approved_at": instant(row["first_approved_at"]),
        "approved_by": row["approved_by"],
        "approved_at": instant(row["approved_at"]),
        "metrics": dict(facts.metrics),
        "created_at": instant(row["created_at"]),
        "updated_at": instant(row["updated_at"]),
    }


def facts_of_row(connection: Connection, row: Row, now: datetime) -> Facts:
    """Everything around a campaign of the read model."""
    counted, overlapping = _audience(connection, row, now)
    workflow = get_workflow(connection, row["workflow_id"])
    return Facts(
        show_workflow(row["workflow_id"], workflow),
        metrics(connection, row["id"]),
        counted,
        overlapping,
        must_look_back(connection, row["id"]),
    )


def facts_of(tx: CommandTransaction, campaign: Campaign, now: datetime) -> Facts:
    """The same for a campaign as this transaction leaves it."""
    row = row_of(campaign)
    counted, overlapping = _audience(tx.connection, row, now)
    return Facts(
        _workflow_after(tx, campaign),
        metrics(tx.connection, row["id"]),
        counted,
        overlapping,
        must_look_back(tx.connection, row["id"]),
    )


def recipients_of(tx: CommandTransaction, campaign: Campaign, now: datetime) -> Callable[[], int]:
    """Counts whom the campaign would be sent to, when it is asked."""
    audience = Audience(str(tx.organization_id), campaign.content.conditions, now)
    return lambda: forecast(tx.connection, audience).recipients


def row_of(campaign: Campaign) -> Row:
    """A campaign's history as the row that its read model will have."""
    content = campaign.content
    return {
        "id": str(campaign.id),
        "organization_id": str(campaign.organization_id),
        "business_id": str(campaign.business_id),
        "conversation_id": str(campaign.conversation_id) if campaign.conversation_id else None,
        "workflow_id": str(campaign.workflow_id),
        "type": campaign.campaign_type,
        "status": campaign.status,
        "name": content.name,
        "intent": content.intent,
        "audience_description": content.audience_description,
        "conditions": content.conditions,
        "emails": [asdict(each) for each in content.emails],
        "sender": asdict(content.sender),
        "schedule_at": content.schedule_at,
        "timezone": content.timezone,
        "recurrence": content.recurrence,
        "orchestrator": content.orchestrator,
        "content_hash": campaign.content_hash,
        "first_approved_by": campaign.first_approved_by,
        "first_approved_at": campaign.first_approved_at,
        "approved_by": campaign.approved_by,
        "approved_at": campaign.approved_at,
        "reason": campaign.reason,
        "reason_detail": campaign.reason_detail,
        "created_at": campaign.created_on,
        "updated_at": campaign.modified_on,
    }


class Forecasts:
    """Forecasts for a whole list: campaigns of the same audience are counted once."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._known: dict[str, Forecast | None] = {}

    def of(self, row: Row) -> Forecast | None:
        """The forecast; None for a campaign that is over."""
        if row["status"] in OVER:
            return None
        key = canonical_json(row["conditions"])
        if key not in self._known:
            self._known[key] = _forecast(self._connection, _audience_of(row, self._now))
        return self._known[key]


def show_workflow(workflow_id: str, row: Row | None) -> dict[str, Any]:
    """A workflow's graph; empty where the read model has none yet."""
    graph = row["graph"] if row else {}
    return {
        "id": workflow_id,
        "version": row["graph_version"] if row else 1,
        "nodes": graph.get("nodes", []),
        "edges": graph.get("edges", []),
    }


def show_email(email: Mapping[str, Any]) -> dict[str, Any]:
    """One e-mail, its wait in words."""
    return {
        "step": email["step"],
        "delay": show_delay(email["delay_seconds"]),
        **{name: email[name] for name in _CONTENT},
    }


_CONTENT: Final = ("subject", "preheader", "html", "text")


def show_delay(seconds: int) -> str | None:
    """A wait in words, such as "3 days", that can be sent back as it is; None for no wait."""
    if not seconds:
        return None
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _schedule(row: Row, at: datetime) -> dict[str, Any]:
    recurrence = {"recurrence": row["recurrence"]} if row["recurrence"] else {}
    return {"at": instant(at), "timezone": row["timezone"], **recurrence}


def _reason(row: Row) -> dict[str, str] | None:
    return {"code": row["reason"], "detail": row["reason_detail"]} if row["reason"] else None


def _workflow_after(tx: CommandTransaction, campaign: Campaign) -> dict[str, Any]:
    """The graph that follows from the content: stored, or about to be with the next version."""
    graph = to_json(workflow_graph(campaign.content))
    graph = {"nodes": graph["nodes"], "edges": graph["edges"]}
    version = 1
    try:
        stored = tx.load(Workflow, campaign.workflow_id)
        version = stored.graph_version + (canonical_json(graph) != stored.graph_text)
    except NotFoundError:
        pass  # it is about to be appended with the campaign
    return {"id": str(campaign.workflow_id), "version": version, **graph}


def _audience_of(row: Row, now: datetime) -> Audience:
    return Audience(row["organization_id"], row["conditions"], now)


def _forecast(connection: Connection, audience: Audience) -> Forecast | None:
    try:
        return forecast(connection, audience)
    except ConditionError:  # an erased organization's conditions say nothing any more
        return None


def _audience(connection: Connection, row: Row, now: datetime) -> tuple[Forecast | None, list[Row]]:
    audience = _audience_of(row, now)
    counted = _forecast(connection, audience)
    if counted is None or row["status"] in OVER:
        return counted, []
    others = overlaps(connection, audience, row["id"])
    return counted, [other for other in others if other["contacts"] * 2 > counted.count]


def _warnings(row: Row, facts: Facts) -> Iterable[dict[str, Any]]:
    if not all(row["sender"].get(part) for part in ("name", "email", "postal_address")):
        yield {"code": "sender_incomplete", "detail": SENDER_INCOMPLETE}
    for other in facts.overlapping:
        detail = (
            f"{other['contacts']} of these contacts got the campaign"
            f' "{other["name"]}" within the last 24 hours.'
        )
        yield {"code": "audience_overlap", "detail": detail, "campaign_id": other["campaign_id"]}
    if facts.looking_back:
        yield {"code": "looking_back", "detail": LOOKING_BACK}
    if facts.forecast is not None and facts.forecast.recipients == 0:
        yield {"code": "no_recipients", "detail": "At present nobody would get this campaign."}
    for email in row["emails"]:
        for code, detail in _content_warnings(email["subject"], email["html"], email["text"]):
            yield {"code": code, "detail": detail, "step": email["step"]}


@lru_cache(maxsize=128)
def _content_warnings(subject: str, html: str, text: str) -> list[Finding]:
    return warnings_for(subject, html, text)
