"""What went wrong, in one line for whoever typed the command; no traceback unless it is asked for."""

import os

_EXPECTED = {
    "channels.base.ChannelError",
    "cli.failures.CommandError",
    "devserver.process.ServerError",
    "devserver.provide.ProvisionError",
    "models.policy_file.PolicyError",
    "runtime.home.HomeError",
    "runtime.temporal.TemporalError",
    "settings.SettingsError",
    "store.db.ConflictError",
    "store.db.NotFoundError",
    "store.db.StoreError",
    "channels.rendering.TemplateError",
}
"""Errors whose own words say what to do; by name, so that none of their modules is loaded for it."""
_LONGEST = 500


class CommandError(Exception):
    """A command cannot do what was asked; the text says why and what to do."""


def explained(error: BaseException) -> str:
    """Return one line about an error: its own words when they are meant for people, else its kind as well."""
    words = one_line(error)
    if {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__} & _EXPECTED:
        return words or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"unexpected {type(error).__name__}: {words or 'no details'} (RELAUNCH_LOG_LEVEL=debug shows where)"


def one_line(text: object) -> str:
    """Return words on one line, without the one that pydantic puts before ours."""
    return " ".join(str(text).replace("Value error, ", "").split())[:_LONGEST]


def debugging() -> bool:
    """Say whether tracebacks are wanted."""
    return os.environ.get("RELAUNCH_LOG_LEVEL", "").lower() == "debug"
