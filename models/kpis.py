"""The figures of Relaunch, from counts: each with its numerator, its denominator and its window.

Definitions stand in `docs/kpis.md`; their source is `reference/science.md` §5. A figure that cannot be known is null
and says in `note` what is missing: it is never 0 and never guessed.
"""

from models.stored import Json
from models.tallies import Book, Count, Key, Tally
from models.vocabulary import Arm

Figure = dict[str, Json]
"""One figure: `numerator`, `denominator`, `value`, `window`, and where it needs one a `note`."""
ENOUGH_CUSTOMERS, ENOUGH_ORDERS = 100, 10
"""Below these, in either arm, a difference says nothing yet."""

_AFTER_J0 = "from J0 on, without end"
_AFTER_DELIVERY = "from the hand-over on, without end"
_SEVEN_DAYS = "7 days from the hand-over"
_SEVENTY_TWO_HOURS = "72 hours from the hand-over"
_FOURTEEN_DAYS = "14 days from J0"


def figures_of(tally: Tally) -> dict[str, Figure]:
    """Return the figures of deliveries and of what followed them."""
    counts = tally.counts
    return {
        "deliveries_handed": number(counts[Count.HANDED], _AFTER_J0),
        "deliveries_sent": number(counts[Count.SENT], _AFTER_J0),
        "deliveries_unknown": number(counts[Count.UNKNOWN], _AFTER_J0),
        "deliveries_refused": number(counts[Count.REFUSED], _AFTER_J0),
        "delivered_share": share(counts[Count.SENT] - counts[Count.RETURNED], counts[Count.HANDED], _AFTER_J0),
        "bounce_rate": _watched(counts[Count.RETURNED], counts[Count.WATCHED], _SEVENTY_TWO_HOURS),
        "open_rate": _tracked(counts[Count.OPENED], counts[Count.OPENABLE], "open_tracking"),
        "click_rate": _tracked(counts[Count.CLICKED], counts[Count.CLICKABLE], "click_tracking"),
        "cart_conversion_attributed": share(counts[Count.RECOVERED], counts[Count.REACHED], _AFTER_DELIVERY),
        "recovered_orders_attributed": number(counts[Count.ORDERS], _AFTER_DELIVERY),
        **_money(tally),
        "unsubscribe_rate": share(counts[Count.OBJECTED], counts[Count.SENT], _SEVEN_DAYS),
        "complaint_rate": _watched(counts[Count.COMPLAINED], counts[Count.WATCHED], _SEVEN_DAYS),
    }


def journey_figures(tally: Tally) -> dict[str, Figure]:
    """Return the figures of whole journeys of one arm."""
    started = number(tally.counts[Count.STARTED], "J0 in the window")
    return {"journeys_started": started, **figures_of(tally), "conversion": conversion(tally)}


def totals_of(book: Book, retention: tuple[int, int], retention_window: str) -> dict[str, Figure]:
    """Return every figure over all groups; `retention` is numerator and denominator."""
    treatment, holdout = book.whole(Arm.TREATMENT), book.whole(Arm.HOLDOUT)
    everything = book.whole()
    window = "not computed"
    return {
        "journeys_started": number(everything.counts[Count.STARTED], "J0 in the window"),
        **figures_of(everything),
        "conversion_treatment": conversion(treatment),
        "conversion_holdout": conversion(holdout),
        "incremental_conversion": incremental(treatment, holdout),
        "retention": share(*retention, retention_window),
        "roi": missing("margins and costs of sending, offers and labour are not known", window),
        "csat": missing("no survey answers are collected", window),
        "cltv": missing("margins and a model of repeat purchases are not known", window),
        "cac": missing("the cost of acquisition is imported, and nothing is", window),
    }


def groups_of(book: Book) -> list[dict[str, Json]]:
    """Return the figures of every key, whole journeys before their steps."""
    rows = []
    for key in sorted(book.tallies, key=_order):
        tally = book.tallies[key]
        figures = journey_figures(tally) if key.step is None else figures_of(tally)
        rows.append({**_named(key), **figures})
    return rows


def conversion(tally: Tally) -> Figure:
    """Return P(order within 14 days of J0); `maturing` customers can still convert."""
    counts = tally.counts
    figure = share(counts[Count.CONVERTED], counts[Count.ENROLLED], _FOURTEEN_DAYS)
    return figure | {"maturing": counts[Count.MATURING]}


def incremental(treatment: Tally, holdout: Tally) -> Figure:
    """Return P(order | treatment) − P(order | holdout); null without both arms (`science.md` §5)."""
    arms: Figure = {"treatment": conversion(treatment), "holdout": conversion(holdout)}
    both = (treatment.counts, holdout.counts)
    if not all(one[Count.ENROLLED] for one in both):
        arm = "holdout" if treatment.counts[Count.ENROLLED] else "treatment"
        return missing(f"no customer is in the {arm} arm", _FOURTEEN_DAYS) | arms
    treated, held = (one[Count.CONVERTED] / one[Count.ENROLLED] for one in both)
    figure: Figure = {"numerator": None, "denominator": None, "value": round(treated - held, 6)}
    few = any(one[Count.ENROLLED] < ENOUGH_CUSTOMERS or one[Count.CONVERTED] < ENOUGH_ORDERS for one in both)
    note: Figure = {"note": "cannot tell yet: an arm has under 100 customers or 10 orders"} if few else {}
    return figure | {"window": _FOURTEEN_DAYS} | arms | note


def number(counted: int, window: str) -> Figure:
    """Return a plain count."""
    return {"numerator": counted, "denominator": None, "value": counted, "window": window}


def share(part: int, of: int, window: str) -> Figure:
    """Return a share between 0 and 1; its value is null when there is nothing to take a share of."""
    value = round(part / of, 6) if of else None
    return {"numerator": part, "denominator": of, "value": value, "window": window}


def missing(why: str, window: str) -> Figure:
    """Return a figure that cannot be known, and why."""
    return {"numerator": None, "denominator": None, "value": None, "window": window, "note": why}


def _tracked(part: int, of: int, purpose: str) -> Figure:
    if not of:
        return missing(f"no delivery went to a customer who agreed to {purpose}", _SEVEN_DAYS)
    return share(part, of, _SEVEN_DAYS)


def _watched(part: int, of: int, window: str) -> Figure:
    if not of:
        return missing("no delivery went through a provider that has told what becomes of its messages", window)
    return share(part, of, window)


def _money(tally: Tally) -> dict[str, Figure]:
    """Return sum and average of recovered orders in minor units; money of several currencies is not added up."""
    names = {"recovered_value_attributed": False, "average_recovered_value_attributed": True}
    orders = tally.counts[Count.ORDERS]
    if len(tally.money) > 1:
        sums: dict[str, Json] = dict(sorted(tally.money.items()))
        several = missing("orders are in several currencies", _AFTER_DELIVERY)
        return {name: several | {"by_currency": sums} for name in names}
    currency, value = next(iter(tally.money.items()), (None, 0))
    total = number(value, _AFTER_DELIVERY) | {"currency": currency or None}
    mean: Figure = {"denominator": orders, "value": round(value / orders) if orders else None}
    return {name: total | mean if average else total for name, average in names.items()}


def _named(key: Key) -> dict[str, Json]:
    return {
        "policy": key.policy,
        "policy_version": key.version,
        "step": key.step,
        "channel": key.channel,
        "segment": key.segment,
        "arm": key.arm,
    }


def _order(key: Key) -> tuple[str, ...]:
    return (key.policy, key.version, key.segment or "", key.arm, key.step or "", key.channel or "")
