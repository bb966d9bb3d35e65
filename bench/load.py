"""Load on the ingestion API with Gatling; then the ledger must balance.

    make load LOAD="--profile burst --rate 12 --batch 100 --seconds 60"

Needs a running platform (`make up`), or `--url` and `--region` of a deployment in AWS with the key
in SDP_API_KEY. The events are generated: records that belong together, in the order in which they
happen, 10 % of them sent twice. Fails if a request is not answered with 202, if the 99th percentile
of the response times is above the limit, if the ledger has not grown by as many accepted events as
Gatling counts, or if an accepted event has not exactly one outcome. Nothing else may send events
meanwhile. It ends when no event waits for others: those of `machines` do for FinalAfter.

Profiles, `--rate` being the mean at most: `steady`; `ramp` from a tenth of the rate; `burst`, eight
seconds of half the rate and two of three times the rate; `soak`, steady for half an hour.

With `--highest` the rate that the platform sustains is searched for, from `--rate` on in runs of
half a minute: the highest at which no request fails and p99 keeps to its limit. The ledger must
have all that was accepted at any of these rates, also at those that were too much.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

import usecases
from datagen import Event, Generation
from datagen import Settings as Shape
from sdpctl.commands.generate import generator_of, write
from sdpctl.connection import connect
from sdpctl.sending import Sender, Tally, send_all
from sdpctl.settings import ROOT

PROJECT = ROOT / "gatling"
# Rows of the summary: in all, of answered requests, of failed ones.
P99 = "response time 99th percentile (ms)"
SUMMARY = re.compile(r"^> (request count|response time 99th percentile \(ms\)) +\|(.*)$", re.M)
ACCEPTED = re.compile(r"^> accepted events: (\d+)$", re.M)
LENGTHS = {"steady": 60, "ramp": 60, "burst": 60, "soak": 1800}
SEARCH_SECONDS = 30
DUPLICATES = 0.1
PATIENCE = 900.0
NARROW = 8  # a search ends when the rate that is too much is less than an eighth above


@dataclass(frozen=True)
class Load:
    """What is sent where: `rate` in requests per second, `keys` as sets of the generator's keys."""

    use_case: str
    profile: str
    rate: float
    batch: int
    seconds: int
    keys: int
    p99: int
    url: str
    api_key: str

    @property
    def events(self) -> int:
        """More than the requests need: none of the profiles has more requests than its rate."""
        return int(self.rate * (self.seconds + 10) * self.batch)

    def generate(self, file: Path) -> int:
        """Write the events that the requests are made of; their times begin now.

        Returns how many of them wait for an event that does not exist.
        """
        sets = [self._set(number) for number in range(self.keys)]
        with file.open("wb") as stream:
            write(_merged(sets), stream)
        outcomes = (o for made in sets for o in made.truth()["outcomes"].values())
        return sum(outcome["unmatched"] for outcome in outcomes)

    def _set(self, number: int) -> Generation:
        start = datetime.now(UTC)
        shape = Shape(
            self.events // self.keys,
            start,
            seed=int(start.timestamp()) % 1_000_000 + number,
            rate=self.rate * self.batch / self.keys,
            duplicates=DUPLICATES,
            shuffle=timedelta(seconds=1),
        )
        use_case = usecases.load((self.use_case,)).use_case(self.use_case)
        return Generation(use_case, generator_of(self.use_case), shape)

    def send(self, file: Path) -> tuple[int, str]:
        """Run Gatling, showing what it prints; its exit status, and all that it printed."""
        values = {name: getattr(self, name) for name in ("url", "batch", "rate", "seconds", "p99")}
        values |= {"file": file, "profile": self.profile}
        command = ["mvn", "-B", "-ntp", "-f", str(PROJECT / "pom.xml"), "test-compile"]
        command += ["gatling:test", *(f"-Dsdp.{name}={value}" for name, value in values.items())]
        environment = {**os.environ, "SDP_API_KEY": self.api_key}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as done:
            printed = [_shown(line) for line in done.stdout or ()]
        return done.returncode, "".join(printed)

    def send_rest(self, file: Path, sent: int) -> Tally:
        """Send the events after the first `sent`: until then some wait for these."""
        headers = {"x-api-key": self.api_key}
        with httpx.Client(headers=headers, timeout=30) as client, file.open("rb") as lines:
            sender = Sender(client, f"{self.url}/events")
            rest = itertools.islice(lines, sent, None)
            rate = self.rate * self.batch
            return send_all(sender, rest, workers=1, rate=rate, progress=lambda _: None)


def _merged(sets: Sequence[Generation]) -> Iterator[Event]:
    """The events of each set of keys, in the order of sending."""
    merged = heapq.merge(*map(enumerate, sets), key=lambda numbered: numbered[0])
    return (event for _, event in merged)


def _shown(line: str) -> str:
    sys.stdout.write(line)
    return line


def figures(printed: str) -> dict[str, int]:
    """Of Gatling's end: requests, those that failed, p99 in milliseconds, and events accepted."""
    summary, accepted = dict(SUMMARY.findall(printed)), ACCEPTED.findall(printed)
    if not summary or not accepted:
        raise SystemExit("Gatling did not run: see above")
    numbers = {name: re.findall(r"[\d,]+|-", row) for name, row in summary.items()}
    (_, ok, failed), (p99, *_) = numbers["request count"], numbers[P99]
    texts = {"ok": ok, "failed": failed, "p99": p99, "accepted": accepted[-1]}
    return {name: _number(text) for name, text in texts.items()}


def _number(text: str) -> int:
    return 0 if text == "-" else int(text.replace(",", ""))


def audit(use_case: str, start: datetime, region: str | None) -> tuple[int, dict[str, int]]:
    """The exit status of `./sdp audit` from `start` on, and the sums of its columns."""
    command = [sys.executable, "-m", "sdpctl", "audit", "--json", "--use-case", use_case]
    command += ["--from", start.replace(second=0, microsecond=0).isoformat()]
    command += ["--region", region] if region else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode not in (0, 1) or done.stderr:
        raise SystemExit(done.stderr or done.stdout)
    minutes = [json.loads(line) for line in done.stdout.splitlines()]
    names = ("ok", "unknown", "unread", "waiting", "missing", "excess")
    return done.returncode, {name: sum(minute[name] for minute in minutes) for name in names}


def settle(
    use_case: str, start: datetime, region: str | None, waiting: int
) -> tuple[bool, dict[str, int]]:
    """Wait until every record is read and no more than `waiting` wait for others.

    Whether they do, and every minute balances; its sums.
    """
    until = time.monotonic() + PATIENCE
    while True:
        status, sums = audit(use_case, start, region)
        is_open = sums["unread"] > 0 or sums["waiting"] > waiting
        if status or not is_open or time.monotonic() > until:
            return not (status or is_open), sums
        time.sleep(2)


@dataclass(frozen=True)
class Result:
    """What one run of Gatling came to: `accepted` and `waiting` count events, `p99` is in ms.

    `rest` are those sent after it, `waiting` those that no other event will come for.
    """

    load: Load
    ok: int
    failed: int
    p99: int
    accepted: int
    """Also some of a request that failed: a batch may be accepted in part."""
    rest: int
    waiting: int
    holds: bool
    """Whether no request failed and p99 is below its limit."""

    def __str__(self) -> str:
        load = self.load
        return (
            f"{load.profile}: {self.ok:,} requests of {load.batch} {load.use_case} events, "
            f"{self.failed} failed; {self.accepted / load.seconds:,.0f} events/s, p99 {self.p99} ms"
        )


def run(load: Load) -> Result:
    """Generate and send, and send what is left over.

    Of a run in which requests failed all is sent again: which events were refused is not known, and
    copies change nothing.
    """
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        file = Path(folder) / "events.ndjson"
        waiting = load.generate(file)
        status, printed = load.send(file)
        found = figures(printed)
        sent = 0 if found["failed"] else found["ok"] * load.batch
        rest = load.send_rest(file, sent)
    return Result(load, **found, rest=rest.accepted, waiting=waiting, holds=status == 0)


def search(first: float, holds: Callable[[float], bool]) -> float | None:
    """The highest rate that holds, to an eighth: the rate doubles until one does not.

    None if none down to an eighth of the first does.
    """
    lower, upper, rate = 0.0, math.inf, first
    while upper - lower > lower / NARROW and rate >= first / NARROW:
        if holds(rate):
            lower = rate
        else:
            upper = rate
        rate = 2 * lower if upper == math.inf else (lower + upper) / 2
    return lower or None


def main() -> int:
    """Generate, send, audit; 1 if a request failed, p99 is too high, or the ledger is wrong."""
    options = _options()
    url, key = connect("url_for_api", options.url, os.environ.get("SDP_API_KEY"))
    load = Load(
        options.use_case,
        options.profile,
        options.rate,
        options.batch,
        options.seconds or (SEARCH_SECONDS if options.highest else LENGTHS[options.profile]),
        options.keys,
        options.p99,
        url,
        key,
    )
    start = datetime.now(UTC)
    before = audit(load.use_case, start, options.region)[1]  # of the minute that has begun
    results: list[Result] = []

    def holds(rate: float) -> bool:
        if results:  # what the run before has left over would delay this one
            settle(load.use_case, start, options.region, sys.maxsize)
        results.append(run(replace(load, rate=rate)))
        print(results[-1], flush=True)
        return results[-1].holds

    wrong = []
    if options.highest:
        highest = search(load.rate, holds)
        if highest is None:
            wrong += ["no rate holds: requests fail, or p99 is above the limit"]
        else:
            best = next(result for result in results if result.load.rate == highest)
            print(f"highest rate that holds: {highest:g} requests/s; {best}")
    elif not holds(load.rate):
        wrong += ["requests failed, or p99 is above the limit"]
    wrong += audited(results, before, start, options.region)
    print("\n".join([f"FAIL: {problem}" for problem in wrong] or ["PASS"]))
    return int(bool(wrong))


def audited(
    results: Sequence[Result], before: Mapping[str, int], start: datetime, region: str | None
) -> list[str]:
    """What is wrong with the ledger once it has settled."""
    waiting = before["waiting"] + sum(result.waiting for result in results)
    accepted, rest = sum(r.accepted for r in results), sum(r.rest for r in results)
    balances, sums = settle(results[0].load.use_case, start, region, waiting)
    grown = {name: number - before[name] for name, number in sums.items()}
    print(
        f"accepted: {accepted:,} events, and {rest:,} sent after the load; "
        f"the ledger has grown by {grown['ok']:,} ok: {grown}"
    )
    return problems(accepted + rest, grown, balances=balances)


def problems(accepted: int, grown: Mapping[str, int], *, balances: bool) -> list[str]:
    """What is wrong with the ledger after a load: its growth, its balance."""
    wrong = []
    if not accepted or grown["ok"] != accepted:
        wrong.append(
            f"{accepted:,} events were accepted, and the ledger has {grown['ok']:,} more: the "
            "door has counted wrong, or something else has sent events"
        )
    if not balances:
        wrong.append(
            f"{grown['missing']:,} are missing, {grown['excess']:,} too many, "
            f"{grown['unread']:,} not read, {grown['waiting']:,} wait for others"
        )
    return wrong


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    audited = [u.name for u in usecases.load().use_cases if u.is_audited]
    parser.add_argument("--use-case", choices=audited, default=audited[0])
    parser.add_argument("--profile", choices=[*LENGTHS], default="steady")
    parser.add_argument("--rate", type=float, default=10, help="requests per second (%(default)s)")
    parser.add_argument("--batch", type=int, default=100, help="events in one (%(default)s)")
    parser.add_argument("--highest", action="store_true", help="search the highest rate that holds")
    parser.add_argument("--seconds", type=int, help="how long (60; soak: 1800; --highest: 30)")
    parser.add_argument("--keys", type=int, default=1, help="sets of keys at once (%(default)s)")
    parser.add_argument("--p99", type=int, default=1000, help="limit in ms (%(default)s)")
    parser.add_argument("--url", help="this UrlForAPI, with its key in SDP_API_KEY")
    parser.add_argument("--region", help="audit the deployment in this AWS region")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
