"""What the bodies of several storefronts are made of: texts, names, links and amounts, read with care.

Storefronts and their plugins change these bodies, and a stop must not be lost for an odd price: a field that is not
what it should be reads as absent.
"""

from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

_T = TypeVar("_T")


class _OrAbsent:
    """Makes a value of an unexpected type or form read as None, in the validator itself and without a call of ours."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - as pydantic calls it
        return core_schema.with_default_schema(handler(source), default=None, on_error="default")


Maybe = Annotated[_T | None, _OrAbsent()]
"""A value that reads as absent when it is not what it should be."""

Token = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Field(coerce_numbers_to_str=True),
]
Text = Annotated[str, StringConstraints(max_length=5000)]
Link = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2048, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")
]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$", to_upper=True)]
Amount = Annotated[Decimal, Field(ge=0, le=10**10, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**5)]


class Payload(BaseModel):
    """What all shapes share: unknown names are passed over, errors show no values."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, cache_strings="keys")
