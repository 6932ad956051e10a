"""Tables of what Relaunch does: policy versions, journeys, decisions, deliveries, and what Temporal must be told.

Ids are UUIDv7 as text, so that table, URL, ledger and Temporal show the same one. Times are UTC, money is in minor
units. `seq` is the customer's sequence number at the commit that wrote the row: `audit` compares these, never clocks.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from models.tables.columns import document, instant


class PolicyVersion(SQLModel, table=True):
    """One content of a policy, for ever; `position` orders the active ones, None when another replaced it."""

    __tablename__ = "policy_versions"
    hash: str = Field(primary_key=True)
    name: str = Field(index=True)
    kind: str
    position: int | None
    body: dict[str, Any] = document()
    loaded_at: datetime = instant()


class Journey(SQLModel, table=True):
    """One relaunch of one episode; its id is the id of its Temporal workflow."""

    __tablename__ = "journeys"
    __table_args__ = (
        Index("journeys_episode", "shop", "kind", "episode", unique=True),
        Index(
            "journeys_one_open",
            "customer_id",
            "kind",
            unique=True,
            sqlite_where=text("status <> 'closed'"),
            postgresql_where=text("status <> 'closed'"),
        ),
        Index("journeys_status", "shop", "status", "id"),
        Index("journeys_policy", "policy", "started_at"),
    )
    id: str = Field(primary_key=True)
    shop: str
    kind: str
    customer_id: str = Field(index=True)
    cart_id: str | None = Field(index=True)
    cart_token: str | None = Field(index=True)
    episode: str
    since: datetime = instant()
    policy: str
    policy_hash: str
    segment: str | None
    arm: str
    status: str
    step: str | None
    next_action_at: datetime | None = instant(null=True)
    outcome: str | None
    started_at: datetime = instant()
    j0: datetime | None = instant(null=True)
    paused_at: datetime | None = instant(null=True)
    paused_s: int = 0
    closed_at: datetime | None = instant(null=True)
    closed_seq: int | None


class Decision(SQLModel, table=True):
    """The recorded answer to "send this step now?", with its reasons."""

    __tablename__ = "decisions"
    id: str = Field(primary_key=True)
    journey_id: str = Field(index=True)
    at: datetime = instant()
    step: str
    channel: str
    verdict: str
    reason: str
    inputs: dict[str, Any] = document()
    basis: str | None
    policy_hash: str
    delivery_id: str | None
    seq: int
    recorded_at: datetime = instant()


class Delivery(SQLModel, table=True):
    """One message under one key, at most once; `releases` lists every proof that a hand-over was not accepted.

    `address` is the hash of the address that it was handed over for, so that `audit` can hold it against objections.
    Until `repeat_until` its provider takes a second hand-over under the key for the first one. At `emptied_at` the
    message had been kept for as long as the shop keeps messages.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_customer", "customer_id", "channel", "handed_at"),
        Index("deliveries_address", "address"),
        Index("deliveries_provider", "provider", "provider_id"),
    )
    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    journey_id: str = Field(index=True)
    customer_id: str
    step: str
    channel: str
    address: str | None
    segment: str | None
    policy: str
    policy_hash: str
    state: str
    attempts: int
    releases: list[dict[str, Any]] = document()
    provider: str
    provider_id: str | None
    problem: str | None
    basis: str
    coupon: str | None
    message: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    handed_at: datetime = instant(index=True)
    settled_at: datetime | None = instant(null=True)
    repeat_until: datetime | None = instant(null=True)
    emptied_at: datetime | None = instant(null=True)
    seq: int


class Outbox(SQLModel, table=True):
    """What Temporal has still to be told about a journey; a row that keeps failing is set aside."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_due", "set_aside", "next_try_at"),)
    id: str = Field(primary_key=True)
    journey_id: str = Field(index=True)
    call: str
    argument: str | None
    created_at: datetime = instant()
    next_try_at: datetime = instant()
    attempts: int = 0
    problem: str | None
    set_aside: bool = False


class Act(SQLModel, table=True):
    """What a member of staff did, to what, and why."""

    __tablename__ = "acts"
    id: str = Field(primary_key=True)
    at: datetime = instant()
    recorded_at: datetime = instant()
    actor: str
    act: str
    journey_id: str | None = Field(index=True)
    customer_id: str | None = Field(index=True)
    reason: str | None
    seq: int | None


class Switch(SQLModel, table=True):
    """The kill switch of a channel (`all` for every one): while its row exists, nothing is handed over."""

    __tablename__ = "switches"
    channel: str = Field(primary_key=True)
    paused_at: datetime = instant()
    actor: str


class Notice(SQLModel, table=True):
    """What a provider told of a message, once: `key` is its own id, or made of its content; no address is kept."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("notices_delivery", "delivery_id"),
        Index("notices_address", "address", "type", "at"),
    )
    provider: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    type: str
    channel: str
    delivery_id: str | None
    address: str | None
    permanent: bool | None
    human: bool | None
    reason: str | None
    at: datetime = instant()
    received_at: datetime = instant()


class Task(SQLModel, table=True):
    """A call-back that a journey asks of the shop's staff; the delivery of its step is the proof that it was asked."""

    __tablename__ = "tasks"
    __table_args__ = (Index("tasks_open", "shop", "closed_at"),)
    id: str = Field(primary_key=True)
    shop: str
    journey_id: str = Field(index=True)
    customer_id: str = Field(index=True)
    delivery_id: str
    created_at: datetime = instant()
    closed_at: datetime | None = instant(null=True)
    closed_by: str | None
    result: str | None
    note: str | None


class Erasure(SQLModel, table=True):
    """The job of forgetting one person, from the request to its certificate.

    `sought` is what the certificate searches for, encrypted, and goes with the last step.
    """

    __tablename__ = "erasures"
    __table_args__ = (Index("erasures_due", "state", "next_try_at"),)
    id: str = Field(primary_key=True)
    shop: str
    customer_id: str = Field(index=True)
    actor: str
    state: str
    asked_at: datetime = instant()
    next_try_at: datetime = instant()
    attempts: int = 0
    problem: str | None
    sought: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    journeys: list[str] = document()
    certificate: dict[str, Any] | None = document(null=True)
    done_at: datetime | None = instant(null=True)


class Chore(SQLModel, table=True):
    """What is done now and then, by whoever comes first: when it was done last, and when it is due again."""

    __tablename__ = "chores"
    name: str = Field(primary_key=True)
    done_at: datetime = instant()
    due_at: datetime = instant()
