"""The JSON shapes of what staff sends."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from models.contact import is_email
from models.vocabulary import CallResult

_PLAIN = r"^[^\x00-\x1f\x7f]*$"
_DAYS = 400

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=_PLAIN)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_PLAIN)]


def _address(text: str) -> str:
    if not is_email(text):
        raise ValueError("is no e-mail address")
    return text


Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=320, pattern=_PLAIN), AfterValidator(_address)
]


class StaffShape(BaseModel):
    """What all of them share: unknown names are mistakes, errors show no values."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Because(StaffShape):
    """An act with a reason, which is kept with it."""

    reason: Reason | None = None


class Cancel(StaffShape):
    """An act that needs a reason."""

    reason: Reason


class Join(StaffShape):
    """Who is the same person as the customer of the path, by our own id, and how that is known."""

    other: Name
    reason: Reason


class Advance(StaffShape):
    """How far to move a clock, in seconds."""

    seconds: Annotated[int, Field(gt=0, le=_DAYS * 86_400)]


class SearchFor(StaffShape):
    """One thing to find a customer by."""

    email: Email | None = None
    phone: Name | None = None
    id: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.email, self.phone, self.id)) != 1:
            raise ValueError("give one of email, phone and id")
        return self


class CloseTask(StaffShape):
    """How a call-back ended."""

    result: CallResult
    note: Reason | None = None


class OptOut(StaffShape):
    """Who objects, to what."""

    email: Email | None = None
    customer_id: Name | None = None
    channel: Literal["all", "email", "sms", "push", "call"] = "all"
    reason: Reason | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.email is None) == (self.customer_id is None):
            raise ValueError("give one of email and customer_id")
        return self
