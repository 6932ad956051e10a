"""What operators watch, as Prometheus counts it; no label ever holds an id or a person."""

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
