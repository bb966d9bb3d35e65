"""From events to messages on the running platform, while its process is killed and a rule changes.

Events of the generator flow, those of each seed shuffled, repeated and some of them late in an
order of its own. A rule changes between two batches while they flow, and again while the killed
process is away, each time at an instant for which events were sent before. In the end business
events are those of the truth and those that force finds, decisions and actions follow from them,
each once. So they are in a replay of that time, which sends nothing.

From the first kill on the receiver is gone for a while: its port is closed.

`SDP_CHAIN="67 150 10 2 600"` is a longer form: seeds, events of each, seconds, kills, and seconds
without a receiver (the default is SHORT). 67 seeds of 150 events in 10 seconds are 1,000 events a
second.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from glue.instants import from_millis, parse, to_millis, to_wire
from glue.targets.dynamodb import WRITES
from sdpctl.latency import STAGES
from sdpctl.local import flink_status
from sdpctl.settings import Settings
from tests.flink import shopping
from tests.local import keeping, shoppers
from tests.local.audits import Ledger
from tests.local.commands import sdp
from tests.local.driver import Driver, Event, batches, wait_until
from tests.local.evolving import Whole
from tests.local.machine import Machine
from tests.local.shoppers import Put, Row, Shoppers, Version
from tests.unit.lambdas.dispatch.receiver import HANGS, LATE, MOVED, Receiver

SHORT = "10 320 24 2 8"
SEEDS, EVENTS, SECONDS, KILLS, GONE = map(int, os.environ.get("SDP_CHAIN", SHORT).split())
APPLICATION = "sdp-shopping"
# How far event time is ahead of the clock: the rule changes for events that were sent before, and
# an event at the very instant of the change is not late (DefinitionsLead, WatermarkDelay).
AHEAD = timedelta(seconds=6)
# Until then the events are made and the functions are warm: who begins late stays so for long.
PREPARING = timedelta(seconds=8)
CONNECTIONS, BATCH, WAIT = 4, 100, 240
TOGETHER = timedelta(milliseconds=500)  # event time of the events that are sent at once
# Heartbeats move event time by the clock: an event that is sent so much too late may be late.
BEHIND = AHEAD + shoppers.DELAY - shoppers.SHUFFLE - TOGETHER
MINUTE, MILLISECOND = timedelta(minutes=1), timedelta(milliseconds=1)
NOT_YET = "Wait until they are delivered"  # what a backfill says of records that the lake lacks
# What was tried in vain is tried again after as long as it has failed, at most (docs/actions.md).
RECEIVED = WAIT + 2 * GONE
# What the first webhooks meet; each is tried again, after 5 s and after 10 s without an answer.
TROUBLE = [MOVED, HANGS, MOVED, LATE, MOVED, MOVED]


@dataclass(frozen=True)
class People:
    """Who changes rules and looks at actions, on a platform with every use case."""

    settings: Settings
    whole: Whole

    def sdp(self, *arguments: str) -> str:
        """What a command prints."""
        done = sdp(self.settings, *arguments, tree=self.whole.tree)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def put(self, kind: str, name: str, document: Row) -> Version:
        """A new version of a definition, valid when the platform says."""
        version = self.whole.definitions("PUT", f"shopping/{kind}/{name}", 201, json=document)
        return Version(version["version"], to_millis(parse(version["valid_from"])))


@dataclass(frozen=True)
class Chain:
    """What was sent and put, and who received what came of it."""

    people: People
    driver: Driver
    shoppers: Shoppers
    put: Put
    receiver: Receiver
    counted: Counter[tuple[str, str]]
    """The reports before the events."""
    sent: list[Event]
    complete: list[tuple[datetime, datetime]]
    """What was complete while event time was ahead of the clock, and the clock right after."""
    ledger: Ledger

    def rows(self, stream: str) -> list[Row]:
        """The records of a stream that are about these shoppers; some may be there twice."""
        name = self.shoppers.name
        return [r for r in self.driver.records(stream) if r["subject"].startswith(name)]

    def written(self, stream: str) -> dict[str, Row]:
        """Those records by id. One that is there twice has the same content."""
        found: dict[str, Row] = {}
        for row in self.rows(stream):
            assert found.setdefault(row["id"], row) == row
        return found

    def awaited(self, stream: str, ids: set[str]) -> dict[str, Row]:
        """The records, once those with these ids are there."""
        found: dict[str, Row] = {}

        def complete() -> bool:
            found.update(self.written(stream))
            return ids <= found.keys()

        wait_until(complete, WAIT, lambda: f"{stream}: {len(ids - found.keys())} missing")
        return found

    def expected_decisions(self) -> dict[str, Row]:
        """What must be decided about each business event."""
        found = self.awaited("business-events", set(self.shoppers.found))
        profiles = self.shoppers.profiles
        return {
            id_: shoppers.decision(row, shoppers.profile_of(row, profiles), self.put)
            for id_, row in found.items()
        }

    def expected_actions(self) -> dict[str, Row]:
        """The actions that must follow, by id."""
        found, profiles = self.written("business-events"), self.shoppers.profiles
        decided = [d for d in self.expected_decisions().values() if d["action_id"]]
        rows = [(found[d["id"]], d) for d in decided]
        made = [shoppers.action(r, d, shoppers.profile_of(r, profiles), self.put) for r, d in rows]
        return {row["id"]: row for row in made}

    def dispatched(self) -> dict[str, Row]:
        """What `./sdp actions` says of them, by id."""
        listed = self.people.sdp("actions", "--use-case=shopping", "--json", "--limit=99999")
        documents = map(json.loads, listed.splitlines())
        own = [a for a in documents if a["body"]["data"]["subject"].startswith(self.shoppers.name)]
        by_id = {action["id"]: action for action in own}
        assert len(by_id) == len(own)
        return by_id


@pytest.fixture(scope="module")
def chain(whole: Whole, settings: Settings, machine: Machine) -> Iterator[Chain]:
    """Events that flowed while the process was killed and a rule was changed."""
    driver, people = whole.driver(settings, "shopping"), People(settings, whole)
    receiver = Receiver(shoppers.PORT, Webhook(people.sdp("actions", "key")).verify)
    receiver.modes = list(TROUBLE)
    receiver.start()
    try:
        versions = {
            name: [people.put(kind, name, document)]
            for kind, documents in (("template", shoppers.TEMPLATES), ("rule", shoppers.RULES))
            for name, document in documents.items()
        }
        valid = max(version.valid_from for (version,) in versions.values())
        start = max(from_millis(valid), datetime.now(UTC) + AHEAD) + PREPARING
        made = Shoppers.make(start, SEEDS, EVENTS, SECONDS)
        counted, ledger = _report(driver), Ledger.now(settings, "shopping", whole.tree)
        _warm(driver)
        with _gone(receiver) as leave:
            sent = _flow(driver, machine, people, made, versions, leave)
            complete = _complete(driver)
        yield Chain(people, driver, made, Put(versions), receiver, counted, sent, complete, ledger)
    finally:
        receiver.stop()


def _flow(
    driver: Driver,
    machine: Machine,
    people: People,
    made: Shoppers,
    versions: dict[str, list[Version]],
    leave: Callable[[], None],
) -> list[Event]:
    """Send in the order of time, `AHEAD` of the clock, with changes and kills between two batches.

    The rule is changed while the process runs, and again right after the first kill, when nothing
    is decided; then `leave` is called. The events at the instant of a change are sent when the
    others have come to it: on a slow machine these are behind, and would be late otherwise. A later
    kill waits until the process runs again, which the events do not. Returns all events.
    """
    before, parts = _restarts(people.settings), list(_batches(made.sent))
    places = {(n + 2) * len(parts) // (KILLS + 2) for n in range(KILLS)}
    change = min(places, default=len(parts) // 2)
    changes = {change * 2 // 3: 1, change: 2}
    at_the_limit: list[tuple[int, list[Event]]] = []
    with ThreadPoolExecutor(1) as beside:
        kills: list[Future[None]] = []
        for number, (reached, events) in enumerate(parts):
            _wait_for(from_millis(reached) - AHEAD)
            _send(driver, events)
            behind = datetime.now(UTC) - (from_millis(reached) - AHEAD)
            assert behind < BEHIND, f"{number}: sent {behind} too late, this machine is too slow"
            if number in places:
                kills.append(beside.submit(machine.kill_flink, APPLICATION))
            if number == change and kills:
                kills[0].result()
            if number in changes:
                expression = {"expression": shoppers.expression(changes[number])}
                rule = shoppers.RULES[shoppers.SPENDING] | expression
                version = people.put("rule", shoppers.SPENDING, rule)
                versions[shoppers.SPENDING].append(version)
                at_the_limit.append((version.valid_from, made.at_the_limit(version.valid_from)))
            if number == change:
                leave()
            while at_the_limit and at_the_limit[0][0] <= reached:
                driver.send(at_the_limit.pop(0)[1])
        for kill in kills:
            kill.result()
    assert not at_the_limit, "a rule was changed too late"
    closing = made.closing()
    driver.send(closing)
    wait_until(
        lambda: _restarts(people.settings) - before >= KILLS,
        WAIT,
        lambda: f"{_restarts(people.settings) - before} restarts after {KILLS} kills",
    )
    return [*(event for _, event in made.sent), *closing]


def _send(driver: Driver, events: Sequence[Event]) -> None:
    """Send over several connections; returns when all are accepted."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(driver.send, batches(events, BATCH)))


def _warm(driver: Driver) -> None:
    """The door has a process for each connection before the first event."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answers = pool.map(lambda _: driver.post("events", b"[]"), range(CONNECTIONS))
        assert {answer.status_code for answer in answers} == {400}


@contextmanager
def _gone(receiver: Receiver) -> Iterator[Callable[[], None]]:
    """Yields what closes the receiver's port; at the end it is open again, `GONE` seconds later."""
    left = [0.0]

    def leave() -> None:
        left[0] = time.monotonic()
        receiver.stop()

    yield leave
    time.sleep(max(0.0, left[0] + GONE - time.monotonic()))
    assert not receiver.listens, "it was never gone"
    receiver.start()


def _restarts(settings: Settings) -> int:
    """How often the process was started again."""
    return sum(s["restarts"] for s in flink_status.states(settings) if s["name"] == APPLICATION)


def _batches(sent: Sequence[tuple[int, Event]]) -> Iterator[tuple[int, list[Event]]]:
    """The events of each half second, and the time that they reach."""
    parts: dict[int, list[tuple[int, Event]]] = defaultdict(list)
    for reached, event in sent:
        parts[reached // (TOGETHER // MILLISECOND)].append((reached, event))
    for part in parts.values():
        yield part[-1][0], [event for _, event in part]


def _wait_for(moment: datetime) -> None:
    """Until then, if it is not past: a real clock paces these events."""
    time.sleep(max((moment - datetime.now(UTC)).total_seconds(), 0))


def _complete(driver: Driver) -> list[tuple[datetime, datetime]]:
    """What is complete, and the clock after that, until all before now is."""
    began, seen = datetime.now(UTC), []

    def look() -> bool:
        driver.heartbeat()
        text = driver.get("kinds/shopping").json().get("complete_through")
        if text:
            seen.append((parse(text), datetime.now(UTC)))
        return bool(text) and seen[-1][0] >= began

    wait_until(look, WAIT, lambda: f"complete through {seen[-1:]}, began at {began}")
    return seen


def _report(driver: Driver) -> Counter[tuple[str, str]]:
    """By kind and measure, what the reports count in all."""
    found: Counter[tuple[str, str]] = Counter()
    for path, measures in REPORTS.items():
        for kind in KINDS:
            answer = driver.get(f"{path}/{kind}")
            if answer.status_code == 200:
                found.update({(kind, name): answer.json()[name] for name in measures})
    return found


PAGES = ("page1", "page2", "page3")
KINDS = ("shopping", "stuck_in_form", "spending_anomaly")
REPORTS = {"kinds": ("found",), "reactions": ("decisions", "passed", "actions")}


def test_the_business_events_are_those_of_the_truth_each_once(chain: Chain) -> None:
    expected = {i: {**r, "occurred_at": shoppers.at(r)} for i, r in chain.shoppers.found.items()}
    found = chain.awaited("business-events", set(expected))
    for truth in (expected, chain.shoppers.forced()):
        assert found.keys() == truth.keys()
        for id_, row in truth.items():
            written = {**found[id_], "occurred_at": shoppers.at(found[id_])}
            assert written == pytest.approx(row) if "deviation" in row else written == row
    counts = Counter(row["kind"] for row in expected.values())
    assert min(counts[kind] for kind in KINDS) > 5


def test_each_is_decided_by_the_version_in_force_at_its_own_time(chain: Chain) -> None:
    expected = chain.expected_decisions()
    found = chain.awaited("decisions", set(expected))
    assert found.keys() == expected.keys()
    must = {i: {n: v for n, v in row.items() if v is not None} for i, row in expected.items()}
    assert {id_: shopping.written(row) for id_, row in found.items()} == must
    _see_all_versions(chain, expected)


def _see_all_versions(chain: Chain, decided: dict[str, Row]) -> None:
    """Events of either side of each change were there, up to a millisecond from it."""
    times: dict[int, list[int]] = defaultdict(list)
    results: Counter[tuple[int, str]] = Counter()
    for row in decided.values():
        for rule in row["rules"]:
            if rule["name"] == shoppers.SPENDING:
                times[rule["version"]].append(row["occurred_at"])
                results[rule["version"], rule["result"]] += 1
    versions = chain.put.versions[shoppers.SPENDING]
    for before, after in pairwise(versions):
        assert max(times[before.number]) == after.valid_from - 1
        assert min(times[after.number]) == after.valid_from
    assert len(versions) == 3
    assert len(results) == 6 and min(results.values()) > 3, results


def test_the_actions_are_those_of_the_decisions_each_once(chain: Chain) -> None:
    expected = chain.expected_actions()
    assert len(expected) > 20
    found = chain.awaited("actions", set(expected))
    assert found == expected
    listed: dict[str, Row] = {}

    def decided() -> bool:
        listed.update(chain.dispatched())
        return listed.keys() >= expected.keys()

    wait_until(decided, WAIT, lambda: f"{len(expected.keys() - listed.keys())} not dispatched")
    assert {id_: action["body"]["data"] for id_, action in listed.items()} == expected


def test_the_reports_count_what_was_found_decided_and_done_of_each_kind(chain: Chain) -> None:
    expected, added = Counter(chain.counted), Counter[tuple[str, str]]()
    for row in chain.expected_decisions().values():
        kind = row["id"].partition(":")[0]
        added.update([(kind, "found"), (kind, "decisions")])
        added[kind, "passed"] += row["passed"]
        added[kind, "actions"] += row["action_id"] is not None
    expected.update(added)
    wait_until(lambda: _report(chain.driver) == expected, WAIT, lambda: f"{_report(chain.driver)}")
    names = ("decisions", "passed", "actions")
    decisions, passed, actions = (added["shopping", name] for name in names)
    assert decisions > passed == actions > 5
    passed, actions = (added["stuck_in_form", name] for name in names[1:])
    assert passed > actions > 5  # of the customers who are known


def test_nothing_is_complete_before_it_can_have_been_decided(chain: Chain) -> None:
    """Decisions wait for definitions up to their time, so for the clock, and the reports for them.

    The last visitors are dated ahead: patterns are through with events that are not decided.
    """
    assert all(through <= now for through, now in chain.complete), chain.complete


def test_the_receiver_gets_each_action_under_one_key_with_one_body(chain: Chain) -> None:
    awake = [a for a in chain.expected_actions().values() if not _sleeps(a)]
    number = shoppers.allowed(awake).total()
    wait_until(
        lambda: len(_bodies(chain)) >= number,
        RECEIVED,
        lambda: f"{len(_bodies(chain))} of {number} actions were received",
    )
    wait_until(lambda: not _pending(chain), WAIT, lambda: f"not sent: {_pending(chain)}")
    sent = {i for i, a in chain.dispatched().items() if _status(a) == "sent"}
    bodies = _bodies(chain)
    assert len(bodies) == number and bodies.keys() == sent
    assert all(len(under_one_key) == 1 for under_one_key in bodies.values())
    assert len(chain.receiver.arrivals) >= number + len(TROUBLE)
    assert chain.receiver.not_verified == []


def _bodies(chain: Chain) -> dict[str, set[bytes]]:
    """What was received of these shoppers, by key."""
    found: dict[str, set[bytes]] = defaultdict(set)
    for arrival in list(chain.receiver.arrivals):
        action = json.loads(arrival.body)["data"]
        if action["subject"].startswith(chain.shoppers.name):
            found[action["id"]].add(arrival.body)
    return found


def _pending(chain: Chain) -> list[str]:
    """The actions that are due now and not sent."""
    own = chain.dispatched().items()
    return [i for i, a in own if _status(a) == "pending" and not _sleeps(a["body"]["data"])]


def _status(action: Row) -> str:
    destinations = action["destinations"]
    return str(destinations["webhook"]["status"] if destinations else action["outcome"])


def _sleeps(action: Row) -> bool:
    return Shoppers.sleeps(action["customer_id"])


def test_the_cap_and_the_night_of_each_customer_hold(chain: Chain) -> None:
    expected, listed = chain.expected_actions(), chain.dispatched()
    due = Counter(a["customer"] for a in listed.values() if a["outcome"] == "due")
    assert due == shoppers.allowed(list(expected.values()))
    assert {a["outcome"] for a in listed.values()} == {"due", "capped"}
    asleep = [a for a in listed.values() if a["outcome"] == "due" and _sleeps(a["body"]["data"])]
    assert asleep
    for action in asleep:
        local = parse(action["due_at"]).astimezone(ZoneInfo(action["body"]["data"]["time_zone"]))
        assert (local.hour, local.minute, local.second) == (7, 0, 0)
        assert (_status(action), action["destinations"]["webhook"]["attempts"]) == ("pending", 0)
    assert not _bodies(chain).keys() & {action["id"] for action in asleep}


def test_each_action_is_a_row_to_learn_from_with_its_answer(chain: Chain) -> None:
    expected = _offers(chain)
    found: dict[str, Row] = {}

    def look() -> bool:
        found.update({r["business_event_id"]: r for r in chain.driver.records("offers")})
        return expected.keys() <= found.keys()

    wait_until(look, WAIT, lambda: f"offers: {len(expected.keys() - found.keys())} missing")
    for id_, row in expected.items():
        times = ("offered_at", "accepted_at")
        moments = {t: to_millis(parse(found[id_][t])) for t in times if found[id_].get(t)}
        written = {**found[id_], **moments}
        assert {name: written.get(name) for name in row} == row
    accepted = [row["accepted"] for row in expected.values()]
    assert 3 < sum(accepted) < len(accepted) - 3
    own = {id_ for id_ in found if id_.split(":")[1].startswith(chain.shoppers.name)}
    assert own == expected.keys()


def _offers(chain: Chain) -> dict[str, Row]:
    """The rows that must be learned from, by business event."""
    found, answers = chain.written("business-events"), chain.shoppers.answers
    profiles = chain.shoppers.profiles
    return {
        (id_ := action["business_event_id"]): shoppers.offer(
            found[id_], action, shoppers.profile_of(found[id_], profiles), answers.get(id_)
        )
        for action in chain.expected_actions().values()
    }


def test_what_is_late_repeated_unmatched_or_of_no_account_is_a_dead_letter(chain: Chain) -> None:
    """Customers answer what no rule has offered them, too, and some of them too late."""
    taken = {id_ for id_, row in _offers(chain).items() if row["accepted"]}
    expected = +chain.shoppers.letters
    expected["unmatched"] = len(chain.shoppers.answers.keys() - taken)
    assert expected.keys() == {"late", "duplicate", "filtered", "unmatched"}
    found = partial(_letters, chain)
    wait_until(
        lambda: found() == expected,
        WAIT,
        lambda: f"{found()}, expected {expected}; late: {_late_in_time(chain)}",
    )


def test_each_event_has_one_outcome_in_the_ledger(chain: Chain) -> None:
    """Whichever of the operators it reaches, or none; after the kills too."""
    letters = _letters(chain)
    filtered = sum(1 for event in chain.sent if _is_left_out(event))
    refused = {name: letters[name] for name in ("late", "duplicate", "unmatched")}
    counted = len(chain.sent) - filtered - sum(refused.values())
    expected = {"ok": len(chain.sent), "filtered": filtered, "counted": counted, **refused}
    found: Counter[str] = Counter()

    def is_complete() -> bool:
        found.clear()
        found.update(+chain.ledger.since())
        return found == expected

    wait_until(is_complete, WAIT, lambda: f"{found}, expected {expected}")
    assert filtered > letters["filtered"]


@pytest.fixture(scope="module")
def past(chain: Chain) -> tuple[datetime, datetime]:
    """The minutes from that of the change on, once they are final: from, to."""
    changed = from_millis(chain.put.versions[shoppers.SPENDING][-1].valid_from)
    start = changed.replace(second=0, microsecond=0)
    end = parse(chain.shoppers.closing()[0]["occurred_at"]).replace(second=0, microsecond=0)
    end += MINUTE

    def final() -> bool:
        chain.driver.heartbeat()
        through = chain.driver.get("kinds/shopping").json()["complete_through"]
        return through is not None and parse(through) >= end

    wait_until(final, WAIT, lambda: chain.driver.get("kinds/shopping").text)
    _see_final_rows(chain, end)
    return start, end


def test_a_replay_is_decided_by_the_same_versions_and_sends_nothing(
    chain: Chain, past: tuple[datetime, datetime], tmp_path: Path
) -> None:
    """What is before the range is remembered."""
    start, end = past
    wait_until(lambda: not _pending(chain), WAIT, lambda: f"not sent: {_pending(chain)}")
    live = {stream: chain.written(stream) for stream in keeping.STREAMS}
    before = _left(chain)
    done = _keep(chain, tmp_path / "kept", "--from", to_wire(start), "--to", to_wire(end))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" 0 differ\n"), done.stdout
    assert "warning" not in done.stderr  # it is known of each late event when it came
    assert _left(chain) == before

    def inside(row: Row) -> bool:
        own = str(row["subject"]).startswith(chain.shoppers.name)
        return own and start <= parse(row["occurred_at"]) < end

    kept = [json.loads(line) for line in (tmp_path / "kept").read_text().splitlines()]
    for stream in keeping.STREAMS:
        rows = [row for name, row in kept if name == stream and inside(row)]
        expected = {id_: row for id_, row in live[stream].items() if inside(row)}
        assert {row["id"]: row for row in rows} == expected
        assert len(rows) == len(expected) > 10


def test_a_backfill_is_decided_by_the_same_versions_and_stores_the_same_report(
    chain: Chain, past: tuple[datetime, datetime]
) -> None:
    """From the originals in the lake; nothing else changes but the generation of what it stores."""
    bounds = [f"--{name}={to_wire(at)}" for name, at in zip(("from", "to"), past, strict=True)]
    settings, tree, before = chain.people.settings, chain.people.whole.tree, _left(chain)
    done: list[subprocess.CompletedProcess[str]] = []

    def delivered() -> bool:
        options = ("--use-case=shopping", "--compare", "--write")
        done.append(sdp(settings, "backfill", *bounds, *options, tree=tree))
        return NOT_YET not in done[-1].stderr

    wait_until(delivered, WAIT, lambda: done[-1].stderr)
    assert (done[-1].returncode, done[-1].stdout) == (0, "0 differences\n"), done[-1].stderr
    after = _left(chain)
    former, stored = (_take_out_generations(left["items"]) for left in (before, after))
    assert stored > former
    assert after == before


def _take_out_generations(items: list[Row]) -> int:
    """Of stored rows, with how often their totals were written; the sum of the generations."""
    for item in items:
        item.pop(WRITES, None)
    return sum(int(item.pop("generation", {"N": "0"})["N"]) for item in items)


def _see_final_rows(chain: Chain, end: datetime) -> None:
    """Each period up to then is final, and all that was found in it is decided."""
    start = chain.shoppers.start.replace(second=0, microsecond=0)
    between = {"from": to_wire(start), "to": to_wire(end), "period": "MINUTES"}
    for kind in KINDS:
        of = {path: chain.driver.get(f"{path}/{kind}/period", **between) for path in REPORTS}
        rows = {path: answer.json()["rows"] for path, answer in of.items()}
        assert all(row["final"] for each in rows.values() for row in each)
        found = {row["period_start"]: row["found"] for row in rows["kinds"]}
        assert {row["period_start"]: row["decisions"] for row in rows["reactions"]} == found
        assert found


def _left(chain: Chain) -> dict[str, Any]:
    """Whatever a replay could change: reports, results, messages and the ledger."""
    paths = [(path, kind) for path in REPORTS for kind in KINDS]
    get = partial(chain.driver.get, period="MINUTES")
    reports = [get(f"{path}/{kind}/period").content for path, kind in paths]
    pages = chain.driver.client("dynamodb").get_paginator("scan")
    tables = [pages.paginate(TableName=f"sdp-shopping-{path}") for path in REPORTS]
    items = [item for table in tables for page in table for item in page["Items"]]
    return {
        "reports": reports,
        "items": sorted(items, key=str),
        "results": {stream: chain.rows(stream) for stream in keeping.STREAMS},
        "actions": chain.dispatched(),
        "received": _bodies(chain),
        "ledger": +chain.ledger.since(),
    }


def _keep(chain: Chain, kept: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`./sdp replay`, which also writes what its job decided."""
    tree, environment = chain.people.whole.tree, chain.people.settings.aws_environment()
    program = [tree / ".venv/dev/bin/python", "-m", "tests.local.keeping", "replay"]
    return subprocess.run(
        [*program, "--use-case=shopping", *options],
        cwd=tree,
        env=environment | {"SDP_KEPT": str(kept), "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_the_time_of_each_stage_is_shown(chain: Chain) -> None:
    shown = chain.people.sdp("latency", "--use-case=shopping", "--minutes=60", "--json")
    stages = {row["stage"]: row for row in json.loads(shown)["stages"]}
    assert list(stages) == list(STAGES)
    for row in stages.values():
        assert 0 <= row["p50"] <= row["p90"] <= row["p99"] and row["p99"] > 0, row
    assert stages["total"]["count"] > 0 and stages["decision"]["count"] > 0
    assert stages["score"]["p99"] < stages["decision"]["max"]
    assert stages["total"]["p50"] < RECEIVED * 1000


def _is_left_out(event: Event) -> bool:
    """Of no account, or on another page."""
    kind = event["type"]
    return event.get("acc_num") == 0 or (kind == "page-view" and event["page"] not in PAGES)


def _letters(chain: Chain) -> Counter[str]:
    return Counter(row["reason"] for row in _own_letters(chain))


def _own_letters(chain: Chain) -> list[Row]:
    rows = {row["id"]: row for row in chain.driver.records("dead-letters")}
    return [r for r in rows.values() if (r["event_id"] or "").startswith(chain.shoppers.name)]


def _late_in_time(chain: Chain) -> list[Row]:
    """The letters `late` about events that were sent in time; there should be none."""
    late = [row for row in _own_letters(chain) if row["reason"] == "late"]
    return [row for row in late if shoppers.at(row) >= to_millis(chain.shoppers.start)]


@pytest.mark.parametrize("stream", keeping.STREAMS)
def test_the_lake_has_the_rows_of_the_stream(chain: Chain, stream: str) -> None:
    """Each once, unless the stream has it twice: after a kill it may."""
    rows = chain.rows(stream)
    expected = {"records": len(rows), "ids": len({row["id"] for row in rows})}
    table, name = f"parquet_{stream.replace('-', '_')}", chain.shoppers.name
    sql = (
        "SELECT COUNT(*) AS records, COUNT(DISTINCT id) AS ids "
        f"FROM {table} WHERE subject LIKE '{name}%'"
    )

    def found() -> Row:
        (row,) = json.loads(chain.people.sdp("sql", "--use-case=shopping", "--json", sql))
        return dict(row)

    assert expected["ids"] > 20
    wait_until(lambda: found() == expected, WAIT, lambda: f"{found()}, expected {expected}")


def test_a_rule_is_tested_over_a_range_with_the_profile_of_each_event(chain: Chain) -> None:
    """As it would have decided, beside either version that did."""
    found = [r for r in chain.written("business-events").values() if r["kind"] == "shopping"]
    profiles = chain.shoppers.profiles
    passed = {r["id"] for r in found if profiles[r["subject"]]["age"] >= 40 or r["balance"] < 60}
    decided = chain.written("decisions")
    live = {r["id"] for r in found if (shoppers.SPENDING, "true") in _said(decided[r["id"]])}
    times = sorted(shoppers.at(row) for row in found)
    start, end = (to_wire(from_millis(at)) for at in (times[0], times[-1] + 1))
    expression = "profile.age >= 40 || event.balance < 60.0"
    document = json.dumps({**shoppers.SHOPPING, "expression": expression})
    command = ("definitions", "test", "rule", shoppers.SPENDING, document)
    options = ("--use-case=shopping", "--from", start, "--to", end)
    answer: Row = {}

    def complete() -> bool:
        answer.update(json.loads(chain.people.sdp(*command, *options)))
        return bool(answer["complete"] and answer["events"] == len(found))

    wait_until(complete, WAIT, lambda: f"{len(found)} expected: {answer}")
    assert 3 < len(passed) < len(found) - 3 and len(passed ^ live) > 3
    expected = {
        "tested": len(found),
        "passed": len(passed),
        "not_passed": len(found) - len(passed),
        "differing": len(passed ^ live),
        **dict.fromkeys(("errors", "without_profile", "undecided"), 0),
    }
    assert {name: answer[name] for name in expected} == expected
    for example in answer["examples"]:
        assert example["id"] in passed ^ live
        assert example["profile_id"] == decided[example["id"]]["profile_id"]
        assert example["result"] == (example["id"] in passed)


def _said(decision: Row) -> list[tuple[str, str]]:
    """What each rule said."""
    return [(rule["name"], rule["result"]) for rule in json.loads(decision["rules"])]


def test_who_sends_events_cannot_change_rules(chain: Chain) -> None:
    outputs, name = chain.people.whole.outputs, shoppers.SPENDING
    rule = f"{outputs['UrlForDefinitions']}/definitions/shopping/rule"
    events, document = f"{outputs['UrlForAPI']}/events", shoppers.RULES[name]

    def status(method: str, url: str, key: str | None, sent: object = None) -> int:
        headers = {"x-api-key": outputs[key]} if key else {}
        return httpx.request(method, url, json=sent, headers=headers, timeout=60).status_code

    before = httpx.get(f"{rule}/{name}", headers={"x-api-key": outputs["DefinitionsKey"]}).json()
    for key in ("ApiKey", "DashboardKey", None):
        assert status("PUT", f"{rule}/{name}", key, document) == 403
        assert status("DELETE", f"{rule}/{name}", key) == 403
        assert status("GET", f"{rule}/{name}", key) == 403
        assert status("POST", f"{rule}/{name}/test", key, {"events": [{}]}) == 403
    assert status("POST", events, "DefinitionsKey", [{"type": "balance"}]) == 403
    assert status("POST", events, "ApiKey", [{"type": "balance"}]) == 400
    odd = {n: status("PUT", f"{rule}/{n}", "DefinitionsKey", document) for n in ("a%2Fb", "%C3%A4")}
    assert odd == {"a%2Fb": 400, "%C3%A4": 400}
    after = httpx.get(f"{rule}/{name}", headers={"x-api-key": outputs["DefinitionsKey"]}).json()
    assert after == before and after["version"] == chain.put.versions[name][-1].number
