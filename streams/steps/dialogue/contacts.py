"""One person at a time: what is known, and what is done when the owner or the person asks."""

from __future__ import annotations

import re

from streams.recognition.ports import Recognition
from streams.steps.dialogue.phrases import left_out, quoted
from streams.steps.dialogue.plan import DeleteContact, Tag, Thought, Unsubscribe, says
from streams.steps.dialogue.situation import Person, Situation

_DELETE = re.compile(
    r"\b(?:delete|remove|erase|drop|get rid of|take .{0,40}\boff|wipe|forget)\b", re.IGNORECASE
)
_STOP = re.compile(
    r"\b(?:unsubscribe|opt[- ]?out|stop (?:mailing|emailing|sending)|don'?t (?:mail|email))\b",
    re.IGNORECASE,
)
_EXPORT = re.compile(
    r"\b(?:export|copy of|access|what (?:do )?(?:we|you|i) (?:have|hold|know|store)|"
    r"send .{0,20}data|download)\b",
    re.IGNORECASE,
)


def about_person(person: Person) -> str:
    address = f"[[{person.reference}]]"
    if not person.is_contact:
        return f"{address} is not among your contacts, so it gets nothing."
    if person.suppression is not None:
        return f"{address} is a contact but gets no mail: {left_out({person.suppression: 1})[2:]}."
    if person.consent != "granted":
        return f"{address} is a contact, but has not agreed to e-mails, so it is left out."
    tags = f" and is tagged {quoted(person.tags)}" if person.tags else ""
    return f"{address} is a contact who agreed to e-mails{tags}, so it gets what fits."


def person_meant(recognition: Recognition, text: str, situation: Situation) -> Person | None:
    for reference, person in situation.people.items():
        if reference in str(recognition.slots.get("email") or "") or f"[[{reference}]]" in text:
            return person
    return None


def manage(recognition: Recognition, text: str, situation: Situation) -> Thought:
    """Remove, silence or tag one contact; the rest is done with the import."""
    person = person_meant(recognition, text, situation)
    if person is None:
        return says(
            "I can remove, unsubscribe or tag a contact: tell me the e-mail address. To add or "
            "change many at once, import a CSV with “nudge contacts import FILE” or POST "
            "/v1/contacts/import; a repeated address changes the contact that is there."
        )
    address = f"[[{person.reference}]]"
    if not person.is_contact:
        return says(
            f"{address} is not among your contacts. I do not add people from a chat, because I "
            "need to know when and where they agreed: use POST /v1/contacts or an import."
        )
    if _DELETE.search(text) and not _STOP.search(text):
        return says(_GONE.format(address=address), commands=(DeleteContact(person.reference),))
    if _STOP.search(text):
        return says(
            f"{address} gets no more mail from us.", commands=(Unsubscribe(person.reference),)
        )
    tags = tuple((recognition.slots.get("audience") or {}).get("tags") or ())
    if tags:
        return says(
            f"{address} is now tagged {quoted(tags)}.", commands=(Tag(person.reference, tags),)
        )
    return says(f"{about_person(person)} Shall I remove, unsubscribe or tag it? Say which.")


_GONE = (
    "{address} is deleted: hidden, never mailed again, and its address stays blocked if it comes "
    "with a later import."
)


def privacy(recognition: Recognition, text: str, situation: Situation) -> Thought:
    """Deleting is done; what cannot be undone is left to a command, which is named."""
    person = person_meant(recognition, text, situation)
    if person is None:
        return says("Whose data is it about? Give me the e-mail address of that person.")
    address = f"[[{person.reference}]]"
    if not person.is_contact:
        return says(f"{address} is not among your contacts: I hold nothing about that person.")
    if _EXPORT.search(text) and not _DELETE.search(text):
        return says(
            f"Everything that is stored about {address}, with its history, is at "
            f"GET /v1/contacts/{person.reference}/export, or “nudge contacts export {address}”."
        )
    return says(
        f"{_GONE.format(address=address)} Its encrypted history is still there. To erase that for "
        f"good, which nobody can undo: “nudge erase {person.reference}”, or DELETE "
        f"/v1/contacts/{person.reference}?erase=true.",
        commands=(DeleteContact(person.reference),),
    )
