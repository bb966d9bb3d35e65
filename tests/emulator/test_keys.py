"""A key for each sender, over the emulator's API Gateway: limited, metered and revoked alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from sdpctl import clock
from sdpctl.errors import CommandError
from sdpctl.keys import DEPLOYMENT, Keys, Limits
from sdpctl.settings import Settings

Call = Callable[[str, str], int]
GENEROUS = Limits(rate=100, burst=200)


@pytest.fixture(scope="module")
def apis(client: Callable[[str], Any]) -> dict[str, str]:
    """Two of the platform's APIs, whose one method wants a key and answers 200 itself."""
    gateway = client("apigateway")
    found = {}
    for name in ("ingestion", "reports"):
        api = gateway.create_rest_api(name=f"sdp-{name}")["id"]
        root = gateway.get_resources(restApiId=api)["items"][0]["id"]
        place: dict[str, Any] = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
        gateway.put_method(**place, authorizationType="NONE", apiKeyRequired=True)
        template = {"application/json": '{"statusCode": 200}'}
        gateway.put_integration(**place, type="MOCK", requestTemplates=template)
        gateway.put_method_response(**place, statusCode="200")
        gateway.put_integration_response(**place, statusCode="200")
        gateway.create_deployment(restApiId=api, stageName="v1")
        found[name] = api
    return found


@pytest.fixture
def call(settings: Settings, apis: dict[str, str]) -> Call:
    """The status of a request to an API with a key."""

    def get(api: str, key: str) -> int:
        url = f"{settings.endpoint}/restapis/{apis[api]}/v1/_user_request_/"
        return httpx.get(url, headers={"x-api-key": key}).status_code

    return get


@pytest.fixture
def keys(client: Callable[[str], Any], apis: dict[str, str]) -> Keys:
    """The senders of a deployment whose own key may call both APIs."""
    gateway = client("apigateway")
    own = gateway.create_api_key(name="own", enabled=True)["id"]
    stages = [{"apiId": api, "stage": "v1"} for api in apis.values()]
    plan = gateway.create_usage_plan(name="the deployment's", apiStages=stages)["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=own, keyType="API_KEY")
    return Keys(gateway, "sdp", own)


def requests(keys: Keys) -> dict[str, int]:
    return {s.name: sum(s.requests) for s in keys.senders(clock.now().date())}


def test_a_key_is_for_what_it_was_made_for(keys: Keys, call: Call) -> None:
    key = keys.create("narrow", ["ingestion"], GENEROUS)
    assert keys.value("narrow") == key
    assert call("ingestion", key) == 200
    assert call("reports", key) == 403
    wide = keys.create("wide", ["ingestion", "reports"], GENEROUS)
    assert [call(api, wide) for api in ("ingestion", "reports")] == [200, 200]


def test_each_sender_is_metered_alone(keys: Keys, call: Call) -> None:
    one, other = (keys.create(name, ["ingestion"], GENEROUS) for name in ("one", "other"))
    for key in (one, one, one, other):
        assert call("ingestion", key) == 200
    found = requests(keys)
    assert (found["one"], found["other"]) == (3, 1)


def test_a_sender_who_has_used_up_its_day_stops_no_other(keys: Keys, call: Call) -> None:
    small = keys.create("small", ["ingestion"], Limits(100, 200, per_day=2))
    large = keys.create("large", ["ingestion"], GENEROUS)
    assert [call("ingestion", small) for _ in range(3)] == [200, 200, 429]
    assert call("ingestion", large) == 200


def test_a_revoked_key_is_refused_and_the_others_are_not(
    keys: Keys, call: Call, client: Callable[[str], Any]
) -> None:
    gone, left = (keys.create(name, ["ingestion"], GENEROUS) for name in ("gone", "left"))
    keys.revoke("gone")
    assert (call("ingestion", gone), call("ingestion", left)) == (403, 200)
    assert "gone" not in requests(keys)
    plans = client("apigateway").get_usage_plans(limit=500)["items"]
    assert "sdp-sender-gone" not in {plan["name"] for plan in plans}
    with pytest.raises(CommandError, match="key 'gone' is unknown"):
        keys.revoke("gone")
    again = keys.create("gone", ["ingestion"], GENEROUS)
    assert call("ingestion", again) == 200


def test_a_revocation_that_stopped_half_way_is_completed_by_the_next(
    keys: Keys, client: Callable[[str], Any]
) -> None:
    keys.create("halfway", ["ingestion"], GENEROUS)
    gateway = client("apigateway")
    (key,) = gateway.get_api_keys(nameQuery="sdp-sender-halfway")["items"]
    gateway.delete_api_key(apiKey=key["id"])
    keys.revoke("halfway")
    assert "halfway" not in requests(keys)


def test_the_deployments_own_key_is_rotated_without_a_gap(keys: Keys, call: Call) -> None:
    own = keys.value(DEPLOYMENT)
    following = keys.create("following", ["ingestion", "reports"], GENEROUS)
    assert [call("reports", key) for key in (own, following)] == [200, 200]
    keys.revoke(DEPLOYMENT)
    assert [call("reports", key) for key in (own, following)] == [403, 200]
    assert [s.enabled for s in keys.senders(clock.now().date()) if s.name == DEPLOYMENT] == [False]
    keys.restore()
    assert call("reports", own) == 200


@pytest.mark.parametrize("name", ["deployment", "", "Partner", "a b", "-a", "a" * 41])
def test_a_name_that_cannot_be_is_refused(keys: Keys, name: str) -> None:
    with pytest.raises(CommandError, match="1 to 40 lower case letters"):
        keys.create(name, ["ingestion"], GENEROUS)


def test_a_name_is_given_once(keys: Keys) -> None:
    keys.create("twice", ["ingestion"], GENEROUS)
    with pytest.raises(CommandError, match="twice already has a key"):
        keys.create("twice", ["ingestion"], GENEROUS)


def test_an_api_that_is_not_deployed_is_named_and_leaves_nothing_behind(keys: Keys) -> None:
    with pytest.raises(CommandError, match="no API named predictions"):
        keys.create("nowhere", ["predictions"], GENEROUS)
    assert "nowhere" not in requests(keys)


def test_the_emulator_refuses_what_aws_refuses(
    keys: Keys, client: Callable[[str], Any], apis: dict[str, str]
) -> None:
    """A plan with stages is not deleted; a key is in one plan of a stage."""
    gateway = client("apigateway")
    keys.create("strict", ["ingestion"], GENEROUS)
    plans = {plan["name"]: plan["id"] for plan in gateway.get_usage_plans(limit=500)["items"]}
    with pytest.raises(ClientError, match="has API stages associated"):
        gateway.delete_usage_plan(usagePlanId=plans["sdp-sender-strict"])
    (key,) = gateway.get_api_keys(nameQuery="sdp-sender-strict")["items"]
    stage = {"apiId": apis["ingestion"], "stage": "v1"}
    second = gateway.create_usage_plan(name="second", apiStages=[stage])["id"]
    with pytest.raises(ClientError, match="another usage plan"):
        gateway.create_usage_plan_key(usagePlanId=second, keyId=key["id"], keyType="API_KEY")


def test_a_key_that_could_not_be_completed_leaves_nothing(
    keys: Keys, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "CreateUsagePlan")

    monkeypatch.setattr(keys._client, "create_usage_plan", refused)
    with pytest.raises(ClientError):
        keys.create("partner-halfway", ["ingestion"], GENEROUS)
    monkeypatch.undo()
    names = [key["name"] for key in client("apigateway").get_api_keys(limit=500)["items"]]
    assert not [name for name in names if "partner-halfway" in name]
    assert keys.create("partner-halfway", ["ingestion"], GENEROUS)
