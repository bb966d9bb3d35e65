"""Does the model hold what is promised of it? Each check prints its figures; 1 if one fails.

`python -m bench.model`, on a platform that was brought up with CorrelationWindow and
AllowedLateness of one minute, retrainCheckMinutes=1440 and trainingsPerDay=100. 50,000 auctions
are sent through the API, joined, delivered into the lake and trained on; `--direct` puts closed
auctions into the lake instead, which needs no Flink.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sdpctl import outputs, retraining
from sdpctl.clock import now
from sdpctl.settings import ROOT
from tests.local.modelling import TABLE, Modelling, Row
from tests.unit.ml.auctions import after, auctions, chance, request

AUCTIONS, HELD_OUT, DRIFT = 50_000, 2_000, 1.0
SWAPS, CALLERS = 20, 3
PATIENCE = 1_800.0


class Checks:
    """Prints each figure beside its limit, and remembers whether all held."""

    failed = False

    def __call__(self, name: str, held: bool, figure: object) -> None:
        self.failed = self.failed or not held
        sys.stdout.write(f"{'pass' if held else 'FAIL'}  {name}: {figure}\n")
        sys.stdout.flush()


def sent(modelling: Modelling, started: datetime) -> tuple[datetime, datetime]:
    """Send auctions through the API and wait until the lake has them; their range."""
    events = int(AUCTIONS * 1.55)  # a bid, and for about half of them an impression
    since = started - timedelta(seconds=events / 200 + 300)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "events.ndjson")
        shape = ["--events", str(events), "--rate", "200", "--start", since.isoformat()]
        _sdp("generate", "--use-case", "adtech", "--seed", "7", *shape, "--out", file)
        _sdp("send", file)
    deadline = time.monotonic() + PATIENCE
    while _rows(modelling, since) < AUCTIONS * 0.95:
        if time.monotonic() > deadline:
            raise SystemExit(f"{_rows(modelling, since)} auctions in the lake; expected {AUCTIONS}")
        time.sleep(5)
    return since, now()


def direct(modelling: Modelling) -> tuple[datetime, datetime, list[Row]]:
    """Closed auctions straight into the lake; their range and themselves."""
    rows = auctions(AUCTIONS, seed=7)
    modelling.fill(rows, "bench")
    return rows[0]["bid_at"], after(rows), rows


def _rows(modelling: Modelling, since: datetime) -> int:
    first = f"TIMESTAMP '{since:%Y-%m-%d %H:%M:%S}'"
    sql = f"SELECT count(*) AS amount FROM {TABLE} WHERE bid_at >= {first}"
    done = _sdp("sql", sql, "--csv", capture_output=True, text=True)
    return int(str(done.stdout).split()[-1])


def _sdp(*arguments: str, **options: Any) -> Any:
    return subprocess.run([ROOT / "sdp", *arguments], check=True, **options)


def log_loss(scores: list[float], rows: list[Row]) -> float:
    """Mean, nats."""
    return -math.fsum(
        math.log(max(1e-15, score if row["won"] else 1 - score))
        for score, row in zip(scores, rows, strict=True)
    ) / len(rows)


def quality(check: Checks, modelling: Modelling, started: datetime) -> None:
    """On auctions that nobody has trained on, beside the generator's own probabilities."""
    rows = auctions(HELD_OUT, seed=99, start=started)
    found, best = log_loss(modelling.scores(rows), rows), log_loss([chance(r) for r in rows], rows)
    check(
        "log loss within 3 % of the best possible", found < 1.03 * best, f"{found:.4f} {best:.4f}"
    )


def arrived(modelling: Modelling, config: str) -> None:
    """Wait until the endpoint is no longer on its way."""
    while modelling.place.release("standing", config=config)["status"] == "Moving":
        time.sleep(0.1)


def swaps(check: Checks, modelling: Modelling, versions: list[str]) -> None:
    """Move the endpoint to and fro while callers ask without a pause."""
    ended, failures, answers = threading.Event(), [], []

    def call() -> None:
        asked = request(auctions(1)[0])
        while not ended.is_set():
            answer = modelling.ask(asked)
            (answers if answer.status_code == 200 else failures).append(answer.status_code)

    callers = [threading.Thread(target=call, daemon=True) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    taken = []
    for number in range(SWAPS):
        began = time.monotonic()
        said = modelling.place.release("switch", version=versions[number % 2], force=True)
        arrived(modelling, said["config"])
        taken.append(time.monotonic() - began)
    ended.set()
    for caller in callers:
        caller.join()
    check(f"no failed request during {SWAPS} swaps", not failures, f"{len(answers)} answered")
    check("a switch within seconds", max(taken) < 30, f"{max(taken):.1f} s at most")


def main() -> int:
    """All checks, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--direct", action="store_true")
    given = parser.parse_args()
    place, found, check, started = retraining.place(None, None), outputs.read(), Checks(), now()
    modelling = Modelling(place, found.url_for_predictions, found.api_key)
    if given.direct:
        since, until, _ = direct(modelling)
    else:
        since, until = sent(modelling, started)
    first = modelling.run(since=since, until=until)
    check("a model is trained and promoted", first["status"] == "promoted", first["cause"])
    quality(check, modelling, until)
    shuffled = modelling.run(since=since, until=until, hyperparameters={"shuffle-labels": "true"})
    check("shuffled labels are refused", shuffled["status"] == "refused", shuffled["cause"])
    changed = auctions(AUCTIONS, seed=8, start=until + timedelta(seconds=1), drift=DRIFT)
    modelling.fill(changed, "drifted")
    second = modelling.run(since=since, until=after(changed))
    check("changed behaviour is learned", second["status"] == "promoted", second["cause"])
    began = time.monotonic()
    back = place.release("back")
    arrived(modelling, back["config"])
    check(
        "rollback within seconds",
        back["version"] == first["execution"],
        f"{time.monotonic() - began:.1f} s",
    )
    swaps(check, modelling, [first["execution"], second["execution"]])
    return int(check.failed)


if __name__ == "__main__":
    sys.exit(main())
