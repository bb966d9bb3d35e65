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
from datetime import datetime, timedelta
from pathlib import Path

from glue.instants import EPOCH, parse, to_wire
from sdpctl import deployment
from sdpctl.backfill.live import Live
from sdpctl.backfill.plan import Span
from sdpctl.clock import now
from sdpctl.commands.backfill import parameters_of

ROOT = Path(__file__).resolve().parent.parent
USE_CASE = "adtech"
NOT_YET = "Wait until they are delivered"


def sdp(*arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs the command line; its output is shown unless it is needed here."""
    return subprocess.run([ROOT / "sdp", *arguments], capture_output=quiet, text=True, check=False)


def send(events: int, rate: float, folder: Path) -> tuple[Span, float]:
    """Generates from now on and sends; the events' span, and events a second accepted."""
    start = now().replace(microsecond=0)
    file, truth = folder / "events.ndjson", folder / "truth.json"
    shape = ["--rate", str(rate), "--duplicates", "0.1", "--shuffle", "5", "--period", "PT1M"]
    told = ["--start", to_wire(start), "--out", str(file), "--truth", str(truth)]
    many = ["--use-case", USE_CASE, "--events", str(events)]
    sdp("generate", *many, *shape, *told).check_returncode()
    lines = sum(1 for _ in file.open("rb"))
    begun = time.monotonic()
    sdp("send", str(file)).check_returncode()
    found = json.loads(truth.read_text())
    return Span(parse(found["start"]), parse(found["end"])), lines / (time.monotonic() - begun)


def await_final(live: Live, span: Span) -> None:
    """Waits until nothing of the span can change."""
    parameters = parameters_of(None)
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
        sent, rate = send(args.events, args.rate, Path(folder))
    print(f"sent       {sent}: {rate:,.0f} events/s through the API")
    topology = deployment.topology()
    clients = (deployment.client(name, None) for name in ("dynamodb", "kinesis"))
    live = Live(topology, topology.catalog.use_case(USE_CASE), *clients)
    period = parameters_of(None).aggregation_period
    span = Span(_floor(sent.start, period), _floor(sent.end, period) + period)
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
