"""What the law asks of a shop by a date: the kinds of request, and how long each may take."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

TERM: Final = timedelta(days=30)
"""How long the shop has for an answer: Shopify's limit for its topics, within the month of GDPR art. 12(3)."""
SOON: Final = timedelta(days=7)
"""How long before that day an open request begins to be spoken of."""


class RequestKind(StrEnum):
    """What is asked: everything about somebody, to forget somebody, or to forget everybody of a shop."""

    ACCESS = "access"
    ERASURE = "erasure"
    SHOP_ERASURE = "shop_erasure"
