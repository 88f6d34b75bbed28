"""What a person decides about a campaign: yes, no, hold, go on, stop, try it out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.auth import Caller, Principal, ServicesOf, allow
from api.errors import MEDIA_TYPE, Problem, body_of_problem
from api.ports import Answer, CommandTransaction, Services
from api.requests import command
from api.routers.campaigns.endpoints import answer
from api.routers.campaigns.examples import CAMPAIGN_RESPONSE, TEST_RESPONSE
from api.routers.campaigns.presenting import recipients_of
from api.routers.campaigns.schemas import ApprovalIn, RejectionIn, TestIn
from domain.campaign import handlers
from domain.campaign.aggregate import Campaign
from domain.campaign.commands import RequestTest
from domain.contact.values import EmailAddress
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta
from projections.queries.sending import count_test, standing_of

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["campaigns"])
Act = Callable[[CommandTransaction, Campaign, Meta], None]


async def _carry_out(
    request: Request, caller: Principal, services: Services, campaign_id: UUID, act: Act
) -> Response:
    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        campaign = tx.load(Campaign, campaign_id)
        act(tx, campaign, meta)
        return answer(tx, campaign, meta)

    return await command(request, caller, services, decide)


@router.post(
    "/approve",
    responses={200: CAMPAIGN_RESPONSE, 202: CAMPAIGN_RESPONSE},
    dependencies=[allow("campaigns:approve")],
)
async def approve(
    request: Request, campaign_id: UUID, body: ApprovalIn, caller: Caller, services: ServicesOf
) -> Response:
    """Say yes to exactly the content with this hash. 202 while a second person has to as well."""

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        campaign = tx.load(Campaign, campaign_id)
        count = recipients_of(tx, campaign, meta.now)
        done = handlers.approve(tx, campaign, body.content_hash, count, meta)
        if done != "shown_anew":
            return answer(tx, campaign, meta, 200 if done == "approved" else 202)
        # Kept, not rolled back: the draft now has the sender that the business was given since.
        refused = Problem(409, "content_changed", _RESHOW)
        body_ = body_of_problem(refused, request.state.request_id)
        return Answer(409, body_, {"Content-Type": MEDIA_TYPE})

    return await command(request, caller, services, decide)


_RESHOW = (
    "The business's sender was completed after this draft was made, and the draft has it now. "
    "Look at it again, then approve its new content_hash."
)


@router.post(
    "/reject", responses={200: CAMPAIGN_RESPONSE}, dependencies=[allow("campaigns:approve")]
)
async def reject(
    request: Request,
    campaign_id: UUID,
    caller: Caller,
    services: ServicesOf,
    body: RejectionIn | None = None,
) -> Response:
    """Say no to a draft."""
    reason = body.reason if body else ""
    return await _carry_out(
        request, caller, services, campaign_id,
        lambda tx, campaign, meta: handlers.reject(tx, campaign, reason, meta),
    )  # fmt: skip


@router.post("/pause", responses={200: CAMPAIGN_RESPONSE}, dependencies=[allow("campaigns:send")])
async def pause(
    request: Request, campaign_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """Hand nothing more over until it is resumed."""
    return await _carry_out(request, caller, services, campaign_id, handlers.pause)


@router.post("/resume", responses={200: CAMPAIGN_RESPONSE}, dependencies=[allow("campaigns:send")])
async def resume(
    request: Request, campaign_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """Go on after a pause."""
    return await _carry_out(request, caller, services, campaign_id, handlers.resume)


@router.post("/cancel", responses={200: CAMPAIGN_RESPONSE}, dependencies=[allow("campaigns:send")])
async def cancel(
    request: Request, campaign_id: UUID, caller: Caller, services: ServicesOf
) -> Response:
    """Leave unsent what is not handed over, for good."""
    return await _carry_out(request, caller, services, campaign_id, handlers.cancel)


@router.post(
    "/test", status_code=202, responses={202: TEST_RESPONSE}, dependencies=[allow("campaigns:send")]
)
async def test(
    request: Request, campaign_id: UUID, body: TestIn, caller: Caller, services: ServicesOf
) -> Response:
    """Send one e-mail, its subject marked, to a mailbox somebody looks at; 20 a day."""
    address = EmailAddress.parse(body.email)
    address_hmac = services.hash_address(address.normalised)
    delivery_id, stranger = services.new_id(), services.new_id()

    def decide(tx: CommandTransaction, meta: Meta) -> Answer:
        campaign = tx.load(Campaign, campaign_id)
        organization = str(tx.organization_id)
        contact_id, suppression = standing_of(tx.connection, organization, address_hmac)
        used = count_test(tx.connection, organization, meta.now.date())
        reference = UUID(contact_id) if contact_id else stranger
        wanted = RequestTest(delivery_id, reference, address.given, body.step)
        with_limit(lambda: handlers.request_test(
            tx, campaign, wanted, handlers.Mailbox(suppression, used), meta
        ), meta.now)  # fmt: skip
        return Answer(202, show_test(wanted, used), {"Location": f"/v1/deliveries/{delivery_id}"})

    return await command(request, caller, services, decide)


def with_limit(act: Callable[[], None], now: datetime) -> None:
    """Carry out; a test too many is 429 until the next day (UTC) begins."""
    try:
        act()
    except RuleViolatedError as error:
        if error.code != "test_limit":
            raise
        tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        seconds = str(int((tomorrow - now).total_seconds()) + 1)
        raise Problem(429, error.code, str(error), headers={"Retry-After": seconds}) from None


def show_test(test: RequestTest, used: int) -> dict[str, Any]:
    """A test that is on its way."""
    left = handlers.TESTS_A_DAY - used
    return {"delivery_id": str(test.delivery_id), "step": test.step, "left_today": left}
