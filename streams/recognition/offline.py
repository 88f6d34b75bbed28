"""The recogniser that needs nothing but this process: a trained classifier, guards and grammars."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from streams.recognition import cache, guards
from streams.recognition.features import NAMED
from streams.recognition.guards import CERTAIN, Ranking
from streams.recognition.language import detect
from streams.recognition.lexicon import lexicon
from streams.recognition.model import Model
from streams.recognition.ports import Recognition, Utterance
from streams.recognition.slots import extract
from streams.recognition.slots.campaigns import campaign, without_name
from streams.recognition.slots.hints import hints
from streams.recognition.slots.people import address, contact
from streams.recognition.slots.tagged import Tagged
from streams.recognition.tagger import LAYERS, Hints
from streams.recognition.vocabulary import DANGEROUS
from streams.recognition.wording import Wording, read

NAME: Final = "offline"
LEAST_CONFIDENCE: Final = 0.3
"""Below this nobody should act on a guess: the reply asks instead."""
LEAST_DANGEROUS: Final = 0.5
LEAST_APPROVING: Final = 0.35
"""How sure the classifier must be; the words of a yes leave less room for doubt than others."""
LEAST_SETTLED: Final = 0.2
"""What the classifier must add when a sentence holds nothing but words of consent."""
_TOO_SURE_TO_PASS_ON: Final = 0.75
"""A dangerous intent this likely, but not borne out, is asked about, not taken for the next."""
LONGEST_READ: Final = 1_500
"""Characters that are read. A longer message is understood by its start, and never as a yes."""
_SURELY_A_NAME: Final = 0.6
"""How sure the tagger must be of a name before anything dangerous rests on it."""
_ALTERNATIVES: Final = 3


class OfflineRecognizer:
    """Deterministic: the same utterance gives the same recognition, on every machine."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @classmethod
    def load(cls, folder: Path | None = None) -> OfflineRecognizer:
        """Blocks while the model is read, or trained when `folder` has none of this version."""
        lexicon()
        return cls(cache.load(folder))

    def recognize(self, utterance: Utterance) -> Recognition:
        """Never raises: what cannot be understood is `clarify`."""
        language = detect(utterance.text[:LONGEST_READ])
        if language != "en":
            return Recognition("clarify", None, CERTAIN, recognizer=NAME, language=language)
        wording = read(utterance.text[:LONGEST_READ], lexicon(), utterance.known_campaigns)
        nameless = without_name(wording.plain, utterance.known_campaigns, NAMED)
        vector = self._model.vector(nameless, utterance.last_shown_campaign)
        ranking = self._model.intents.ranked(*vector)
        seen = hints(wording, utterance.known_campaigns)
        likeliest = ranking[0][0]
        creating = likeliest == "create_campaign"
        tagged = self._tagged(wording, likeliest, None, seen, names_only=creating)
        intent, confidence = decide(ranking, wording, utterance, tagged)
        campaign_type = (
            self._model.campaign_types.ranked(*vector)[0][0]
            if intent == "create_campaign"
            else None
        )
        if creating or intent != likeliest:
            tagged = self._tagged(wording, intent, campaign_type, seen)
        return Recognition(
            intent=intent,
            campaign_type=campaign_type,
            confidence=round(confidence, 4),
            slots=extract(intent, wording, utterance, tagged),
            recognizer=NAME,
            alternatives=tuple(
                (name, round(p, 4)) for name, p in ranking[: _ALTERNATIVES + 1] if name != intent
            )[:_ALTERNATIVES],
        )

    def _tagged(
        self,
        wording: Wording,
        intent: str,
        campaign_type: str | None,
        seen: Hints,
        *,
        names_only: bool = False,
    ) -> Tagged:
        questions = 1 if names_only else len(LAYERS)
        spans = self._model.tagger.spans(wording, (intent, campaign_type), seen, questions)
        return Tagged(wording.original, spans, campaign_type == "abandon")


def borne_out(
    intent: str,
    wording: Wording,
    utterance: Utterance,
    tagged: Tagged | None = None,
) -> bool:
    """Whether the words themselves support a dangerous intent. True for every other intent.

    `tagged`: what a tagger sees in the sentence if it is that intent; it may find a name.
    """
    if len(utterance.text) > LONGEST_READ and intent in DANGEROUS:
        return False
    tagged = tagged or Tagged(utterance.text)
    name = campaign(wording, utterance.known_campaigns) or tagged.words("c", _SURELY_A_NAME)
    person = address(wording.original) or contact(wording) or tagged.words("n", _SURELY_A_NAME)
    return guards.allowed(
        intent,
        _unnamed(wording, utterance, name) if intent != "privacy_request" else wording.plain,
        shown=utterance.last_shown_campaign,
        named=name is not None,
        named_person=person is not None,
    )


def _unnamed(wording: Wording, utterance: Utterance, name: str | None) -> str:
    """The plain words with `it` for the campaign's name: a name says nothing."""
    plain = without_name(wording.plain, utterance.known_campaigns, "it")
    return plain.replace(name.casefold(), "it") if name else plain


def decide(
    ranking: Ranking, wording: Wording, utterance: Utterance, tagged: Tagged
) -> tuple[str, float]:
    """The intent to act on and how sure it is; `clarify` when nothing is sure enough."""
    too_long = len(utterance.text) > LONGEST_READ
    name = campaign(wording, utterance.known_campaigns) or tagged.words("c", _SURELY_A_NAME)
    named = name is not None
    settled = guards.settled(wording.plain, shown=utterance.last_shown_campaign, named=named)
    p_settled = dict(ranking).get(settled or "", 0.0)
    if settled in DANGEROUS and (too_long or p_settled < LEAST_SETTLED):
        settled = "clarify"
    if settled is not None:
        return settled, max(p_settled, CERTAIN)
    best, p = ranking[0]
    if best in DANGEROUS and (
        p < (LEAST_APPROVING if best == "approve_campaign" else LEAST_DANGEROUS)
        or not borne_out(best, wording, utterance, tagged)
    ):
        if p > _TOO_SURE_TO_PASS_ON:
            return "clarify", CERTAIN
        safe = [(name, q) for name, q in ranking if name not in DANGEROUS]
        best, p = safe[0][0], safe[0][1] / sum(q for _, q in safe)
    if p < LEAST_CONFIDENCE:
        return "clarify", max(dict(ranking).get("clarify", 0.0), 1.0 - ranking[0][1])
    return best, p
