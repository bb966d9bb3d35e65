"""Generated shoppers in a run of faults: what is found, decided, offered and answered.

The rule that decides about most of them changes again and again, each time right before the process
that decides is killed.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, ClassVar

import pytest

from datagen import Generation
from glue.instants import from_millis, parse, to_millis, to_wire
from glue.schema import Schema
from sdpctl.sql.athena import Athena
from tests.flink import shopping
from tests.local import shoppers
from tests.local.driver import Driver, Event
from tests.local.faults.flow import FILTERED, UNMATCHED, Course, Fault, Flow, Row, Wrong, moment
from tests.local.faults.outcomes import COUNTED, Fate, Outcomes
from tests.local.faults.rules import Rules
from tests.local.faults.sending import Sender
from tests.local.shoppers import Shoppers
from usecases.shopping import generator

RATE = 10.0  # distinct events a second
# Event time is ahead of the clock, so that what is sent once the platform is back is not later than
# its heartbeats; a door whose clock is wrong takes events that are dated ahead by this much.
AHEAD = timedelta(seconds=50)
DELAY = timedelta(seconds=30)  # WatermarkDelay: what is sent in one request comes in any order
SHARDS = 40  # events by whom event time passes all others in each shard, by their keys
KINDS = ("shopping", "stuck_in_form", "spending_anomaly")
CHANGE = "a rule changes while Flink is killed"
SENT = "SELECT DISTINCT event_id FROM parquet_activity WHERE event_id LIKE '{prefix}%'"
ROWS = "SELECT DISTINCT {columns} FROM parquet_{table} WHERE {subject} LIKE '{prefix}%'"


class Shopping(Flow):
    """Shoppers of a run, with the rules that decide about them."""

    use_case = shoppers.USE_CASE
    parameters: ClassVar = {
        "shopping.FormTimeout": shoppers.PARAMETERS["shopping.FormTimeout"],
        "shopping.AnswerWindow": shoppers.PARAMETERS["shopping.AnswerWindow"],
        "shopping.DefinitionsLead": shoppers.PARAMETERS["shopping.DefinitionsLead"],
        "shopping.WatermarkDelay": f"PT{DELAY.seconds}S",
    }
    counted = ("found",)
    own_kinds = (CHANGE,)

    def __init__(self, course: Course) -> None:
        self._before = [
            (r, row) for r in self.use_case.reports for row in _stored(course.driver, r)
        ]
        self._rules = Rules(course.settings)
        valid = from_millis(self._rules.begin()) + timedelta(milliseconds=500)
        start = max(valid, course.start + AHEAD)
        self._made = Shoppers(start, [], {}, Counter(), shoppers.zones(start))
        self._outcomes = Outcomes(generator)
        made = Generation(self.use_case, self._outcomes, course.shape(RATE, start))
        self.events = [event for _, event in self._made.generated(made)]
        self.truth = made.truth()
        self._made.sent += [(shoppers.at(event), event) for event in self.events]
        self._outcomes.send(self.events)
        self._last = max(map(shoppers.at, self.events))

    @property
    def watched(self) -> list[Any]:
        """The kinds."""
        return list(KINDS)

    def closing(self) -> list[Event]:
        """Visitors in each shard by whom event time passes all that was sent."""
        wait = shoppers.TIMEOUT + shoppers.ANSWER + DELAY + timedelta(seconds=1)
        at = to_wire(from_millis(self._last) + wait)
        events = [
            {"type": "page-view", "event_id": id_, "occurred_at": at, "session_id": id_}
            | {"page": "home"}
            for id_ in (f"{self._made.name}closing-{number}" for number in range(SHARDS))
        ]
        self._outcomes.send(events, Fate(FILTERED, has_letter=False))
        return events

    def kinds(self, sender: Sender, kill: Callable[[], str]) -> Mapping[str, Fault]:
        """A rule that changes while the process is away."""

        def change(random: Random) -> str:
            ahead = AHEAD + timedelta(seconds=random.uniform(3, 8))
            at = to_millis(datetime.now(UTC) + ahead)
            version = self._rules.change(at)
            assert version.valid_from == at, f"valid from {version.valid_from}, not {at}"
            events = self._made.at_the_limit(at)
            self._outcomes.send(events)
            self._last = max(self._last, at)
            sender.add(self.name, events)
            pause = random.uniform(0, 2)
            time.sleep(pause)
            done = kill()
            return f"version {version.number} from {to_wire(from_millis(at))} on; {done}"

        return {CHANGE: change}

    # --- what must be true

    def totals(self, report: Schema) -> Mapping[Any, Row]:
        """By kind, of what was found or decided."""
        sums: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self.minutes(report):
            sums[row["kind"]].update(_sums(report, row))
        return sums

    def minutes(self, report: Schema) -> Sequence[Row]:
        """By kind and minute, of what was found or decided, also before the run."""
        counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        for of, row in self._before:
            if of == report:
                counts[row["kind"], row["period"]].update(_sums(report, row))
        for decided in self._decided(self._made.found.values()):
            second = decided["occurred_at"] // 1000
            counts[decided["kind"], second - second % 60].update(_measures(report, decided))
        return [{"kind": kind, "period": at, **sums} for (kind, at), sums in counts.items()]

    def wrong_lake(self, lake: Athena, *, all_closed: bool) -> Wrong:
        """Events, what was found and decided, actions, offers and dead letters, each once."""
        found = self._rows(lake, "business-events")
        wrong = _different_found(found, self._made.found)
        if wrong:
            return wrong  # what was decided follows from it
        decided, put = self._decided(found), self._rules.put
        profiles, answers = self._made.profiles, self._made.answers
        by_id = {row["id"]: row for row in found}
        actions = [
            shoppers.action(row, d, shoppers.profile_of(row, profiles), put)
            for d in decided
            if d["action_id"] and (row := by_id[d["id"]])
        ]
        offers = [
            shoppers.offer(row, a, shoppers.profile_of(row, profiles), answers.get(row["id"]))
            for a in actions
            if (row := by_id[a["business_event_id"]])
        ]
        self._settle(offers)
        written = map(shopping.written, self._rows(lake, "decisions"))
        wrong |= _different("decisions", written, decided)
        wrong |= _different("actions", self._rows(lake, "actions"), actions)
        if all_closed:
            wrong |= _different("offers", self._offers(lake), offers, "business_event_id")
        wrong |= self._outcomes.wrong_letters(self.letters(lake), all_closed=all_closed)
        sent = {row["event_id"] for row in lake.rows(SENT.format(prefix=self._made.name))}
        if sent != self._outcomes.events.keys():
            wrong["activity"] = sorted(sent ^ self._outcomes.events.keys())
        return wrong

    def letters(self, lake: Athena) -> list[Row]:
        """Those of the run."""
        return self._outcomes.letters(lake, self._made.name)

    def miscounted(
        self, sums: Mapping[str, int], rows: Sequence[Row], attempts: int, *, all_closed: bool
    ) -> Wrong:
        """As the generator says, but for answers to what was offered."""
        return self._outcomes.miscounted(sums, rows, attempts, all_closed=all_closed)

    def _decided(self, found: Iterable[Row]) -> list[Row]:
        """What must be decided about each of these."""
        profiles, put = self._made.profiles, self._rules.put
        return [shoppers.decision(row, shoppers.profile_of(row, profiles), put) for row in found]

    def _settle(self, offers: Iterable[Row]) -> None:
        """What was offered and is answered in time is counted; other answers are unmatched."""
        taken = {row["business_event_id"] for row in offers if row["accepted"]}
        for id_, answer in self._made.answers.items():
            fate = Fate(COUNTED if id_ in taken else UNMATCHED)
            self._outcomes.fates[answer["event_id"]] = fate

    def _rows(self, lake: Athena, stream: str) -> list[Row]:
        """The rows of a record, without what they lack, their times as in the stream."""
        record = _record(self.use_case.records, stream)
        subject = "subject" if "subject" in record.names else "business_event_id"
        rows = lake.rows(
            ROWS.format(
                columns=", ".join(f'"{column.name}"' for column in record.columns),
                table=stream.replace("-", "_"),
                subject=subject,
                prefix=self._made.name if subject == "subject" else f"%:{self._made.name}",
            )
        )
        return [{n: _wire(n, v) for n, v in row.items() if v is not None} for row in rows]

    def _offers(self, lake: Athena) -> list[Row]:
        """As they must be learned from."""
        names = [c.name for c in _record(self.use_case.records, "offers").columns]
        rows = []
        for row in self._rows(lake, "offers"):
            times = {n: to_millis(datetime.fromisoformat(row[n])) for n in row if n.endswith("_at")}
            rows.append({n: {**row, **times}.get(n) for n in names if n != "model_version"})
        return rows


def _record(records: Sequence[Schema], stream: str) -> Schema:
    return next(record for record in records if record.stream == stream)


def _wire(name: str, value: Any) -> Any:
    return to_wire(moment(str(value))) if name.endswith("_at") else value


def _stored(driver: Driver, report: Schema) -> Iterator[Row]:
    """The rows of a report now, by kind and minute."""
    for kind in KINDS:
        answer = driver.get(f"{report.path}/{kind}/period", period="MINUTES", limit=1000)
        for row in answer.json()["rows"] if answer.status_code == 200 else ():
            period = to_millis(parse(row["period_start"])) // 1000
            yield {"kind": kind, "period": period, **_sums(report, row)}


def _sums(report: Schema, row: Row) -> dict[str, int]:
    return {column.name: int(row[column.name]) for column in report.measures}


def _measures(report: Schema, decided: Row) -> Counter[str]:
    """What something that was found and decided adds to a report."""
    every = {"found": 1, "decisions": 1, "passed": int(decided["passed"])}
    every["actions"] = int(decided["action_id"] is not None)
    return Counter({column.name: every[column.name] for column in report.measures})


def _different_found(rows: Sequence[Row], expected: Mapping[str, Row]) -> Wrong:
    """What was found and what had to be, where they differ but for a rounding."""
    ids = Counter(row["id"] for row in rows)
    wrong: Wrong = {name: (number, 1) for name, number in ids.items() if number > 1}
    found = {row["id"]: row for row in rows}
    for id_ in found.keys() | expected.keys():
        row, true = found.get(id_), expected.get(id_)
        if row is None or true is None or not _equal(row, true):
            wrong[f"found: {id_}"] = (row, true)
    return wrong


def _equal(row: Row, true: Row) -> bool:
    plain = [{n: v for n, v in each.items() if n != "deviation"} for each in (row, true)]
    deviation = pytest.approx(true.get("deviation", 0.0))
    return plain[0] == plain[1] and row.get("deviation", 0.0) == deviation


def _different(name: str, rows: Iterable[Row], expected: Iterable[Row], key: str = "id") -> Wrong:
    """By key the rows of the lake and the one that is right, where they differ."""
    found: dict[str, list[Row]] = defaultdict(list)
    true: dict[str, list[Row]] = defaultdict(list)
    for by_key, these in ((found, rows), (true, expected)):
        for row in these:
            by_key[row[key]].append({n: v for n, v in row.items() if v is not None})
    return {
        f"{name}: {id_}": (found.get(id_), true.get(id_))
        for id_ in found.keys() | true.keys()
        if found.get(id_) != true.get(id_)
    }
