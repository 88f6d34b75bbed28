"""A conversation over the real API and a real reply worker; what lies between is done by hand."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from infra.replies.desk import PostgresReplyDesk
from streams.effects.replies import ReplyWorker
from streams.recognition.ports import Recognizer
from tests.support.api import Api


@dataclass
class Talk:
    """One conversation of one organization."""

    api: Api
    worker: ReplyWorker
    conversation_id: str

    def say(self, text: str, *, key: str | None = None, **headers: str) -> str:
        """Say something, not waiting for the answer; the turn's id."""
        said = self.api.post(
            f"/v1/conversations/{self.conversation_id}/messages",
            {"text": text},
            headers={"Prefer": "wait=0", **headers},
            key=key,
        )
        assert said.status_code == 202, said.text
        return str(said.json()["turn_id"])

    def react(self) -> None:
        """What the reaction to TurnReceived does, for every turn of the log."""
        with self.api.worker.pool.connection() as connection:
            rows = connection.execute(
                "SELECT bytes, position FROM log.events WHERE type = 'TurnReceived'"
                " ORDER BY position"
            ).fetchall()
            for event in self.api.worker.codec.decode_batch(rows, None):
                connection.execute(
                    "INSERT INTO state.reply_tasks (turn_id, organization_id, conversation_id,"
                    " number, received_at) VALUES (%s, %s, %s, %s, now()) ON CONFLICT DO NOTHING",
                    (
                        event.data["turn_id"], event.organization_id, event.stream_id,
                        event.data["number"],
                    ),
                )  # fmt: skip

    def work(self) -> int:
        """Let the worker answer all it finds; how many steps did something."""
        self.react()
        steps = 0
        while self.worker.step():
            steps += 1
        self.api.project()
        return steps

    def turn(self, turn_id: str) -> dict[str, Any]:
        read = self.api.get(f"/v1/conversations/{self.conversation_id}/turns/{turn_id}")
        assert read.status_code == 200, read.text
        found: dict[str, Any] = read.json()
        return found

    def ask(self, text: str, *, key: str | None = None) -> dict[str, Any]:
        """Say it and get the finished turn."""
        turn_id = self.say(text, key=key)
        self.work()
        turn = self.turn(turn_id)
        assert turn["status"] == "answered"
        return turn

    def campaign(self, turn: dict[str, Any]) -> dict[str, Any]:
        """The campaign that was shown with a turn, as it is now."""
        found: dict[str, Any] = self.api.get(f"/v1/campaigns/{turn['campaign']['id']}").json()
        return found


def begin(api: Api, recognizer: Recognizer) -> Talk:
    """A new conversation whose turns this recogniser hears."""
    desk = PostgresReplyDesk(api.worker.commands, api.worker.hasher, uuid.uuid4)
    begun = api.post("/v1/conversations", {})
    assert begun.status_code == 201, begun.text
    return Talk(api, ReplyWorker(desk, recognizer), begun.json()["id"])
