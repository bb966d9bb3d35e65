"""Machines on the running platform, over HTTP and over MQTT: pairs and report equal the truth.

Both ways are taken at the same time, by machines of their own. What they measure is shuffled within
`WatermarkDelay`, and a fifth is sent twice. Meanwhile all connections to the broker are lost five
times, in two of which it is killed, and the Flink process is killed. SDP_TEST_MESSAGES is the
number of distinct measurements over each way, 2,000 by default, SDP_KILLS how often Flink is
killed, once by default. The moments come from SDP_SEED, which is printed, and is another one in
each run unless it is given.
"""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import orjson
import pytest

import usecases
from datagen import Generation
from datagen import Settings as Shape
from glue.instants import from_millis, parse, to_wire
from glue.parameters import parse_duration
from sdpctl.publishing import Broker, Publisher
from sdpctl.sending import Tally, read_lines
from sdpctl.settings import Settings
from tests import asof
from tests.flink import machines, pipelines
from tests.local import evolving
from tests.local.audits import Ledger
from tests.local.commands import sdp
from tests.local.driver import Driver, Event, batches, wait_until
from tests.local.evolving import Whole
from tests.local.machine import Machine
from usecases.machines import generator

EVENTS = int(os.environ.get("SDP_TEST_MESSAGES", "2000"))
RATE = 100.0  # so that what a connection has under way is less than a second of event time
LOSSES, BROKER_KILLS = 5, 2  # of all connections
KILLS = int(os.environ.get("SDP_KILLS", "1"))  # of Flink
SEED = int(os.environ.get("SDP_SEED") or SystemRandom().randrange(1_000_000))
BATCH = 200
SECONDS = 240
JOINED = (generator.SPEED, generator.TORQUE)
(MACHINES,) = usecases.load(("machines",)).use_cases
APPLICATION = "sdp-machines"
DELAY = MACHINES.configured({}).watermark_delay
Row = dict[str, Any]


@dataclass(frozen=True)
class Flow:
    """Measurements in the order in which they are sent, and what must come of them."""

    events: list[Event]
    truth: dict[str, Any]

    @classmethod
    def make(cls, start: datetime, seed: int, late: float) -> Flow:
        """Generated ones; behind them those with which all pairs are final."""
        shape = Shape(
            events=EVENTS,
            start=start,
            seed=seed,
            rate=RATE,
            duplicates=0.2,
            shuffle=timedelta(seconds=4),
            late=late,
            period=timedelta(minutes=1),
        )
        generation = Generation(MACHINES, generator, shape)
        events = list(generation)
        return cls([*events, *generation.closing(DELAY)], generation.truth())

    @property
    def things(self) -> list[str]:
        """The machines that have pairs."""
        return list(self.truth["reports"]["machines"])


@dataclass(frozen=True)
class Sent:
    """Everything that was sent; `before` are the jobs when that began.

    `version` is that of `power` which is in force; on a kept platform there are earlier ones.
    """

    http: Flow
    mqtt: Flow
    before: dict[str, dict[str, Any]]
    ledger: Ledger
    version: int

    @property
    def flows(self) -> tuple[Flow, Flow]:
        """Both ways."""
        return self.http, self.mqtt

    @property
    def things(self) -> list[str]:
        """The machines that have pairs."""
        return self.http.things + self.mqtt.things

    def expected(self, stream: str) -> list[Row]:
        """The rows of a record."""
        rows = [row for flow in self.flows for row in flow.truth["records"][stream]]
        of = {"join_version": self.version} if stream == generator.PAIRS else {}
        return [{**row, **of} for row in rows]


@pytest.fixture(scope="module")
def user(settings: Settings, whole: Whole) -> Driver:
    """Sends and reads measurements."""
    return whole.driver(settings, "machines")


@pytest.fixture(scope="module")
def sent(user: Driver, settings: Settings, machine: Machine, whole: Whole) -> Sent:
    """Once all of it was acknowledged."""
    ledger = Ledger.now(settings, "machines", whole.tree)
    start = datetime.now(UTC) + timedelta(seconds=20)
    http, mqtt = Flow.make(start, 1, late=0.02), Flow.make(start, 2, late=0.0)
    before = evolving.jobs(settings)
    assert MACHINES.mqtt
    broker = Broker(whole.outputs["UrlForMQTT"], user.key, {"measurement": MACHINES.mqtt})
    tally = Tally()
    publisher = Publisher(broker, tally)
    lines = _side_by_side(mqtt.events, http.events, user, machine, publisher)
    publisher.send(read_lines(lines, tally, name=False), rate=None)
    assert (tally.accepted, tally.unanswered) == (len(mqtt.events), 0), tally
    return Sent(http, mqtt, before, ledger, _newest(whole))


@dataclass(frozen=True)
class Accidents:
    """After how many messages what is killed, and when all connections are lost as well."""

    jobs: frozenset[int]
    brokers: frozenset[int]
    connections: frozenset[int]

    @classmethod
    def made(cls, seed: int, messages: int) -> Accidents:
        """From a seed, at any moment."""
        random = Random(f"accidents/{seed}")
        jobs = random.sample(range(1, messages), KILLS)
        losses = random.sample(range(1, messages), LOSSES)
        return cls(
            frozenset(jobs), frozenset(losses[:BROKER_KILLS]), frozenset(losses[BROKER_KILLS:])
        )

    def __str__(self) -> str:
        """To be run again."""
        return (
            f"SDP_SEED={SEED} SDP_KILLS={KILLS}: Flink is killed after {sorted(self.jobs)} "
            f"messages, the broker after {sorted(self.brokers)}, connections are lost after "
            f"{sorted(self.connections)}"
        )


def _side_by_side(
    mqtt: list[Event], http: list[Event], user: Driver, machine: Machine, publisher: Publisher
) -> Iterator[bytes]:
    """The messages to publish; the others are sent, and processes killed, while they are read."""
    parts = batches(http, BATCH)
    accidents = Accidents.made(SEED, len(mqtt))
    print(f"{accidents} of {len(mqtt)}")
    for number, event in enumerate(mqtt):
        if number % BATCH == 0:
            user.send(next(parts, []))
        if number in accidents.jobs:
            machine.kill_flink(APPLICATION)
        if number in accidents.brokers:
            machine.kill_broker()
        if number in accidents.connections:
            _lose_connections(publisher)
        yield orjson.dumps(event)
    for part in parts:
        user.send(part)


def _lose_connections(publisher: Publisher) -> None:
    for thing in publisher._things.values():
        connection = thing.client.socket()
        if isinstance(connection, socket.socket):  # it may be about to connect again
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def test_the_report_of_each_machine_equals_the_truth_after_kills_of_job_and_broker(
    user: Driver, settings: Settings, sent: Sent
) -> None:
    expected = {
        k: row for flow in sent.flows for k, row in flow.truth["reports"]["machines"].items()
    }

    def totals() -> dict[str, Row]:
        answers = {thing: user.get(f"machines/{thing}").json() for thing in expected}
        return {thing: {n: answers[thing].get(n) for n in row} for thing, row in expected.items()}

    expected = {thing: {**row, **_ratios(row)} for thing, row in expected.items()}
    assert sum(row["count"] for row in expected.values()) > EVENTS
    wait_until(lambda: totals() == expected, SECONDS, lambda: f"{totals()}, expected {expected}")
    job = evolving.jobs(settings)[APPLICATION]
    assert job["restarts"] >= sent.before[APPLICATION]["restarts"] + KILLS
    assert job["restored_from"] or not KILLS


def _ratios(row: Row) -> Row:
    """What is of the sums: the mean, and the share of the time in each load band."""
    loads = [row[f"load_{n}"] for n in range(1, 6)]
    shares = {f"share_{n}": load / sum(loads) for n, load in enumerate(loads, 1)}
    return {"mean": row["total"] / row["count"], **shares}


def test_each_minute_of_a_machine_equals_the_truth(user: Driver, sent: Sent) -> None:
    expected = [row for flow in sent.flows for row in flow.truth["periods"]["machines"]]
    answers = {t: user.get(f"machines/{t}/period", period="MINUTES").json() for t in sent.things}
    found = [
        {"thing": thing, **{n: row[n] for n in row.keys() & expected[0].keys()}}
        for thing, answer in answers.items()
        for row in answer["rows"]
    ]
    for row in expected:
        assert parse(row["period_start"]).timestamp() == row.pop("period")
    assert _sorted(map(_with_moments, found)) == _sorted(map(_with_moments, expected))


def test_each_pair_is_final_once_in_the_stream(user: Driver, sent: Sent) -> None:
    rows = [row for row in user.records("pairs") if row["thing"] in sent.things]
    final = [_with_moments(row) for row in rows if row["status"] == "final"]
    expected = [_with_moments(row) for row in sent.expected("pairs")]
    # What a killed process had written since its checkpoint is written again, as it was.
    assert _distinct(final) == _sorted(expected)


def test_each_pair_is_power_once(user: Driver, sent: Sent) -> None:
    rows = [row for row in user.records("power") if row["thing"] in sent.things]
    expected = [_with_moments(row) for row in sent.expected("power")]
    assert _distinct([_with_moments(row) for row in rows]) == sorted(set(_sorted(expected)))


def test_only_repetitions_and_late_measurements_are_dead_letters(user: Driver, sent: Sent) -> None:
    http, mqtt = _reasons(user, sent)
    expected = {reason: n for reason, n in sent.http.truth["dead_letters"].items() if n}
    assert http == expected and set(expected) == {"duplicate", "late"}
    # A message whose acknowledgement a killed broker owed is published once more.
    assert set(mqtt) == {"duplicate"}
    assert mqtt["duplicate"] >= sent.mqtt.truth["dead_letters"]["duplicate"] > EVENTS / 6


def _reasons(user: Driver, sent: Sent) -> list[Counter[str]]:
    """The dead letters of both ways."""
    letters = {row["id"]: row for row in user.records("dead-letters")}
    ids = [{event["event_id"] for event in flow.events} for flow in sent.flows]
    return [
        Counter(row["reason"] for row in letters.values() if row.get("event_id") in own)
        for own in ids
    ]


def test_each_measurement_has_one_outcome_in_the_ledger_or_is_open(
    user: Driver, sent: Sent
) -> None:
    """Those over MQTT are counted as often as a message is in its rule's stream."""
    topics = [str(row["topic"]).split("/") for row in user.records("mqtt")]
    things = {event["thing"] for event in sent.mqtt.events}
    quantities = [event["quantity"] for event in sent.http.events]
    quantities += [quantity for _, thing, quantity in topics if thing in things]
    received, filtered = len(quantities), sum(1 for q in quantities if q not in JOINED)
    reasons = sum(_reasons(user, sent), Counter())
    found: Counter[str] = Counter()

    def balanced() -> bool:
        found.clear()
        found.update(sent.ledger.since())
        return found["ok"] == received and not found["unread"]

    wait_until(balanced, SECONDS, lambda: f"{found}, received {received}")
    assert (found["filtered"], found["late"]) == (filtered, reasons["late"])
    assert found["duplicate"] + found["redelivered"] == reasons["duplicate"]
    refused = found["filtered"] + found["late"] + found["duplicate"]
    assert found["counted"] + found["waiting"] == received - refused
    assert found["counted"] > EVENTS > abs(found["waiting"])


# joins that change --------------------------------------------------------------------------------

JOINS = "machines/join"  # where their definitions are
BEFORE, AFTER, APART = 2_000, 3_000, 130
QUANTITIES = (machines.SPEED, machines.TORQUE, machines.HEAT)


@dataclass(frozen=True)
class Changing:
    """Measurements of one machine around changes of joins; these are the versions in force."""

    thing: str
    events: list[Event]
    joins: machines.Joins
    ledger: Ledger


@pytest.fixture(scope="module")
def changing(user: Driver, settings: Settings, whole: Whole, sent: Sent) -> Changing:
    """Once all of it was accepted. `power` changes for two seconds, and another join begins."""
    ledger = Ledger.now(settings, "machines", whole.tree)
    first = pipelines.at({"occurred_at": to_wire(datetime.now(UTC))}) + 6_000
    joins = _changed(whole, first)
    events = list(_measured(first))
    for part in batches(events, 20):
        user.send(part)
    return Changing(events[0]["thing"], events, joins, ledger)


def test_each_measurement_is_joined_by_the_versions_in_force_at_its_own_time(
    user: Driver, changing: Changing
) -> None:
    """At each edge there are samples."""
    thing, events, joins = changing.thing, changing.events, changing.joins
    expected = _sorted(machines.pairs(events, joins))
    versions = Counter(
        (row["join_name"], row["join_version"]) for row in machines.pairs(events, joins)
    )
    assert set(versions) == {(join.name, join.version) for join in joins}

    def final() -> list[tuple[Any, ...]]:
        rows = [row for row in user.records("pairs") if row["thing"] == thing]
        return _distinct([_with_moments(row) for row in rows if row["status"] == "final"])

    wait_until(lambda: final() == expected, SECONDS, lambda: f"{final()}, expected {expected}")
    rows = [_with_moments(row) for row in user.records("power") if row["thing"] == thing]
    power = map(machines.power, machines.pairs(events, machines.of_power(joins)))
    assert _distinct(rows) == sorted(set(_sorted(power)))
    filtered = sum(1 for event in events if not machines.is_taken(event, joins))
    found: Counter[str] = Counter()

    def balanced() -> bool:
        found.clear()
        found.update(changing.ledger.since())
        return (found["ok"], found["unread"]) == (len(events), 0)

    wait_until(balanced, SECONDS, lambda: f"{found} of {len(events)}")
    assert found["filtered"] == filtered > 0
    assert found["counted"] + found["waiting"] == len(events) - filtered


def test_the_pairs_of_the_lake_are_those_of_asof_joins_by_each_version_in_force(
    user: Driver, settings: Settings, whole: Whole, sent: Sent, changing: Changing
) -> None:
    """Of all machines of this module; the versions are those that the definitions' API has."""
    things = {*sent.things, changing.thing}
    joins = list(_versions(whole, {join.name for join in changing.joins}))

    def own(pairs: set[asof.Pair]) -> set[asof.Pair]:
        return {pair for pair in pairs if pair[0] in things}

    def found() -> tuple[set[asof.Pair], set[asof.Pair]]:
        measured, paired = (_files(settings, whole.tree, n) for n in ("measurements", "pairs"))
        return own(asof.pairs_of_files(measured, joins)), own(asof.final_pairs(paired))

    rows = [*machines.pairs(changing.events, changing.joins)]
    rows += map(_with_moments, sent.expected("pairs"))
    expected = set(map(asof.pair_of, rows))
    versions = {(join.name, join.version) for join in changing.joins}
    assert {pair[-2:] for pair in expected} == versions
    user.invoke("LakeFunction")
    wait_until(
        lambda: found() == (expected, expected),
        SECONDS,
        lambda: f"{[len(pairs ^ expected) for pairs in found()]} pairs differ",
    )


def _changed(whole: Whole, first: int) -> machines.Joins:
    """The join `power` until `first`, for two seconds another one, then the same; and a new one.

    The new one ends, so that no other test has its pairs.
    """
    start, (speed, torque) = first - pipelines.START, JOINED
    before = _newest(whole)
    other = machines.Join("power", before + 1, start, start + 2_000, torque, speed, 0)
    same = machines.Join(
        "power", before + 2, start + 2_000, machines.NEVER, speed, torque, machines.DISTANCE
    )
    end = start + AFTER + 20_000
    new = machines.Join(f"heat-{first}", 1, start, end, machines.HEAT, speed, 1_000)
    for join in (other, same, new):
        _define(whole, join)
    _end(whole, new)
    earlier = machines.Join(
        "power", before, -machines.NEVER, start, speed, torque, machines.DISTANCE
    )
    return (earlier, other, same, new)


def _newest(whole: Whole) -> int:
    """The version of `power` that is in force."""
    return max(j.version for j in _versions(whole, set()) if j.name == "power")


def _versions(whole: Whole, names: AbstractSet[str]) -> Iterator[asof.Version]:
    """Every version of these joins, and of those that have not ended, as the API has them.

    With the time in which it is in force.
    """
    first = asof.DEFAULT[0]
    found = whole.definitions("GET", JOINS, 200, params={"limit": "100"})
    listed = {row["name"] for row in found["definitions"]}
    history = {"history": "true", "limit": "100"}
    for name in sorted(names | listed | {first.name}):
        rows = []
        if name in names | listed:
            rows = whole.definitions("GET", f"{JOINS}/{name}", 200, params=history)["versions"]
        starts = [pipelines.at({"occurred_at": row["valid_from"]}) for row in rows]
        ends = [asof.NEVER, *starts]  # the newest comes first
        if name == first.name:
            yield first._replace(end=ends[-1])
        for row, start, end in zip(rows, starts, ends, strict=False):
            if not row["ended"]:
                body = row["definition"]
                yield asof.Version(
                    name, row["version"], start, end, body["r"], body["s"], _distance(body)
                )


def _distance(body: Row) -> int:
    """Milliseconds."""
    return parse_duration(body["distance"]) // timedelta(milliseconds=1)


def _define(whole: Whole, join: machines.Join) -> None:
    valid_from = to_wire(from_millis(pipelines.START + int(join.start)))
    distance = f"PT{join.distance // 1000}S"
    body = {"r": join.r, "s": join.s, "distance": distance, "valid_from": valid_from}
    made = whole.definitions("PUT", f"{JOINS}/{join.name}", 201, json=body)
    assert made["version"] == join.version


def _end(whole: Whole, join: machines.Join) -> None:
    valid_from = to_wire(from_millis(pipelines.START + int(join.end)))
    whole.definitions("DELETE", f"{JOINS}/{join.name}", 200, params={"valid_from": valid_from})


def _measured(first: int) -> Iterator[Event]:
    """Three quantities around an instant, at times of their own and at one time.

    The last ones come so long after the others, and apart, that all pairs are final.
    """
    thing = f"changing-{first}"
    for number, moment in enumerate(range(-BEFORE, AFTER, APART)):
        yield _measurement(thing, first + moment, QUANTITIES[number % 3])
    for quantity in QUANTITIES:
        yield _measurement(thing, first, quantity)
        yield _measurement(thing, first + 2_000, quantity)
    for number in range(6):
        moment = first + AFTER + 8_000 + 1_500 * number
        yield _measurement(thing, moment, QUANTITIES[number % 3])


def _measurement(thing: str, moment: int, quantity: str) -> Event:
    return {
        "type": "measurement",
        "event_id": f"{thing}-{quantity}-{moment}",
        "occurred_at": to_wire(from_millis(moment)),
        "thing": thing,
        "quantity": quantity,
        "result": float(moment % 1_000),
    }


def _files(settings: Settings, tree: Path, record: str) -> list[str]:
    command = ("lake", f"parquet_{record}", "--files", "--json", "--use-case", "machines")
    done = sdp(settings, *command, tree=tree)
    assert done.returncode == 0, done.stderr
    return [row["path"] for row in json.loads(done.stdout)]


def _with_moments(row: Row) -> Row:
    moments = {n for n in row if n in ("occurred_at", "period_start") or n.endswith("_time")}
    return {n: pipelines.at({"occurred_at": v}) if n in moments else v for n, v in row.items()}


def _sorted(rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    return sorted(tuple(sorted(row.items())) for row in rows)


def _distinct(rows: list[Row]) -> list[tuple[Any, ...]]:
    return sorted(set(_sorted(rows)))
