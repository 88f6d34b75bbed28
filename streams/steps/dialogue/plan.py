"""What a reply consists of: words, suggestions, and commands as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from domain.campaign.values import CampaignType, Content
from domain.organization.commands import Profile
from streams.recognition.ports import Recognition
from streams.steps.dialogue.situation import Findings, Needs


@dataclass(frozen=True, slots=True)
class Draft:
    """Make this campaign; its id is `campaign_id`."""

    campaign_id: UUID
    workflow_id: UUID
    campaign_type: CampaignType
    content: Content


@dataclass(frozen=True, slots=True)
class Revise:
    """Let the campaign be this from now on."""

    campaign_id: UUID
    content: Content


@dataclass(frozen=True, slots=True)
class Approve:
    """The person's yes to exactly this content, and what it is said to do.

    `first_of_two`: it goes to so many that somebody else has to agree too.
    """

    campaign_id: UUID
    content_hash: str
    first_of_two: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Stop, go on, or end a campaign."""

    campaign_id: UUID
    what: Literal["pause", "resume", "cancel", "reject"]


@dataclass(frozen=True, slots=True)
class SendTest:
    """One e-mail of the campaign to the address that the reference stands for."""

    campaign_id: UUID
    reference: UUID


@dataclass(frozen=True, slots=True)
class SetBusiness:
    """Describe the business like this from now on."""

    profile: Profile


@dataclass(frozen=True, slots=True)
class AssignRole:
    """Remember which attribute of contacts plays a part."""

    role: str
    attribute: str


@dataclass(frozen=True, slots=True)
class DeleteContact:
    """Hide the contact and never mail the address again."""

    contact_id: UUID


@dataclass(frozen=True, slots=True)
class Tag:
    """Give the contact these tags."""

    contact_id: UUID
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The owner asks to mail this contact no more."""

    contact_id: UUID


Command = (
    Draft | Revise | Approve | Change | SendTest | SetBusiness | AssignRole | DeleteContact | Tag
    | Unsubscribe
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Action:
    """A button a client may show. `action` is stable, `label` for people."""

    action: str
    label: str
    campaign_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """The answer to one turn. `shows`: the campaign shown with it, whose hash a yes will mean.

    `commands` are carried out in order, in the reply's own transaction.
    """

    content: str
    actions: tuple[Action, ...] = ()
    commands: tuple[Command, ...] = ()
    shows: UUID | None = None
    understood: Recognition | None = None
    """What the turn meant in its place in the dialogue, where the sentence alone says less."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A reply that is decided but for some figures."""

    needs: Needs
    word: Callable[[Findings], ReplyPlan]

    def after(self, notice: str) -> Thought:
        """The same with a sentence in front."""
        word = self.word

        def with_notice(findings: Findings) -> ReplyPlan:
            plan = word(findings)
            return replace(plan, content=f"{notice} {plan.content}")

        return Thought(self.needs, with_notice)

    def having(self, *commands: Command, understood: Recognition) -> Thought:
        """The same with commands that come first, and with what the turn meant."""
        word = self.word

        def with_commands(findings: Findings) -> ReplyPlan:
            plan = word(findings)
            return replace(plan, commands=(*commands, *plan.commands), understood=understood)

        return Thought(self.needs, with_commands)


def says(content: str, *actions: Action, commands: tuple[Command, ...] = ()) -> Thought:
    """A reply that needs no figures and shows no campaign."""
    return Thought(Needs(), lambda _: ReplyPlan(content, actions, commands))
