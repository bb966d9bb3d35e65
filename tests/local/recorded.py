"""`make recording FILE=…`: a recording of machines as a bounded run, over HTTP, and over MQTT.

    .venv/dev/bin/python -m tests.local.recorded FILE --r SPEED --s TORQUE [--via bounded http mqtt]

FILE is NDJSON as `tests/recordings.py` describes it; without one a small recording is made up. Its
measurements are shuffled and a fifth of them is sent twice. The pairs that come of them must be
those found by force, each once.

- `bounded`: the packaged application reads files, with the recording's own times.
- `http`, `mqtt`: `./sdp send`, with `--mqtt` or without, sends it to the running platform. Its
  pauses are shortened, and it ends now. What is older than FinalAfter when it arrives is late, so a
  long recording needs `make up USE_CASES=machines PARAMETERS="FinalAfter=PT2H"`.

Prints for each way how many pairs there are, are missing and are too many, and which dead letters
explain the difference. Ends with 1 unless there is none.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from glue.instants import parse, to_millis
from glue.parameters import parse_duration
from sdpctl.errors import CommandError
from sdpctl.local import outputs
from sdpctl.settings import ROOT, Settings
from tests import recordings
from tests.flink import application, files
from tests.local.driver import Driver, wait_until
from tests.recordings import Event, Pair, Recording, Sample

BOUNDED = "bounded"
# One connection keeps the order; `--mqtt` has one for each machine.
BY_WAY: dict[str, tuple[str, ...]] = {"http": ("--workers", "1"), "mqtt": ("--mqtt",)}
WAYS = (BOUNDED, *BY_WAY)
RATE = 800.0  # a shard takes 1,000 records a second, of which a machine has one
SECONDS, QUIET = 300.0, 45.0
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Flow:
    """A recording as it is sent; `run` is in the names of its machines and events."""

    run: str
    recording: Recording
    events: list[Event]

    @classmethod
    def of(cls, run: str, recording: Recording, seed: int = 1) -> Flow:
        """Shuffled and repeated by a seed."""
        return cls(run, recording, recording.sent(run, seed))

    @property
    def expected(self) -> set[Pair]:
        """By force."""
        return recordings.pairs(self.recording.samples, self.run)

    @property
    def joined(self) -> list[Event]:
        """What is of the two quantities that are joined."""
        return [e for e in self.events if e["quantity"] in (recordings.SPEED, recordings.TORQUE)]

    def is_own(self, row: Row) -> bool:
        """Whether a row is of one of its machines."""
        return str(row["thing"]).startswith(f"{self.run}-")


@dataclass(frozen=True)
class Outcome:
    """What came of a flow: its final pairs and dead letters, each as often as it is written."""

    flow: Flow
    rows: list[Row]
    letters: list[Row]
    stored: Counter[str]
    """How often each measurement is in the stream, by id: a request may have been sent again."""

    @cached_property
    def found(self) -> Counter[Pair]:
        """The pairs."""
        return Counter(map(_pair, self.rows))

    @property
    def reasons(self) -> Counter[str]:
        """The dead letters."""
        return Counter(str(row["reason"]) for row in self.letters)

    @cached_property
    def refused(self) -> Counter[str]:
        """How often each measurement is a dead letter."""
        return Counter(str(row.get("event_id")) for row in self.letters)

    @property
    def is_exact(self) -> bool:
        """Each pair is there once, and of each measurement all but one are dead letters."""
        again = {e["event_id"]: self.stored[e["event_id"]] - 1 for e in self.flow.joined}
        return self.found == Counter(self.flow.expected) and self.refused == Counter(again)

    @property
    def taken(self) -> list[Sample]:
        """The samples of which at least one copy is no dead letter."""
        names = [s.event(self.flow.run)["event_id"] for s in self.flow.recording.samples]
        pairs = zip(self.flow.recording.samples, names, strict=True)
        return [sample for sample, name in pairs if self.refused[name] < self.stored[name]]

    @property
    def is_explained(self) -> bool:
        """The pairs are those of the samples that are no dead letters, each once."""
        return self.found == Counter(recordings.pairs(self.taken, self.flow.run))

    def __str__(self) -> str:
        """In figures."""
        expected = self.flow.expected
        letters = ", ".join(f"{n:,} {reason}" for reason, n in sorted(self.reasons.items()))
        text = (
            f"{self.stored.total():,} measurements of {len(self.flow.recording.samples):,}: "
            f"{len(self.found):,} of {len(expected):,} pairs, "
            f"{len(expected - self.found.keys()):,} missing, "
            f"{len(self.found.keys() - expected):,} others, "
            f"{self.found.total() - len(self.found):,} twice; dead letters: {letters or 'none'}"
        )
        if self.is_exact:
            return text
        lost = len(self.flow.recording.samples) - len(self.taken)
        explained = "" if self.is_explained else "not all of it "
        return f"{text}; {explained}explained by {lost:,} measurements that are dead letters"


def _pair(row: Row) -> Pair:
    r, s = (to_millis(parse(row[f"{side}_time"])) for side in "rs")
    return row["thing"], r, row["r_result"], s, row["s_result"]


# the ways -----------------------------------------------------------------------------------------


def bounded(flow: Flow, folder: Path) -> Outcome:
    """A run of the packaged application over files."""
    files.write(folder, "machines", "measurements", flow.events)
    (folder / "data" / "machines" / "definitions.ndjson").write_text("")
    places = {"connector": "files", "files.path": str(folder / "data")}
    application.run(folder, "main.py", {"use_cases": "machines", **places})
    pairs, letters = (files.written(folder, "machines", n) for n in ("pairs", "dead-letters"))
    sent = Counter(event["event_id"] for event in flow.events)
    return Outcome(flow, [row for row in pairs if row["status"] == "final"], letters, sent)


def send(
    settings: Settings,
    flows: Mapping[str, Flow],
    options: Mapping[str, Sequence[str]],
    tree: Path = ROOT,
) -> None:
    """Send flows with `./sdp send`, all at once; each line must be accepted."""
    with tempfile.TemporaryDirectory(prefix="sdp-recording-") as folder:
        for way, flow in flows.items():
            lines = b"".join(orjson.dumps(e, option=orjson.OPT_APPEND_NEWLINE) for e in flow.events)
            Path(folder, way).write_bytes(lines)
        running = [
            subprocess.Popen(
                [tree / "sdp", "send", str(Path(folder, way)), *options.get(way, ())],
                cwd=tree,
                env=settings.aws_environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for way in flows
        ]
        printed = [process.communicate(timeout=900)[0] for process in running]
    failed = [text for p, text in zip(running, printed, strict=True) if p.returncode]
    assert not failed, failed


def outcome(user: Driver, flow: Flow, seconds: float = SECONDS, quiet: float = QUIET) -> Outcome:
    """What has come of a flow: once it is exact, or when nothing has been added for a while."""
    ids = {event["event_id"] for event in flow.events}
    found: list[Outcome] = []
    size, since = -1, time.monotonic()

    def is_over() -> bool:
        nonlocal size, since
        rows = (row for row in user.records("pairs") if row["status"] == "final")
        letters = {
            row["id"]: row for row in user.records("dead-letters") if row.get("event_id") in ids
        }
        own = [*filter(flow.is_own, rows)]
        found[:] = [Outcome(flow, own, [*letters.values()], stored(user, ids))]
        if (known := len(found[0].rows) + len(letters)) != size:
            size, since = known, time.monotonic()
        return found[0].is_exact or time.monotonic() - since > quiet

    wait_until(is_over, seconds, lambda: str(found[0]))
    return found[0]


def stored(user: Driver, ids: Collection[str]) -> Counter[str]:
    """How often the stream of measurements has each of these."""
    rows = user.records("measurements")
    return Counter(str(row["event_id"]) for row in rows if row.get("event_id") in ids)


def counted(user: Driver, flow: Flow) -> int:
    """How many pairs the report has of the machines of a flow."""
    things = sorted({event["thing"] for event in flow.events})
    answers = [user.get(f"machines/{thing}") for thing in things]
    return sum(a.json()["count"] for a in answers if a.status_code == 200)


# the command --------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Each way, one after the other; 1 unless all are exact."""
    options = _options(arguments)
    try:
        recording = Recording.load(options.file, options.r, options.s)
        moved = recording.moved(to_millis(datetime.now(UTC)), options.pause)
    except (OSError, ValueError) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 2
    print(
        f"{len(recording.samples):,} measurements, {len(recordings.pairs(recording.samples)):,} "
        f"pairs; {moved.lasts / 1000:,.0f} s without pauses beyond {options.pause} ms",
        flush=True,
    )
    exact = _bounded(recording, options.seed) if BOUNDED in options.via else True
    ways = [way for way in options.via if way in BY_WAY]
    try:
        exact = (not ways or _on_the_platform(recording, ways, options)) and exact
    except CommandError as error:
        print(error, file=sys.stderr)
        return 2
    return int(not exact)


def _bounded(recording: Recording, seed: int) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sdp-recording-") as folder:
        found = bounded(Flow.of(BOUNDED, recording, seed), Path(folder))
    print(f"{BOUNDED}: {found}; {time.monotonic() - began:.0f} s", flush=True)
    return found.is_exact


def _on_the_platform(
    recording: Recording, ways: Sequence[str], options: argparse.Namespace
) -> bool:
    """By all of these ways at once, by machines of their own."""
    settings = Settings.load()
    current = outputs.read(settings)
    api, reports, key = current.url_for_api, current.url_for_reports, current.api_key
    user = Driver(api, reports, key, settings.endpoint, "sdp-machines-")
    began, end = time.monotonic(), to_millis(datetime.now(UTC)) - recordings.TAIL_MS
    moved = recording.moved(end, options.pause)
    check(moved, current.parameters)
    flows = {way: Flow.of(f"{way}-{end:x}", moved, options.seed) for way in ways}
    given = {way: list(BY_WAY[way]) for way in ways}
    if options.rate and "http" in given:
        given["http"] += ["--rate", str(options.rate)]
    if options.workers and "http" in given:
        given["http"] += ["--workers", str(options.workers)]
    send(settings, flows, given)
    sent = time.monotonic() - began
    outcomes = {way: outcome(user, flow) for way, flow in flows.items()}
    for way, found in outcomes.items():
        print(f"{way}: {found}; the report counts {counted(user, flows[way]):,}", flush=True)
    print(f"sent in {sent:.0f} s, compared after {time.monotonic() - began:.0f} s")
    return all(found.is_exact for found in outcomes.values())


def check(moved: Recording, parameters: Mapping[str, str]) -> None:
    """Raises CommandError for a recording whose beginning would be late whatever is done."""
    final_after = parse_duration(parameters["FinalAfter"])
    if moved.lasts >= final_after // timedelta(milliseconds=1):
        raise CommandError(
            f"the recording lasts {moved.lasts / 1000:,.0f} s, and what is older than FinalAfter "
            f"({parameters['FinalAfter']}) is late: run 'make up' with a longer FinalAfter"
        )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, nargs="?", help="(default: a small one, made up)")
    parser.add_argument("--r", default=recordings.SPEED, help="its speed (%(default)s)")
    parser.add_argument("--s", default=recordings.TORQUE, help="its torque (%(default)s)")
    parser.add_argument("--via", nargs="+", choices=WAYS, default=WAYS, help="(all)")
    parser.add_argument("--pause", type=int, default=recordings.PAUSE_MS, help="ms (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of order and copies (%(default)s)")
    parser.add_argument(
        "--rate", type=float, default=RATE, help="over HTTP, a second; 0: no limit (%(default)s)"
    )
    parser.add_argument("--workers", type=int, help="HTTP connections (1, which keeps the order)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
