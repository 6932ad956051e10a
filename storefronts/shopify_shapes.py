"""The parts of Shopify's webhook bodies that Relaunch reads, as its webhook reference documents them.

Shopify changes its bodies from one API version to the next, and a stop must not be lost for an odd price: only what
names a cart, an order or a customer is needed, any other field of an unexpected type reads as absent.
"""

from pydantic import AwareDatetime

from storefronts.shapes import Amount, Code, Count, Country, Link, Maybe, Payload, Text, Token


class Money(Payload):
    """An amount in major units, as Shopify writes it: "19.99"."""

    amount: Amount
    currency_code: Code


class MoneySet(Payload):
    """The same amount as the shop keeps it and as the customer sees it."""

    presentment_money: Maybe[Money] = None


class LineItem(Payload):
    """One line of a cart, a checkout or an order; products added by hand have no product id."""

    product_id: Maybe[Token] = None
    variant_id: Maybe[Token] = None
    sku: Maybe[Token] = None
    name: Maybe[Text] = None
    title: Maybe[Text] = None
    presentment_title: Maybe[Text] = None
    variant_title: Maybe[Text] = None
    product_type: Maybe[Text] = None
    quantity: Count
    price: Maybe[Amount] = None
    price_set: Maybe[MoneySet] = None
    url: Maybe[Link] = None
    image_url: Maybe[Link] = None
    image: Maybe[Link] = None


class MarketingConsent(Payload):
    """What a customer decided about marketing on one channel."""

    state: Maybe[Text] = None
    consent_updated_at: Maybe[AwareDatetime] = None


class Address(Payload):
    """Of a postal address only the country and a first name."""

    first_name: Maybe[Text] = None
    country_code: Maybe[Country] = None


class CustomerPayload(Payload):
    """A customer of the shop, in a body of its own or inside another."""

    id: Maybe[Token] = None
    email: Maybe[Text] = None
    verified_email: Maybe[bool] = None
    phone: Maybe[Text] = None
    first_name: Maybe[Text] = None
    created_at: Maybe[AwareDatetime] = None
    updated_at: Maybe[AwareDatetime] = None
    default_address: Maybe[Address] = None
    email_marketing_consent: Maybe[MarketingConsent] = None
    sms_marketing_consent: Maybe[MarketingConsent] = None


class DiscountCode(Payload):
    """A code that the customer entered."""

    code: Maybe[Text] = None


class Lines(Payload):
    """What has lines; an absent list says nothing of them, an empty one that there are none."""

    line_items: Maybe[list[Maybe[LineItem]]] = None
    created_at: Maybe[AwareDatetime] = None
    updated_at: Maybe[AwareDatetime] = None


class CartPayload(Lines):
    """carts/create and carts/update: no person, no currency but the one of its prices."""

    token: Maybe[Token] = None
    id: Maybe[Token] = None


class Purchase(Lines):
    """What checkouts and orders share."""

    cart_token: Maybe[Token] = None
    email: Maybe[Text] = None
    phone: Maybe[Text] = None
    customer_locale: Maybe[Text] = None
    customer: Maybe[CustomerPayload] = None
    shipping_address: Maybe[Address] = None
    billing_address: Maybe[Address] = None
    buyer_accepts_marketing: Maybe[bool] = None
    buyer_accepts_sms_marketing: Maybe[bool] = None
    sms_marketing_phone: Maybe[Text] = None
    currency: Maybe[Code] = None
    presentment_currency: Maybe[Code] = None
    discount_codes: Maybe[list[Maybe[DiscountCode]]] = None
    subtotal_price: Maybe[Amount] = None
    total_line_items_price: Maybe[Amount] = None
    total_price: Maybe[Amount] = None


class CheckoutPayload(Purchase):
    """checkouts/create, checkouts/update, and what is left of it in checkouts/delete."""

    token: Maybe[Token] = None
    id: Maybe[Token] = None
    completed_at: Maybe[AwareDatetime] = None
    abandoned_checkout_url: Maybe[Link] = None
    shipping_lines: Maybe[list[object]] = None


class Transaction(Payload):
    """A movement of money."""

    kind: Maybe[Text] = None
    status: Maybe[Text] = None
    amount: Maybe[Amount] = None
    currency: Maybe[Code] = None


class Refund(Payload):
    """Money paid back."""

    transactions: Maybe[list[Maybe[Transaction]]] = None


class OrderPayload(Purchase):
    """All orders/ topics."""

    id: Token
    checkout_token: Maybe[Token] = None
    contact_email: Maybe[Text] = None
    financial_status: Maybe[Text] = None
    cancelled_at: Maybe[AwareDatetime] = None
    processed_at: Maybe[AwareDatetime] = None
    total_price_set: Maybe[MoneySet] = None
    refunds: Maybe[list[Maybe[Refund]]] = None


class EmailConsentPayload(Payload):
    """customers_email_marketing_consent/update."""

    customer_id: Token
    email_address: Maybe[Text] = None
    email_marketing_consent: MarketingConsent


class SmsConsentPayload(Payload):
    """customers_marketing_consent/update."""

    id: Token
    phone: Maybe[Text] = None
    sms_marketing_consent: MarketingConsent


class DataRequest(Payload):
    """The number of a request for somebody's data."""

    id: Maybe[Token] = None


class PrivacyPayload(Payload):
    """customers/redact, customers/data_request and shop/redact."""

    shop_domain: Maybe[Text] = None
    customer: Maybe[CustomerPayload] = None
    data_request: Maybe[DataRequest] = None
