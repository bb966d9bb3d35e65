"""Keys of senders: each has its own API key and usage plan, so that each is limited, metered and
revoked separately. The deployment's own key is in the plans of its stacks, and can be disabled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sdpctl.errors import CommandError

DEPLOYMENT = "deployment"
STAGE = "v1"
# API Gateway meters only the keys of a plan with a quota; this one is never reached.
UNLIMITED = {"limit": 2_000_000_000, "period": "MONTH"}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


class Api(StrEnum):
    """An API that a key may call: its name after the deployment's prefix."""

    INGESTION = "ingestion"
    REPORTS = "reports"
    PREDICTIONS = "predictions"
    DEFINITIONS = "definitions"


@dataclass(frozen=True)
class Sender:
    """A sender's key; `requests`: of the last 30 days, per day, oldest first."""

    name: str
    key_id: str
    enabled: bool
    apis: tuple[str, ...]
    rate: float | None
    burst: int | None
    per_day: int | None
    requests: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON, without the key itself."""
        return {
            "name": self.name,
            "key_id": self.key_id,
            "enabled": self.enabled,
            "apis": list(self.apis),
            "rate": self.rate,
            "burst": self.burst,
            "per_day": self.per_day,
            "requests_today": self.requests[-1] if self.requests else 0,
            "requests_30_days": sum(self.requests),
        }


@dataclass(frozen=True)
class Limits:
    """Requests per second, burst, and requests per day (None: no quota)."""

    rate: float
    burst: int
    per_day: int | None = None


class Keys:
    """The senders of one deployment; `client` is boto3's for API Gateway.

    `own` is the id of the deployment's own key.
    """

    def __init__(self, client: Any, prefix: str, own: str) -> None:
        self._client, self._prefix, self._own = client, prefix, own

    def senders(self, today: date) -> list[Sender]:
        """All senders with their requests, by name, after the deployment's own key."""
        plans = [p for p in self._all("get_usage_plans") if self._sender_of(p.get("name", ""))]
        apis = {one["id"]: one["name"] for one in self._all("get_rest_apis")}
        senders = [self._sender(plan, apis, today) for plan in plans]
        return [self._deployment(), *sorted(senders, key=lambda sender: sender.name)]

    def create(self, name: str, apis: Sequence[str], limits: Limits) -> str:
        """Create a sender and return its key. Raises CommandError if the name is taken."""
        check_name(name)
        if self._plan(name) or self._named_keys(name):
            raise CommandError(
                f"{name} already has a key; run ./sdp keys revoke {name}, or choose another name"
            )
        stages = [{"apiId": self._api(api), "stage": STAGE} for api in apis]
        quota = {"limit": limits.per_day, "period": "DAY"} if limits.per_day else UNLIMITED
        described = self._full(name)
        key = self._client.create_api_key(name=described, enabled=True)
        try:
            plan = self._client.create_usage_plan(
                name=described,
                apiStages=stages,
                throttle={"rateLimit": limits.rate, "burstLimit": limits.burst},
                quota=quota,
            )
            self._client.create_usage_plan_key(
                usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY"
            )
        except Exception:
            self.revoke(name)  # every API would refuse a key without a plan
            raise
        return str(key["value"])

    def value(self, name: str) -> str:
        """The key of a sender, or of the deployment."""
        answer = self._client.get_api_key(apiKey=self._key_id(name), includeValue=True)
        return str(answer["value"])

    def revoke(self, name: str) -> None:
        """Refuse the key from now on: a sender's is deleted with its plan, the deployment's own is
        disabled. Can be repeated after a failure.
        """
        if name == DEPLOYMENT:
            self._enable(self._own, enabled=False)
            return
        plan, keys = self._plan(name), self._named_keys(name)
        if not plan and not keys:
            raise self._unknown(name)
        for key in keys:
            self._client.delete_api_key(apiKey=key["id"])
        if plan:
            self._delete(plan)

    def restore(self) -> None:
        """Accept the deployment's own key again."""
        self._enable(self._own, enabled=True)

    def _delete(self, plan: dict[str, Any]) -> None:
        """Delete a plan after its stages."""
        for stage in plan.get("apiStages", []):
            value = f"{stage['apiId']}:{stage['stage']}"
            removal = {"op": "remove", "path": "/apiStages", "value": value}
            self._client.update_usage_plan(usagePlanId=plan["id"], patchOperations=[removal])
        self._client.delete_usage_plan(usagePlanId=plan["id"])

    def _enable(self, key_id: str, *, enabled: bool) -> None:
        change = {"op": "replace", "path": "/enabled", "value": str(enabled).lower()}
        self._client.update_api_key(apiKey=key_id, patchOperations=[change])

    def _deployment(self) -> Sender:
        key = self._client.get_api_key(apiKey=self._own)
        return Sender(
            DEPLOYMENT, self._own, _is_true(key["enabled"]), tuple(Api), None, None, None, ()
        )

    def _sender(self, plan: dict[str, Any], apis: dict[str, str], today: date) -> Sender:
        name = self._sender_of(plan["name"])
        assert name
        keys = self._named_keys(name)
        quota = plan.get("quota") or {}
        throttle = plan.get("throttle") or {}
        called = (apis.get(stage["apiId"], "?") for stage in plan.get("apiStages", []))
        return Sender(
            name=name,
            key_id=keys[0]["id"] if keys else "",
            enabled=bool(keys) and _is_true(keys[0]["enabled"]),
            apis=tuple(api.removeprefix(f"{self._prefix}-") for api in called),
            rate=throttle.get("rateLimit"),
            burst=throttle.get("burstLimit"),
            per_day=quota.get("limit") if quota.get("period") == "DAY" else None,
            requests=tuple(self._requests(plan["id"], keys[0]["id"], today)) if keys else (),
        )

    def _requests(self, plan: str, key: str, today: date) -> Iterator[int]:
        usage = self._client.get_usage(
            usagePlanId=plan,
            keyId=key,
            startDate=f"{today - timedelta(days=29)}",
            endDate=f"{today}",
        )
        for used, _ in usage.get("items", {}).get(key, []):
            yield int(used)

    def _key_id(self, name: str) -> str:
        if name == DEPLOYMENT:
            return self._own
        keys = self._named_keys(name)
        if not keys:
            raise self._unknown(name)
        return str(keys[0]["id"])

    def _unknown(self, name: str) -> CommandError:
        plans = (self._sender_of(p.get("name", "")) for p in self._all("get_usage_plans"))
        known = sorted([DEPLOYMENT, *(n for n in plans if n)])
        return CommandError(f"key {name!r} is unknown; keys: {', '.join(known)}")

    def _plan(self, name: str) -> dict[str, Any] | None:
        plans = self._all("get_usage_plans")
        return next((plan for plan in plans if plan.get("name") == self._full(name)), None)

    def _named_keys(self, name: str) -> list[dict[str, Any]]:
        keys = self._all("get_api_keys", nameQuery=self._full(name))
        return [key for key in keys if key.get("name") == self._full(name)]

    def _api(self, api: str) -> str:
        name = f"{self._prefix}-{api}"
        ids = [one["id"] for one in self._all("get_rest_apis") if one["name"] == name]
        if not ids:
            raise CommandError(f"the deployment has no API named {api}")
        return str(ids[0])

    def _all(self, operation: str, **query: Any) -> list[dict[str, Any]]:
        pages = self._client.get_paginator(operation).paginate(**query)
        return [item for page in pages for item in page.get("items", [])]

    def _full(self, name: str) -> str:
        return f"{self._prefix}-sender-{name}"

    def _sender_of(self, name: str) -> str | None:
        start = self._full("")
        return name.removeprefix(start) if name.startswith(start) else None


def check_name(name: str) -> None:
    """Raises CommandError for an invalid sender name."""
    if name == DEPLOYMENT or not _NAME.fullmatch(name):
        raise CommandError(
            f"NAME {name!r}: must be 1 to 40 lower case letters, digits and hyphens, and not "
            f"{DEPLOYMENT!r}, which is the deployment's own key"
        )


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"
