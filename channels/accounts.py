"""What the operator has set for providers: keys, senders and URLs, by the names they have in the environment."""

from collections.abc import Mapping

from channels.base import Misconfigured


class Account:
    """The settings of providers by name, as `postmark_token` for `RELAUNCH_POSTMARK_TOKEN`; shows none of them."""

    def __init__(self, values: Mapping[str, str | None]) -> None:
        """Keep what is set; None and empty are not."""
        self._values = {name: value for name, value in values.items() if value}

    def __repr__(self) -> str:
        """Say what is set, never to what."""
        return f"{type(self).__name__}({', '.join(sorted(self._values))})"

    def need(self, name: str) -> str:
        """Return a setting; raises `Misconfigured` with its name when it is missing."""
        if name not in self._values:
            raise Misconfigured(f"RELAUNCH_{name.upper()} is not set")
        return self._values[name]

    def get(self, name: str) -> str | None:
        """Return a setting, None when it is missing."""
        return self._values.get(name)
