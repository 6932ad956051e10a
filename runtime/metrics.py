"""What operators watch, as Prometheus counts it; no label ever holds a person, nor any id but the shop's."""

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES = Counter(
    "relaunch_decisions", "Decisions of the gate and answers of providers", ["channel", "verdict", "reason"]
)
OUTCOMES = Counter("relaunch_journeys_closed", "Journeys that went through their whole plan", ["outcome"])
EVENTS = Counter("relaunch_events", "Events received", ["door", "result"])
REQUESTS = Histogram("relaunch_http_seconds", "HTTP requests by route", ["method", "route", "status"])
OUTBOX_LAG = Gauge("relaunch_outbox_lag_seconds", "Age of the oldest thing that Temporal has not been told")
OUTBOX_SET_ASIDE = Gauge(
    "relaunch_outbox_set_aside", "Things that Temporal could not be told and that wait for an operator"
)
POLL_AGE = Gauge(
    "relaunch_poll_age_seconds", "Time since a storefront was last read to the end, or first failed", ["shop", "stream"]
)
POLL_FAILING = Gauge("relaunch_poll_failing", "Failures in a row of asking a storefront", ["shop", "stream"])
POLL_FAILURES = Counter("relaunch_poll_failures", "Failures of asking a storefront", ["shop", "stream", "kind"])
LOOKS = Counter("relaunch_last_looks", "Storefronts asked for newer orders just before a send", ["shop", "result"])
POLL_ITEMS = Counter("relaunch_poll_items", "What asking storefronts found", ["shop", "stream", "result"])
ANNOUNCEMENTS = Counter("relaunch_announcements", "Attempts to tell a shop what became of its customers", ["result"])
ANNOUNCEMENT_LAG = Gauge("relaunch_announcement_lag_seconds", "Age of the oldest thing that a shop has not been told")
ANNOUNCEMENTS_SET_ASIDE = Gauge(
    "relaunch_announcements_set_aside", "Things that a shop could not be told and that wait for an operator"
)
REQUESTS_OPEN = Gauge("relaunch_requests_open", "Requests of the law that are not done")
REQUESTS_OVERDUE = Gauge("relaunch_requests_overdue", "Requests of the law that should have been done by now")
