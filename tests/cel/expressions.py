"""The expressions of the corpus, by what they show.

Most are written by hand. Those of `computed` are made from numbers, with the result that Python
works out by the rules of CEL's specification: 64-bit integers that do not wrap, division towards
zero, IEEE doubles.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

INT_MIN, INT_MAX = -(2**63), 2**63 - 1

COMPARISONS = """
event.balance < 200.0
event.balance <= 150.0
event.balance > 150.0
event.balance >= 150.0
event.balance == 150.0
event.balance != 150.0
event.count < 5
event.count <= 5
event.count > 4
event.count >= 6
event.count == 9223372036854775807
event.count != 5
event.subject == "card-1"
event.subject != "card-1"
event.occurred_at < timestamp("2026-11-02T00:00:00Z")
event.occurred_at <= timestamp("2026-11-01T23:30:15.250Z")
event.occurred_at > timestamp("2026-11-01T23:30:15.249Z")
event.occurred_at >= timestamp("2026-11-02T00:30:15.250+01:00")
event.occurred_at == timestamp("2026-11-01T23:30:15.250Z")
event.occurred_at != timestamp("2026-11-01T23:30:15.250Z")
profile.is_member == true
profile.is_member != false
profile.is_member < true
profile.is_member <= false
profile.is_member > false
profile.is_member >= true
duration("1h") < duration("3601s")
duration("60m") <= duration("1h")
duration("1.5h") > duration("89m")
duration("90m") >= duration("1.5h")
duration("3600s") == duration("1h")
duration("1ms") != duration("1us")
-0.0 == 0.0
-0.0 < 0.0
1.0 / 0.0 > 1e308
-1.0 / 0.0 < -1e308
0.0 / 0.0 == 0.0 / 0.0
0.0 / 0.0 != 0.0 / 0.0
0.0 / 0.0 < 1.0
0.0 / 0.0 >= 1.0
"é" == "é"
"é" == "e\\u0301"
"😀" != "ﬀ"
"""

LOGIC = """
true
false
!true
!false
!!profile.is_member
true && false
true || false
false || false
profile.is_member && event.balance < 200.0
profile.is_member || event.balance < 200.0
event.balance < 200.0 && event.count >= 5
event.balance < 200.0 && event.count >= 5 && event.deviation > 4.0
event.balance < 0.0 || event.count > 100 || event.kind == "shopping"
false && event.balance < 200.0
event.balance < 200.0 && false
true || event.balance < 200.0
event.balance < 200.0 || true
false || event.balance < 200.0
true && event.balance < 200.0
1 / 0 == 1 || true
true || 1 / 0 == 1
1 / 0 == 1 && false
false && 1 / 0 == 1
1 / 0 == 1 || false
1 / 0 == 1 && true
1 / 0 == 1 && event.balance < 200.0
!(event.balance < 200.0)
!(1 / 0 == 1)
event.balance < 200.0 ? true : false
event.balance < 200.0 ? event.count > 3 : event.count > 100
true ? true : 1 / 0 == 1
false ? 1 / 0 == 1 : true
1 / 0 == 1 ? true : false
(event.balance < 200.0) == (event.count > 3)
(event.balance < 200.0) != profile.is_member
event.kind == "shopping" ? event.balance < 200.0 : event.kind == "stuck_in_form"
true == true && true != false
"""

PRESENCE = """
has(event.balance)
has(event.count)
has(event.kind)
has(profile.age)
has(profile.email)
has(profile.is_member)
has(features.mean_amount)
!has(event.balance)
!has(profile.segment)
has(event.balance) && event.balance < 200.0
!has(event.balance) || event.balance < 200.0
has(event.balance) ? event.balance < 200.0 : false
has(profile.age) && profile.age >= 18
has(profile.age) && profile.age < 18
!has(profile.age) || profile.age >= 18
has(profile.segment) && profile.segment in ["gold", "platinum"]
has(features.debits_7_days) && features.debits_7_days > 10
has(event.balance) && has(profile.age)
has(event.balance) || has(profile.age)
has(event.balance) == has(profile.age)
profile.age >= 18
profile.segment == "gold"
features.mean_amount > 10.0
features.debits_7_days > 10
"""

TEXT = """
event.subject + "!" == "card-1!"
"" + event.subject == event.subject
"a" + "b" + "c" == "abc"
size(event.subject) == 6
event.subject.size() == 0
size("") == 0
size("ä") == 1
size("😀") == 1
size(profile.customer_id) == 3
profile.email.contains("@")
profile.email.contains("")
profile.email.contains("Müller")
profile.email.contains("müller")
"abc".contains("bc")
"".contains("")
"".contains("a")
event.subject.startsWith("card")
event.subject.startsWith("")
event.subject.startsWith("card-1-")
"äb".startsWith("ä")
event.subject.endsWith("1")
event.subject.endsWith("")
profile.email.endsWith(".org")
"äb".endsWith("b")
event.subject in ["card-1", "card-2"]
event.subject in [""]
!(event.subject in ["card-1"])
"a\\nb".size() == 3
"\\u00e4" == "ä"
"\\U0001f600" == "😀"
'single' == "single"
r"raw\\n" == "raw\\\\n"
\"\"\"triple "quoted\"\"\" == "triple \\"quoted"
"\\x41\\102" == "AB"
string(event.count) == "5"
string(-7) == "-7"
string(9223372036854775807) == "9223372036854775807"
string("x") == "x"
string(0) == "0"
"""

PATTERNS = """
event.subject.matches("card")
event.subject.matches("^card-[0-9]+$")
event.subject.matches("^$")
event.subject.matches("")
matches(event.subject, "^c.r")
matches(event.kind, "shop|stuck")
profile.email.matches("^[^@]+@[^@]+$")
profile.email.matches("^[a-z.+]+@")
profile.email.matches("(?i)ANNA")
profile.email.matches("m.ller")
profile.customer_id.matches("^.ni$")
profile.customer_id.matches("^...$")
"abc".matches("b")
"abc".matches("^b")
"a\\nb".matches("a.b")
"a\\nb".matches("(?s)a.b")
"a\\nb".matches("^b")
"a\\nb".matches("(?m)^b$")
"aaa".matches("^a{3}$")
"aaa".matches("^a{2,}$")
"aaa".matches("^a{4}$")
"aaa".matches("^a{1,2}$")
"a.b".matches("a\\\\.b")
"axb".matches("a\\\\.b")
"7".matches("^\\\\d$")
"٣".matches("^\\\\d$")
"x_1".matches("^\\\\w+$")
"ä".matches("^\\\\w$")
"a b".matches("a\\\\sb")
"word here".matches("\\\\bhere\\\\b")
"ä".matches("^\\\\pL$")
"Ä".matches("^\\\\p{Lu}$")
"α".matches("\\\\p{Greek}")
"ab".matches("^(a)(b)$")
"ab".matches("^(?:a|b)+$")
"ab".matches("(?P<first>a)b")
"ab".matches("a+?b*?")
"[x]".matches("^\\\\[x\\\\]$")
"-".matches("[a\\\\-z]")
"é".matches("^[[:alpha:]]$")
"e".matches("^[[:alpha:]]$")
"0".matches("^[^[:digit:]]$")
"AB".matches("(?i:a)B")
"a".matches("\\\\Aa\\\\z")
"\\\\E".matches("^\\\\Q\\\\E")
"""

LISTS = """
1 in [1, 2, 3]
4 in [1, 2, 3]
event.count in [4, 5, 6]
event.balance in [150.0, 151.0]
!(event.kind in ["stuck_in_form"])
true in [false, true]
size([1, 2, 3]) == 3
[1, 2].size() == 2
[1, 2] == [1, 2]
[1, 2] == [2, 1]
[1, 2] != [1, 2, 3]
[1] + [2] == [1, 2]
[1, 2, 3][0] == 1
[1, 2, 3][2] == 3
[1, 2, 3][3] == 3
[1, 2, 3][-1] == 3
["a", "b"][1] == event.subject
[[1, 2], [3]][1][0] == 3
[1.5, 2.5][1] > 2.0
["a"] + ["b", "c"] == ["a", "b", "c"]
{"gold": 1, "silver": 2}[profile.segment] == 1
{"gold": 200.0, "Gold": 100.0}[profile.segment] > event.balance
"gold" in {"gold": 1}
profile.segment in {"gold": 1, "silver": 2}
size({"a": 1, "b": 2}) == 2
{"a": 1}.size() == 1
{"a": 1} == {"a": 1}
{"a": 1, "b": 2} == {"b": 2, "a": 1}
{"a": 1} != {"a": 2}
{1: "a", 2: "b"}[2] == "b"
{true: 1}[true] == 1
{"a": [1, 2]}["a"][1] == 2
"""

MACROS = """
[1, 2, 3].all(x, x > 0)
[1, 2, 3].all(x, x > 1)
[1, 2, 3].exists(x, x == 2)
[1, 2, 3].exists(x, x == 4)
[1, 2, 3].exists_one(x, x == 2)
[1, 2, 2].exists_one(x, x == 2)
[1, 2, 3].exists_one(x, x > 1)
[1, 2, 3].all(x, x > event.count)
[1, 2, 3].exists(x, x > event.count)
[1, 2, 3].exists_one(x, x > event.count)
["gold", "silver"].exists(s, s == profile.segment)
["card-", "acc-"].exists(p, event.subject.startsWith(p))
["@example.org", "@x.example"].exists(d, profile.email.endsWith(d))
["a", "b"].all(s, size(s) == 1)
[1, 0].all(x, 1 / x > 0)
[0, 1].all(x, 1 / x > 0)
[0, 2].exists(x, 1 / x == 0)
[2, 0].exists(x, 1 / x == 0)
[0, 0].exists(x, 1 / x == 0)
[1, 0].exists_one(x, 1 / x == 1)
[1, 2, 3].map(x, x * 2) == [2, 4, 6]
[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]
[1, 2, 3].filter(x, x > 1) == [2, 3]
[1, 2, 3].filter(x, x > event.count) == [1, 2, 3].filter(x, false)
[1, 2, 3].map(x, x + 1).exists(y, y == 4)
[1, 2, 3].filter(x, x > 1).all(y, y > 1)
size([1, 2, 3].filter(x, x % 2 == 1)) == 2
[1, 2].all(x, [3, 4].all(y, x < y))
[1, 2].exists(x, [2, 3].exists(y, x == y))
[1, 2].map(x, [3, 4].map(y, x * y)) == [[3, 4], [6, 8]]
{"a": 1, "b": 2}.all(k, k in ["a", "b"])
{"a": 1, "b": 2}.exists(k, k == "b")
[150.0, 151.0].exists(b, b == event.balance)
[duration("1h"), duration("2h")].exists(d, d > duration("90m"))
["a"].map(s, s + event.subject)[0] == "acard-1"
"""

TIME = """
event.occurred_at.getFullYear() == 2026
event.occurred_at.getMonth() == 10
event.occurred_at.getDate() == 1
event.occurred_at.getDayOfMonth() == 0
event.occurred_at.getDayOfWeek() == 0
event.occurred_at.getDayOfYear() == 304
event.occurred_at.getHours() == 23
event.occurred_at.getMinutes() == 30
event.occurred_at.getSeconds() == 15
event.occurred_at.getMilliseconds() == 250
event.occurred_at.getFullYear("Europe/Berlin") == 2026
event.occurred_at.getMonth("Europe/Berlin") == 10
event.occurred_at.getDate("Europe/Berlin") == 2
event.occurred_at.getDayOfMonth("Europe/Berlin") == 1
event.occurred_at.getDayOfWeek("Europe/Berlin") == 1
event.occurred_at.getDayOfYear("Europe/Berlin") == 305
event.occurred_at.getHours("Europe/Berlin") == 0
event.occurred_at.getMinutes("Asia/Kathmandu") == 15
event.occurred_at.getMilliseconds("Asia/Tokyo") == 250
event.occurred_at.getHours("America/New_York") < 20
event.occurred_at.getHours("UTC") == 23
event.occurred_at.getHours("+02:30") == 2
event.occurred_at.getHours("-01:00") == 22
event.occurred_at.getHours("Nowhere/City") == 1
event.occurred_at.getHours("Europe/Berlin") >= 8 && event.occurred_at.getHours("Europe/Berlin") < 20
event.occurred_at.getDayOfWeek("Europe/Berlin") in [0, 6]
event.occurred_at + duration("30m") > timestamp("2026-11-02T00:00:00Z")
event.occurred_at - duration("1h") < timestamp("2026-11-01T23:00:00Z")
duration("1h") + event.occurred_at == event.occurred_at + duration("1h")
event.occurred_at - profile.since > duration("8760h")
event.occurred_at - profile.since < duration("87600h")
duration("1h") + duration("30m") == duration("90m")
duration("1h") - duration("90m") == duration("-30m")
duration("90m").getHours() == 1
duration("90m").getMinutes() == 90
duration("90m").getSeconds() == 5400
duration("1.5s").getMilliseconds() == 500
duration("-90m").getHours() == -1
duration("1h30m15s") == duration("5415s")
duration("100ms") < duration("1s")
duration("1us") > duration("999ns")
duration("x") == duration("1s")
duration("") == duration("1s")
timestamp("2026-11-01T23:30:15Z") < event.occurred_at
timestamp("2026-02-30T00:00:00Z") < event.occurred_at
timestamp("nonsense") < event.occurred_at
timestamp("2026-11-01") < event.occurred_at
timestamp("9999-12-31T23:59:59Z") > event.occurred_at
timestamp("9999-12-31T23:59:59Z") + duration("1s") > event.occurred_at
timestamp("0001-01-01T00:00:00Z") - duration("1s") < event.occurred_at
timestamp("2024-02-29T00:00:00Z") == profile.since
timestamp("1969-12-31T23:59:59.999Z").getMilliseconds() == 999
timestamp("1969-12-31T23:59:59.999Z").getSeconds() == 59
timestamp(event.occurred_at) == event.occurred_at
duration(duration("1s")) == duration("1s")
profile.since.getDayOfYear() == 59
"""

CONVERSIONS = """
double(event.count) > 4.5
double(event.count) * 2.0 > event.balance
double(5) == 5.0
double(9223372036854775807) == 9223372036854775807.0
double("1.5") == 1.5
double("1e3") == 1000.0
double("-0") == 0.0
double("x") == 1.0
double("") == 1.0
double(1.5) == 1.5
int(event.balance) == 150
int(1.9) == 1
int(-1.9) == -1
int(0.0) == 0
int(9.3e18) == 1
int(-9.3e18) == 1
int(1e300) == 1
int(0.0 / 0.0) == 1
int("42") == 42
int("-42") == -42
int("9223372036854775807") == 9223372036854775807
int("9223372036854775808") == 1
int("4.2") == 4
int("x") == 1
int("") == 1
int(7) == 7
event.balance / 3.0 == 50.0
event.balance * 0.0 == 0.0
event.balance - 150.0 == 0.0
event.deviation > 4.0 || event.deviation < -4.0
event.count / 2 == 2
event.count % 2 == 1
features.debits_7_days % 1000 == -808
event.count + 1 > event.count
event.count - 1 < event.count
event.count * 2 == 10
-event.count == -5
-event.balance < 0.0
0.1 + 0.2 == 0.3
0.1 + 0.2 > 0.3
1e308 * 10.0 > 1e308
features.mean_amount + 0.2 == 0.3
features.debits_7_days - 1 < 0
-features.debits_7_days > 0
features.debits_7_days / -1 > 0
profile.average_monthly_expenditures / 30.0 < event.balance
0x10 == 16
-0x10 == -16
1e3 == 1000.0
.5 == 0.5
"""

FEATURES = """
features.share < 0.2
features.share > 0.12 && features.share < 0.125
features.share == 150.0 / 1200.5
has(features.share)
!has(features.share) || features.share < 0.2
has(profile.average_monthly_expenditures) && features.share < 0.2
features.share < 0.2 || event.kind == "shopping"
features.share * 100.0 < event.balance
features.tier == "tier gold"
features.tier in ["tier none", "tier gold"]
features.tier.matches("^tier [gn]")
size(features.tier) == 9
features.tier + "!" != "!"
features.is_adult
!features.is_adult
has(features.is_adult) && features.is_adult
features.is_adult ? event.count > 4 : event.balance < 0.0
features.hour == 0 || features.hour == 1
features.hour % 24 < 6 && features.hour >= 0
double(features.hour) / 24.0 < features.mean_amount
[0, 1, 2].exists(h, h == features.hour)
has(features.no_number)
features.no_number < 1.0
features.share == features.share
features.debits_7_days == 12 ? features.mean_amount > 10.0 : features.tier == "tier Gold"
"""

BUSINESS = """
event.kind == "shopping" && event.balance < 200.0 && has(profile.age) && profile.age >= 18
event.kind == "shopping" && event.balance < 200.0 && !(has(profile.segment) && profile.segment == "gold")
has(profile.average_monthly_expenditures) && event.balance < profile.average_monthly_expenditures / 10.0
event.count >= 5 && event.balance / double(event.count) < 50.0
event.deviation > 4.0 && event.occurred_at.getHours("Europe/Berlin") < 6
has(profile.email) && profile.email.matches("^[^@]+@example\\\\.org$")
has(profile.since) && event.occurred_at - profile.since > duration("720h")
has(features.debits_7_days) ? features.debits_7_days > 10 : event.count > 10
[18, 21, 65].exists(limit, has(profile.age) && profile.age == limit)
(has(profile.segment) ? profile.segment : "none") in ["gold", "none"]
(event.balance < 245.0 ? 250.0 - event.balance : 5.0) == 100.0
(event.balance < 245.0 ? 250.0 - event.balance : 5.0) >= 5.0
"customer " + profile.customer_id == "customer c-1"
event.subject.startsWith("card-") && !event.subject.endsWith("-0")
"""

WRITTEN = {
    "comparisons": COMPARISONS,
    "logic": LOGIC,
    "presence": PRESENCE,
    "text": TEXT,
    "patterns": PATTERNS,
    "lists": LISTS,
    "macros": MACROS,
    "time": TIME,
    "conversions": CONVERSIONS,
    "features": FEATURES,
    "business": BUSINESS,
}


def written() -> Iterator[tuple[str, str]]:
    """Group and expression."""
    for group, lines in WRITTEN.items():
        for line in lines.strip("\n").split("\n"):
            yield group, line.strip(" ")


def computed() -> Iterator[tuple[str, bool | None]]:
    """Expressions over numbers, each with its result; None: it has none."""
    integers = (INT_MIN, -7, -1, 0, 2, 7, INT_MAX)
    for operator, left, right in itertools.product("+-*/%", integers, integers):
        if operator == "%" and right < 1:
            continue  # refused when it is written
        value = _integer(operator, left, right)
        equal = value if value is not None else 0
        yield f"{_int(left)} {operator} {_int(right)} == {_int(equal)}", _truth(value)
    doubles = (-1.5, -0.0, 0.0, 0.1, 3.0, 1e300)
    for operator, a, b in itertools.product("+-*/", doubles, doubles):
        quotient = _double(operator, a, b)
        if not math.isnan(quotient) and not math.isinf(quotient):
            yield f"{a!r} {operator} {b!r} == {quotient!r}", True


def _truth(value: int | None) -> bool | None:
    return None if value is None else True


def _integer(operator: str, left: int, right: int) -> int | None:
    if operator in "/%" and right == 0:
        return None
    match operator:
        case "+":
            value = left + right
        case "-":
            value = left - right
        case "*":
            value = left * right
        case "/":
            value = _toward_zero(left, right)
        case _:
            value = left - right * _toward_zero(left, right)
    return value if INT_MIN <= value <= INT_MAX else None


def _toward_zero(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _double(operator: str, a: float, b: float) -> float:
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case _:
            return a / b if b else math.nan


def _int(value: int) -> str:
    return str(value)
