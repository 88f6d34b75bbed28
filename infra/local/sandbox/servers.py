"""Postmark's servers with their streams, webhooks and templates, in Postmark's field names."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

StreamType = Literal["Transactional", "Broadcasts", "Inbound"]
UnsubscribeHandling = Literal["None", "Postmark", "Custom"]
TrackLinks = Literal["None", "HtmlAndText", "HtmlOnly", "TextOnly"]


def postmark_name(field: str) -> str:
    """`server_id` -> `ServerID`, `message_stream` -> `MessageStream`."""
    return "".join("ID" if part == "id" else part.capitalize() for part in field.split("_"))


class PostmarkModel(BaseModel):
    """A document written and read with Postmark's names; fields it does not know are ignored."""

    model_config = ConfigDict(alias_generator=postmark_name, populate_by_name=True)

    def shown(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True)


class SubscriptionManagement(PostmarkModel):
    unsubscribe_handling_type: UnsubscribeHandling = "None"


class Stream(PostmarkModel):
    id: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,29}$")
    server_id: int = 0
    name: str = Field(min_length=1, max_length=200)
    description: str | None = None
    message_stream_type: StreamType
    created_at: str = ""
    updated_at: str | None = None
    archived_at: str | None = None
    expected_purge_date: str | None = None
    subscription_management_configuration: SubscriptionManagement = SubscriptionManagement()

    @property
    def handling(self) -> UnsubscribeHandling:
        return self.subscription_management_configuration.unsubscribe_handling_type

    @property
    def can_send(self) -> bool:
        return self.message_stream_type != "Inbound" and self.archived_at is None


class Credentials(PostmarkModel):
    username: str = ""
    password: str = ""


class Header(PostmarkModel):
    name: str = Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
    value: str = Field(pattern=r"^[^\r\n\x00]*$")


class Trigger(PostmarkModel):
    enabled: bool = False


class OpenTrigger(Trigger):
    post_first_open_only: bool = False


class ContentTrigger(Trigger):
    include_content: bool = False


class Triggers(PostmarkModel):
    open: OpenTrigger = OpenTrigger()
    click: Trigger = Trigger()
    delivery: Trigger = Trigger()
    bounce: ContentTrigger = ContentTrigger()
    spam_complaint: ContentTrigger = ContentTrigger()
    subscription_change: Trigger = Trigger()

    def wants(self, record_type: str, *, first_open: bool) -> bool:
        """Whether an event of this RecordType is posted."""
        match record_type:
            case "Open":
                return self.open.enabled and (first_open or not self.open.post_first_open_only)
            case "Click":
                return self.click.enabled
            case "Delivery":
                return self.delivery.enabled
            case "Bounce":
                return self.bounce.enabled
            case "SpamComplaint":
                return self.spam_complaint.enabled
            case "SubscriptionChange":
                return self.subscription_change.enabled
        return False


class Webhook(PostmarkModel):
    id: int = 0
    url: str = Field(pattern=r"^https?://[^\s]+$", max_length=2000)
    message_stream: str = "outbound"
    http_auth: Credentials | None = None
    http_headers: list[Header] = []
    triggers: Triggers = Triggers()


class Template(PostmarkModel):
    template_id: int = 0
    name: str = Field(min_length=1)
    alias: str | None = None
    subject: str = ""
    html_body: str | None = None
    text_body: str | None = None
    active: bool = True
    template_type: str = "Standard"


class Server(PostmarkModel):
    """One Postmark server: its own tokens, streams, suppressions and webhooks."""

    id: int = 0
    name: str = Field(min_length=1, max_length=200)
    api_tokens: list[str] = []
    color: str = "blue"
    delivery_type: Literal["Live", "Sandbox"] = "Live"
    track_opens: bool = False
    track_links: TrackLinks = "None"
    streams: list[Stream] = []
    webhooks: list[Webhook] = []
    templates: list[Template] = []

    def stream(self, stream_id: str) -> Stream | None:
        return next((s for s in self.streams if s.id == stream_id), None)

    def shown(self) -> dict[str, Any]:
        """As `GET /servers/{id}` answers: without what has resources of its own."""
        return self.model_dump(by_alias=True, exclude={"streams", "webhooks", "templates"})


def default_streams(server_id: int, now: str) -> list[Stream]:
    """What every new server starts with."""

    def stream(
        stream_id: str, name: str, kind: StreamType, handling: UnsubscribeHandling
    ) -> Stream:
        return Stream(
            id=stream_id,
            server_id=server_id,
            name=name,
            message_stream_type=kind,
            created_at=now,
            subscription_management_configuration=SubscriptionManagement(
                unsubscribe_handling_type=handling
            ),
        )

    return [
        stream("outbound", "Default Transactional Stream", "Transactional", "None"),
        stream("broadcast", "Default Broadcast Stream", "Broadcasts", "Postmark"),
        stream("inbound", "Default Inbound Stream", "Inbound", "None"),
    ]
