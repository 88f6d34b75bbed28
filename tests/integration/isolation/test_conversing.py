"""What is said in a conversation or over the WebSocket reaches nothing of another organization."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, get_args

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import WebSocketRoute
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from api.gateway.frames import Incoming
from streams.recognition.offline import OfflineRecognizer
from tests.integration.isolation.conftest import House
from tests.support.isolation.belongings import tokens_in
from tests.support.isolation.swaps import Swaps
from tests.support.talking import Talk, begin
from tests.support.whole_stack import eventually

SENTENCES = (
    "approve {draft}",
    "yes, approve the campaign {campaign}",
    "pause {sent}",
    "cancel the campaign {sent}",
    "how did {sent} do?",
    "who gets {sent} and why?",
    "send a test of {draft} to {address}",
    "change the subject of {draft} to hello",
    "what do you know about {address}?",
    "export everything about {address}",
    "erase {address}",
    "why did {address} not get {sent}?",
    "win back contacts tagged {word}tag who bought {word}croissants",
    "[[{contact}]] should get 20% off",
)


@dataclass
class Raid:
    """A conversation in which everything is asked that is another's."""

    talk: Talk
    swaps: Swaps
    names: Mapping[str, str]

    @property
    def said(self) -> list[str]:
        return [sentence.format(**self.names) for sentence in SENTENCES]

    def turns(self) -> int:
        read = self.talk.api.get(f"/v1/conversations/{self.talk.conversation_id}")
        return len(read.json()["turns"])

    def leaked(self, text: str, sent: str) -> set[str]:
        words = self.swaps.words
        return (tokens_in(text, words) & self.swaps.secrets) - tokens_in(sent, words)


@pytest.fixture(scope="module")
def raid(house: House, offline: OfflineRecognizer) -> Raid:
    swaps = house.swaps()
    word = house.theirs.word
    rows = swaps.others.query(
        "SELECT name, id, content_hash FROM views.campaigns WHERE organization_id = %s",
        swaps.others.organization_id,
    )
    campaigns = {name: (identity, hashed) for name, identity, hashed in rows}
    names = {
        "word": word,
        "draft": f"{word}draft",
        "sent": f"{word}sent",
        "campaign": campaigns[f"{word}draft"][0],
        "hash": campaigns[f"{word}draft"][1],
        "address": house.theirs.address,
        "contact": swaps._contact(),
    }
    return Raid(begin(house.api, offline), swaps, names)


def test_no_sentence_reaches_what_is_anothers(raid: Raid) -> None:
    before = raid.swaps.others.state
    said = raid.said

    answers = [json.dumps(raid.talk.ask(each)) for each in said]

    whole = json.dumps(raid.talk.api.get(f"/v1/conversations/{raid.talk.conversation_id}").json())
    assert [raid.leaked(text, " ".join(said)) for text in (*answers, whole)] == [set()] * (
        len(said) + 1
    )
    assert raid.swaps.others.state == before


# --- the WebSocket ---------------------------------------------------------------------------

Frames = list[dict[str, Any]]
FRAMES: dict[str, Callable[[Mapping[str, str]], Frames]] = {
    "voice_input": lambda names: [{"audio": names["campaign"], "format": names["contact"]}],
    "campaign_approval": lambda names: [
        {"campaign_id": names["campaign"], "content_hash": names["hash"], "approved": yes}
        for yes in (True, False)
    ],
    "context_update": lambda names: [
        {"context": {"campaign_id": names["campaign"], "contact": names["contact"]}}
    ],
    "text_input": lambda names: [{"text": "[[{contact}]] {address} {campaign}".format(**names)}],
}
"""Type -> frames of that type about what is another's; sent in this order."""
ANSWERED = {"voice_input": "error", "campaign_approval": "error", "text_input": "typing_indicator"}
"""What a frame is answered with at once, if with anything."""


def kinds() -> set[str]:
    """Every type of frame that a client may send."""
    return {get_args(each.model_fields["type"].annotation)[0] for each in get_args(Incoming)}


def test_every_kind_of_frame_is_tried() -> None:
    assert set(FRAMES) == kinds(), "give FRAMES one of each kind"


def test_there_is_one_websocket(house: House) -> None:
    routes = [each.original_route for each in iter_route_contexts(house.application.routes)]
    paths = {each.path for each in routes if isinstance(each, WebSocketRoute)}
    assert paths == {"/v1/ws"}


def test_no_frame_reaches_what_is_anothers(raid: Raid, house: House) -> None:
    before = raid.swaps.others.state
    sent = [
        {"type": kind, **frame} for kind, frames in FRAMES.items() for frame in frames(raid.names)
    ]
    got, turns = [], raid.turns()
    with opened(house, f"?conversation_id={raid.talk.conversation_id}") as socket:
        got.append(socket.receive_json())
        for frame in sent:
            socket.send_json(frame)
            if frame["type"] in ANSWERED:
                got.append(socket.receive_json())
        eventually(lambda: raid.turns() > turns, what="the turn")
    raid.talk.work()
    whole = raid.talk.api.get(f"/v1/conversations/{raid.talk.conversation_id}").json()

    assert [each["type"] for each in got] == ["welcome", *map(ANSWERED.get, _answered(sent))]
    assert [each["code"] for each in got if "code" in each] == [
        "voice_unavailable", "not_found", "not_found",
    ]  # fmt: skip
    assert whole["turns"][-1]["status"] == "answered"
    assert raid.leaked(json.dumps([got, whole]), json.dumps([sent, raid.said])) == set()
    assert raid.swaps.others.state == before


def _answered(sent: Frames) -> list[str]:
    return [frame["type"] for frame in sent if frame["type"] in ANSWERED]


def test_no_conversation_of_anothers_is_resumed(raid: Raid, house: House) -> None:
    rows = raid.swaps.others.query(
        "SELECT id FROM views.conversations WHERE organization_id = %s",
        raid.swaps.others.organization_id,
    )
    assert rows
    for (theirs,) in rows:
        with opened(house, f"?conversation_id={theirs}") as socket:
            assert socket.receive_json()["code"] == "not_found"
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
        assert closed.value.code == 1008


@contextmanager
def opened(house: House, query: str) -> Iterator[WebSocketTestSession]:
    headers = {"Authorization": f"Bearer {house.mine.tenant.api_key}"}
    with house.api.client.websocket_connect(f"/v1/ws{query}", headers=headers) as socket:
        yield socket


def test_a_webhook_of_ones_own_tells_nothing_of_anothers_deliveries(
    raid: Raid, house: House
) -> None:
    """What the provider is said to tell names the other's deliveries."""
    rows = raid.swaps.others.query(
        "SELECT campaign_id, contact_id FROM views.deliveries WHERE organization_id = %s"
        " AND kind = 'campaign'",
        raid.swaps.others.organization_id,
    )
    before = raid.swaps.others.state
    house.story._letters = 1_000
    assert len(rows) > 2
    for kind, more in (("Bounce", {"Type": "HardBounce", "Inactive": True}), ("Open", {})):
        house.story.webhook(kind, rows[0][0], [contact for _, contact in rows], **more)

    assert raid.swaps.others.state == before


def test_the_same_sentences_reach_what_is_the_speakers(raid: Raid, house: House) -> None:
    house.api.tenant = house.theirs.tenant
    try:
        owner = begin(house.api, raid.talk.worker.recognizer)
        said = [sentence.format(**raid.names) for sentence in SENTENCES]
        shown = [raid.leaked(json.dumps(owner.ask(each)), each) for each in said]
    finally:
        house.api.tenant = house.mine.tenant
    assert any(shown)
