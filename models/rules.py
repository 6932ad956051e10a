"""Rules of a policy as a small typed tree, evaluated without short cuts so that every verdict explains itself."""

from dataclasses import dataclass
from typing import assert_never

from models.facts import Fact, Facts
from models.operators import Expected, Op, comparable, compare
from models.stored import Json


@dataclass(frozen=True, slots=True)
class Comparison:
    """One leaf: a field, an operator and the expected value."""

    field: str
    op: Op
    value: Expected


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when every one of the rules is; true when there is none."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when at least one of the rules is; false when there is none."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when the rule is not."""

    rule: "Rule"


Rule = AllOf | AnyOf | Not | Comparison


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison as it was made: what was expected, what was found, and the result."""

    field: str
    op: Op
    expected: Expected
    actual: Fact
    result: bool

    def to_json(self) -> dict[str, Json]:
        """Return the leaf for a decision's inputs; `note` says why a fact could not be compared."""
        shown: dict[str, Json] = {
            "field": self.field,
            "op": str(self.op),
            "expected": _json(self.expected),
            "actual": _json(self.actual),
            "result": self.result,
        }
        if self.op is not Op.EXISTS and self.actual is None:
            shown["note"] = "unknown"
        elif not comparable(self.op, self.actual, self.expected):
            shown["note"] = "another kind of value"
        return shown


@dataclass(frozen=True, slots=True)
class Explained:
    """A verdict with every comparison that led to it, in the order of the rule."""

    result: bool
    leaves: tuple[Leaf, ...] = ()

    def to_json(self) -> list[Json]:
        """Return the leaves for a decision's inputs."""
        return [leaf.to_json() for leaf in self.leaves]


def evaluate(rule: Rule | None, facts: Facts) -> Explained:
    """Judge the facts by the rule; no rule lets everybody through.

    Every leaf is evaluated, also when the verdict is already sure. An unknown fact, or one of another kind than the
    expected value, makes a comparison false; the exceptions are NE (true) and EXISTS.
    """
    if rule is None:
        return Explained(True)
    leaves: list[Leaf] = []
    return Explained(_judge(rule, facts, leaves), tuple(leaves))


def fields(rule: Rule | None) -> frozenset[str]:
    """Return the names of all fields that a rule asks for."""
    match rule:
        case None:
            return frozenset()
        case Comparison():
            return frozenset({rule.field})
        case Not():
            return fields(rule.rule)
        case AllOf() | AnyOf():
            return frozenset[str]().union(*(fields(part) for part in rule.rules))
        case _:
            assert_never(rule)


def _judge(rule: Rule, facts: Facts, leaves: list[Leaf]) -> bool:
    match rule:
        case Comparison():
            actual = facts.get(rule.field)
            result = compare(rule.op, actual, rule.value)
            leaves.append(Leaf(rule.field, rule.op, rule.value, actual, result))
            return result
        case AllOf():
            results = [_judge(part, facts, leaves) for part in rule.rules]  # all of them: every leaf is wanted
            return all(results)
        case AnyOf():
            results = [_judge(part, facts, leaves) for part in rule.rules]
            return any(results)
        case Not():
            return not _judge(rule.rule, facts, leaves)
        case _:
            assert_never(rule)


def _json(value: Fact | Expected) -> Json:
    return [*value] if isinstance(value, tuple) else value


def rule_to_json(rule: Rule | None) -> dict[str, Json] | None:
    """Return the rule as a policy file would write it, one operator a leaf."""
    match rule:
        case None:
            return None
        case Comparison():
            return {rule.field: {str(rule.op): _json(rule.value)}}
        case AllOf():
            return {"all": [rule_to_json(part) for part in rule.rules]}
        case AnyOf():
            return {"any": [rule_to_json(part) for part in rule.rules]}
        case Not():
            return {"not": rule_to_json(rule.rule)}
        case _:
            assert_never(rule)


def rule_from_json(record: Json) -> Rule | None:
    """Read what `rule_to_json` wrote; raise ValueError for anything else."""
    return None if record is None else _from_json(record)


def _from_json(record: Json) -> Rule:
    key, value = _only(record)
    if key == "not":
        return Not(_from_json(value))
    if key in ("all", "any") and isinstance(value, list):
        parts = tuple(_from_json(part) for part in value)
        return AllOf(parts) if key == "all" else AnyOf(parts)
    op, expected = _only(value)
    if isinstance(expected, list):
        return Comparison(key, Op(op), tuple(entry for entry in expected if isinstance(entry, str | int | float)))
    if isinstance(expected, str | int | float):
        return Comparison(key, Op(op), expected)
    raise ValueError(f"the stored rule for '{key}' compares with something that is no value")


def _only(record: Json) -> tuple[str, Json]:
    if not isinstance(record, dict) or len(record) != 1:
        raise ValueError("a stored rule, and a stored comparison, has exactly one key")
    return next(iter(record.items()))
