"""Asking that a person be forgotten: one commit that closes everything at once; the job then does the rest.

In that commit the person becomes nobody to every door: their row goes, what they forbade stays as keyed hashes, and
whatever comes later about them is about somebody new. What names them is kept sealed until the certificate is made.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from sqlalchemy import Connection, delete, select, update

from models.contact import email_key
from models.erasing import LOOK_AGAIN, SETTLES, ErasureState
from models.events import EventType
from models.identity import Family
from models.needles import Needle, needles, write
from models.profile import CustomerState
from models.situation import SuppressionReason
from models.vocabulary import Channel, Outcome
from store.acts import By
from store.belongings import OWNED, mine
from store.episodes import Episodes
from store.erasure import erase_rows, give_up_handed, handed, hide
from store.erasures import STOREFRONT, UNASKED, ErasureRow, advance, job_of, sought, wait
from store.ids import new_id
from store.objections import address_of, suppress
from store.outbox import OutboxRow
from store.people import People
from store.requests import forget_requests, note_erasures
from store.rows import insert_all
from store.schema import CUSTOMERS, DELIVERIES, ERASURES, EVENTS, JOURNEYS, SUPPRESSIONS
from store.sealing import hidden, sealed

_REACHED = (Channel.EMAIL, Channel.SMS, Channel.CALL)  # a device is reached by the customer's id, which never returns


def ask(connection: Connection, customer_id: str, by: By) -> tuple[ErasureRow, Sequence[OutboxRow]]:
    """Begin to forget a customer, and return the job and what Temporal must be told; asked twice it is one job.

    All rows of the person go at once, each by a job of its own that searches for what names any of them.
    Raises `NotFoundError` for a customer whom nobody ever knew.
    """
    shop = connection.execute(select(CUSTOMERS.c.shop).where(CUSTOMERS.c.id == customer_id)).scalar_one_or_none()
    people = People(connection, shop or "")
    people.lock((), [customer_id] if shop is not None else [])
    customer = people.known.get(customer_id)
    if customer is None:
        return job_of(connection, customer_id), ()
    episodes = Episodes(connection, people, by.now)
    close(episodes, customer, by.actor, by.now + timedelta(seconds=customer.clock_s))
    people.bump(customer)
    people.save()
    outbox = episodes.save()
    jobs = begin(connection, people, people.family(customer), by.actor, by.now)
    return next(job for job in jobs if job.customer_id == customer_id), outbox


def forget(connection: Connection, job: ErasureRow, at: datetime) -> bool:
    """Delete the rows of a job's customer, once what was being handed over has been answered for; False until then.

    Whoever has not answered in the time that a send may take never will: that message is unknown for good.
    """
    waiting = handed(connection, job.customer_id)
    if waiting and at < job.asked_at + SETTLES:
        wait(connection, job, at + LOOK_AGAIN, f"messages that are being handed over: {waiting}")
        return False
    give_up_handed(connection, job.customer_id)
    erase_rows(connection, job.shop, job.customer_id, sought(connection, job.id) or ())
    forget_requests(connection, job.customer_id, at)
    return advance(connection, job, ErasureState.ERASED, at)


def close(episodes: Episodes, customer: CustomerState, actor: str, at: datetime) -> None:
    """End the open journeys that reach the customer's address; when only time has passed, their own alone."""
    if actor not in UNASKED:
        episodes.stop_all(customer, Outcome.ERASED, at)
        return
    own = {one.id for one in episodes.people.family(customer)}
    for journey in [one for one in episodes.open if one.open and one.customer_id in own]:
        episodes.stop(journey, Outcome.ERASED, at)


def begin(
    connection: Connection, people: People, customers: Sequence[CustomerState], actor: str, at: datetime
) -> Sequence[ErasureRow]:
    """Make these customers nobody, under their locks, after everything else of the transaction is written.

    A storefront may ask to forget somebody of whom there is nothing: then there is no job either.
    """
    if not customers:
        return ()
    ids = [one.id for one in customers]
    known = [one for one in customers if actor != STOREFRONT or _known(connection, one.id)]
    jobs = [_job(connection, one, people.family(one), actor, at) for one in known]
    hide(connection, ids, {address for one in customers for address in _addresses(one)})
    for customer in known if actor not in UNASKED else ():
        _suppress(connection, people, customer, ids, at)
    # Whoever has the address next counts from one again: no objection of theirs is held against these numbers.
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.customer_id.in_(ids)).values(address=None))
    nobody = set(ids) - {one.id for one in known}
    connection.execute(update(EVENTS).where(EVENTS.c.customer_id.in_(nobody)).values(customer_id=None))
    connection.execute(delete(CUSTOMERS).where(CUSTOMERS.c.id.in_(ids)))
    insert_all(connection, ERASURES, jobs)
    if actor not in UNASKED:
        note_erasures(connection, people.shop, ids, {one.customer_id: one.id for one in jobs}, actor, at)
    return jobs


def _job(connection: Connection, customer: CustomerState, rows: Family, actor: str, at: datetime) -> ErasureRow:
    journeys = select(JOURNEYS.c.id).where(JOURNEYS.c.customer_id == customer.id).order_by(JOURNEYS.c.id)
    return ErasureRow(
        new_id(),
        customer.shop,
        customer.id,
        actor,
        ErasureState.ASKED,
        at,
        at,
        sought=sealed(connection, write(_needles(connection, rows))),
        journeys=list(connection.execute(journeys).scalars()),
    )


def _known(connection: Connection, customer: str) -> bool:
    """Say whether there is anything of a customer but their row and the requests to forget them."""
    others = [table for table in OWNED if table not in (CUSTOMERS, EVENTS, ERASURES)]
    ways = [select(*table.primary_key).where(mine(table, customer)) for table in others]
    ways.append(select(EVENTS.c.key).where(mine(EVENTS, customer), EVENTS.c.type != EventType.ERASE))
    return any(connection.execute(way.limit(1)).first() is not None for way in ways)


def _addresses(customer: CustomerState) -> set[str]:
    return {address for channel in Channel if (address := address_of(channel, customer))}


def _needles(connection: Connection, rows: Family) -> Sequence[Needle]:
    """Return what names a person, on any of their rows: now, when they objected, and when they were written to."""
    ids = [one.id for one in rows]
    former = set(
        connection.execute(select(SUPPRESSIONS.c.address).where(SUPPRESSIONS.c.customer_id.in_(ids))).scalars()
    )
    mailed = (DELIVERIES.c.customer_id.in_(ids), DELIVERIES.c.channel == Channel.EMAIL)
    sent = select(DELIVERIES.c.message).where(*mailed, DELIVERIES.c.message.is_not(None))
    addresses = {one for message in connection.execute(sent).scalars() for one in _recipients(message)}
    emails = [name for one in rows for name in (one.email, one.email_key)]
    return needles(
        [*emails, *sorted(one for one in former if "@" in one), *sorted(addresses)],
        [*(one.phone for one in rows), *sorted(one for one in former if one.startswith("+"))],
        [one.external_id for one in rows],
        [one.first_name for one in rows],
    )


def _recipients(message: bytes) -> list[str]:
    """Return to whom a message of ours was written."""
    head = BytesHeaderParser().parsebytes(message)
    return [email_key(address) for _, address in getaddresses([str(head["To"] or "")]) if "@" in address]


def _suppress(
    connection: Connection, people: People, customer: CustomerState, going: Collection[str], at: datetime
) -> None:
    """Close the person's addresses by hash, until they say yes again; one that somebody else has too stays theirs."""
    staying = [one for one in people.known.values() if one.id not in going]
    for channel in _REACHED:
        address = address_of(channel, customer)
        if address is None or any(address_of(channel, one) == address for one in staying):
            continue
        kept = hidden(connection, customer.shop, address)
        closed = select(SUPPRESSIONS.c.id).where(
            SUPPRESSIONS.c.shop == customer.shop,
            SUPPRESSIONS.c.channel == channel,
            SUPPRESSIONS.c.address == kept,
            SUPPRESSIONS.c.reason == SuppressionReason.OBJECTION,
            SUPPRESSIONS.c.lifted_at.is_(None),
        )
        if connection.execute(closed).first() is None:
            suppress(connection, customer.shop, channel, kept, SuppressionReason.OBJECTION, at, customer.seq)
