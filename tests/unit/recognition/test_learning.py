"""What is learned from: marked sentences, and the arithmetic that learns from them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from streams.recognition.learning import Rows, fit
from streams.recognition.lexicon import lexicon
from streams.recognition.marked import Mark, marked_sentences, parse
from streams.recognition.offline import OfflineRecognizer
from streams.recognition.slots.boundaries import segment, trigger
from streams.recognition.slots.hints import hints
from streams.recognition.tagger import Span
from streams.recognition.vocabulary import INTENTS
from streams.recognition.wording import read


def test_marks_are_taken_out_of_a_sentence_and_may_nest() -> None:
    sentence = parse("cr.pr <k:20% off the <p:new lamps>> -> <s:our regulars>")
    assert sentence.text == "20% off the new lamps -> our regulars"
    assert (sentence.intent, sentence.campaign_type) == ("create_campaign", "promotional")
    words = {mark.kind: sentence.text[mark.start : mark.end] for mark in sentence.marks}
    assert words == {"k": "20% off the new lamps", "p": "lamps", "s": "regulars"}


def test_a_mark_may_say_that_its_words_are_no_detail() -> None:
    assert parse("mo+ not so <a=none:long>").marks == ()
    assert parse("mo+ make it <a=calm:calmer>").marks == (Mark("a", 8, 14),)


def test_a_line_without_an_intent_is_refused() -> None:
    with pytest.raises(ValueError, match="not a marked sentence"):
        parse("win them back")


def test_marked_sentences_cover_every_intent_in_many_voices() -> None:
    sentences = marked_sentences("marked.txt")
    assert len(sentences) >= 600
    assert {sentence.intent for sentence in sentences} == set(INTENTS)
    assert len({sentence.voice for sentence in sentences}) >= 10


def test_the_same_rows_teach_the_same_and_tell_classes_apart() -> None:
    one = np.ones(1, np.float32)
    rows = Rows.of([(np.array([at % 2]), one) for at in range(40)])
    truth = np.array([at % 2 for at in range(40)])
    weights = [
        fit(rows, truth, np.ones(40, np.float32), width=2, classes=2, epochs=5, rate=0.5)
        for _ in range(2)
    ]
    assert (weights[0] == weights[1]).all()
    assert weights[0][0, 0] > weights[0][0, 1]
    assert weights[0][1, 1] > weights[0][1, 0]


def test_spans_of_one_question_never_overlap(offline: OfflineRecognizer) -> None:
    wording = read("tell our loyal fans in Porto about the new stout, 10% off", lexicon())
    context = ("create_campaign", "announce")
    spans = offline._model.tagger.spans(wording, context, hints(wording))
    others = [span for span in spans if span.kind not in "pk"]
    assert all(a.end <= b.start for a, b in pairwise(others))


@pytest.mark.parametrize(
    ("text", "found", "words"),
    [
        (
            "write to those who asked for a boat, please",
            "those who asked",
            "those who asked for a boat",
        ),
        ("tag everyone who came twice", "who came", "everyone who came twice"),
        ("email all customers", "customers", None),
        (
            "a hello to new members of the Rose Club",
            "members of the Rose",
            "new members of the Rose Club",
        ),
        (
            "patients who have not been in for 8 months",
            "patients who have not",
            "patients who have not been in for 8 months",
        ),
        ("customers who have not bought for 8 months", "customers who have not", None),
        ("offer it to members tagged gold", "gold", "members"),
    ],
)
def test_a_group_is_taken_with_its_clause_and_nobody_in_particular_is_none(
    text: str, found: str, words: str | None
) -> None:
    start = text.index(found)
    assert segment(text, Span("s", start, start + len(found), 1.0)) == words


def test_a_trigger_goes_to_the_end_of_its_clause() -> None:
    text = "when a guest leaves the booking page, write after 2 hours"
    start = text.index("leaves")
    found = trigger(text, Span("t", start, start + 6, 1.0))
    assert found == "leaves the booking page"
    assert trigger("nudge people who left a cart, once", Span("t", 17, 28, 1.0)) is None
