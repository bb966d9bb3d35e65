"""Does the model hold what is promised of it? Each check prints its figure; 1 if one fails.

    .venv/dev/bin/python -m bench.model

Needs a fresh platform whose auctions close soon and which may train at any time:

    make up PARAMETERS="CorrelationWindow=PT1M AllowedLateness=PT1M retrainCheckMinutes=1440 \\
        trainingsPerDay=100 trainingMinutesPerDay=10000"

More than 50,000 auctions are sent through the API, joined, delivered into the lake and trained on;
that takes six minutes, for auctions must close. `--direct` puts closed auctions into the lake
instead, which needs no Flink.
"""

from __future__ import annotations

import argparse
import itertools
import math
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from bench import deployed
from bench.lake import Platform
from ml.figures import figures
from sdpctl import retraining
from sdpctl.clock import now
from sdpctl.settings import ROOT, Settings
from tests.local.modelling import TABLE, Modelling, Row
from tests.unit.ml.auctions import after, auctions, chance, request

EVENTS = 77_500  # a bid and, for less than half of them, an impression; a click for a few
AUCTIONS, HELD_OUT, DRIFT = 50_000, 20_000, 1.0
RATE = 400.0  # of event time: all of it is less than five minutes ahead, so none is late
SWAPS, CALLERS = 20, 3
TIMEOUT = 1_800.0  # seconds
# Limits.
WORSE, CALIBRATION_ERROR = 1.03, 0.02
SECONDS, SWAP_SECONDS = 10.0, 30.0  # a swap shares two cores with its callers
PRICES = (1, 250, 500, 1_000, 1_500, 2_000, 3_000, 5_000, 9_000, 30_000, 10**6)


class Checks:
    """Prints each figure beside its limit, and remembers whether all held."""

    failed = False

    def __call__(self, name: str, held: bool, figure: object) -> None:
        self.failed = self.failed or not held
        _say(f"{'pass' if held else 'FAIL'}  {name}: {figure}")


def _say(line: str, end: str = "\n") -> None:
    sys.stdout.write(line + end)
    sys.stdout.flush()


def sent(platform: Platform) -> tuple[datetime, datetime]:
    """Send auctions through the API and wait until the lake has all of them closed; their range."""
    since = now()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.ndjson"
        shape = ["--events", str(EVENTS), "--rate", str(RATE), "--start", since.isoformat()]
        _sdp("generate", "--use-case", "adtech", "--seed", "7", *shape, "--out", str(file))
        bids = file.read_bytes().count(b'"type":"bid"')
        _sdp("send", str(file))
    assert bids >= AUCTIONS, f"{bids} auctions generated"
    began = time.monotonic()
    while (held := _closed(platform, since)) < bids:
        waited = time.monotonic() - began
        if waited > TIMEOUT:
            raise SystemExit(
                f"FAIL  {held:,} of {bids:,} auctions in the lake after {waited:.0f} s"
            )
        _say(
            f"      {waited:4.0f} s: {held:,} of {bids:,} auctions are closed and in the lake", "\r"
        )
        time.sleep(5)
    _say(f"      {time.monotonic() - began:4.0f} s: {held:,} of {bids:,} auctions, all of them")
    return since, now()


def direct(modelling: Modelling) -> tuple[datetime, datetime]:
    """Closed auctions straight into the lake; their range."""
    rows = auctions(AUCTIONS, seed=7)
    modelling.fill(rows, "bench")
    return rows[0]["bid_at"], after(rows)


def _closed(platform: Platform, since: datetime) -> int:
    first = f"TIMESTAMP '{since:%Y-%m-%d %H:%M:%S}'"
    sql = f"SELECT 'all' AS which, count(DISTINCT tx_id) AS n FROM {TABLE} WHERE bid_at >= {first}"
    return platform.ask(sql).get("all", (0,))[0]


def _sdp(*arguments: str) -> None:
    subprocess.run([ROOT / "sdp", *arguments], check=True)


def log_loss(scores: list[float], rows: list[Row]) -> float:
    """Mean, nats."""
    return -math.fsum(
        math.log(max(1e-15, score if row["won"] else 1 - score))
        for score, row in zip(scores, rows, strict=True)
    ) / len(rows)


def quality(check: Checks, modelling: Modelling, rows: list[Row], drift: float = 0.0) -> None:
    """On auctions that nobody has trained on, beside the generator's own probabilities."""
    scores = modelling.scores(rows)
    found, best = log_loss(scores, rows), log_loss([chance(row, drift) for row in rows], rows)
    check(
        f"log loss within {WORSE - 1:.0%} of the best possible",
        found < WORSE * best,
        f"{found:.4f} nats, best possible {best:.4f}: {found / best - 1:+.2%} "
        f"({len(rows):,} auctions held out)",
    )
    measured = figures(np.array(scores), np.array([row["won"] for row in rows]))
    check(
        f"calibration error under {CALIBRATION_ERROR}",
        measured.calibration_error < CALIBRATION_ERROR,
        f"{measured.calibration_error:.4f} (true scores: {measured.calibration_luck:.4f})",
    )


def prices(check: Checks, modelling: Modelling, rows: list[Row]) -> None:
    """Requests each campaign's auction at rising prices."""
    tried = {row["campaign_item_id"]: row for row in rows}
    rising = 0
    for row in tried.values():
        requested = {"instances": [request(row, winPrice=price) for price in PRICES]}
        scores = [p["score"] for p in modelling.ask(requested).json()["predictions"]]
        rising += scores == sorted(scores) and scores[0] < scores[-1]
    check(
        "the score rises with the price for every campaign tried",
        rising == len(tried) > 0,
        f"{rising} of {len(tried)} campaigns, {len(PRICES)} prices each",
    )


def arrived(modelling: Modelling, config: str) -> None:
    """Wait until the endpoint is no longer on its way."""
    while modelling.place.release("standing", config=config)["status"] == "Moving":
        time.sleep(0.1)


class Callers:
    """Ask for predictions without a pause until left; what was answered, by who answered."""

    def __init__(self, modelling: Modelling) -> None:
        self._modelling, self._asked = modelling, request(auctions(1)[0])
        self._ended = threading.Event()
        self.answers: list[str] = []
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(CALLERS)]

    def _call(self) -> None:
        while not self._ended.is_set():
            try:
                answer = self._modelling.ask(self._asked)
            except httpx.HTTPError as error:
                self.failures.append(repr(error))
                continue
            if answer.status_code == 200:
                self.answers.append(answer.json()["served_by"])
            else:
                self.failures.append(f"{answer.status_code} {answer.text}")

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


def swaps(check: Checks, modelling: Modelling, versions: list[str]) -> None:
    """Move the endpoint to and fro while callers ask without a pause."""
    taken, in_service = [], []
    with Callers(modelling) as callers:
        for number, version in zip(range(1, SWAPS + 1), itertools.cycle(versions)):
            began = time.monotonic()
            said = modelling.place.release("switch", version=version, force=True)
            arrived(modelling, said["config"])
            taken.append(time.monotonic() - began)
            in_service.append(modelling.ask(callers._asked).json()["model_version"] == version)
            _say(f"      swap {number} of {SWAPS}: {taken[-1]:.1f} s", "\r")
    answered, failures = len(callers.answers), callers.failures
    by_endpoint = callers.answers.count("endpoint")
    check(
        f"no request fails during {SWAPS} swaps under load",
        answered > 0 and not failures,
        f"{len(failures)} failed, {answered:,} answered ({by_endpoint:,} by the endpoint, "
        f"{answered - by_endpoint:,} by the fallback) {failures[:1] or ''}",
    )
    check(
        f"each swap within {SWAP_SECONDS:.0f} s, and the version in service is the requested one",
        max(taken) < SWAP_SECONDS and all(in_service),
        f"{max(taken):.1f} s at most, {sum(in_service)} of {SWAPS} as requested",
    )


def trainings(
    check: Checks, modelling: Modelling, since: datetime, until: datetime
) -> tuple[str, str]:
    """A model, a worse one, one of changed behaviour; the versions of the first and the last."""
    first = _run(modelling, "the first training", since=since, until=until)
    check("a model is trained and promoted", first["status"] == "promoted", first["cause"])
    answer = modelling.ask(request(auctions(1)[0])).json()
    served = answer["model_version"], answer["served_by"]
    check("it answers", served == (first["execution"], "endpoint"), f"{served[0]} by {served[1]}")
    rows = auctions(HELD_OUT, seed=99, start=until)
    quality(check, modelling, rows)
    prices(check, modelling, rows)
    torn = {"shuffle-labels": "true"}
    shuffled = _run(modelling, "shuffled labels", since=since, until=until, hyperparameters=torn)
    check("shuffled labels are refused", shuffled["status"] == "refused", shuffled["cause"])
    changed = auctions(AUCTIONS, seed=8, start=until + timedelta(seconds=1), drift=DRIFT)
    modelling.fill(changed, "changed")
    second = _run(modelling, "changed behaviour", since=since, until=after(changed))
    check("changed behaviour wins", second["status"] == "promoted", second["cause"])
    return first["execution"], second["execution"]


def _run(modelling: Modelling, what: str, **given: Any) -> Row:
    began = time.monotonic()
    _say(f"      {what} …", "\r")
    ended = modelling.run(**given)
    _say(f"      {what}: {ended['status']} after {time.monotonic() - began:.0f} s")
    return ended


def back(check: Checks, modelling: Modelling, former: str) -> None:
    """`./sdp model rollback`, until the former version answers."""
    began = time.monotonic()
    _sdp("model", "rollback")
    while (now_served := modelling.ask(request(auctions(1)[0])).json()["model_version"]) != former:
        if time.monotonic() - began > SECONDS:
            break
        time.sleep(0.1)
    took = time.monotonic() - began
    check(
        f"rollback restores the former within {SECONDS:.0f} s",
        now_served == former and took < SECONDS,
        f"{took:.1f} s until {now_served} answered",
    )


def main() -> int:
    """All checks, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--direct", action="store_true")
    given = parser.parse_args()
    found, place, check = deployed.platform(), retraining.place(None, None), Checks()
    assert found.url_for_predictions
    modelling = Modelling(place, found.url_for_predictions, found.api_key)
    range_ = direct(modelling) if given.direct else sent(Platform.of(Settings.load()))
    first, second = trainings(check, modelling, *range_)
    back(check, modelling, first)
    swaps(check, modelling, [second, first])
    _say("FAIL" if check.failed else "PASS: every check held")
    return int(check.failed)


if __name__ == "__main__":
    sys.exit(main())
