"""Topic rules as the control plane describes them, and what their SQL makes of a message.

Of AWS's SQL this is what rules without JSON names need: functions of the message and its topic. A
rule with anything else is refused by name, never half done.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdpctl.errors import CommandError

_SQL = re.compile(r"\s*SELECT\s+(?P<items>.+?)\s+FROM\s+'(?P<filter>[^']+)'\s*", re.I | re.S)
_ITEM = re.compile(r"(?P<call>.+?)\s+AS\s+(?P<name>[A-Za-z_]\w*)", re.I | re.S)
_TEMPLATE = re.compile(r"\$\{([^}]*)\}")
_LEVEL = re.compile(r"topic\(\s*(\d+)\s*\)")


class UnsupportedRule(CommandError):
    """A rule that this stand-in does not carry out."""


@dataclass(frozen=True)
class Message:
    """A message that was published, and when, in epoch milliseconds."""

    topic: str
    payload: bytes
    client_id: str
    at: int


Function = Callable[[Message], Any]
_FUNCTIONS: Mapping[str, Function] = {
    "encode(*,'base64')": lambda m: base64.b64encode(m.payload).decode(),
    "topic()": lambda m: m.topic,
    "timestamp()": lambda m: m.at,
    "clientid()": lambda m: m.client_id,
}


@dataclass(frozen=True)
class Rule:
    """A rule: what it selects of which messages, the stream, and the function for failures."""

    name: str
    filter: str
    items: tuple[tuple[str, Function], ...]
    stream: str
    key: str
    failed: str

    def matches(self, topic: str) -> bool:
        """Whether the rule is for messages of this topic."""
        return matches(topic, self.filter)

    def record(self, message: Message) -> tuple[str, bytes]:
        """The partition key and the record."""
        selected = {name: function(message) for name, function in self.items}
        key = _TEMPLATE.sub(lambda m: str(_function(m[1])(message)), self.key)
        return key, json.dumps(selected, separators=(",", ":")).encode()


def parse(name: str, payload: Mapping[str, Any]) -> Rule:
    """A rule as GetTopicRule describes it. Raises UnsupportedRule."""
    found = _SQL.fullmatch(payload["sql"])
    if not found:
        raise UnsupportedRule(f"rule {name}: SQL {payload['sql']!r}; supported: SELECT … FROM '…'")
    actions: Sequence[Mapping[str, Any]] = payload["actions"]
    if len(actions) != 1 or "kinesis" not in actions[0]:
        raise UnsupportedRule(f"rule {name}: actions {actions}; supported: one of Kinesis")
    action, error = actions[0]["kinesis"], payload.get("errorAction", {})
    if set(error) - {"lambda"}:
        raise UnsupportedRule(f"rule {name}: error action {sorted(error)}; supported: lambda")
    key = action.get("partitionKey", "")
    for expression in _TEMPLATE.findall(key):
        _function(expression)
    return Rule(
        name=name,
        filter=found["filter"],
        items=tuple(_item(name, text) for text in _split(found["items"])),
        stream=action["streamName"],
        key=key,
        failed=error.get("lambda", {}).get("functionArn", ""),
    )


def matches(topic: str, topic_filter: str) -> bool:
    """MQTT's match of a topic with a filter of + and #."""
    levels, wanted = topic.split("/"), topic_filter.split("/")
    for number, level in enumerate(wanted):
        if level == "#":
            return True
        if number == len(levels) or level not in ("+", levels[number]):
            return False
    return len(levels) == len(wanted)


def failure(rule: Rule, message: Message, trace: str, error: str) -> dict[str, Any]:
    """What an error action receives."""
    return {
        "ruleName": rule.name,
        "topic": message.topic,
        "cloudwatchTraceId": trace,
        "clientId": message.client_id,
        "base64OriginalPayload": base64.b64encode(message.payload).decode(),
        "failures": [
            {
                "failedAction": "KinesisAction",
                "failedResource": rule.stream,
                "errorMessage": error,
            }
        ],
    }


def _item(rule: str, text: str) -> tuple[str, Function]:
    found = _ITEM.fullmatch(text.strip())
    if not found:
        raise UnsupportedRule(f"rule {rule}: {text.strip()!r}; supported: a function AS a name")
    return found["name"], _function(found["call"])


def _function(text: str) -> Function:
    plain = re.sub(r"\s", "", text)
    if plain in _FUNCTIONS:
        return _FUNCTIONS[plain]
    if found := _LEVEL.fullmatch(plain):
        number = int(found[1])
        return lambda m: [*m.topic.split("/"), *["undefined"] * number][number - 1]
    choices = ", ".join([*_FUNCTIONS, "topic(n)"])
    raise UnsupportedRule(f"{text.strip()!r} in a rule; supported: {choices}")


def _split(items: str) -> list[str]:
    """At the commas outside of parentheses."""
    return re.split(r",(?![^()]*\))", items)
