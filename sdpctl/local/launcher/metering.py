"""API Gateway: requests are counted for each key of a usage plan, and GetUsage returns the counts.

The emulator enforces keys, rates and quotas, and has no GetUsage. As on AWS, a usage plan that has
stages cannot be deleted, a key is in at most one usage plan of a stage, and a key that is disabled
is refused. Counts are those of this process: a restart begins with none.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from types import ModuleType
from typing import Any

from ministack.services import apigateway_v1 as apigateway

REPLACED: dict[Callable[..., Any], list[str]] = {
    apigateway._check_quota: ["key", "api_id", "stage_name"],
    apigateway._create_usage_plan_key: ["plan_id", "data"],
    apigateway._delete_usage_plan: ["plan_id"],
    apigateway._update_api_key: ["key_id", "data"],
    apigateway.handle_request: ["method", "path", "headers", "body", "query_params"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    apigateway: (
        "_usage_plans",
        "_usage_plan_keys",
        "_usage_plans_for_key",
        "_v1_error",
        "_v1_response",
        "_qp",
    )
}
_check = apigateway._check_quota
_create = apigateway._create_usage_plan_key
_delete = apigateway._delete_usage_plan
_handle = apigateway.handle_request
_update = apigateway._update_api_key
_counts: Counter[tuple[str, str, str]] = Counter()  # usage plan, key, day


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    apigateway._check_quota = _check_quota
    apigateway._create_usage_plan_key = _create_usage_plan_key
    apigateway._delete_usage_plan = _delete_usage_plan
    apigateway._update_api_key = _update_api_key
    apigateway.handle_request = _handle_request


def _check_quota(key: dict[str, Any] | None, api_id: str, stage_name: str) -> Any:
    error = _check(key, api_id, stage_name)
    if key is not None and error is None:
        for plan_id, _, _ in apigateway._usage_plans_for_key(key["id"], api_id, stage_name):
            _counts[plan_id, key["id"], f"{datetime.now(UTC):%Y-%m-%d}"] += 1
    return error


def _create_usage_plan_key(plan_id: str, data: dict[str, Any]) -> Any:
    key_id = data.get("keyId", "")
    for stage in (apigateway._usage_plans.get(plan_id) or {}).get("apiStages") or []:
        if apigateway._usage_plans_for_key(key_id, stage["apiId"], stage["stage"]):
            text = "Conflict: the API key is in another usage plan of the same stage"
            return apigateway._v1_error("ConflictException", text, 409)
    return _create(plan_id, data)


def _delete_usage_plan(plan_id: str) -> Any:
    if (apigateway._usage_plans.get(plan_id) or {}).get("apiStages"):
        text = f"Cannot delete Usage Plan {plan_id} because it has API stages associated with it"
        return apigateway._v1_error("BadRequestException", text, 400)
    return _delete(plan_id)


def _update_api_key(key_id: str, data: dict[str, Any]) -> Any:
    """A patch has texts as values: `false` must not be taken for true."""
    for operation in data.get("patchOperations", []):
        if operation.get("path") == "/enabled":
            operation["value"] = str(operation["value"]).lower() == "true"
    return _update(key_id, data)


async def _handle_request(
    method: str, path: str, headers: Any, body: Any, query_params: dict[str, Any]
) -> Any:
    match method, path.strip("/").split("/"):
        case "GET", ["usageplans", plan_id, "usage"]:
            return _usage(plan_id, query_params)
    return await _handle(method, path, headers, body, query_params)


def _usage(plan_id: str, query: dict[str, Any]) -> Any:
    plan = apigateway._usage_plans.get(plan_id)
    if not plan:
        return apigateway._v1_error("NotFoundException", "Invalid Usage Plan identifier", 404)
    start, end = (str(apigateway._qp(query, name)) for name in ("startDate", "endDate"))
    key_id = apigateway._qp(query, "keyId")
    keys = [
        key for key in apigateway._usage_plan_keys.get(plan_id, {}) if key_id in (None, "", key)
    ]
    days = [*_days(start, end)]
    limit = (plan.get("quota") or {}).get("limit")
    values = {key: [_day(plan_id, key, day, limit) for day in days] for key in keys}
    usage = {"usagePlanId": plan_id, "startDate": start, "endDate": end, "values": values}
    return apigateway._v1_response(json.loads(json.dumps(usage)))


def _day(plan_id: str, key: str, day: str, limit: Any) -> list[int]:
    """How many requests, and how many are left of the quota."""
    used = _counts[plan_id, key, day]
    return [used, int(limit) - used if limit is not None else 0]


def _days(start: str, end: str) -> Iterator[str]:
    day = date.fromisoformat(start)
    while day <= date.fromisoformat(end):
        yield day.isoformat()
        day += timedelta(days=1)
