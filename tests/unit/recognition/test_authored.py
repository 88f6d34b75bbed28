"""Sentences of independent authors become training material with their details in place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.recognition.authored import authored_sentences, read_authored

CONTEXT = {
    "now": "2026-03-10T10:00:00+01:00",
    "timezone": "Europe/Vienna",
    "last_shown_campaign": True,
    "known_campaigns": ["Spring sale"],
}


def written(folder: Path, **line: object) -> Path:
    path = folder / "author_x.jsonl"
    line = {"id": "x001", "persona": "rosa", "context": CONTEXT, "campaign_type": None} | line
    path.write_text(json.dumps(line) + "\n", "utf-8")
    return path


def test_details_are_marked_where_their_words_stand(tmp_path: Path) -> None:
    text = "Make the spring sale mail friendlier, only for old regulars"
    slots = {"campaign": "Spring sale", "tone": "friendly", "audience": {"segment": "old regulars"}}
    path = written(tmp_path, text=text, intent="modify_campaign", slots=slots)
    (sentence,) = read_authored(path)
    found = {mark.kind: text[mark.start : mark.end] for mark in sentence.marks}
    assert found == {"c": "spring sale", "a": "friendlier", "s": "old regulars"}
    assert (sentence.shown, sentence.known) == (True, ("Spring sale",))
    assert sentence.voice == "author_x rosa"


def test_a_line_that_is_no_labelled_sentence_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "author_y.jsonl"
    path.write_text('{"text": "hello"}\n', "utf-8")
    with pytest.raises(KeyError):
        list(read_authored(path))


def test_every_author_is_read() -> None:
    voices = {sentence.voice.split()[0] for sentence in authored_sentences()}
    assert voices == {"author_a", "author_b", "author_c", "author_d", "author_e", "author_f"}
    assert len(authored_sentences()) > 1_700
