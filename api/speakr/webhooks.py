"""Webhooks in the Speakr API."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.speakr.parsing import body_of, parsed
from api.speakr.paths import Id
from shared.dialects.speakr import webhooks as phrase
from shared.domain.errors import Invalid
from shared.services import webhooks
from shared.services.webhooks import WebhookChange

router = APIRouter(tags=["Webhooks"])

_WEBHOOK = "/webhooks/{webhook_id}"
_DELIVERY = f"{_WEBHOOK}/deliveries/{{delivery_id}}"


async def _lenient(request: Request) -> Any:
    """The body; what is no JSON object counts for an empty one here, as in Speakr, and null as not said."""
    try:
        body = await read_json(request)
    except Invalid:
        return {}
    return {name: value for name, value in body.items() if value is not None} if isinstance(body, dict) else {}


@router.get("/webhooks", response_model=phrase.WebhookList)
def list_webhooks(core: CoreOf, caller: CallerOf) -> Any:
    """The caller's webhooks, the newest first, and what there is to subscribe to."""
    return phrase.webhook_list(webhooks.page(core, caller), core.policy.webhooks_per_user)


@router.post(
    "/webhooks",
    status_code=201,
    response_model=phrase.WebhookWithSecret,
    openapi_extra=body_of(phrase.WebhookRequest),
)
async def create(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Makes a webhook. The secret is shown here and after a rotation, nowhere else."""
    asked = parsed(phrase.WebhookRequest, await _lenient(request))
    return phrase.with_secret(await run_in_threadpool(webhooks.create, core, caller, WebhookChange(**dict(asked))))


@router.get(_WEBHOOK, response_model=phrase.Webhook)
def get(webhook_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    return phrase.webhook(webhooks.get(core, caller, webhook_id))


@router.patch(_WEBHOOK, response_model=phrase.Webhook, openapi_extra=body_of(phrase.WebhookPatch))
async def change(webhook_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Changes what is given. Enabling a paused webhook sends what has waited meanwhile."""
    asked = WebhookChange(**dict(parsed(phrase.WebhookPatch, await _lenient(request))))
    return phrase.webhook(await run_in_threadpool(webhooks.change, core, caller, webhook_id, asked))


@router.delete(_WEBHOOK, status_code=204)
def delete(webhook_id: Id, core: CoreOf, caller: CallerOf) -> None:
    """Deletes a webhook with its deliveries."""
    webhooks.delete(core, caller, webhook_id)


@router.post(f"{_WEBHOOK}/rotate-secret", response_model=phrase.WebhookWithSecret)
def rotate_secret(webhook_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Gives a new secret. For a day the old one signs as well, where a header takes several signatures."""
    return phrase.with_secret(webhooks.rotate_secret(core, caller, webhook_id))


@router.post(
    f"{_WEBHOOK}/test", status_code=202, response_model=phrase.Delivery, openapi_extra=body_of(phrase.ReasonRequest)
)
async def test(webhook_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Sends a delivery that tells of nothing, to see whether it arrives."""
    asked = parsed(phrase.ReasonRequest, await _lenient(request))
    return phrase.delivery(await run_in_threadpool(webhooks.test, core, caller, webhook_id, asked.reason))


@router.get(f"{_WEBHOOK}/deliveries", response_model=phrase.DeliveryList)
def deliveries(webhook_id: Id, core: CoreOf, caller: CallerOf, limit: str = "50") -> Any:
    """The latest deliveries, the newest first: 50, or 1 to 200 as `limit` says."""
    most = _limit(limit)
    found = webhooks.latest_deliveries(core, caller, webhook_id, most)
    return {"deliveries": [phrase.delivery(each) for each in found], "limit": most}


@router.get(_DELIVERY, response_model=phrase.DeliveryWithPayload)
def delivery(webhook_id: Id, delivery_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """A delivery with its payload: the very text that is signed and sent."""
    found, payload = webhooks.delivery(core, caller, webhook_id, delivery_id)
    return {**phrase.delivery(found), "payload": payload}


@router.post(f"{_DELIVERY}/replay", status_code=202, response_model=phrase.Delivery)
def replay(webhook_id: Id, delivery_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Sends the same event once more, as a new delivery; a paused webhook is tried with it."""
    return phrase.delivery(webhooks.replay(core, caller, webhook_id, delivery_id))


def _limit(said: str) -> int:
    try:
        return min(max(int(said), 1), 200)
    except ValueError:
        return 50
