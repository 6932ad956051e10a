"""Rules: every operator, unknown facts, and verdicts that agree with their own explanation."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.facts import FIELDS, Fact, Facts, field_of
from models.operators import Expected, Op
from models.rules import AllOf, AnyOf, Comparison, Leaf, Not, Rule, evaluate, fields, rule_from_json, rule_to_json

FIELD = "traits.x"
names = st.sampled_from(["a", "b", "c"])
values = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, 2.0]), st.sampled_from(["", "x", "xy"]), st.booleans())
facts = st.dictionaries(names, st.one_of(values, st.none(), st.lists(st.sampled_from(["x", "y"])).map(tuple)))


def comparisons(field: str, op: Op, value: str | float | bool) -> Comparison:
    """Give the operator a value of the shape it wants."""
    return Comparison(field, op, (value,) if op is Op.IN else bool(value) if op is Op.EXISTS else value)


leaves = st.builds(comparisons, names, st.sampled_from(Op), values)
rules: st.SearchStrategy[Rule] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("op", "actual", "expected", "result"),
    [
        (Op.EQ, 3, 3, True),
        (Op.EQ, 3, 3.0, True),
        (Op.EQ, "fr", "FR", False),
        (Op.EQ, True, 1, False),
        (Op.EQ, "3", 3, False),
        (Op.NE, 3, 4, True),
        (Op.NE, 3, 3, False),
        (Op.LT, 2, 3, True),
        (Op.LT, 3, 3, False),
        (Op.LTE, 3, 3, True),
        (Op.GT, 3, 3, False),
        (Op.GT, 3.5, 3, True),
        (Op.GTE, 3, 3, True),
        (Op.GTE, "2026-02-01", "2026-01-31", True),
        (Op.GT, "4", 3, False),
        (Op.GT, True, 0, False),
        (Op.GTE, float("nan"), 0, False),
        (Op.IN, "b", ("a", "b"), True),
        (Op.IN, "c", ("a", "b"), False),
        (Op.IN, ("shoes", "hats"), ("hats",), True),
        (Op.IN, 1, (True,), False),
        (Op.CONTAINS, ("shoes",), "shoes", True),
        (Op.CONTAINS, ("shoes",), "sho", False),
        (Op.CONTAINS, "payment step", "pay", True),
        (Op.CONTAINS, 5, "5", False),
        (Op.EXISTS, 0, True, True),
        (Op.EXISTS, 0, False, False),
    ],
)
def test_an_operator_compares_as_documented(op: Op, actual: Fact, expected: Expected, result: bool) -> None:
    assert evaluate(Comparison(FIELD, op, expected), {FIELD: actual}).result is result


@pytest.mark.parametrize("given_facts", [{}, {FIELD: None}])
def test_an_unknown_fact_is_only_unequal_and_absent(given_facts: Facts) -> None:
    true_for = {op for op in Op if evaluate(comparisons(FIELD, op, 0), given_facts).result}
    assert true_for == {Op.NE, Op.EXISTS}  # `exists: false`


def test_no_rule_lets_everybody_through() -> None:
    assert evaluate(None, {}).result
    assert fields(None) == frozenset()


def test_every_leaf_is_explained_even_when_the_first_decides() -> None:
    rule = AllOf((Comparison("cart.value", Op.GTE, 5000), Not(Comparison("customer.orders", Op.EQ, 0))))
    verdict = evaluate(rule, {"cart.value": 100, "customer.orders": 2})
    assert not verdict.result
    assert verdict.to_json() == [
        {"field": "cart.value", "op": "gte", "expected": 5000, "actual": 100, "result": False},
        {"field": "customer.orders", "op": "eq", "expected": 0, "actual": 2, "result": False},
    ]


def test_a_leaf_says_why_it_could_not_compare() -> None:
    rule = AllOf((Comparison("traits.age", Op.LT, 35), Comparison("traits.city", Op.IN, ("Lyon",))))
    first, second = (leaf.to_json() for leaf in evaluate(rule, {"traits.age": "34"}).leaves)
    assert first["note"] == "another kind of value"
    assert (second["note"], second["expected"]) == ("unknown", ["Lyon"])


def test_a_stored_rule_that_is_damaged_is_refused() -> None:
    for damaged in ({}, {"all": 3}, {"cart.value": {"near": 3}}, {"cart.value": {"eq": None}}, [1]):
        with pytest.raises(ValueError, match=r"stored|valid Op"):
            rule_from_json(damaged)  # type: ignore[arg-type]  # what a damaged row may hold


def test_fields_outside_the_closed_list_are_unknown() -> None:
    assert field_of("cart.vale") is None
    assert field_of("traits.") is None
    assert field_of("traits.tranche_d_âge") is not None
    assert all(field.meaning for field in FIELDS.values())


@given(leaves, leaves, facts)
def test_de_morgan_holds(one: Rule, two: Rule, given_facts: Facts) -> None:
    both = evaluate(Not(AllOf((one, two))), given_facts).result
    assert both is evaluate(AnyOf((Not(one), Not(two))), given_facts).result
    either = evaluate(Not(AnyOf((one, two))), given_facts).result
    assert either is evaluate(AllOf((Not(one), Not(two))), given_facts).result


@given(names, values, facts)
def test_ne_is_the_opposite_of_eq(name: str, value: str | float | bool, given_facts: Facts) -> None:
    equal = evaluate(Comparison(name, Op.EQ, value), given_facts).result
    assert evaluate(Comparison(name, Op.NE, value), given_facts).result is not equal


def folded(rule: Rule, explained: Iterator[Leaf]) -> bool:
    """Rebuild a verdict from its leaves alone."""
    if isinstance(rule, Comparison):
        leaf = next(explained)
        assert (leaf.field, leaf.op, leaf.expected) == (rule.field, rule.op, rule.value)
        return leaf.result
    if isinstance(rule, Not):
        return not folded(rule.rule, explained)
    results = [folded(part, explained) for part in rule.rules]
    return all(results) if isinstance(rule, AllOf) else any(results)


@given(rules, facts)
def test_the_explained_leaves_agree_with_the_verdict(rule: Rule, given_facts: Facts) -> None:
    verdict = evaluate(rule, given_facts)
    explained = iter(verdict.leaves)
    assert folded(rule, explained) is verdict.result
    assert next(explained, None) is None
    assert {leaf.field for leaf in verdict.leaves} == fields(rule)
    assert all(leaf.actual == given_facts.get(leaf.field) for leaf in verdict.leaves)


@given(rules)
def test_a_rule_survives_being_stored(rule: Rule) -> None:
    assert rule_from_json(rule_to_json(rule)) == rule
