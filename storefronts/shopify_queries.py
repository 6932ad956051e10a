"""What Shopify's Admin API is asked: GraphQL documents, and search queries that no value can change.

Version 2026-10, whose reference has every field below; `Order.cartToken` is there since 2026-07. A query may cost 1000
points (an object 1, a connection 2 and its objects): that is what decides how many things a page holds.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from models.contact import is_email
from storefronts.base import Buyer

PATH: Final = "/admin/api/2026-10/graphql.json"
PAGE: Final = 10
"""How many orders or checkouts are asked for at once."""
LINES: Final = 15
"""How many lines of each."""

_ID = re.compile(r"[0-9]{1,20}")
_TOKEN = re.compile(r"[A-Za-z0-9._~=?&%:/-]{1,200}")
_MONEY = "{ presentmentMoney { amount currencyCode } }"
_ADDRESS = "{ firstName countryCodeV2 }"
_CUSTOMER = f"""customer {{
  legacyResourceId firstName createdAt updatedAt verifiedEmail defaultAddress {_ADDRESS}
  defaultEmailAddress {{ emailAddress marketingState marketingUpdatedAt }} defaultPhoneNumber {{ phoneNumber }}
}}"""
_LINE = f"quantity sku product {{ legacyResourceId }} originalUnitPriceSet {_MONEY}"
_ORDER = f"""
legacyResourceId createdAt updatedAt processedAt cancelledAt displayFinancialStatus cartToken email phone
customerLocale discountCodes totalPriceSet {_MONEY} totalRefundedSet {_MONEY}
shippingAddress {_ADDRESS} billingAddress {_ADDRESS} {_CUSTOMER}
lineItems(first: {LINES}) {{ nodes {{ name {_LINE} }} }}
"""
_CHECKOUT = f"""
id createdAt updatedAt completedAt abandonedCheckoutUrl discountCodes subtotalPriceSet {_MONEY}
shippingAddress {_ADDRESS} billingAddress {_ADDRESS} {_CUSTOMER}
lineItems(first: {LINES}) {{ nodes {{ title variantTitle image {{ url }} {_LINE} }} pageInfo {{ hasNextPage }} }}
"""

ORDERS: Final = f"""query Orders($first: Int!, $after: String, $query: String!) {{
page: orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
pageInfo {{ hasNextPage endCursor }} nodes {{ {_ORDER} }} }} }}"""
CHECKOUTS: Final = f"""query Checkouts($first: Int!, $after: String, $query: String!) {{
page: abandonedCheckouts(first: $first, after: $after, query: $query, sortKey: CREATED_AT) {{
pageInfo {{ hasNextPage endCursor }} nodes {{ {_CHECKOUT} }} }} }}"""
"""Checkouts cannot be sorted by their last change; by their beginning none is missed while others change."""
LATEST: Final = f"""query Latest($first: Int!, $query: String!) {{
page: orders(first: $first, query: $query, sortKey: UPDATED_AT, reverse: true) {{ nodes {{ {_ORDER} }} }} }}"""


def since(moment: datetime) -> str:
    """Return the search for what changed since a moment."""
    return f"updated_at:>={quoted(moment.isoformat(timespec='seconds').replace('+00:00', 'Z'))}"


def by_name(buyer: Buyer) -> str:
    """Return the search for orders by the customer's id or address, empty when there is neither."""
    number, email = buyer.external_id or "", buyer.email or ""
    found = [f"customer_id:{number}"] if _ID.fullmatch(number) else []
    return _any([*found, *([f"email:{quoted(email)}"] if is_email(email) else [])])


def by_token(tokens: Iterable[str]) -> str:
    """Return the search for orders by the tokens of their cart, empty when there are none of Shopify's."""
    own = [token for token in sorted(tokens) if _TOKEN.fullmatch(token)]
    return _any(f"{name}:{quoted(token)}" for token in own for name in ("cart_token", "checkout_token"))


def quoted(value: str) -> str:
    """Return a value as one string of Shopify's search syntax, whatever stands in it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _any(terms: Iterable[str]) -> str:
    told = " OR ".join(terms)
    return f"({told})" if told else ""
