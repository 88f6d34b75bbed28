"""The WebSocket over a real server and real Kafka: frames, limits, approvals, live figures."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from api.ports import SocketLimits
from infra.bootstrap import Core
from infra.event_log import Draft
from infra.kafka import create_topics
from infra.relay import Relay, RelaySettings
from schemas.topics import all_topics
from streams.recognition.offline import OfflineRecognizer
from tests.conftest import Database
from tests.support.api import Api, running_api
from tests.support.services import Services
from tests.support.serving import served
from tests.support.talking import Talk, begin

LIMITS = SocketLimits(
    message_bytes=10_240, messages_per_second=10, heartbeat=30, idle=300, connections=3
)


@contextmanager
def repeated(act: Callable[[], object], pause: float = 0.05) -> Iterator[None]:
    """In a thread, again and again: what another process would do."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(pause):
            act()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


@dataclass
class Line:
    """Where sockets connect, as whom, and the conversation machinery behind it."""

    url: str
    api: Api

    def open(self, **more: Any) -> ClientConnection:
        headers = {"Authorization": f"Bearer {self.api.tenant.api_key}"}
        url = self.url + more.pop("query", "")
        opened: ClientConnection = connect(url, additional_headers=headers, **more)
        return opened


@pytest.fixture
def line(
    stack: Services, database: Database, topic_prefix: str, offline: OfflineRecognizer
) -> Iterator[Line]:
    """API, relay and reply worker, each doing its part; the reactions' by hand."""
    create_topics(stack.kafka_bootstrap, topic_prefix, all_topics().values())
    settings = stack.settings.model_copy(update={"topic_prefix": topic_prefix})
    stop = threading.Event()
    with running_api(stack, database) as api:
        relay = Relay(RelaySettings(stack.kafka_bootstrap, database.worker_url, topic_prefix))
        relaying = threading.Thread(target=relay.run, args=(stop,), daemon=True)
        relaying.start()
        core = Core(settings, api.core.addresses, "api")
        talk = begin(api, offline)
        with served(core, LIMITS) as at, repeated(talk.work):
            yield Line(f"ws://{at}/v1/ws", api)
        stop.set()
        relaying.join(10)


def receive(socket: ClientConnection, kind: str, seconds: float = 30) -> dict[str, Any]:
    """The next frame of this type; fails on an unexpected error frame."""
    deadline = time.monotonic() + seconds
    while True:
        frame = cast("dict[str, Any]", json.loads(socket.recv(timeout=deadline - time.monotonic())))
        if frame["type"] == kind:
            return frame
        assert frame["type"] != "error", frame


def send(socket: ClientConnection, **frame: Any) -> None:
    socket.send(json.dumps(frame))


def closed(socket: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the server closes."""
    with pytest.raises(ConnectionClosed) as error:
        _drain(socket)
    assert error.value.rcvd is not None
    return error.value.rcvd.code, error.value.rcvd.reason


def _drain(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=20)


def test_a_sentence_is_answered_shown_approved_and_followed(line: Line) -> None:
    with line.open() as socket:
        conversation_id = receive(socket, "welcome")["conversation_id"]
        send(socket, type="text_input", text="announce our new rye bread to everyone")
        assert receive(socket, "typing_indicator")["active"] is True
        assert receive(socket, "typing_indicator")["active"] is False
        answer = receive(socket, "ai_response")
        assert answer["metadata"]["intent"]["name"] == "create_campaign"
        campaign = receive(socket, "workflow_preview")["campaign"]
        assert campaign["conversation_id"] == conversation_id
        send(socket, type="campaign_approval", campaign_id=campaign["id"],
             content_hash="0" * 64, approved=True)  # fmt: skip
        refused = json.loads(socket.recv(timeout=20))
        assert refused["code"] == "content_changed"
        assert refused["content"] == "Failed to process your request"
        send(socket, type="campaign_approval", campaign_id=campaign["id"],
             content_hash=campaign["content_hash"], approved=True)  # fmt: skip
        assert "Approved" in receive(socket, "ai_response")["content"]
        assert receive(socket, "workflow_preview")["campaign"]["status"] == "approved"
        _intend(line.api, campaign["id"])
        update = receive(socket, "delivery_update")
        assert update["campaign_id"] == campaign["id"]
        assert update["metrics"]["intended"] == 1


def _intend(api: Api, campaign_id: str) -> None:
    """A delivery, as the reactions would intend it."""
    data = {
        "campaign_id": campaign_id, "step": 1, "contact_id": str(uuid.uuid4()),
        "kind": "campaign", "mailbox_provider": None,
    }  # fmt: skip
    organization, request = api.tenant.organization_id, str(uuid.uuid4())
    draft = Draft(
        "DeliveryIntended", str(uuid.uuid4()), 1, data, organization, "system:test", request,
        request, datetime.now(UTC),
    )  # fmt: skip
    api.worker.commands.run(uuid.UUID(organization), lambda tx: tx.add(draft))


def test_a_conversation_is_resumed_by_its_id(line: Line) -> None:
    talk = begin(line.api, OfflineFree())
    with line.open(query=f"?conversation_id={talk.conversation_id}") as socket:
        assert receive(socket, "welcome")["conversation_id"] == talk.conversation_id
        send(socket, type="context_update", context={"page": "campaigns"})
        send(socket, type="text_input", text="hello")
        assert receive(socket, "ai_response")["content"].startswith("Hello")
    with line.open(query="?conversation_id=nonsense") as socket:
        assert json.loads(socket.recv(timeout=20))["code"] == "not_found"
        assert closed(socket)[0] == 1008


class OfflineFree:
    """Never asked: the line's own worker answers every conversation."""

    def recognize(self, utterance: Any) -> Any:
        raise AssertionError(utterance)


def test_nobody_gets_in_without_a_key_in_use(line: Line) -> None:
    for headers in ({}, {"Authorization": "Bearer nk_wrong"}):
        with connect(line.url, additional_headers=headers) as socket:
            assert closed(socket) == (1008, "Authentication required")


def test_a_browser_sends_its_key_as_a_subprotocol(line: Line) -> None:
    offered = Subprotocol(f"bearer.{line.api.tenant.api_key}")
    with connect(line.url, subprotocols=[offered]) as socket:
        assert socket.subprotocol == offered
        assert receive(socket, "welcome")["session_id"]


@pytest.mark.parametrize(
    ("sent", "code", "content"),
    [
        ("not json", "invalid_message_format", "Invalid message format"),
        ("[]", "invalid_message_format", "Invalid message format"),
        ('{"text":"hi"}', "invalid_message_format", "Invalid message format"),
        ('{"type":"text_input"}', "invalid_message_format", "Invalid message format"),
        ('{"type":"text_input","text":"a\\u0000b"}', "invalid_message_format",
         "Invalid message format"),
        ('{"type":"campaign_approval","campaign_id":"x","content_hash":"y","approved":1}',
         "invalid_message_format", "Invalid message format"),
        ('{"type":"dance"}', "unknown_message_type", "Unknown message type"),
        ('{"type":"voice_input","audio":"","format":"wav"}', "voice_unavailable",
         "Failed to process your request"),
        (b"\x00\x01", "voice_unavailable", "Failed to process your request"),
    ],
)  # fmt: skip
def test_bad_frames_are_told_and_end_nothing(
    shared_line: Line, sent: str | bytes, code: str, content: str
) -> None:
    with shared_line.open() as socket:
        receive(socket, "welcome")
        socket.send(sent)
        error = json.loads(socket.recv(timeout=20))
        assert (error["type"], error["code"], error["content"]) == ("error", code, content)
        socket.send('{"type":"dance"}')
        assert json.loads(socket.recv(timeout=20))["code"] == "unknown_message_type"


@contextmanager
def api_alone(
    stack: Services, database: Database, topic_prefix: str, limits: SocketLimits
) -> Iterator[Line]:
    """Only the API: for frames that nobody has to answer."""
    create_topics(stack.kafka_bootstrap, topic_prefix, all_topics().values())
    settings = stack.settings.model_copy(update={"topic_prefix": topic_prefix})
    with running_api(stack, database) as api:
        core = Core(settings, api.core.addresses, "api")
        with served(core, limits) as at:
            yield Line(f"ws://{at}/v1/ws", api)


@pytest.fixture
def shared_line(stack: Services, database: Database, topic_prefix: str) -> Iterator[Line]:
    """With limits that are soon reached."""
    limits = replace(LIMITS, messages_per_second=3, idle=4)
    with api_alone(stack, database, topic_prefix, limits) as line:
        yield line


@contextmanager
def without_postgres(stack: Services, database: Database) -> Iterator[None]:
    """Nobody gets through to the database inside."""
    name = database.owner_url.rsplit("/", 1)[1]
    allow = f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS '
    with psycopg.connect(stack.postgres_admin_url, autocommit=True) as admin:
        admin.execute((allow + "false").encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        try:
            yield
        finally:
            admin.execute((allow + "true").encode())


def test_while_postgres_is_away_frames_are_told_so_and_the_session_goes_on(
    stack: Services, database: Database, topic_prefix: str
) -> None:
    question = {
        "type": "campaign_approval", "campaign_id": str(uuid.uuid4()),
        "content_hash": "0" * 64, "approved": True,
    }  # fmt: skip

    def answered(socket: ClientConnection) -> str:
        send(socket, **question)
        return str(json.loads(socket.recv(timeout=60))["code"])

    with api_alone(stack, database, topic_prefix, LIMITS) as line, line.open() as socket:
        receive(socket, "welcome")
        assert answered(socket) == "not_found"

        with without_postgres(stack, database):
            assert answered(socket) == "unavailable"
            with line.open() as late:
                assert closed(late) == (1013, "The store is away")

        deadline = time.monotonic() + 120
        while (code := answered(socket)) == "unavailable" and time.monotonic() < deadline:
            time.sleep(0.2)  # the pool's own pause between two attempts
        assert code == "not_found"


def test_limits_of_size_pace_silence_and_connections(shared_line: Line) -> None:
    with shared_line.open() as socket:
        receive(socket, "welcome")
        for _ in range(4):
            socket.send('{"type":"dance"}')
        codes = [json.loads(socket.recv(timeout=20))["code"] for _ in range(4)]
        assert codes == [*["unknown_message_type"] * 3, "rate_limited"]
        time.sleep(1.1)
        socket.send("x" * 10_241)
        assert closed(socket)[0] == 1009
    with shared_line.open() as silent:
        receive(silent, "welcome")
        assert closed(silent) == (1000, "Idle for too long")
    with ExitStack() as held:
        for _ in range(LIMITS.connections):
            receive(held.enter_context(shared_line.open()), "welcome")
        late = held.enter_context(shared_line.open())
        assert closed(late) == (1013, "Too many connections")


def test_two_people_talk_at_once(line: Line) -> None:
    talk: Talk = begin(line.api, OfflineFree())
    with line.open() as one, line.open(query=f"?conversation_id={talk.conversation_id}") as other:
        receive(one, "welcome")
        receive(other, "welcome")
        send(one, type="text_input", text="what can you do?")
        send(other, type="text_input", text="hello")
        assert receive(other, "ai_response")["metadata"]["intent"]["name"] == "small_talk"
        assert receive(one, "ai_response")["metadata"]["intent"]["name"] == "help"
