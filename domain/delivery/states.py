"""Where a delivery can stand, and which event leads from where to where: the one table.

Every change of a ledger row takes its new state from here; docs/reference/delivery-states.md is
made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from domain.shared.errors import RuleViolatedError

State = Literal[
    "intended", "claimed", "handed_over", "accepted", "refused", "ambiguous", "held",
    "delivered", "bounced", "complained", "withheld",
]  # fmt: skip
EventType = Literal[
    "DeliveryIntended", "DeliveryWithheld", "DeliveryClaimed", "DeliveryReturned",
    "DeliveryAccepted", "DeliveryRefused", "DeliveryAmbiguous", "DeliveryHeld",
    "DeliveryReleased", "DeliveryClosed",
    "Delivered", "Bounced", "Complained", "Opened", "Clicked", "SubscriptionChanged",
]  # fmt: skip
STATES: Final[tuple[State, ...]] = get_args(State)
EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)

_OUTCOMES: Final[Mapping[EventType, State]] = {
    "DeliveryAccepted": "accepted",
    "DeliveryRefused": "refused",
    "DeliveryAmbiguous": "ambiguous",
    "DeliveryReturned": "intended",
}
_SEEN: Final[tuple[EventType, ...]] = ("Opened", "Clicked", "SubscriptionChanged")


def _told(here: State, **elsewhere: State) -> dict[EventType, State]:
    """What the provider may tell of an accepted mail, in any order: the furthest counts."""
    news: dict[EventType, State] = dict.fromkeys(
        ("Delivered", "Bounced", "Complained", *_SEEN), here
    )
    news.update({event: elsewhere[event] for event in EVENT_TYPES if event in elsewhere})
    return news


# Our own unsubscribe link stands only in the mail itself: it may be used before an answer is known.
# A webhook proves acceptance wherever the delivery was thought to stand, also when it was given
# up as never sent; so DeliveryAccepted is possible in every state that does not know an answer.
TRANSITIONS: Final[Mapping[State | None, Mapping[EventType, State]]] = {
    None: {"DeliveryIntended": "intended"},
    "intended": {
        "DeliveryClaimed": "claimed",
        "DeliveryWithheld": "withheld",
        "DeliveryAccepted": "accepted",
        "SubscriptionChanged": "intended",
    },
    "claimed": {**_OUTCOMES, "SubscriptionChanged": "claimed"},
    # No event of its own: a claimed delivery whose batch has gone out.
    "handed_over": {**_OUTCOMES, "SubscriptionChanged": "handed_over"},
    "ambiguous": {
        "DeliveryAccepted": "accepted",
        "DeliveryReturned": "intended",
        "DeliveryHeld": "held",
        "SubscriptionChanged": "ambiguous",
    },
    "held": {
        "DeliveryAccepted": "accepted",
        "DeliveryReturned": "intended",
        "DeliveryReleased": "intended",
        "DeliveryClosed": "withheld",
        "SubscriptionChanged": "held",
    },
    "withheld": {"DeliveryAccepted": "accepted", "SubscriptionChanged": "withheld"},
    "refused": {},
    "accepted": _told(
        "accepted", Delivered="delivered", Bounced="bounced", Complained="complained"
    ),
    "delivered": _told("delivered", Bounced="bounced", Complained="complained"),
    "bounced": _told("bounced", Complained="complained"),
    "complained": _told("complained"),
}

MEANINGS: Final[Mapping[State, str]] = {
    "intended": "One e-mail shall go to one contact; nobody works on it.",
    "claimed": "One process has it under a lease; nothing has left yet.",
    "handed_over": "The call to the provider has begun: from now on it may have left.",
    "accepted": "The provider took it and gave it a message id.",
    "refused": "The provider refused it for good; nothing was sent.",
    "ambiguous": "Handed over, and no answer tells whether it left; the provider will be asked.",
    "held": "Still unknown after the last look-up; a person decides.",
    "delivered": "The receiving server took it.",
    "bounced": "The receiving server did not take it.",
    "complained": "The person called it spam.",
    "withheld": "It is not sent, for the reason given.",
}

STILL_TO_SEND: Final[frozenset[State]] = frozenset({"intended", "claimed", "handed_over"})
UNSETTLED: Final[frozenset[State]] = STILL_TO_SEND | {"ambiguous"}
"""A campaign is sent when none of its deliveries stands in one of these."""


class ImpossibleTransitionError(Exception):
    """An event that cannot happen to a delivery in this state."""


def is_possible(state: State | None, event_type: EventType) -> bool:
    """Whether the event can happen to a delivery in this state; None: not intended yet."""
    return event_type in TRANSITIONS[state]


def next_state(state: State | None, event_type: EventType) -> State:
    """The state after the event. Raises ImpossibleTransitionError."""
    try:
        return TRANSITIONS[state][event_type]
    except KeyError:
        raise ImpossibleTransitionError(
            f"{event_type} cannot happen to a delivery that is {state or 'not intended'}."
        ) from None


def ensure_held(state: State) -> None:
    """Only a held delivery waits for a person's decision. Raises RuleViolatedError."""
    if state != "held":
        raise RuleViolatedError(
            "not_held", f"This delivery is {state}; only a held one waits for a decision."
        )
