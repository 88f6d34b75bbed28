"""The intent of a sentence that its words alone decide: safe ones, and the plain yes."""

from __future__ import annotations

import re
from typing import Final

from streams.recognition.guards.abuse import refuses
from streams.recognition.guards.approval import AGREES, BARE, WHOLLY_YES, YES, approves
from streams.recognition.guards.resumption import resumes
from streams.recognition.guards.scheduling import ASKS_LEAVE, TIME, schedules

_WAITS = re.compile(
    r"^(?:(?:hm+|ok|okay|no|well|uh|um|oh|eh|actually|sorry),? )*(?:not yet|maybe later|later"
    r"|forget it|never ?mind|not now|not today|wait|hold on(?: a (?:sec|second|minute|moment"
    r"|bit))?|one (?:moment|sec|second)"
    r"|give me a (?:minute|moment|sec|second)|let me (?:think|check|sleep|ask)\b.*|i(?:'ll"
    r"| will) (?:think|come back|get back|decide|sleep)\b.*|i need (?:to think|more time"
    r"|a moment)\b.*|maybe|perhaps|i don't know|idk|not sure(?: yet)?|i(?:'m"
    r"| am) not sure(?: yet)?|i(?:'ll| will) let you know)(?:,? (?:thanks|thank you|please"
    r"|about it|yet|then|maybe|sorry))*[.! ]*$"
)
_YES_BUT = re.compile(
    rf"(?:{YES}|looks (?:good|great|fine|nice)|almost|i like it|love it|that's (?:good|fine"
    rf"|great)|nearly|not bad)[,.!]? (?:but|just|except|only|although|though)\b"
)
_ASKS = re.compile(
    r"\?|^\W*(?:first\W*)?(?:who|how\w*|which|why|what|is|are|does|do|did|am|will)\b"
)
_WHAT_IF = re.compile(
    r"\bwhat (?:happens|would happen|will happen|does it do|happened) (?:if|when|once|after|to)\b"
)
_WHO_GETS = re.compile(
    r"\bwho (?:all )?(?:exactly )?(?:gets?|will get|is getting|receives?|will receive"
    r"|would get|would receive|is it going to|does it go to|is it for|are the recipients)\b"
    r"|\bhow many (?:people |customers |contacts |members )?(?:get|will get|receive|would get"
    r"|will receive)\b|\bwho.{0,12} going to (?:get|receive)\b"
)

_PLAIN_SCHEDULE = re.compile(r"(?:please |kindly )?(?:re-?schedule|postpone|schedule)\b")
_PLAIN_RESUME = re.compile(
    r"(?:please |kindly |ok,? |okay,? )?(?:un-?pause|un - pause|resume|reactivate)\b"
)
_SETTLING: Final = (
    (
        "help",
        re.compile(
            r"^(?:hi,? |hey,? |so,? |and )?(?:how (?:do|does|can|would|may) (?:i|we|one|you|it"
            r"|this"
            r"|that)\b(?! look)|what(?:'s| is| does| are) (?:an? |the diff)"
            r"|what(?: else)? can(?:'t)? (?:you|i)\b|is there (?:a|any) (?:limit|way)"
            r"|can the system\b"
            r"|is it possible to\b|would you explain how\b|what (?:file )?formats?\b)"
        ),
    ),
    (
        "query_audience",
        re.compile(
            r"\bhead ?count\b|^(?:# of|number of) (?:members|contacts|customers|people|clients)"
            r"|^(?:and )?who(?:'s| is| are)? (?:all )?(?:in|on|getting|excluded|left out"
            r"|included)\b"
            r"|^(?:why|y) (?:is|are) (?:the )?(?:audience|list|only|\d+)\b"
            r"|^(?:list|show me) the recipients|\bamong the recipients\b"
        ),
    ),
    (
        "small_talk",
        re.compile(
            r"^(?:tell me a joke|congratulations\b.*|good (?:morning|afternoon|evening|night|day)"
            r"(?![^.!?]*\b(?:please|send|make|write|create|can|could|would|campaign|mail"
            r"|email)\b).*"
            r"|let us pause for a moment\b.*)$"
        ),
    ),
    (
        "set_business_context",
        re.compile(
            r"^(?:(?:please )?(?:always|never|don't ever|do not ever) (?!mind)(?:use|say|write"
            r"|call|sign"
            r"|address|mention)\b|(?:we|i)(?:'re| are|'m| am) an? (?!bit\b|little (?:bit"
            r"|unsure)\b)"
            r"(?!.*\b(?:tell|announce|let|invite|send|write|offer|want|need)\b)"
            r"|we (?:sell|teach|repair|stock|provide|look after|brew|bake)\b"
            r"(?!.*\b(?:tell|announce|let|invite|send|write|now)\b))"
        ),
    ),
)
"""Safe intents that a few words decide, wherever a campaign may have been shown."""
_EDITS = re.compile(
    r"^(?:before i approve,?|only (?:send |mail )?(?:it )?to\b|just to\b)"
    r"|^(?:erase|delete|remove|take out|drop|cut) the [\w ]+ from the (?:e-?mail|mail|text"
    r"|draft|letter)\b"
    r"|^kill the (?:second|first|last|third) "
    r"|^(?!no\b|nope\b|nah\b)(?!.*\b(?:send|like|want|sure|we|i)\b)(?:[^\s;:]+ ){1,6}not (?!yet"
    r"|now|today|sure|bad|good|this|it|me|send)"
    r"(?:the |an? )?[\w$\u20ac\u00a3]+[.!]*$"
)
_EDITS_NAMED = re.compile(
    r"^in the [\w -]+(?:series|sequence|campaign|newsletter|mailing),? (?:insert|add|replace"
    r"|change"
    r"|swap|remove|put|drop|use)\b"
    r"|^(?:change|update|adjust|edit) the [\w -]+(?:campaign|sequence|series|newsletter)\b"
)
_TURNED_DOWN = re.compile(
    r"^(?:please |kindly )?(?:withdraw|discard|bin|trash|reject|scrap|drop|kill) (?:this|that)"
    r"(?: (?:one|draft|suggestion|proposal|version|letter|text|thing))?\b(?! (?:line|word|part"
    r"|link))|^(?:[^?]*[\s.])?(?:rejected|thumbs down)[.!]*$"
    r"|^(?:this|that|the) (?:version|one|draft|proposal|text) is (?:rejected|declined|refused)\b"
)
_LOOSE_END = re.compile(
    r"^(?:please )?(?:delete|fix|change|stop|cancel|pause|remove|update) (?:it|that|this"
    r"|them)[.! ]*$"
)


def settled(plain: str, *, shown: bool, named: bool) -> str | None:
    """The intent when the words alone decide it; safe intents only, and the plain yes."""
    if refuses(plain):
        return "refuse"
    if _PLAIN_RESUME.match(plain) and resumes(plain, shown=shown, named=named):
        return "resume_campaign"
    if _PLAIN_SCHEDULE.match(plain) and schedules(plain, shown=shown, named=named):
        return "schedule_campaign"
    if _WHAT_IF.search(plain):
        return "help"
    if BARE.match(plain) or _WAITS.match(plain):
        return "clarify"
    if re.match(r"(?:yes|yep|ok|okay|sure|good|great|fine)\b", plain) and _WHO_GETS.search(plain):
        return "query_audience"
    if not shown and _LOOSE_END.match(plain):
        return "clarify"
    if shown and _TURNED_DOWN.match(plain):
        return "reject_campaign"
    if (shown and _EDITS.match(plain)) or _EDITS_NAMED.match(plain):
        return "modify_campaign"
    for intent, pattern in _SETTLING:
        if pattern.search(plain):
            return intent
    if shown and (reserve := _YES_BUT.match(plain)):
        rest = plain[reserve.end() :]
        return None if TIME.search(rest) or _ASKS.search(rest) else "modify_campaign"
    if WHOLLY_YES.fullmatch(plain) and AGREES.search(plain.rstrip(" .!")):
        return "approve_campaign" if approves(plain, shown=shown, named=named) else "clarify"
    if (
        ASKS_LEAVE.match(plain)
        and re.search(r"\b(?:send|schedule)\b", plain)
        and TIME.search(plain)
    ):
        return "clarify"
    return None
