"""What Postmark refuses in a message, with its error codes: pure checks, nothing is stored."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.sandbox.addresses import Mailbox, parse_mailboxes
from infra.local.sandbox.servers import Server, Stream

MAX_BATCH = 500
MAX_BATCH_BYTES = 50 * 1024 * 1024
MAX_MESSAGE_BYTES = 10 * 1024 * 1024
MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_RECIPIENTS = 50
MAX_TAG, MAX_SUBJECT = 1000, 2000
MAX_METADATA, MAX_METADATA_NAME, MAX_METADATA_VALUE = 10, 20, 80

_FORBIDDEN = re.compile(
    r".*\.(vbs|exe|bin|bat|chm|com|cpl|crt|hlp|hta|inf|ins|isp|jse|lnk|mdb|pcd|pif|reg|scr|sct|shs"
    r"|vbe|vba|wsf|wsh|wsl|msc|msi|msp|mst)",
    re.IGNORECASE | re.DOTALL,
)
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_LINK_TRACKING = ("None", "HtmlAndText", "HtmlOnly", "TextOnly")
_TEXT_FIELDS = ("From", "To", "Cc", "Bcc", "Subject", "HtmlBody", "TextBody", "ReplyTo", "Tag")


class RefusedError(Exception):
    """Postmark's no to one message or request: its ErrorCode and a sentence."""

    def __init__(self, code: int, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Checked:
    """A message that may be sent. `active` are the recipients it really goes to."""

    stream: Stream
    sender: Mailbox
    recipients: list[tuple[str, Mailbox]]
    active: list[str]
    inactive: list[str]
    subject: str
    tag: str
    metadata: dict[str, str]
    track_opens: bool
    track_links: str


def check_message(
    message: Any, server: Server, is_suppressed: Callable[[str, str], bool]
) -> Checked:
    """The message's checked fields; raises RefusedError. `is_suppressed(stream, address)`."""
    if not isinstance(message, dict):
        raise RefusedError(403, "The message is not a JSON object.")
    for field in _TEXT_FIELDS:
        if not isinstance(message.get(field, ""), str | None):
            raise RefusedError(403, f"'{field}' must be a string.")
    stream = _stream(message, server)
    sender = _sender(message.get("From") or "")
    recipients = _recipients(message)
    _check_texts(message)
    _check_headers(message.get("Headers"))
    _check_size(message, _attachment_bytes(message.get("Attachments")))
    inactive = [m.email for _, m in recipients if is_suppressed(stream.id, m.email.lower())]
    active = list(dict.fromkeys(m.email for _, m in recipients if m.email not in inactive))
    if not active:
        raise RefusedError(406, _inactive_sentence(inactive))
    return Checked(
        stream=stream,
        sender=sender,
        recipients=recipients,
        active=active,
        inactive=inactive,
        subject=message.get("Subject") or "",
        tag=message.get("Tag") or "",
        metadata=_metadata(message.get("Metadata")),
        track_opens=_track_opens(message.get("TrackOpens"), server),
        track_links=_track_links(message.get("TrackLinks"), server),
    )


def _stream(message: dict[str, Any], server: Server) -> Stream:
    name = message.get("MessageStream") or "outbound"
    stream = server.stream(name) if isinstance(name, str) else None
    if stream is None:
        raise RefusedError(1235, "The 'MessageStream' provided does not exist on this server.")
    if not stream.can_send:
        raise RefusedError(1236, "Sending is not supported on the 'MessageStream' provided.")
    return stream


def _sender(text: str) -> Mailbox:
    try:
        mailboxes = parse_mailboxes(text)
    except ValueError:
        mailboxes = []
    if len(mailboxes) != 1:
        raise RefusedError(300, f"Invalid 'From' address: '{text[:200]}'.")
    domain = mailboxes[0].email.rpartition("@")[2].lower()
    if domain == "unconfirmed.invalid":
        raise RefusedError(401, f"The Sender Signature of '{mailboxes[0].email}' is unconfirmed.")
    if domain.endswith(".invalid"):
        raise RefusedError(
            400,
            f"The 'From' address you supplied ({mailboxes[0].email}) is not a Sender Signature "
            "on your account. Please add and confirm this address in order to use it.",
        )
    return mailboxes[0]


def _recipients(message: dict[str, Any]) -> list[tuple[str, Mailbox]]:
    recipients: list[tuple[str, Mailbox]] = []
    for field in ("To", "Cc", "Bcc"):
        if text := message.get(field):
            try:
                recipients += [(field, mailbox) for mailbox in parse_mailboxes(text)]
            except ValueError as error:
                raise RefusedError(300, f"Invalid '{field}' address: '{error}'.") from None
    if not recipients:
        raise RefusedError(300, "Zero recipients specified.")
    if len(recipients) > MAX_RECIPIENTS:
        raise RefusedError(300, f"Too many recipients: {len(recipients)}. Max {MAX_RECIPIENTS}.")
    return recipients


def _check_texts(message: dict[str, Any]) -> None:
    if not (message.get("HtmlBody") or message.get("TextBody")):
        raise RefusedError(300, "Provide either email TextBody or HtmlBody or both.")
    for field, limit in (("Tag", MAX_TAG), ("Subject", MAX_SUBJECT)):
        if len(message.get(field) or "") > limit:
            raise RefusedError(300, f"Invalid '{field}': at most {limit} characters.")
    if reply_to := message.get("ReplyTo"):
        try:
            parse_mailboxes(reply_to)
        except ValueError as error:
            raise RefusedError(300, f"Invalid 'ReplyTo' address: '{error}'.") from None


def _check_headers(headers: Any) -> None:
    if headers is None:
        return
    if not isinstance(headers, list):
        raise RefusedError(403, "'Headers' must be an array of {Name, Value}.")
    for header in headers:
        name, value = (
            (header.get("Name"), header.get("Value"))
            if isinstance(header, dict)
            else (
                None,
                None,
            )
        )
        if not isinstance(name, str) or not isinstance(value, str):
            raise RefusedError(403, "'Headers' must be an array of {Name, Value}.")
        if not _HEADER_NAME.fullmatch(name) or "\n" in value or "\r" in value:
            raise RefusedError(300, f"Invalid header '{name[:100]}'.")


def _attachment_bytes(attachments: Any) -> int:
    """Bytes of all attachments as they travel, in base64."""
    total = 0
    if not isinstance(attachments, list | None):
        raise RefusedError(403, "'Attachments' must be an array.")
    for attachment in attachments or []:
        name = attachment.get("Name") if isinstance(attachment, dict) else None
        content = attachment.get("Content") if isinstance(attachment, dict) else None
        if not isinstance(name, str) or not isinstance(content, str):
            raise RefusedError(403, "An attachment needs Name, Content and ContentType.")
        if _FORBIDDEN.fullmatch(name):
            raise RefusedError(411, f"The attachment '{name[:100]}' is of a forbidden type.")
        try:
            base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise RefusedError(300, f"Attachment '{name[:100]}' is not base64.") from None
        total += len(content)
    return total


def _utf8_length(text: str, limit: int) -> int:
    """Bytes of the text; counted exactly only when it could be near the limit."""
    return len(text.encode()) if len(text) * 4 > limit else len(text)


def _check_size(message: dict[str, Any], total: int) -> None:
    for field in ("HtmlBody", "TextBody"):
        size = _utf8_length(message.get(field) or "", MAX_BODY_BYTES)
        if size > MAX_BODY_BYTES:
            raise RefusedError(300, f"Invalid '{field}': larger than 5 MB.")
        total += size
    if total > MAX_MESSAGE_BYTES:
        raise RefusedError(300, "The message is larger than 10 MB, attachments included.")


def _metadata(metadata: Any) -> dict[str, str]:
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise RefusedError(403, "'Metadata' must be an object of strings.")
    if len(metadata) > MAX_METADATA:
        raise RefusedError(300, f"Too many metadata fields: at most {MAX_METADATA}.")
    for name, value in metadata.items():
        if not isinstance(value, str):
            raise RefusedError(403, f"The metadata field '{name[:100]}' must be a string.")
        if not 0 < len(name) <= MAX_METADATA_NAME:
            raise RefusedError(300, f"Metadata name '{name[:100]}': 1 to 20 characters.")
        if len(value) > MAX_METADATA_VALUE:
            raise RefusedError(300, f"Metadata value of '{name}': at most 80 characters.")
    return metadata


def _track_opens(value: Any, server: Server) -> bool:
    if not isinstance(value, bool | None):
        raise RefusedError(403, "'TrackOpens' must be a boolean.")
    return server.track_opens if value is None else value


def _track_links(value: Any, server: Server) -> str:
    if value is None:
        return server.track_links
    if not isinstance(value, str) or value not in _LINK_TRACKING:
        raise RefusedError(300, "'TrackLinks' must be None, HtmlAndText, HtmlOnly or TextOnly.")
    return value


def _inactive_sentence(addresses: list[str]) -> str:
    return (
        "You tried to send to recipient(s) that have been marked as inactive. "
        f"Found inactive addresses: {', '.join(addresses)}. Inactive recipients are ones that "
        "have generated a hard bounce, a spam complaint, or a manual suppression."
    )
