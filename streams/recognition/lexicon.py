"""The words the offline engine knows: those of its training data and its grammars."""

from __future__ import annotations

import re
from functools import cache

from streams.recognition.corpus import TRAINING, fillers, templates
from streams.recognition.marked import Marked, marked_sentences
from streams.recognition.wording import SHORT_FORMS, Lexicon

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")
_PEOPLE = ("name",)


@cache
def lexicon() -> Lexicon:
    """Built once for a process; the same for the same training data."""
    return Lexicon(common_words() | first_names(), usual_words())


@cache
def usual_words() -> frozenset[str]:
    """Words that are in use, whether or not anything is known about them."""
    return frozenset((TRAINING / "usual_words.txt").read_text("utf-8").split())


@cache
def common_words() -> frozenset[str]:
    """Words that are nobody's name."""
    texts = [template.body for template in templates()]
    texts += [
        words for kind, choices in fillers().items() if kind not in _PEOPLE for words in choices
    ]
    texts += SHORT_FORMS.values()
    texts.append((TRAINING / "words.txt").read_text("utf-8"))
    texts += [_without_names(sentence) for sentence in marked_sentences("marked.txt")]
    return frozenset(word for text in texts for word in _WORD.findall(text.lower())) - {
        "tom",
        "rosa",
    }


def _without_names(sentence: Marked) -> str:
    """Its words in lower case: those with a capital inside the sentence may be names."""
    text = sentence.text[:1].lower() + sentence.text[1:]
    for mark in sentence.marks:
        if mark.kind == "n":
            text = text[: mark.start] + " " * (mark.end - mark.start) + text[mark.end :]
    return " ".join(word for word in text.split() if word.islower())


@cache
def first_names() -> frozenset[str]:
    """Names that are worth knowing in lower case; any other is told by its capital."""
    return frozenset((TRAINING / "names.txt").read_text("utf-8").split())
