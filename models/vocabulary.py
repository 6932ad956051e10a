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
    """By what road a message reaches a customer."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"


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


class ConsentState(StrEnum):
    """One entry of the consent ledger."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class Basis(StrEnum):
    """The lawful basis of a delivery."""

    CONSENT = "consent"
    SOFT_OPT_IN = "soft_opt_in"


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
    NO_ADDRESS = "no_address"
    PURCHASED = "purchased"
    REENGAGED = "reengaged"
    CART_EMPTIED = "cart_emptied"
    KILL_SWITCH = "kill_switch"
    ACTIVE_NOW = "active_now"
    NOT_ELIGIBLE = "not_eligible"
    WHEN = "when"
    TEMPLATE_MISSING = "template_missing"
    TEMPLATE_ERROR = "template_error"
    NO_LAWFUL_BASIS = "no_lawful_basis"
    QUIET_HOURS = "quiet_hours"
    PRESSURE = "pressure"
    OUT_OF_STOCK = "out_of_stock"
    HOLDOUT = "holdout"
    WINDOW_ENDED = "window_ended"
    CHANNEL_MISSING = "channel_missing"
    ALREADY_SENT = "already_sent"
    PROVIDER_DOWN = "provider_down"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_MISCONFIGURED = "provider_misconfigured"
    NO_PROOF = "no_proof"
    EXPIRED = "expired"
