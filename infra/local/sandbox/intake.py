"""From the bodies of send requests to what is stored and answered; touches no database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lz4.block
import orjson

from infra.local.sandbox import mail, payloads
from infra.local.sandbox.behaviour import Behaviour
from infra.local.sandbox.planning import Letter, Planned
from infra.local.sandbox.recipients import plan
from infra.local.sandbox.refusals import Checked, RefusedError, check_message
from infra.local.sandbox.servers import Server


@dataclass(frozen=True, slots=True)
class Accepted:
    """One message that was taken, `index` being its place in the stored batch."""

    message_id: str
    index: int
    checked: Checked
    planned: list[tuple[str, Planned]]


@dataclass(frozen=True, slots=True)
class Refused:
    recipient: str
    stream: str
    code: int
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request leaves behind. `bodies` is the JSON array of all messages, in lz4."""

    server_id: int
    at: float
    bodies: bytes
    accepted: list[Accepted]
    refused: list[Refused]
    answers: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What taking a batch depends on, passed in: nothing here reads a clock or makes ids."""

    server: Server
    behaviour: Behaviour
    is_suppressed: Callable[[str, str], bool]
    now: float
    new_id: Callable[[], object]


def take_batch(messages: list[Any], raw: bytes, conditions: Conditions) -> Batch:
    """Check every message and plan what becomes of it; `raw` is the same array as JSON."""
    batch = Batch(conditions.server.id, conditions.now, lz4.block.compress(raw), [], [], [])
    submitted = payloads.timestamp(conditions.now)
    for index, message in enumerate(messages):
        try:
            checked = check_message(message, conditions.server, conditions.is_suppressed)
        except RefusedError as refusal:
            batch.refused.append(_refused(message, refusal))
            batch.answers.append({"ErrorCode": refusal.code, "Message": refusal.message})
            continue
        planned = [
            (recipient, happening)
            for recipient in checked.active
            for happening in plan(_letter(recipient, message, checked), conditions.behaviour)
        ]
        accepted = Accepted(str(conditions.new_id()), index, checked, planned)
        batch.accepted.append(accepted)
        batch.answers.append(_answer(message, accepted, submitted))
    return batch


def _letter(recipient: str, message: dict[str, Any], checked: Checked) -> Letter:
    return Letter(
        recipient=recipient,
        subject=checked.subject,
        tag=checked.tag,
        tracks_opens=checked.track_opens and bool(message.get("HtmlBody")),
        tracks_links=checked.track_links != "None",
        provider_unsubscribe=checked.stream.handling == "Postmark",
        one_click=mail.one_click_url(message.get("Headers")),
        links=lambda: mail.links_to_click(message, checked.track_links),
    )


def _answer(message: dict[str, Any], accepted: Accepted, submitted: str) -> dict[str, Any]:
    said = "OK"
    if accepted.checked.inactive:
        inactive = ", ".join(accepted.checked.inactive)
        said = f"Message OK, but will not deliver to these inactive addresses: {inactive}."
    shown = {field: message[field] for field in ("To", "Cc", "Bcc") if message.get(field)}
    return {
        **shown,
        "SubmittedAt": submitted,
        "MessageID": accepted.message_id,
        "ErrorCode": 0,
        "Message": said,
    }


def _refused(message: Any, refusal: RefusedError) -> Refused:
    """Kept for comparison; a refused message may hold anything, so only plain texts are."""
    fields = message if isinstance(message, dict) else {}
    metadata = fields.get("Metadata")
    return Refused(
        recipient=str(fields.get("To") or "")[:254],
        stream=str(fields.get("MessageStream") or "outbound")[:100],
        code=refusal.code,
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def rendered(message: Any, server: Server) -> dict[str, Any]:
    """A templated message as the plain one it stands for; raises RefusedError."""
    if not isinstance(message, dict):
        raise RefusedError(403, "The message is not a JSON object.")
    model = message.get("TemplateModel")
    if not isinstance(model, dict):
        raise RefusedError(403, "'TemplateModel' must be an object.")
    number, alias = message.get("TemplateId"), message.get("TemplateAlias")
    for template in server.templates:
        if template.template_id == number or (alias and template.alias == alias):
            plain = {k: v for k, v in message.items() if not k.startswith("Template")}
            plain["Subject"] = mail.render(template.subject, model, escape=False)
            if template.html_body:
                plain["HtmlBody"] = mail.render(template.html_body, model, escape=True)
            if template.text_body:
                plain["TextBody"] = mail.render(template.text_body, model, escape=False)
            return plain
    raise RefusedError(1101, "The 'TemplateId' or 'TemplateAlias' is not valid or not found.")


def unpacked(bodies: bytes) -> list[Any]:
    """The messages of a stored batch."""
    messages: list[Any] = orjson.loads(lz4.block.decompress(bodies))
    return messages
