"""What an expression may cost and contain is known when it is written."""

import pytest

from lambdas.definitions.cel import ExpressionError
from lambdas.definitions.cel.bounds import MAX_PATTERN
from tests.cel.values import checker

CHECKER = checker()


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("dyn(event.count) < 3.5", "dyn"),
        ('[1, "a"].size() == 2', "dyn"),
        ("null == null", "null|dyn"),
        ("1u == 1u", "uint"),
        ('b"a" == b"a"', "bytes"),
        ("type(1) == int", "type|dyn"),
        ("string(event.balance) == '1'", "double_to_string"),
        ("string(event.occurred_at) == ''", "timestamp_to_string"),
        ("event.kind < 'b'", "less_string"),
        ("event.occurred_at.getSeconds('Asia/Tokyo') == 1", "timestamp_to_seconds_tz"),
        ("event.count % -1 == 0", "positive"),
        ("event.count % event.count == 0", "positive"),
        ("event == event", "group of fields"),
        ("[event].size() == 1", "group of fields"),
        ("sdp.event{count: 1}.count == 1", "constructed|unknown"),
        ("'a'.matches(event.subject)", "in quotes"),
        ("'a'.matches('(')", "missing"),
        ("'a'.matches('(?=a)')", "RE2"),
        (f"'a'.matches('{'a' * (MAX_PATTERN + 1)}')", "at most 256"),
        ("'a'.matches('(a{100}){100}')", "repeats"),
        ("([1] + [2]).all(x, x > 0)", "written in the expression"),
        ("[[1], [2]].all(x, x.all(y, y > 0))", "written in the expression"),
        (f"{[1] * 40}.all(a, {[1] * 40}.all(b, a == b))", "iterates 1640 times"),
        ("1 + (" * 40 + "1" + ")" * 40 + " == 1", "nested too deeply"),
        ("(" * 2_000 + "true" + ")" * 2_000, "nested|recursion"),
        ("1" + " + 1" * 60 + " == 1", "nested too deeply"),
        ("[" * 300 + "]" * 300 + " == []", "nested|recursion"),
        ("event.count.size() == 1", "not defined"),
        ("lower(event.kind) == 'a'", "unknown"),
        ("", "Syntax error"),
    ],
)
def test_it_is_refused_with_what_is_allowed(expression: str, named: str) -> None:
    with pytest.raises(ExpressionError, match=named) as caught:
        CHECKER.check(expression)
    assert 0 <= caught.value.offset <= len(expression)
    assert len(caught.value.message) <= 500


def test_a_long_row_of_conditions_is_not_deep() -> None:
    """The parser balances them."""
    CHECKER.check(" && ".join(["event.count > 1"] * 200))


def test_as_much_iteration_as_is_allowed() -> None:
    CHECKER.check(f"{[1] * 30}.all(a, {[1] * 30}.all(b, a == b))")
