"""Links that customers get in messages: signed, without personal data, good for ever."""

from itsdangerous import BadSignature, URLSafeSerializer

from models.vocabulary import Channel

_SALT = "unsubscribe"


class Links:
    """Makes and reads the links of one installation."""

    def __init__(self, public_url: str, secret: str) -> None:
        """Links begin with `public_url` and are signed with `secret`."""
        self._base = public_url.rstrip("/")
        self._signer = URLSafeSerializer(secret, salt=_SALT)

    def unsubscribe(self, shop: str, customer: str, channel: Channel) -> str:
        """Return the link by which a customer leaves a channel of a shop; its token is the last path segment."""
        return f"{self._base}/u/{self._signer.dumps([shop, customer, str(channel)])}"

    def read(self, token: str) -> tuple[str, str, Channel] | None:
        """Return shop, customer and channel of a token, None when it is forged."""
        try:
            shop, customer, channel = self._signer.loads(token)
            return str(shop), str(customer), Channel(channel)
        except (BadSignature, ValueError, TypeError):
            return None
