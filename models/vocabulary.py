"""The words of the domain as closed enums, so that table, API, CLI, docs and screen use the same ones."""

from enum import StrEnum


class Kind(StrEnum):
    """What a journey answers: an abandoned cart or an inactive subscriber."""

    CART = "cart"
    INACTIVE = "inactive"


class Status(StrEnum):
    """Where a journey stands."""

    WAITING = "waiting"
    PAUSED = "paused"
    CLOSED = "closed"


class Outcome(StrEnum):
    """Why a journey ended; the first commit of one wins."""

    ERASED = "erased"
    OPTED_OUT = "opted_out"
    PURCHASED = "purchased"
    REENGAGED = "reengaged"
    CART_EMPTIED = "cart_emptied"
    CANCELLED = "cancelled"
    NO_LAWFUL_BASIS = "no_lawful_basis"
    NOT_ELIGIBLE = "not_eligible"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"


class Arm(StrEnum):
    """Whether a journey may send, or is held out so that its effect can be measured."""

    TREATMENT = "treatment"
    HOLDOUT = "holdout"


class Channel(StrEnum):
    """By what road a message reaches a customer; `call` is a task for the shop's own staff."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    CALL = "call"


class Verdict(StrEnum):
    """The recorded answer to "send this step now?"."""

    SENT = "sent"
    SKIPPED = "skipped"
    LATER = "later"
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    HANDED_OVER = "handed_over"


class DeliveryState(StrEnum):
    """What is known of a delivery; only `released` permits another hand-over of the same key."""

    HANDED = "handed"
    SENT = "sent"
    RELEASED = "released"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class TaskState(StrEnum):
    """Where a call-back stands: `moot` is one that nobody may make any more, because its journey was stopped."""

    OPEN = "open"
    CLOSED = "closed"
    MOOT = "moot"


class CallResult(StrEnum):
    """How a call-back ended; `declined` is an objection to calls."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    OTHER = "other"


MAY_HAVE_ARRIVED = (DeliveryState.HANDED, DeliveryState.SENT, DeliveryState.UNKNOWN)
"""The states in which a customer may have the message."""


class ConsentState(StrEnum):
    """One entry of the consent ledger."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class Purpose(StrEnum):
    """What a consent is for: all marketing, one topic of it, or knowing who opened or clicked."""

    MARKETING = "marketing"
    CART_REMINDERS = "cart_reminders"
    WIN_BACK = "win_back"
    OPEN_TRACKING = "open_tracking"
    CLICK_TRACKING = "click_tracking"


class Basis(StrEnum):
    """The lawful basis of a delivery."""

    CONSENT = "consent"
    SOFT_OPT_IN = "soft_opt_in"


class SoftOptIn(StrEnum):
    """Whom a shop may write to without consent: nobody, its buyers, or also who has an account.

    Buyers only is the French reading (CNIL SAN-2021-008); accounts are the wider one of CJEU C-654/23. Nobody is for
    a shop that offers no chance to object where it collects the address.
    """

    NONE = "none"
    BUYERS_ONLY = "buyers_only"
    BUYERS_AND_ACCOUNTS = "buyers_and_accounts"


class LastLook(StrEnum):
    """What a message does when its shop's storefront cannot be asked for newer orders: it waits, or goes."""

    HOLD = "hold"
    GO = "go"


class Role(StrEnum):
    """What an API key may do; each role includes the ones before it, except that ingest only ingests."""

    INGEST = "ingest"
    STAFF = "staff"
    ADMIN = "admin"


class Reason(StrEnum):
    """Why the gate answered as it did; every text of it, in every language, is in `api/texts.py`."""

    SENT = "sent"
    JOURNEY_CLOSED = "journey_closed"
    PAUSED = "paused"
    ERASED = "erased"
    OPTED_OUT = "opted_out"
    SUPPRESSED = "suppressed"
    SNOOZED = "snoozed"
    NO_ADDRESS = "no_address"
    PURCHASED = "purchased"
    REENGAGED = "reengaged"
    CART_EMPTIED = "cart_emptied"
    KILL_SWITCH = "kill_switch"
    STOREFRONT_AWAY = "storefront_away"
    ACTIVE_NOW = "active_now"
    NOT_ELIGIBLE = "not_eligible"
    WHEN = "when"
    TEMPLATE_MISSING = "template_missing"
    TEMPLATE_ERROR = "template_error"
    NO_LAWFUL_BASIS = "no_lawful_basis"
    QUIET_HOURS = "quiet_hours"
    PRESSURE = "pressure"
    OUTRANKED = "outranked"
    OUT_OF_STOCK = "out_of_stock"
    HOLDOUT = "holdout"
    WINDOW_ENDED = "window_ended"
    CHANNEL_MISSING = "channel_missing"
    ALREADY_SENT = "already_sent"
    PROVIDER_DOWN = "provider_down"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_MISCONFIGURED = "provider_misconfigured"
    NO_PROOF = "no_proof"
    RESTORED = "restored"
    EXPIRED = "expired"
