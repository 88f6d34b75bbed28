"""What is known when a turn is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.access.permissions import Permission
from domain.campaign.values import Content, Status
from domain.organization.commands import Profile


@dataclass(frozen=True, slots=True)
class Seen:
    """A campaign as it is now. `name` stands in its content.

    `first_approved`: one of two people has said yes to it.
    """

    campaign_id: UUID
    campaign_type: str
    status: Status
    content_hash: str
    content: Content
    first_approved: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A campaign that exists, by its name; newest first in lists."""

    campaign_id: UUID
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose address was typed: the contact, or only an address under a reference.

    `suppression` is why the address gets no mail, if it gets none; `name` may be empty.
    """

    reference: UUID
    is_contact: bool
    name: str = ""
    consent: str = "unknown"
    suppression: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """What a person asked for when the last reply had to ask back."""

    intent: str
    campaign_type: str | None
    slots: Mapping[str, Any]
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a reply may build on, as of one moment.

    `now` is aware; `tags` has the contacts that carry each; `attributes` are the columns contacts
    have (filled when a question about them may come up). `target`: the campaign that the turn
    means, if that is clear; `shown_hash` and `shown_id` what was shown here last, and
    `clear_yes` whether a yes can only mean that. `deletion`: whom the last reply asked about
    deleting. `tests_left`: test mails of today. `may`: what the person who speaks is allowed. A
    campaign to more than `second_approver_above` people needs two of them to say yes.
    """

    now: datetime
    business_id: UUID
    business: Profile
    tags: Mapping[str, int]
    may: frozenset[Permission]
    last_purchase_attribute: str | None = None
    attributes: tuple[str, ...] = ()
    campaigns: tuple[Named, ...] = ()
    target: Seen | None = None
    ambiguous: tuple[Named, ...] = ()
    shown_id: UUID | None = None
    shown_hash: str | None = None
    clear_yes: bool = False
    second_approver_above: int | None = None
    pending: Pending | None = None
    people: Mapping[str, Person] = field(default_factory=dict)
    deletion: Person | None = None
    tests_left: int = 0

    @property
    def shows_target(self) -> bool:
        """Whether the target is, exactly as it is now, what was shown here last."""
        return (
            self.target is not None
            and self.target.campaign_id == self.shown_id
            and self.target.content_hash == self.shown_hash
        )


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be looked up before the reply can be worded."""

    conditions: Mapping[str, Any] | None = None
    never_bought: str | None = None
    """Count contacts without a value for this attribute."""
    besides: UUID | None = None
    """Overlaps count campaigns other than this one."""
    metrics_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Overlap:
    """A campaign that lately went to members of the same audience."""

    name: str
    contacts: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What was looked up; empty where nothing was asked for."""

    recipients: int = 0
    withheld: Mapping[str, int] = field(default_factory=dict)
    without_value: int = 0
    overlaps: tuple[Overlap, ...] = ()
    metrics: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The whole audience."""
        return self.recipients + sum(self.withheld.values())
