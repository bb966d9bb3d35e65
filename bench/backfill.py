"""Backfill of generated events on the running platform: 0 differences, and events/s beside live.

`.venv/dev/bin/python -m bench.backfill --events 200000` generates events with repetitions, sends
them through the public API, waits until their range is final and in the lake, and runs
`./sdp backfill --compare`, whose exit status is its own. Until a range is final it takes
CorrelationWindow + AllowedLateness: use a platform with short ones, as
`make up PARAMETERS="CorrelationWindow=PT1M AllowedLateness=PT10M AggregationPeriod=PT1M"`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from glue.instants import EPOCH, parse, to_wire
from sdpctl import deployment
from sdpctl.backfill.live import Live
from sdpctl.backfill.plan import Span
from sdpctl.clock import now
from sdpctl.commands.recomputing import parameters_of

ROOT = Path(__file__).resolve().parent.parent
USE_CASE = "adtech"
MEASURES = ("bids", "impressions", "clicks", "spend")
COUNTED_SECONDS = 300
NOT_YET = "Wait until they are delivered"


def sdp(*arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs the command line; its output is shown unless it is needed here."""
    return subprocess.run([ROOT / "sdp", *arguments], capture_output=quiet, text=True, check=False)


@dataclass(frozen=True)
class Sent:
    """What was sent: its span, how many records in how many seconds, and the counts to come."""

    span: Span
    records: int
    seconds: float
    expected: Counter[str]


def send(events: int, rate: float, folder: Path) -> Sent:
    """Generates from now on, repetitions among them, and sends through the public API."""
    start = now().replace(microsecond=0)
    file, truth = folder / "events.ndjson", folder / "truth.json"
    shape = ["--rate", str(rate), "--duplicates", "0.1", "--shuffle", "5", "--period", "PT1M"]
    arguments = ["--start", to_wire(start), "--out", str(file), "--truth", str(truth)]
    many = ["--use-case", USE_CASE, "--events", str(events)]
    sdp("generate", *many, *shape, *arguments).check_returncode()
    lines = sum(1 for _ in file.open("rb"))
    begun = time.monotonic()
    sdp("send", str(file)).check_returncode()
    seconds, found = time.monotonic() - begun, json.loads(truth.read_text())
    rows = (row for report in found["reports"].values() for row in report.values())
    return Sent(Span(parse(found["start"]), parse(found["end"])), lines, seconds, _sum(rows))


def _sum(rows: Iterable[Mapping[str, int]]) -> Counter[str]:
    """Counts by measure."""
    found: Counter[str] = Counter()
    for row in rows:
        found.update({name: row[name] for name in MEASURES})
    return found


def await_counted(live: Live, span: Span, expected: Counter[str]) -> float:
    """Waits until the stream's own counts are all there; the seconds it took."""
    begun = time.monotonic()
    while (found := _sum(b.measures for b in live.buckets(span).values())) != expected:
        if time.monotonic() - begun > COUNTED_SECONDS:
            raise SystemExit(f"FAIL live counts {dict(found)}, expected {dict(expected)}")
        time.sleep(0.5)
    return time.monotonic() - begun


def await_final(live: Live, span: Span) -> None:
    """Waits until nothing of the span can change."""
    parameters = parameters_of(live.topology, live.use_case, None)
    while (through := live.complete_through(parameters)) is None or through < span.end:
        print(f"waiting: complete through {through}, to be {span.end}", end="\r", flush=True)
        time.sleep(5)
    print()


def main() -> int:
    """Sends, waits, compares; the exit status of the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rate", type=float, default=1_000.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sdp-bench-") as folder:
        sent = send(args.events, args.rate, Path(folder))
    topology = deployment.topology()
    clients = (deployment.client(name, None) for name in ("dynamodb", "kinesis"))
    live = Live(topology, topology.catalog.use_case(USE_CASE), *clients)
    period = parameters_of(topology, live.use_case, None).aggregation_period
    span = Span(_floor(sent.span.start, period), _floor(sent.span.end, period) + period)
    behind = await_counted(live, span, sent.expected)
    print(
        f"streamed   {sent.records:,} events of {sent.span}: {sent.records / sent.seconds:,.0f} "
        f"events/s through the API, all in the reports {behind:.1f} s after the last: "
        f"{sent.records / (sent.seconds + behind):,.0f} events/s"
    )
    await_final(live, span)
    bounds = ["--from", to_wire(span.start), "--to", to_wire(span.end)]
    while True:
        done = sdp("backfill", *bounds, "--compare", quiet=True)
        if NOT_YET not in done.stderr:
            break
        time.sleep(10)
    print(done.stderr + done.stdout)
    return done.returncode


def _floor(moment: datetime, period: timedelta) -> datetime:
    return moment - (moment - EPOCH) % period


if __name__ == "__main__":
    sys.exit(main())
