"""What the control plane says about MQTT, followed while the broker runs, and rules carried out."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sdpctl.local import aws
from sdpctl.local.mqtt import rules
from sdpctl.local.mqtt.policies import Policy
from sdpctl.local.mqtt.rules import Message, Rule
from sdpctl.local.mqtt.service import deployed
from sdpctl.settings import Settings

BATCH, BATCH_BYTES = 500, 3_000_000
ATTEMPTS = 5
FIRST_PAUSE = 0.1
log = logging.getLogger("sdp.mqtt")
Waiting = tuple[Message, asyncio.Future[bool]]


class Core:
    """The `Door` of the broker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lanes: dict[str, Lane] = {}
        self._policies: list[Policy] = []
        self._keys: frozenset[str] = frozenset()
        self.counts = Counts()

    def is_key(self, password: str) -> bool:
        """Whether it is an enabled key of the ingestion API."""
        return password in self._keys

    def allows(self, action: str, kind: str, name: str, thing: str) -> bool:
        """Whether one of the policies does."""
        return any(policy.allows(action, kind, name, thing) for policy in self._policies)

    async def store(self, message: Message) -> bool:
        """Carry out every rule for the message; a message without one is discarded, as on AWS."""
        lanes = [lane for lane in self._lanes.values() if lane.rule.matches(message.topic)]
        stored = await asyncio.gather(*(lane.put(message) for lane in lanes))
        self.counts.messages += 1
        return all(stored)

    def look(self) -> list[Rule]:
        """Ask the control plane. Raises CommandError, ClientError, BotoCoreError."""
        iot = aws.client(self._settings, "iot")
        named = {
            name: iot.get_topic_rule(ruleName=name)["rule"] for name in deployed(self._settings)
        }
        enabled = {name: rule for name, rule in named.items() if not rule.get("ruleDisabled")}
        self._policies = [
            Policy.parse(iot.get_policy(policyName=p["policyName"])["policyDocument"])
            for p in iot.list_policies(pageSize=250)["policies"]
        ]
        self._keys = frozenset(_keys(aws.client(self._settings, "apigateway"), self._api))
        return [rules.parse(name, rule) for name, rule in enabled.items()]

    def follow(self, found: Sequence[Rule]) -> None:
        """A lane for each rule; what waits in a lane is stored by the rule as it is now."""
        self._lanes = {rule.name: self._lane(rule) for rule in found}

    def _lane(self, rule: Rule) -> Lane:
        lane = self._lanes.get(rule.name) or Lane(self._settings, rule, self.counts)
        lane.rule = rule
        return lane

    @property
    def _api(self) -> str:
        return f"{self._settings.prefix}-ingestion"


@dataclass
class Counts:
    """Since the start, for `sdp status`."""

    messages: int = 0
    failed: int = 0
    problem: str = ""


class Lane:
    """One rule's messages, in the order they came: in batches, each put until it is stored."""

    def __init__(self, settings: Settings, rule: Rule, counts: Counts) -> None:
        self.rule = rule
        self._settings, self._counts = settings, counts
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    async def put(self, message: Message) -> bool:
        """Whether the message is stored, by the rule or by its error action."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((message, stored))
        return await asyncio.shield(stored)  # a client that leaves takes no message with it

    async def _run(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            size = len(batch[0][0].payload)
            while not self._waiting.empty() and len(batch) < BATCH and size < BATCH_BYTES:
                batch.append(self._waiting.get_nowait())
                size += 2 * len(batch[-1][0].payload)
            try:
                results = await self._store(batch)
            except Exception:  # a fault must not stop the lane: its clients publish again
                log.exception("%s", self.rule.name)
                results = [False] * len(batch)
            for (_, stored), result in zip(batch, results, strict=True):
                if not stored.done():
                    stored.set_result(result)

    async def _store(self, batch: Sequence[Waiting]) -> list[bool]:
        messages = [message for message, _ in batch]
        failed: dict[int, str] = dict.fromkeys(range(len(messages)), "")
        for attempt in range(ATTEMPTS):
            pending = list(failed)
            reasons = await asyncio.to_thread(self._put, [messages[n] for n in pending])
            failed = {n: r for n, r in zip(pending, reasons, strict=True) if r}
            if not failed:
                break
            await asyncio.sleep(FIRST_PAUSE * 2**attempt)
        gone = {n: await self._give_up(messages[n], reason) for n, reason in failed.items()}
        return [gone.get(number, True) for number in range(len(messages))]

    def _put(self, messages: Sequence[Message]) -> list[str]:
        """One call; for each message why it failed, or nothing."""
        records = [self.rule.record(message) for message in messages]
        try:
            answer = aws.client(self._settings, "kinesis").put_records(
                StreamName=self.rule.stream,
                Records=[{"PartitionKey": key, "Data": data} for key, data in records],
            )
        except (ClientError, BotoCoreError) as error:
            return [str(error)] * len(messages)
        return [
            f"{r['ErrorCode']}: {r.get('ErrorMessage', '')}" if r.get("ErrorCode") else ""
            for r in answer["Records"]
        ]

    async def _give_up(self, message: Message, reason: str) -> bool:
        """The error action: an asynchronous call of its function."""
        self._counts.failed += 1
        self._counts.problem = reason
        log.error("%s: %s on %s", self.rule.name, reason, message.topic)
        content = rules.failure(self.rule, message, str(uuid.uuid4()), reason)
        return bool(self.rule.failed) and await asyncio.to_thread(self._invoke, content)

    def _invoke(self, content: dict[str, Any]) -> bool:
        functions = aws.client(self._settings, "lambda")
        try:
            functions.invoke(
                FunctionName=self.rule.failed,
                InvocationType="Event",
                Payload=json.dumps(content).encode(),
            )
        except (ClientError, BotoCoreError) as error:
            log.error("%s: its error action: %s", self.rule.name, error)
            return False
        return True


def _keys(gateway: Any, api: str) -> Iterator[str]:
    """The enabled keys of the plans of the API with that name."""
    ids = {a["id"] for a in _items(gateway, "get_rest_apis") if a["name"] == api}
    for plan in _items(gateway, "get_usage_plans"):
        if ids & {stage["apiId"] for stage in plan.get("apiStages", [])}:
            for key in _items(gateway, "get_usage_plan_keys", usagePlanId=plan["id"]):
                found = gateway.get_api_key(apiKey=key["id"], includeValue=True)
                if str(found["enabled"]).lower() == "true":
                    yield str(found["value"])


def _items(gateway: Any, operation: str, **query: Any) -> Iterator[dict[str, Any]]:
    for page in gateway.get_paginator(operation).paginate(**query):
        yield from page.get("items", [])
