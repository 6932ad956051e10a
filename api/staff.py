"""What staff reads and does: customers, journeys, deliveries, objections, figures."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api import views
from api.auth import Staff
from api.context import Context, context_of, is_id, known_id, read
from api.language import language_of
from api.openapi import told
from api.problems import ProblemError, unknown
from api.staff_shapes import OptOut, SearchFor
from models.contact import phone_number
from models.vocabulary import Channel, Status
from store.acts import By, object_
from store.journeys import Search, list_journeys, load_delivery, load_story
from store.notice_rows import notices_of
from store.outbox import OutboxRow
from store.search import find_customers, shop_of

_LONGEST = 300
_MOMENT = TypeAdapter(AwareDatetime)
_DAY = TypeAdapter(datetime)

router = APIRouter()


@router.post(
    "/v1/customers/search",
    **told(
        "Find a customer by e-mail, phone or id, ours or the shop's",
        "`{items: [{customer_id, shop, consents, suppressions, journeys, …}]}`",
        *(400, 422, 503),
        takes=SearchFor,
    ),
)
async def search(request: Request, caller: Staff) -> Response:
    """Return everything that is known of them."""
    context, asked = context_of(request), await read(request, SearchFor)
    countries = {shop.country for shop in context.installation.settings.shops}
    found = [phone_number(asked.phone, country) for country in countries] if asked.phone else []
    phones = {phone for phone in found if phone}
    known = await context.db.read(find_customers, email=asked.email, phones=phones, id_=asked.id)
    return JSONResponse({"items": [views.customer(one, context.now()) for one in known]})


@router.get(
    "/v1/journeys",
    **told("List journeys, newest first", "`{items: […], next_cursor}`", 422, 503),
)
async def journeys(
    request: Request,
    caller: Staff,
    customer_id: Annotated[str | None, Query(max_length=_LONGEST)] = None,
    cart_id: Annotated[str | None, Query(max_length=_LONGEST)] = None,
    status: Status | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return one page."""
    if cursor is not None and not is_id(cursor):
        raise ProblemError(422, "cursor: take it from next_cursor of the page before")
    context = context_of(request)
    wanted = [text for text in (customer_id, cart_id) if text is not None]
    if any("\0" in text for text in wanted):  # no database knows such a name
        return JSONResponse({"items": [], "next_cursor": None})
    rows = await context.db.read(list_journeys, Search(customer_id, cart_id, status, cursor, limit + 1))
    following = rows[limit - 1].id if len(rows) > limit else None
    items = [views.journey(row, context.now()) for row in rows[:limit]]
    return JSONResponse({"items": items, "next_cursor": following})


@router.get(
    "/v1/journeys/{journey_id}",
    **told("Show a journey with its timeline and decisions", "The journey, `timeline` and `decisions`", 404, 503),
)
async def journey(request: Request, caller: Staff, journey_id: str) -> Response:
    """Return it, told in the shop's language unless the caller accepts another."""
    return await told_journey(request, known_id(journey_id, "journey"))


async def told_journey(request: Request, journey_id: str) -> Response:
    """Answer with a journey as it stands now."""
    context = context_of(request)
    story = await context.db.read(load_story, journey_id)
    if story is None:
        raise unknown("journey")
    language = language_of(request.headers.get("accept-language"), story.shop.locale)
    return JSONResponse(views.story(story, context.now(), language))


@router.get(
    "/v1/deliveries/{delivery_id}",
    **told(
        "Show a delivery, what was told of it, and its message", "State, provider, `notices` and `message`", 404, 503
    ),
)
async def delivery(request: Request, caller: Staff, delivery_id: str) -> Response:
    """Return it; the message is null once its customer was erased."""
    db, by_id = context_of(request).db, known_id(delivery_id, "delivery")
    found = await db.read(load_delivery, by_id)
    if found is None:
        raise unknown("delivery")
    row, message = found
    notices = [views.notice(one) for one in await db.read(notices_of, by_id)]
    return JSONResponse(views.delivery(row) | {"notices": notices, "message": views.message(message, row.channel)})


@router.post(
    "/v1/opt-outs",
    **told(
        "Record an objection: no hand-over follows, and every open journey of the customer ends",
        "Committed: `{channels, journeys_closed}`",
        *(400, 404, 422, 503),
        takes=OptOut,
    ),
)
async def opt_out(request: Request, caller: Staff) -> Response:
    """Record it in every shop where it applies; an address that nobody has yet is kept out all the same."""
    context, asked = context_of(request), await read(request, OptOut)
    channels = tuple(Channel) if asked.channel == "all" else (Channel(asked.channel),)
    by = By(caller.name, asked.reason, context.now())
    rows: list[OutboxRow] = []
    for shop in await _shops(context, asked):
        rows += await context.db.write(object_, shop, asked.customer_id, asked.email, channels, by)
    context.relay.nudge(rows)
    return JSONResponse({"channels": list(channels), "journeys_closed": len(rows)})


async def _shops(context: Context, asked: OptOut) -> Sequence[str]:
    if asked.customer_id is not None:
        return [await context.db.read(shop_of, known_id(asked.customer_id, "customer"))]
    return [shop.id for shop in context.installation.settings.shops]


@router.get("/v1/kpis", **told("Figures with numerator, denominator and window", "The figures", 422, 503))
async def kpis(
    request: Request,
    caller: Staff,
    since: Annotated[str | None, Query(alias="from", description="A moment or a day; from its beginning")] = None,
    until: Annotated[str | None, Query(alias="to", description="A moment or a day; up to its beginning")] = None,
    policy: Annotated[str | None, Query(max_length=_LONGEST, pattern=r"^[^\x00]*$")] = None,
) -> Response:
    """Compute them now, so that late orders and refunds count."""
    from store.kpis import kpis as compute  # noqa: PLC0415 - the rest of the API does not need it

    context = context_of(request)
    zone = ZoneInfo(context.installation.shop().timezone)
    window = {"since": _moment(since, "from", zone), "until": _moment(until, "to", zone)}
    return JSONResponse(await context.db.read(compute, policy=policy, now=context.now(), **window))


def _moment(text: str | None, name: str, zone: ZoneInfo) -> datetime | None:
    """Return a moment, or the beginning of a day in the shop's zone."""
    if text is None:
        return None
    try:
        return _MOMENT.validate_python(text.replace(" ", "+"))  # an unescaped plus of a zone comes as a space
    except ValidationError:
        pass
    try:
        day = datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - the zone is the shop's, set below
    except ValueError:
        raise ProblemError(422, f"{name}: write 2026-01-31 or 2026-01-31T12:00:00Z") from None
    return datetime.combine(day, time(), zone)
