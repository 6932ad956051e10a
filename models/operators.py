"""The operators of a policy's rules, and what each means for facts that are unknown or of another kind."""

import operator
from collections.abc import Callable
from enum import StrEnum
from typing import Any, assert_never

from models.facts import Fact


class Op(StrEnum):
    """How a fact is compared with the expected value.

    EQ, NE          same kind and equal, exactly (case counts); NE is always the opposite of EQ, so an unknown fact
                    and a fact of another kind are "not equal"
    LT … GTE        two numbers, or two texts character by character (ISO dates sort rightly)
    IN              the fact, or one entry of a list fact, is among the expected values
    CONTAINS        a list fact has the entry, or a text fact has the part
    EXISTS          the fact is known (true) or unknown (false)
    """

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    CONTAINS = "contains"
    EXISTS = "exists"


_ORDERS: dict[Op, Callable[[Any, Any], bool]] = {
    Op.LT: operator.lt,
    Op.LTE: operator.le,
    Op.GT: operator.gt,
    Op.GTE: operator.ge,
}

Scalar = str | int | float | bool
Expected = Scalar | tuple[Scalar, ...]
"""What a rule compares with: a tuple with IN, True or False with EXISTS, one value otherwise."""


def compare(op: Op, actual: Fact, expected: Expected) -> bool:
    """Make one comparison; false, but for NE and EXISTS, when the fact is unknown or of another kind."""
    match op:
        case Op.EXISTS:
            return (actual is not None) is bool(expected)
        case Op.EQ:
            return _equal(actual, expected)
        case Op.NE:
            return not _equal(actual, expected)
        case Op.IN:
            return _among(actual, expected)
        case Op.CONTAINS:
            return isinstance(expected, str) and isinstance(actual, str | tuple) and expected in actual
        case Op.LT | Op.LTE | Op.GT | Op.GTE:
            return _ordered(op, actual, expected)
        case _:
            assert_never(op)


def _kind(value: Fact | Expected) -> str:
    """Return a value's kind; a flag is no number, though Python thinks so."""
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


def comparable(op: Op, actual: Fact, expected: Expected) -> bool:
    """Say whether fact and expected value are of kinds that the operator can compare."""
    if op is Op.EXISTS:
        return True
    if op is Op.CONTAINS:
        return isinstance(expected, str) and isinstance(actual, str | tuple)
    if op is Op.IN and isinstance(expected, tuple):
        found = {"text"} if isinstance(actual, tuple) else {_kind(actual)}
        return bool(found & {_kind(value) for value in expected})
    return _kind(actual) == _kind(expected) != "other"


def _equal(actual: Fact, expected: Expected) -> bool:
    return actual == expected and _kind(actual) == _kind(expected) != "other"


def _among(actual: Fact, expected: Expected) -> bool:
    if not isinstance(expected, tuple):
        return False
    entries: tuple[Fact, ...] = actual if isinstance(actual, tuple) else (actual,)
    return any(_equal(entry, value) for entry in entries for value in expected)


def _ordered(op: Op, actual: Fact, expected: Expected) -> bool:
    """Compare two numbers, or two texts character by character."""
    return _kind(actual) == _kind(expected) != "other" and bool(_ORDERS[op](actual, expected))
