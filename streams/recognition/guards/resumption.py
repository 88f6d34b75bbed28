"""The words that let something run again, and every doubt about them."""

from __future__ import annotations

import re

_BREAK = r"(?:hold|pause|suspension|freeze|halt|stop|break)"
_START = r"(?:get|set|start|kick|crank|fire|put|turn|switch|wake|bring|take|flip|let)"
_AGAIN = r"(?:again|back up|back on|up again|back in|like before|as before|once more)"
_RESUME = re.compile(
    r"\b(?:resum\w+|un-?paus\w+|un pause|restart\w*|reactivate|re-?start|continu\w+|carry on"
    r"|keep going|carry(?:ing)? on|pick (?:\w+ )*up again|back on|off (?:hold|pause|ice)"
    r"|start(?:ing)?(?: \w+){0,4} (?:again|up again)|on again|(?:going|running|moving|go|run"
    r"|live|roll|rolling|sending|send|out) again|lift the (?:pause|hold)|go on with|unfreeze"
    r"|take up again"
    r"|back up and running|let (?:\w+ ){1,5}(?:run|go on|continue|carry on|go further|flow|roll"
    r"|wake up)"
    r"|switch (?:\w+ ){1,4}back|turn (?:\w+ ){1,4}back|bring (?:\w+ ){1,4}back (?:to life"
    r"|online)|up again|(?:can|may|should|shall|could) (?:now )?(?:go on|run|continue|go further"
    r"|roll|go out again|proceed)"
    r"|where (?:we|you|it|they) (?:left off|stopped)|take (?:\w+ ){0,4}(?:hold|pause) off"
    r"|take (?:\w+ ){1,4}off (?:hold|pause|ice)|go(?:es)? on now"
    r"|in motion (?:again|once more)|loose again|once more"
    r"|reinstat\w+|recommenc\w+|wake (?:\w+ ){0,6}up|wake up|unfrozen|uncork|revive"
    rf"|{_START} (?:\w+ ){{1,6}}(?:{_AGAIN}|back)|put (?:\w+ ){{1,5}}back (?:on|in|live|out)"
    rf"|(?:lift|end|remove|undo|release|drop) (?:the|that|its|this) {_BREAK}"
    r"|(?:as|like) before|back in (?:action|business|play)|over for|follow with|take back)\b"
)
_REQUEST = re.compile(
    r"(?:please |ok,? |hi,? |hey,? |and )?(?:can|could|would|will) you\b"
    r"|.*\b(?:so|and|then|now),? (?:please )?(?:can|could|would|will) you (?:please|kindly)\b"
    r"|why(?:'s| is) [^?]{1,40} still (?:off|paused|on hold|stopped)\?"
)
_BEEN_PAUSED = re.compile(
    r",? (?:that|which|we) (?:\w+ ){0,2}(?:been|is|was|are|were|had|have) (?:on hold|on ice"
    r"|on pause"
    r"|put on hold|held back|suspended|stopped|halted|frozen|paused)(?: since \w+| for \w+ \w+)?"
)
_SINCE_BREAK = re.compile(
    r"^why(?:'s| is) [^?]{1,40} still (?:off|paused|on hold|stopped)\?|\b(?:as|like) before\b"
    r"|\bbefore (?:the )?(?:holidays?|vacation|break|summer|christmas|easter)\b"
)
"""Words about the time before the break: neither a question nor a condition."""
_RESUME_PLAINLY = re.compile(
    r"\b(?:resum\w+|un-?paus\w+|un pause|restart|unfreeze|reactivate|carry on sending"
    r"|continue sending|keep sending|go on sending|(?:continue|start|restart|send"
    r"|release) the paused"
    r"|the paused \w+ (?:\w+ ){0,2}(?:again|once more)|reinstate|recommence"
    rf"|(?:lift|end|remove|undo|release|drop) (?:the|that|its|this) {_BREAK}"
    rf"|{_START} (?:\w+ ){{1,6}}{_AGAIN}|pick(?:ing)? (?:\w+ )*up where (?:you|we|it) left off"
    r"|wake (?:\w+ ){0,6}up|(?:i|we) (?:paused|stopped|halted|froze|held|suspended)"
    r" (?:\w+ ){0,4}(?:run|go|out|start|continue|going|running) again"
    r"|(?:crack|carry|go) on with [^.]*\b(?:paused|stopped|on hold))\b"
)
_SOMETHING_RUNNING = re.compile(
    r"\b(?:it|them|sending|everything|e-?mails?|mails?|campaigns?|sequence|series|paused"
    r"|letters?|messages?|mailings?|newsletters?|reminders?|flow|drip|the lot|welcome|digest"
    r"|where (?:you|we|it) left off|stopped|hold|pause|suspension)\b"
)
_RESUME_DOUBT = re.compile(
    r"\b(?:if|when|once(?! more)|later|maybe|perhaps|might|should|shall|not|don't|do not|never|or"
    r"|until|till|unless"
    r"|what|how|why|who|which|can i|could i|may i|can we|is it|will(?! you)|would(?! you)|did"
    r"|does|sure|think"
    r"|wonder"
    r"|before|after|yet|unable|can't|another|from scratch|draft)\b"
)
_PAUSES = re.compile(
    r"\b(?:pause|suspend|halt|freeze|stop|cancel|put on hold|hold (?!on the|off)"
    r"|end)\b(?<!un-pause)(?<!un pause)(?<!the pause)(?<!from pause)(?<!off pause)(?<!in pause)"
)
_LIFTED = re.compile(
    rf"\b(?:lift|end|remove|undo|release|drop|take) (?:the|that|its|this) {_BREAK}(?: off)?\b"
)


def resumes(plain: str, *, shown: bool, named: bool) -> bool:
    """Told, without any doubt or condition, to let something known run again."""
    plain = _BEEN_PAUSED.sub("", plain)
    rest = _SINCE_BREAK.sub(" ", _LIFTED.sub(" ", plain))
    if _RESUME_DOUBT.search(rest) or _PAUSES.search(rest):
        return False
    if rest.rstrip(" .!").endswith("?") and not _REQUEST.match(plain):
        return False
    if named:
        return _RESUME.search(plain) is not None
    return _RESUME_PLAINLY.search(plain) is not None and (
        shown or _SOMETHING_RUNNING.search(plain) is not None
    )
