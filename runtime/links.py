"""Links that customers get in messages: signed, without personal data, good for ever."""

from typing import Final

from itsdangerous import BadSignature, URLSafeSerializer

from models.vocabulary import Channel

LONGEST: Final = 4096
"""No token of ours is longer, in characters."""
_WEB: Final = ("http://", "https://")


class Links:
    """Makes and reads the links of one installation; a token of one kind is none of another."""

    def __init__(self, public_url: str, secret: str) -> None:
        """Links begin with `public_url` and are signed with `secret`."""
        self._base = public_url.rstrip("/")
        self._leaving = URLSafeSerializer(secret, salt="unsubscribe")
        self._opening = URLSafeSerializer(secret, salt="open")
        self._clicking = URLSafeSerializer(secret, salt="click")

    def unsubscribe(self, shop: str, customer: str, channel: Channel) -> str:
        """Return the link by which a customer leaves a channel of a shop; its token is the last path segment."""
        return f"{self._base}/u/{self._leaving.dumps([shop, customer, str(channel)])}"

    def preferences(self, shop: str, customer: str, channel: Channel) -> str:
        """Return the link to the customer's preference page; it bears the same token."""
        return f"{self.unsubscribe(shop, customer, channel)}/preferences"

    def read(self, token: str) -> tuple[str, str, Channel] | None:
        """Return shop, customer and channel of a token, None when it is forged."""
        try:
            shop, customer, channel = _loads(self._leaving, token)
            return str(shop), str(customer), Channel(str(channel))
        except (ValueError, TypeError):
            return None

    def opening(self, delivery: str) -> str:
        """Return the address of the picture that tells that a delivery was opened."""
        return f"{self._base}/o/{self._opening.dumps([delivery])}"

    def read_opening(self, token: str) -> str | None:
        """Return the delivery of a picture's token, None when it is forged."""
        try:
            (delivery,) = _loads(self._opening, token)
            return str(delivery)
        except (ValueError, TypeError):
            return None

    def clicking(self, delivery: str, url: str) -> str:
        """Return the way to an address that tells of the click in a delivery."""
        return f"{self._base}/c/{self._clicking.dumps([delivery, url])}"

    def read_clicking(self, token: str) -> tuple[str, str] | None:
        """Return delivery and address of a link's token, None when it is forged; the address is http or https."""
        try:
            delivery, url = _loads(self._clicking, token)
        except (ValueError, TypeError):
            return None
        return (str(delivery), url) if isinstance(url, str) and url.startswith(_WEB) else None


def _loads(signer: URLSafeSerializer, token: str) -> list[object]:
    """Return what a token says, nothing when it is no list; raises `ValueError` for a forged one."""
    if len(token) > LONGEST:
        raise ValueError("longer than any token of ours")
    try:
        said = signer.loads(token)
    except BadSignature:
        raise ValueError("no token of ours") from None
    return said if isinstance(said, list) else []
