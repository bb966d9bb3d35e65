"""The headers of Standard Webhooks, against the specification's example and another computation."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lambdas.adapters.clock import now
from lambdas.adapters.secrets import valid_keys
from lambdas.dispatch.signing import headers, webhook_id

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"k" * 32).decode()
AT = datetime(2026, 3, 1, 12, 0, 7, 900_000, tzinfo=UTC)


def test_the_example_of_the_specification_has_its_signature() -> None:
    """https://github.com/standard-webhooks/standard-webhooks, spec: "Signature scheme"."""
    at = datetime.fromtimestamp(1614265330, UTC)
    made = headers([KEY], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_two_keys_are_valid_either_verifies() -> None:
    made = headers([OTHER, KEY], "a-1", AT, '{"ü":1}')
    signatures = made["webhook-signature"].split(" ")
    for key, signature in zip((OTHER, KEY), signatures, strict=True):
        secret = base64.b64decode(key.removeprefix("whsec_"))
        signed = f'a-1.{int(AT.timestamp())}.{{"ü":1}}'.encode()
        digest = hmac.new(secret, signed, hashlib.sha256).digest()
        assert signature == f"v1,{base64.b64encode(digest).decode()}"


def test_a_receiver_with_the_standards_library_accepts_now_and_no_other_body() -> None:
    made = headers([OTHER, KEY], "a-1", now(), "{}")
    assert Webhook(KEY).verify("{}", made) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(KEY).verify('{"more":1}', made)


@pytest.mark.parametrize(
    ("id_", "sent"),
    [
        ("shopping:card-1:e-5.2", "shopping:card-1:e-5.2"),
        ("a b", "a%20b"),
        ("a%20b", "a%2520b"),
        ("ü\r\nx-api-key: 1", "%C3%BC%0D%0Ax-api-key:%201"),
    ],
)
def test_an_id_fits_into_a_header_whatever_a_sender_has_put_into_it(id_: str, sent: str) -> None:
    assert webhook_id(id_) == sent


def test_ids_that_are_too_long_stay_different() -> None:
    made = {webhook_id("x" * 300 + end) for end in ("1", "2")}
    assert len(made) == 2
    assert all(len(name) <= 256 for name in made)


def test_the_previous_key_is_valid_until_its_end() -> None:
    document = {"current": OTHER, "previous": KEY, "previous_until": "2026-03-02T00:00:00.000Z"}
    assert valid_keys(document, AT) == [OTHER, KEY]
    assert valid_keys(document, AT + timedelta(hours=12)) == [OTHER]
    assert valid_keys({"current": KEY}, AT) == [KEY]
