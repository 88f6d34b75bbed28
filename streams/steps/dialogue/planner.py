"""From one recognition and one situation to the reply: every intent has its answer here."""

from __future__ import annotations

from uuid import UUID

from streams.recognition.ports import Recognition
from streams.steps.dialogue import answers, business, campaigns, contacts, lifecycle
from streams.steps.dialogue.phrases import quoted
from streams.steps.dialogue.plan import Action, Thought, says
from streams.steps.dialogue.situation import Seen, Situation

LEAST_CONFIDENCE = 0.3
"""Below this nothing is done on a guess."""

_ABOUT_ONE = frozenset(
    {
        "modify_campaign", "approve_campaign", "reject_campaign", "schedule_campaign",
        "pause_campaign", "resume_campaign", "cancel_campaign", "query_performance", "send_test",
    }
)  # fmt: skip
_ANSWERS = frozenset({"clarify", "modify_campaign", "create_campaign", "manage_contacts",
                      "query_audience", "set_business_context", "small_talk"})  # fmt: skip
"""Intents that the answer to a question of ours may look like."""

HELP = (
    "Tell me in your own words what you want to say to your customers, and I draft the campaign: "
    "“Win back customers who haven't bought in 60 days with 20% off”. Then change it (“make it "
    "friendlier”, “send it tomorrow at 9”), ask (“who gets this?”), try it (“send a test to "
    "me@example.com”), and when you like it say “yes, send it”. Nothing goes out before that. "
    "Later ask “how did it go?”, or say “pause it”."
)
REFUSAL = (
    "I can't help with that. I only write to people who agreed to it, every mail keeps its "
    "unsubscribe link, and nothing goes out without an approval. I'm glad to help with a campaign "
    "to people who said yes."
)
ENGLISH_ONLY = "I'm sorry, I only understand English for now; please tell me in English."
NOT_UNDERSTOOD = "I could not work that out just now, and nothing was changed. Please say it again."


def think(
    text: str,
    recognition: Recognition,
    situation: Situation,
    campaign_id: UUID,
    workflow_id: UUID,
) -> Thought:
    """What to answer and do. `campaign_id` and `workflow_id` are new, for a campaign to be made."""
    if recognition.language != "en":
        return says(ENGLISH_ONLY)
    if situation.deletion is not None:
        decided = contacts.decide(text, recognition, situation.deletion)
        if decided is not None:
            return decided
    if recognition.intent in _ANSWERS:
        going_on = campaigns.proceed(text, situation, campaign_id, workflow_id)
        if going_on is not None:
            return going_on
    if recognition.intent == "clarify" or recognition.confidence < LEAST_CONFIDENCE:
        return clarify(recognition, situation)
    if recognition.intent in _ABOUT_ONE:
        return _about_one(text, recognition, situation)
    match recognition.intent:
        case "create_campaign":
            return campaigns.create(recognition, situation, campaign_id, workflow_id)
        case "query_audience":
            return answers.audience(recognition, text, situation)
        case "manage_contacts":
            return contacts.manage(recognition, text, situation)
        case "privacy_request":
            return contacts.privacy(recognition, text, situation)
        case "set_business_context":
            return business.remember(recognition, text, situation)
        case "help":
            return says(HELP, *answers.SUGGESTIONS)
        case "small_talk":
            return says(_small_talk(text, situation), *answers.SUGGESTIONS[:2])
        case "refuse":
            return says(REFUSAL)
    return clarify(recognition, situation)


def clarify(recognition: Recognition, situation: Situation) -> Thought:
    """One question that is easy to answer."""
    schedule = recognition.slots.get("schedule") or {}
    target = situation.target
    if target is not None and schedule:
        day = schedule.get("relative") or "then"
        return says(f"When exactly shall “{target.content.name}” go out? Say the day and the time, "
                    f"such as “send it {day} at 9”.")  # fmt: skip
    if target is not None and target.status == "draft":
        return says(
            f"What shall I do with “{target.content.name}”: send it, change it, or drop it?",
            Action("approve", "Approve and send", target.campaign_id),
            Action("modify", "Change something", target.campaign_id),
            Action("reject", "Drop it", target.campaign_id),
        )
    return says(
        "What would you like to tell your customers, and who should hear it?",
        *answers.SUGGESTIONS,
    )


def _about_one(text: str, recognition: Recognition, situation: Situation) -> Thought:
    target = situation.target
    if target is None:
        return _which(recognition, situation)
    match recognition.intent:
        case "modify_campaign":
            return campaigns.modify(text, recognition, situation, target)
        case "approve_campaign":
            return lifecycle.approve(situation, target)
        case "reject_campaign":
            return _no(target)
        case "schedule_campaign":
            return campaigns.reschedule(recognition, situation, target)
        case "pause_campaign":
            return lifecycle.pause(target)
        case "resume_campaign":
            return lifecycle.resume(situation, target)
        case "cancel_campaign":
            return _no(target) if target.status == "draft" else lifecycle.cancel(target)
        case "send_test":
            return lifecycle.send_test(recognition.slots, text, situation, target)
    return answers.performance(recognition, target)


def _no(target: Seen) -> Thought:
    """A draft is dropped, anything later is cancelled."""
    return lifecycle.reject(target)


def _which(recognition: Recognition, situation: Situation) -> Thought:
    if situation.ambiguous:
        names = quoted([each.name for each in situation.ambiguous])
        return says(f"Which one do you mean: {names}?")
    named = recognition.slots.get("campaign")
    if named and situation.campaigns:
        known = quoted([each.name for each in situation.campaigns])
        return says(f"I know no campaign “{named}”. There is {known}.")
    if not situation.campaigns:
        return says(
            "There is no campaign yet. Tell me what you would like to say to your customers, and "
            "I draft one.",
            *answers.SUGGESTIONS[:2],
        )
    return says(f"Which campaign do you mean: {quoted([c.name for c in situation.campaigns])}?")


def _small_talk(text: str, situation: Situation) -> str:
    lowered = text.lower()
    if "thank" in lowered or "cheers" in lowered:
        return "You're welcome! Anything else for your customers?"
    if any(word in lowered for word in ("bye", "see you", "good night")):
        return "Goodbye! I keep everything as it is."
    name = situation.business.name
    return f"Hello! What would you like to tell the customers of {name} today?"
