"""One person at a time: what is known, and what is done when the owner or the person asks."""

from __future__ import annotations

import re
from dataclasses import replace

from streams.recognition.ports import Recognition
from streams.steps.dialogue.choosing import SHALL_I_DELETE
from streams.steps.dialogue.permitting import lacking
from streams.steps.dialogue.phrases import left_out, quoted
from streams.steps.dialogue.plan import Action, DeleteContact, Tag, Thought, Unsubscribe, says
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
        return _asks(address, situation)
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


_MEANS = "hidden, never mailed again, and its address stays blocked if it comes with a later import"
_YES = frozenset(
    "yes yep yeah sure confirm confirmed delete remove erase definitely absolutely do go".split()
)
_WITH_YES = _YES | frozenset("ok okay please it ahead them him her that thanks right".split())
_NO = frozenset("no nope not don never keep leave cancel stop".split())
_WITH_NO = _NO | frozenset("please it them him her that thanks t do mind delete remove".split())


def _asks(address: str, situation: Situation) -> Thought:
    """Deleting cannot be undone, and a sentence can be misunderstood: it takes a yes."""
    if "contacts:write" not in situation.may:
        return says(f"I cannot delete {address}: {lacking('contacts:write')}")
    return says(
        f"{SHALL_I_DELETE.format(address=address)} It is then {_MEANS}. Nothing is done before "
        "you say “yes, delete it”.",
        Action("confirm_deletion", "Yes, delete it"),
        Action("keep_contact", "No, keep it"),
    )


def decide(text: str, recognition: Recognition, person: Person) -> Thought | None:
    """The answer to our question whether to delete somebody; None when it is none.

    Only plain words are: whatever says more is taken for what it says, and the question lapses.
    """
    words = set(re.findall(r"\w+", text.casefold()))
    address = f"[[{person.reference}]]"
    meant = replace(
        recognition, intent="manage_contacts", campaign_type=None, slots={"email": address}
    )
    if words & _NO and words <= _WITH_NO:
        return says(f"All right, {address} stays as it is.").having(understood=meant)
    if not words & _YES or not words <= _WITH_YES:
        return None
    return says(
        f"{address} is deleted: {_MEANS}. Its encrypted history is still there. To erase that for "
        f"good, which nobody can undo: “nudge erase {person.reference}”, or DELETE "
        f"/v1/contacts/{person.reference}?erase=true."
    ).having(DeleteContact(person.reference), understood=meant)


def privacy(recognition: Recognition, text: str, situation: Situation) -> Thought:
    """Deleting is asked about first; erasing is left to a command, which is named."""
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
    return _asks(address, situation)
