"""Rules as a policy file writes them, read with the line and field of every mistake."""

from collections.abc import Collection
from typing import assert_never

from models.facts import FIELDS, Field, FieldType, field_of
from models.operators import Expected, Op, Scalar
from models.policy_nodes import Spot, hint
from models.rules import AllOf, AnyOf, Comparison, Not, Rule

_EQUAL = (Op.EQ, Op.NE, Op.IN, Op.EXISTS)
_OPERATORS = {
    FieldType.NUMBER: (*_EQUAL, Op.LT, Op.LTE, Op.GT, Op.GTE),
    FieldType.TEXT: (*_EQUAL, Op.CONTAINS),
    FieldType.FLAG: (Op.EQ, Op.NE, Op.EXISTS),
    FieldType.LIST: (Op.CONTAINS, Op.IN, Op.EXISTS),
    FieldType.ANY: tuple(Op),
}
_SEGMENT = "segment"


def read_rule(spot: Spot, segments: Collection[str] | None) -> Rule | None:
    """Read `all`, `any`, `not` or `field: {operator: value}`, `field: value` for short; several keys must all hold.

    `segments` are the names that a rule may compare `segment` with; None where the segment is not yet known. None is
    returned when nothing could be read; the mistakes are noted then.
    """
    if not spot.is_mapping:
        spot.report("a rule is a mapping, like {cart.value: {gte: 1000}}")
        return None
    entries = spot.entries()
    if not entries:
        spot.report("an empty rule; leave it out to let everybody through")
    return _joined([_read_entry(key, entry, segments) for key, entry in entries.items()])


def _joined(parts: list[Rule | None]) -> Rule | None:
    good = tuple(part for part in parts if part is not None)
    if len(good) == 1:
        return good[0]
    return AllOf(good) if good else None


def _read_entry(key: str, spot: Spot, segments: Collection[str] | None) -> Rule | None:
    match key:
        case "all" | "any":
            parts = [read_rule(item, segments) for item in spot.items()]
            good = tuple(part for part in parts if part is not None)
            return AllOf(good) if key == "all" else AnyOf(good)
        case "not":
            inner = read_rule(spot, segments)
            return None if inner is None else Not(inner)
        case _:
            return _read_field(key, spot, segments)


def _read_field(name: str, spot: Spot, segments: Collection[str] | None) -> Rule | None:
    field = field_of(name)
    if field is None:
        spot.report("unknown field" + hint(name, (*FIELDS, "all", "any", "not")))
        return None
    if name == _SEGMENT:
        if segments is None:
            spot.report("the segment is not known yet here; ask for it in the `when` of a step")
            return None
        field = Field(field.type, field.meaning, tuple(segments))
    if spot.is_value:
        return _read_comparison(name, field, Op.EQ, spot)
    if not spot.is_mapping:
        spot.report("needs one value, or an operator with several, like {in: [a, b]}")
        return None
    problems = len(spot.problems)
    operators = spot.entries(tuple(Op), "operator")
    if not operators and problems == len(spot.problems):
        spot.report(f"needs an operator with a value; operators: {', '.join(_OPERATORS[field.type])}")
    return _joined([_read_comparison(name, field, Op(op), entry) for op, entry in operators.items()])


def _read_comparison(name: str, field: Field, op: Op, spot: Spot) -> Rule | None:
    if op not in _OPERATORS[field.type]:
        allowed = ", ".join(_OPERATORS[field.type])
        spot.report(f"does not fit {name}, which holds a {field.type} ({field.meaning}); use one of {allowed}")
        return None
    value = _read_expected(field, op, spot)
    return None if value is None else Comparison(name, op, value)


def _read_expected(field: Field, op: Op, spot: Spot) -> Expected | None:
    match op:
        case Op.EXISTS:
            return _read_flag(spot)
        case Op.IN:
            values = [_read_value(field, item) for item in spot.items()]
            return tuple(value for value in values if value is not None)
        case Op.CONTAINS:
            return spot.text()
        case Op.EQ | Op.NE | Op.LT | Op.LTE | Op.GT | Op.GTE:
            return _read_value(field, spot)
        case _:
            assert_never(op)


def _read_value(field: Field, spot: Spot) -> Scalar | None:
    match field.type:
        case FieldType.NUMBER:
            return _read_number(field, spot)
        case FieldType.TEXT | FieldType.LIST:
            return spot.choice(field.choices) if field.choices else spot.text()
        case FieldType.FLAG:
            return _read_flag(spot)
        case FieldType.ANY:
            return spot.scalar()
        case _:
            assert_never(field.type)


def _read_number(field: Field, spot: Spot) -> int | float | None:
    value = spot.scalar()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if value is not None:
        spot.report(f"should be a number ({field.meaning})")
    return None


def _read_flag(spot: Spot) -> bool | None:
    value = spot.scalar()
    if isinstance(value, bool):
        return value
    if value is not None:
        spot.report("should be true or false")
    return None
