"""Every table as a Core table, under one name, for statements that need no objects."""

from models.tables.columns import table_of
from models.tables.doors import Alias, Announcement, Import, Poll, Request, Silence
from models.tables.facts import (
    Cart,
    Consent,
    Customer,
    Event,
    Order,
    OrderLine,
    OrderToken,
    Product,
    Review,
    Suppression,
)
from models.tables.ledger import (
    Act,
    Chore,
    Decision,
    Delivery,
    Erasure,
    Journey,
    Notice,
    Outbox,
    PolicyVersion,
    Switch,
    Task,
)
from models.tables.shops import Key, Shop

SHOPS = table_of(Shop)
KEYS = table_of(Key)
CUSTOMERS = table_of(Customer)
CONSENTS = table_of(Consent)
SUPPRESSIONS = table_of(Suppression)
PRODUCTS = table_of(Product)
REVIEWS = table_of(Review)
CARTS = table_of(Cart)
ORDERS = table_of(Order)
ORDER_TOKENS = table_of(OrderToken)
ORDER_LINES = table_of(OrderLine)
EVENTS = table_of(Event)
POLICY_VERSIONS = table_of(PolicyVersion)
JOURNEYS = table_of(Journey)
DECISIONS = table_of(Decision)
DELIVERIES = table_of(Delivery)
OUTBOX = table_of(Outbox)
ACTS = table_of(Act)
SWITCHES = table_of(Switch)
NOTICES = table_of(Notice)
TASKS = table_of(Task)
ERASURES = table_of(Erasure)
CHORES = table_of(Chore)
POLLS = table_of(Poll)
ALIASES = table_of(Alias)
REQUESTS = table_of(Request)
ANNOUNCEMENTS = table_of(Announcement)
IMPORTS = table_of(Import)
SILENCES = table_of(Silence)

METADATA = SHOPS.metadata
