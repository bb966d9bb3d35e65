"""EventBridge, SNS, SQS, Secrets Manager and receivers of webhooks, within the services' limits."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from glue import instants
from lambdas.adapters.actions import DynamoActions, key
from lambdas.adapters.buses import EventBus
from lambdas.adapters.queues import SqsQueues
from lambdas.adapters.secrets import SigningKeys
from lambdas.adapters.topics import Topic
from lambdas.adapters.webhooks import Webhook, is_public
from lambdas.ports.actions import (
    Decision,
    Message,
    Outcome,
    Place,
    State,
    Status,
    StoreUnavailable,
    Times,
)
from sdpctl.local.service_models import RefusedRequest
from tests.unit.lambdas.dispatch.receiver import FAILS, receiver
from tests.unit.lambdas.dispatch.world import NOON, MemoryStore, create_table


def decision(id_: str, body: str = "{}", **more: Any) -> Decision:
    """A decision that is due now."""
    values: dict[str, Any] = {
        "id": id_,
        "kind": "shopping",
        "channel": "push",
        "customer": "ada",
        "occurred_at": NOON,
        "body": body,
        "place": Place("s", "h", "1"),
        "outcome": Outcome.DUE,
        "decided_at": NOON,
        "due_at": NOON,
        "expires": NOON + timedelta(days=30),
        "states": {"bus": State(since=NOON)},
    }
    return Decision(**{**values, **more})


class Answers:
    """A client that answers each call with the next answer, and keeps the requests."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.requests = list(answers), list[dict[str, Any]]()

    def _answer(self, **request: Any) -> Any:
        self.requests.append(request)
        return self.answers.pop(0)

    put_events = publish_batch = send_message_batch = get_secret_value = _answer


def test_events_go_to_the_bus_with_the_action_as_their_detail(aws: None) -> None:
    events, sqs = boto3.client("events"), boto3.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:q"
    events.put_rule(Name="all", EventPattern='{"source":["sdp.shop"]}')
    events.put_targets(Rule="all", Targets=[{"Id": "q", "Arn": arn}])
    assert EventBus("shop", "default").send([decision("a-1", '{"data":{"id":"a-1"}}')]) == [None]
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    event = json.loads(message["Body"])
    assert (event["detail-type"], event["detail"]) == ("action", {"data": {"id": "a-1"}})


def test_each_event_of_a_call_has_its_own_result() -> None:
    entries = [{"EventId": "1"}, {"ErrorCode": "InternalFailure", "ErrorMessage": "again"}]
    bus = EventBus("shop", "default", Answers({"FailedEntryCount": 1, "Entries": entries}))
    first, second = bus.send([decision("a-1"), decision("a-2")])
    assert first is None
    assert second is not None
    assert second.reason == "InternalFailure: again"


@pytest.mark.parametrize("kind", ["bus", "topic"])
def test_calls_stay_below_ten_entries_and_256_kb(kind: str) -> None:
    client = Answers(*({"Entries": [{}] * n, "Failed": []} for n in (10, 2, 1, 1)))
    destination = EventBus("s", "b", client) if kind == "bus" else Topic("arn", client)
    assert destination.send([decision(f"a-{n}") for n in range(12)]) == [None] * 12
    large = [decision(f"b-{n}", "x" * 200_000) for n in range(2)]
    assert destination.send(large) == [None] * 2
    lists = [r.get("Entries") or r["PublishBatchRequestEntries"] for r in client.requests]
    assert [len(entries) for entries in lists] == [10, 2, 1, 1]


def test_a_topics_subscribers_can_filter_by_kind_and_channel(aws: None) -> None:
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:123456789012:q",
        Attributes={"FilterPolicy": '{"channel":["push"]}', "RawMessageDelivery": "true"},
    )
    sent = [
        decision("a-1", '{"a":1}'),
        decision("a-2", channel="mail"),
        decision("a-3", channel=""),
    ]
    assert Topic(topic).send(sent) == [None] * 3
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert message["Body"] == '{"a":1}'


def test_each_message_of_a_topic_has_its_own_result() -> None:
    failed = [{"Id": "1", "Code": "Throttled", "Message": "later", "SenderFault": False}]
    first, second = Topic("arn", Answers({"Failed": failed})).send(
        [decision("a-1"), decision("a-2")]
    )
    assert (first, second and second.reason) == (None, "Throttled: later")


def test_a_destination_that_is_missing_fails_each_action(aws: None) -> None:
    failures = Topic("arn:aws:sns:us-east-1:123456789012:absent").send([decision("a-1")])
    assert [bool(failure) for failure in failures] == [True]


def test_messages_are_enqueued_with_their_delay_and_each_has_its_result(aws: None) -> None:
    url = boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    messages = [Message(f"a-{n}", n) for n in range(12)]
    assert SqsQueues({"bus": url}).put("bus", messages) == [None] * 12
    client = Answers({"Failed": [{"Id": "0", "Code": "Busy", "SenderFault": False}]})
    later = Message("a", 0, timedelta(seconds=7.5))
    assert SqsQueues({"bus": "u"}, client).put("bus", [later, later]) == ["Busy", None]
    assert [e["DelaySeconds"] for e in client.requests[0]["Entries"]] == [8, 8]


@pytest.mark.parametrize("entries", [11, 1])
def test_what_sqs_would_refuse_is_refused_here(aws: None, entries: int) -> None:
    sqs = boto3.client("sqs")
    body = "x" if entries > 1 else "x" * 2_000_000
    batch: Any = [{"Id": str(n), "MessageBody": body} for n in range(entries)]
    with pytest.raises(RefusedRequest):
        sqs.send_message_batch(QueueUrl="u", Entries=batch)


@pytest.mark.parametrize("kind", ["events", "sns"])
def test_what_a_destination_would_refuse_for_its_size_is_refused_here(aws: None, kind: str) -> None:
    large = "x" * 140_000
    with pytest.raises(RefusedRequest):
        if kind == "events":
            event: Any = {"Source": "s", "DetailType": "d", "Detail": large}
            boto3.client("events").put_events(Entries=[event, event])
        else:
            entry: Any = [{"Id": n, "Message": large} for n in ("1", "2")]
            boto3.client("sns").publish_batch(TopicArn="t", PublishBatchRequestEntries=entry)


def test_keys_are_read_once_a_minute_and_outlast_an_outage(aws: None) -> None:
    now = [NOON]
    client = boto3.client("secretsmanager")
    client.create_secret(Name="w", SecretString='{"current":"one"}')
    keys = SigningKeys("w", lambda: now[0])
    assert keys() == ["one"]
    client.put_secret_value(SecretId="w", SecretString='{"current":"two"}')
    assert keys() == ["one"]
    now[0] += timedelta(seconds=61)
    assert keys() == ["two"]
    client.delete_secret(SecretId="w", ForceDeleteWithoutRecovery=True)
    now[0] += timedelta(seconds=61)
    assert keys() == ["two"]
    with pytest.raises(StoreUnavailable):
        SigningKeys("w", lambda: NOON)()


# --- webhooks


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("::ffff:10.1.2.3", False),
        ("64:ff9b::a01:203", False),
        ("2002:a01:203::1", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.fixture
def post() -> Iterator[Any]:
    """Sends one action to a URL; what the receiver got, and why it failed."""
    with receiver() as one:

        def send(url: str, addresses: list[str], *, public: bool = True) -> Any:
            url = url.replace("PORT", str(one.port))
            hook = Webhook(url, lambda _: {}, public=public, resolve=lambda *_: addresses)
            (failure,) = hook.send([decision("a-1")])
            return failure, one.arrivals

        yield send


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://example.com:PORT/", ["93.184.216.34"]),
        ("https://inside.example.com:PORT/", ["10.0.0.1"]),
        ("https://both.example.com:PORT/", ["93.184.216.34", "127.0.0.1"]),
        ("https://none.example.com:PORT/", []),
    ],
)
def test_nothing_is_sent_into_private_networks_or_without_tls(
    post: Any, url: str, addresses: list[str]
) -> None:
    failure, arrivals = post(url, addresses)
    assert failure.reason.startswith("WebhookError: ")
    assert arrivals == []


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(post: Any) -> None:
    """The name does not exist: it is not looked up a second time."""
    failure, arrivals = post("http://absent.invalid:PORT/a?b=c", ["127.0.0.1"], public=False)
    assert failure is None
    assert arrivals[0].path == "/a?b=c"
    assert arrivals[0].headers["host"].startswith("absent.invalid:")


def test_what_cannot_have_been_received_is_known() -> None:
    with receiver(FAILS, listens=False) as one:
        hook = Webhook(one.url, lambda _: {}, public=False)
        (unreached,) = hook.send([decision("a-1")])
        one.start()
        (answered,) = hook.send([decision("a-1")])
    assert unreached is not None and not unreached.received
    assert answered is not None and answered.received


def test_tls_is_checked_against_the_hosts_name(post: Any) -> None:
    """The receiver speaks no TLS at all; that ends the attempt, it is not sent in the clear."""
    failure, arrivals = post("https://example.com:PORT/", ["127.0.0.1"], public=False)
    assert "SSL" in failure.reason
    assert not failure.received
    assert arrivals == []


# --- the table


@pytest.fixture(params=["table", "memory"])
def store(request: pytest.FixtureRequest) -> Any:
    """The real one, and the one that the tests of dispatch use in its place."""
    if request.param == "memory":
        return MemoryStore()
    request.getfixturevalue("aws")
    create_table(boto3.client("dynamodb"), "t")
    return DynamoActions("t")


def test_a_decision_is_read_as_it_was_stored_first(store: Any) -> None:
    stored = decision("ü" * 200, '{"a":"ü"}')
    assert store.enter(stored, None, None)
    assert store.action(stored.id) == stored
    assert not store.enter(decision(stored.id, "other"), None, None)
    again = Times({stored.id: NOON})
    assert not store.enter(decision(stored.id, "other"), store.times("ada"), again)
    assert store.times("ada") == Times()
    assert store.action(stored.id) == stored
    assert store.action("absent") is None


def test_only_one_of_two_that_saw_the_same_times_enters(store: Any) -> None:
    seen, one = store.times("ada"), Times({"a-1": NOON})
    assert store.enter(decision("a-1"), seen, one)
    assert not store.enter(decision("a-2"), seen, one)
    assert not store.change("ada", seen, one, NOON)
    assert store.action("a-2") is None
    both = Times({"a-1": NOON, "a-2": NOON}, {"a-1": NOON + timedelta(milliseconds=1)})
    assert store.enter(decision("a-2"), store.times("ada"), both)
    assert store.times("ada") == replace(both, version=2)
    assert not store.enter(decision("a-3"), replace(one, version=1), both)
    assert store.change("ada", store.times("ada"), one, NOON)
    assert store.times("ada") == replace(one, version=3)
    assert not store.change("ada", replace(both, version=2), both, NOON)
    assert store.change("bob", Times(), one, NOON)
    assert store.times("bob") == replace(one, version=1)


def test_the_times_of_an_earlier_version_are_planned_ones(aws: None) -> None:
    client = boto3.client("dynamodb")
    create_table(client, "t")
    millis = {"N": str(instants.to_millis(NOON))}
    former = {**key("customer", "ada"), "times": {"L": [millis, millis]}, "version": {"N": "2"}}
    client.put_item(TableName="t", Item=former)
    store = DynamoActions("t")
    times = store.times("ada")
    assert sorted(times.planned.values()) == [NOON, NOON] and not times.handed
    assert store.change("ada", times, replace(times, handed={"a-1": NOON}), NOON)
    assert store.times("ada") == replace(times, handed={"a-1": NOON}, version=3)


def test_only_one_of_two_messages_settles_an_attempt(store: Any) -> None:
    store.enter(decision("a-1"), None, None)
    failed = State(1, 1, NOON, NOON + timedelta(seconds=5), owner="m-1", error="down", at=NOON)
    assert store.settle("a-1", "bus", 0, failed)
    assert not store.settle("a-1", "bus", 0, State(1, owner="m-2"))
    sent = State(2, 1, NOON, NOON, Status.SENT, "m-1", "", NOON)
    assert store.settle("a-1", "bus", 1, sent)
    assert not store.settle("a-1", "bus", 2, State(3, owner="m-1"))
    assert store.action("a-1").states == {"bus": sent}


def test_a_destination_is_enabled_until_it_is_disabled(store: Any) -> None:
    assert store.disabled("webhook") is None
    store.disable("webhook", "https://a", NOON)
    assert store.disabled("webhook") == {"url": "https://a", "at": "2026-03-01T12:00:00.000Z"}
    assert store.disabled("bus") is None
