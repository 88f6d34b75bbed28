"""One WebSocket session: frames in, in order; answers and news out."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from fastapi import WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from api.auth import Principal
from api.errors import AWAY, Problem
from api.gateway import frames
from api.gateway.frames import CampaignApproval, ContextUpdate, Frame, Incoming, TextInput
from api.gateway.limits import LOOK_AGAIN, Admission, Pace
from api.gateway.refusing import note_refusal
from api.ports import Answer, CommandTransaction, Ears, Services
from api.routers.campaigns.presenting import facts_of, recipients_of, row_of, show
from api.routers.conversations.schemas import show_answer
from api.routers.conversations.speaking import answered, receive
from domain.campaign import handlers
from domain.campaign.aggregate import Campaign
from domain.conversation.aggregate import Conversation
from domain.shared.errors import DomainError, UnavailableError
from domain.shared.meta import Meta
from projections.queries.campaigns import metrics_of
from projections.queries.conversations import campaigns_shown

ANSWER_WITHIN = 30.0
BACKLOG = 50
UPDATE_EVERY = 1.0
SETTLING = 3.0
"""Seconds after news in which the read model may still be catching up."""
_log = structlog.get_logger("gateway")


@dataclass
class Session:
    """What one connection does, for as long as it lasts."""

    socket: WebSocket
    services: Services
    principal: Principal
    session_id: UUID
    conversation_id: UUID
    admission: Admission
    _inbox: asyncio.Queue[Incoming] = field(default_factory=lambda: asyncio.Queue(BACKLOG))

    async def run(self) -> None:
        """Until the client leaves, says nothing for too long, or breaks a limit."""
        await self._send(frames.welcome(self.session_id, self.conversation_id))
        with self.services.news.watch() as ears:
            try:
                shown = await run_in_threadpool(self._shown)
            except AWAY:
                await self.socket.close(1013, "The store is away")
                return
            for campaign_id in shown:
                ears.also(campaign_id)
            await self._until_one_ends(
                self._read(), self._work(ears), self._tell(ears), self._leave_with_the_token()
            )

    async def _until_one_ends(self, *parts: Coroutine[Any, Any, None]) -> None:
        """All at once; the first to end ends the connection, one that breaks closes it.

        Waits with `asyncio.wait`, since `gather` forgets who cancelled it, and a server that
        cancels a session then takes its own cancellation for somebody else's.
        """
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            broken = None if task.cancelled() else task.exception()
            if broken is not None and not isinstance(broken, WebSocketDisconnect):
                _log.error("a session broke", session_id=str(self.session_id), exc_info=broken)
                await self._close(1011, "Something broke here; connect again")

    async def _leave_with_the_token(self) -> None:
        """What ends a key or a token ends the connections that began with it, also silent ones."""
        while True:
            await self._admit_again()
            await self.admission.changes.wait(LOOK_AGAIN)

    async def _read(self) -> None:
        """Take frames as they come, within the limits."""
        limits = self.services.sockets
        pace = Pace(limits.messages_per_second)
        while True:
            try:
                message = await asyncio.wait_for(self.socket.receive(), limits.idle)
            except TimeoutError:
                await self._close(1000, "Idle for too long")
                return
            if message["type"] == "websocket.disconnect":
                return
            text, binary = message.get("text"), message.get("bytes")
            size = (
                len(binary) if text is None and binary is not None else len((text or "").encode())
            )
            if size > limits.message_bytes:
                await self._close(1009, "Message too big")
                return
            if not pace.allows(time.monotonic()):
                await self._send(_TOO_FAST)
            elif text is None:
                await self._send(_NO_VOICE)
            else:
                await self._take(text)

    async def _take(self, text: str) -> None:
        try:
            self._inbox.put_nowait(frames.incoming(text))
        except frames.FrameError as error:
            await self._send(error.frame)
        except asyncio.QueueFull:
            await self._send(_TOO_FAST)

    async def _work(self, ears: Ears) -> None:
        """Answer frames one after the other."""
        while True:
            frame = await self._inbox.get()
            try:
                await self._handle(frame, ears)
            except WebSocketDisconnect:
                raise
            except (DomainError, UnavailableError, Problem) as error:
                await self._refuse(error)
            except Exception as error:  # noqa: BLE001 - one bad frame must not end the session
                _log.exception("a frame failed", session_id=str(self.session_id))
                await self._send(frames.failure(error))

    async def _refuse(self, error: Exception) -> None:
        """Record it if a refused request would be, and tell the client."""
        await note_refusal(self.socket, self.principal, error)
        await self._send(frames.failure(error))

    async def _handle(self, frame: Incoming, ears: Ears) -> None:
        await self._admit_again()
        self.principal.ensure(frames.NEEDS[type(frame)])
        match frame:
            case TextInput():
                await self._say(frame.text, ears)
            case CampaignApproval():
                await self._decide(frame, ears)
            case ContextUpdate():
                await run_in_threadpool(self._revise_context, frame.context)
            case _:
                await self._send(_NO_VOICE)

    async def _say(self, text: str, ears: Ears) -> None:
        await self._send(frames.typing(active=True))
        try:
            shown = await self._answer_to(text)
        finally:
            await self._send(frames.typing(active=False))
        if shown is None:
            late = "The answer takes longer than usual; it will be in the conversation."
            await self._send(frames.error_frame("reply_pending", frames.FAILED, late))
            return
        await self._send(shown["reply"])
        if shown["campaign"] is not None:
            campaign_id = shown["campaign"]["id"]
            ears.also(campaign_id)
            await self._preview(UUID(campaign_id))

    async def _answer_to(self, text: str) -> dict[str, Any] | None:
        conversation_id, meta = self.conversation_id, self._meta()
        with self.services.news.watch(str(conversation_id)) as bell:
            taken = await self._command(
                lambda tx: receive(tx, self.services, conversation_id, text, self.principal, meta)
            )
            found = await answered(
                self.services, bell, self.principal, str(conversation_id),
                taken.body["turn_id"], ANSWER_WITHIN,
            )  # fmt: skip
        return show_answer(*found) if found else None

    async def _decide(self, frame: CampaignApproval, ears: Ears) -> None:
        meta = self._meta()

        def decide(tx: CommandTransaction) -> Answer:
            campaign = tx.load(Campaign, frame.campaign_id)
            done = "rejected"
            if frame.approved:
                count = recipients_of(tx, campaign, meta.now)
                done = handlers.approve(tx, campaign, frame.content_hash, count, meta)
            else:
                handlers.reject(tx, campaign, "", meta)
            return Answer(200, {"done": done, "name": campaign.content.name})

        done = (await self._command(decide)).body
        ears.also(str(frame.campaign_id))
        say = _SAYS[done["done"]].format(name=done["name"])
        intent = "approve_campaign" if frame.approved else "reject_campaign"
        await self._send(frames.decided(say, intent, meta.now))
        await self._preview(frame.campaign_id)

    async def _preview(self, campaign_id: UUID) -> None:
        if not self._sees_campaigns:
            return
        now = self.services.clock()

        def look(tx: CommandTransaction) -> Answer:
            campaign = tx.load(Campaign, campaign_id)
            return Answer(200, show(row_of(campaign), facts_of(tx, campaign, now)))

        campaign = (await self._command(look)).body
        await self._send({"type": "workflow_preview", "campaign": campaign})

    def _revise_context(self, context: dict[str, Any]) -> None:
        meta = self._meta()

        def decide(tx: CommandTransaction) -> Answer:
            conversation = tx.load(Conversation, self.conversation_id)
            if conversation.revise_context(context, meta):
                tx.save(conversation)
            return Answer(204, None)

        self.services.commands.run_once(self.principal.organization_id, None, b"", decide)

    async def _tell(self, ears: Ears) -> None:
        """Metrics of the campaigns shown here, when they change, at most once a second."""
        told = await self._counted(ears) or {}
        until = 0.0
        while True:
            waiting = until <= time.monotonic()
            if await ears.wait(3600.0 if waiting else UPDATE_EVERY):
                until = time.monotonic() + SETTLING
            now = await self._counted(ears)
            if now is None:
                until = time.monotonic() + SETTLING  # look again soon, whatever comes
                await asyncio.sleep(UPDATE_EVERY)
                continue
            await self._admit_again()
            for campaign_id, metrics in now.items():
                if metrics != told.get(campaign_id, _nothing(metrics)):
                    await self._send(
                        {"type": "delivery_update", "campaign_id": campaign_id, "metrics": metrics}
                    )
            told = now
            await asyncio.sleep(UPDATE_EVERY)

    async def _admit_again(self) -> None:
        """What the token is good for now; ends the connection when it is good for nothing."""
        try:
            principal = await run_in_threadpool(self.admission.again)
        except AWAY:
            return  # whoever is away cannot say so, and nothing can be done meanwhile either
        if principal is None:
            await self._close(1008, "Authentication required")
            raise WebSocketDisconnect
        self.principal = principal

    async def _counted(self, ears: Ears) -> dict[str, dict[str, int]] | None:
        """The metrics; None while the store is away."""
        try:
            return await run_in_threadpool(self._metrics, ears)
        except AWAY:
            return None

    def _metrics(self, ears: Ears) -> dict[str, dict[str, int]]:
        if not self._sees_campaigns or not ears.subjects:
            return {}
        with self.services.reads.of(str(self.principal.organization_id)) as connection:
            return metrics_of(connection, sorted(ears.subjects))

    @property
    def _sees_campaigns(self) -> bool:
        return "campaigns:read" in self.principal.permissions

    def _shown(self) -> list[str]:
        with self.services.reads.of(str(self.principal.organization_id)) as connection:
            return campaigns_shown(connection, str(self.conversation_id))

    def _meta(self) -> Meta:
        correlation = self.services.new_id()
        return Meta(
            self.principal.organization_id,
            self.principal.actor,
            correlation,
            correlation,
            self.services.clock(),
        )

    async def _command(self, decide: Any) -> Answer:
        answer, _ = await run_in_threadpool(
            self.services.commands.run_once, self.principal.organization_id, None, b"", decide
        )
        return answer

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(RuntimeError):  # closed already
            await self.socket.close(code, reason)

    async def _send(self, frame: Frame) -> None:
        try:
            await self.socket.send_json(frame)
        except RuntimeError:  # closed meanwhile
            raise WebSocketDisconnect from None


def _nothing(metrics: dict[str, int]) -> dict[str, int]:
    return dict.fromkeys(metrics, 0)


_SAYS = {
    "approved": "Approved: “{name}”.",
    "first_of_two": "Your yes to “{name}” is kept. It goes to so many people that somebody else has"
    " to approve it too; nothing is sent yet.",
    "shown_anew": "“{name}” has its sender now, which was missing. Look again, then approve.",
    "rejected": "Dropped “{name}”. Nothing was sent.",
}
_TOO_FAST = frames.error_frame("rate_limited", frames.FAILED, "Too many messages; wait a moment.")
_NO_VOICE = frames.error_frame(
    "voice_unavailable", frames.FAILED, "Voice is not available yet; send text."
)
