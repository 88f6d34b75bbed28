"""The adapter against a local server that speaks the protocol, well and badly."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from streams.recognition.answer import Answer, Slots
from streams.recognition.chain import RecognizerChain
from streams.recognition.openai_compatible import OpenAIRecognizer
from streams.recognition.ports import Recognition, RecognizerUnavailableError, Utterance

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
NO_SLOTS = dict.fromkeys(Slots.model_fields)
Reply = Callable[[dict[str, Any]], Response]


def utterance(text: str, *, shown: bool = False) -> Utterance:
    return Utterance(text, NOW, "Europe/London", last_shown_campaign=shown)


def answer(intent: str, campaign_type: str | None = None, **slots: Any) -> dict[str, Any]:
    return {
        "intent": intent,
        "campaign_type": campaign_type,
        "confidence": 0.93,
        "sentence_language": "en",
        "slots": NO_SLOTS | slots,
    }


def completion(content: str | None, finish: str = "stop", refusal: str | None = None) -> Response:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return JSONResponse(
        {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "fake",
            "choices": [choice],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
    )


def says(content: dict[str, Any]) -> Reply:
    return lambda _: completion(json.dumps(content))


@dataclass
class FakeModel:
    """Answers the queued replies in turn, the last one for ever; remembers the requests."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self.times.append(time.monotonic())
        return (self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])(body)


@pytest.fixture
def fake() -> Iterator[FakeModel]:
    model = FakeModel()
    app = Starlette(routes=[Route("/v1/chat/completions", model.chat, methods=["POST"])])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        model.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        yield model
        server.should_exit = True
        thread.join()


def recognizer(fake: FakeModel, **options: Any) -> OpenAIRecognizer:
    return OpenAIRecognizer(api_key="secret", model="fake", base_url=fake.url, **options)


class Fallback:
    def recognize(self, _utterance: Utterance) -> Recognition:
        return Recognition("clarify", None, 0.5, recognizer="fallback")


def test_an_answer_becomes_a_recognition_with_the_contracts_slots(fake: FakeModel) -> None:
    offer = {"kind": "percent", "value": 20.0, "currency": None, "text": "20% off"}
    away = {"segment": None, "inactive_days": 60, "tags": None}
    fake.replies = [says(answer("create_campaign", "win_back", offer=offer, audience=away))]
    found = recognizer(fake).recognize(utterance("win back the lapsed of 60 days, 20% off"))
    assert (found.intent, found.campaign_type) == ("create_campaign", "win_back")
    assert found.slots == {
        "audience": {"inactive_days": 60},
        "offer": {"kind": "percent", "value": 20, "text": "20% off"},
    }
    assert (found.confidence, found.recognizer) == (0.93, "openai")
    asked = fake.requests[0]["response_format"]
    assert asked["type"] == "json_schema"
    assert asked["json_schema"]["strict"] is True
    assert_strict(asked["json_schema"]["schema"])


def assert_strict(schema: dict[str, Any]) -> None:
    """Strict mode: nothing may be added and every property is required, at every level."""
    for part in (schema, *schema.get("$defs", {}).values()):
        assert part["additionalProperties"] is False
        assert sorted(part["required"]) == sorted(part["properties"])


def test_json_mode_is_used_where_strict_schemas_are_refused(fake: FakeModel) -> None:
    def picky(body: dict[str, Any]) -> Response:
        if body["response_format"]["type"] == "json_schema":
            return JSONResponse({"error": {"message": "unknown response_format"}}, 400)
        return completion(json.dumps(answer("help")))

    fake.replies = [picky]
    model = recognizer(fake)
    assert model.recognize(utterance("what can you do")).intent == "help"
    assert model.recognize(utterance("what can you do")).intent == "help"
    kinds = [body["response_format"]["type"] for body in fake.requests]
    assert kinds == ["json_schema", "json_object", "json_object"]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(lambda _: completion(None, refusal="I cannot help"), id="refusal"),
        pytest.param(lambda _: completion('{"intent": "hel', "length"), id="truncated"),
        pytest.param(lambda _: completion('{"intent": "hel'), id="cut without saying so"),
        pytest.param(lambda _: completion("I think it is a newsletter."), id="prose"),
        pytest.param(says(answer("destroy_everything")), id="unknown intent"),
        pytest.param(says({"intent": "help"}), id="missing fields"),
        pytest.param(lambda _: JSONResponse({"choices": []}), id="no choices"),
        pytest.param(lambda _: JSONResponse({"choices": None}), id="null choices"),
        pytest.param(lambda _: JSONResponse([1, 2]), id="a list"),
        pytest.param(lambda _: PlainTextResponse("<html>busy</html>"), id="not JSON"),
        pytest.param(lambda _: JSONResponse({"error": {"message": "x"}}, 401), id="bad key"),
    ],
)
def test_an_unusable_answer_falls_to_the_next_and_quotes_nobody(
    fake: FakeModel, reply: Reply
) -> None:
    fake.replies = [reply]
    model = recognizer(fake, retries=0)
    with pytest.raises(RecognizerUnavailableError) as caught:
        model.recognize(utterance("tell Maria Lopez"))
    assert "Maria" not in str(caught.value)
    assert caught.value.__cause__ is None
    chain = RecognizerChain([model, Fallback()])
    assert chain.recognize(utterance("tell Maria Lopez")).recognizer == "fallback"


def test_a_full_endpoint_is_asked_again_when_it_says(fake: FakeModel) -> None:
    busy = JSONResponse({"error": {"message": "slow down"}}, 429, {"Retry-After": "1"})
    fake.replies = [lambda _: busy, says(answer("help"))]
    assert recognizer(fake).recognize(utterance("what can you do")).intent == "help"
    assert fake.times[1] - fake.times[0] >= 0.95


@pytest.mark.parametrize(
    "later",
    [
        {"Retry-After": "60"},
        {"Retry-After": formatdate(time.time() + 60, usegmt=True)},
        {"Retry-After": "1", "Retry-After-Ms": "60000"},
        {"Retry-After": "60", "X-Should-Retry": "true"},
    ],
)
def test_an_endpoint_that_is_full_for_long_is_not_waited_for(
    fake: FakeModel, later: dict[str, str]
) -> None:
    busy = JSONResponse({"error": {"message": "slow down"}}, 429, later)
    fake.replies = [lambda _: busy, says(answer("help"))]
    chain = RecognizerChain([recognizer(fake), Fallback()])
    assert chain.recognize(utterance("what can you do")).recognizer == "fallback"
    assert len(fake.requests) == 1


def test_a_broken_endpoint_is_asked_three_times_in_all(fake: FakeModel) -> None:
    fake.replies = [lambda _: JSONResponse({"error": {"message": "oops"}}, 500)]
    with pytest.raises(RecognizerUnavailableError):
        recognizer(fake).recognize(utterance("what can you do"))
    assert len(fake.requests) == 3


def test_nobody_listening_is_unavailable() -> None:
    away = OpenAIRecognizer(
        api_key="secret", model="fake", base_url="http://127.0.0.1:9/v1", retries=0
    )
    with pytest.raises(RecognizerUnavailableError):
        away.recognize(utterance("what can you do"))


@pytest.mark.parametrize(
    ("intent", "text", "shown"),
    [
        ("approve_campaign", "ok", True),
        ("approve_campaign", "yes, send it", False),
        ("approve_campaign", "yes but make it 15 %", True),
        ("resume_campaign", "what would happen if I resumed it?", False),
        ("schedule_campaign", "can I send it tomorrow?", True),
        ("privacy_request", "remove Maria from the list", False),
    ],
)
def test_a_dangerous_intent_without_words_for_it_is_asked_about(
    fake: FakeModel, intent: str, text: str, shown: bool
) -> None:
    fake.replies = [says(answer(intent))]
    found = recognizer(fake).recognize(utterance(text, shown=shown))
    assert found.intent == "clarify"
    assert found.alternatives == ((intent, 0.93),)


def test_a_plain_yes_to_what_was_shown_is_believed(fake: FakeModel) -> None:
    fake.replies = [says(answer("approve_campaign"))]
    found = recognizer(fake).recognize(utterance("yes, send it", shown=True))
    assert found.intent == "approve_campaign"


def test_a_moment_that_is_past_or_without_offset_is_not_believed(fake: FakeModel) -> None:
    for moment in ("2020-01-01T09:00:00+00:00", "2026-03-03T09:00:00", "soon"):
        schedule = {"at": moment, "relative": "tomorrow", "recurrence": None}
        fake.replies = [says(answer("schedule_campaign", schedule=schedule))]
        found = recognizer(fake).recognize(utterance("send it tomorrow at 9", shown=True))
        assert found.slots == {"schedule": {"relative": "tomorrow"}}


def test_an_address_that_was_not_typed_is_not_believed(fake: FakeModel) -> None:
    fake.replies = [says(answer("send_test", email="someone@else.org"))]
    assert recognizer(fake).recognize(utterance("send me a test")).slots == {}


def test_another_language_is_told_and_nothing_is_understood(fake: FakeModel) -> None:
    fake.replies = [says(answer("create_campaign", "promotional") | {"sentence_language": "es"})]
    found = recognizer(fake).recognize(utterance("hola"))
    assert (found.intent, found.language) == ("clarify", "es")


def test_the_models_list_of_words_is_the_contracts() -> None:
    Answer.model_validate(answer("create_campaign", "welcome"))
