"""What `./sdp audit` says of a use case, in all and from a moment on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lambdas.ports.ledger import MINUTE, minute_of
from sdpctl.settings import ROOT, Settings
from tests.local.commands import sdp

COLUMNS = ("ok", "refused", "unknown", "unread", "waiting", "redelivered", "missing", "excess")


def audit(
    settings: Settings, use_case: str, start: datetime, end: datetime, *, tree: Path = ROOT
) -> tuple[int, Counter[str]]:
    """The exit status, and the sums over the minutes from `start` to before `end`."""
    span = ("--from", start.isoformat(), "--to", end.isoformat())
    done = sdp(settings, "audit", "--use-case", use_case, *span, "--json", tree=tree)
    assert not done.stderr, done.stderr
    sums: Counter[str] = Counter()
    for minute in map(json.loads, done.stdout.splitlines()):
        sums.update({name: minute[name] for name in COLUMNS} | minute["outcomes"])
    return done.returncode, sums


@dataclass(frozen=True)
class Ledger:
    """The ledger of a use case from a moment on; `before` is what it had of that minute."""

    settings: Settings
    use_case: str
    tree: Path
    start: datetime
    before: Counter[str] = field(default_factory=Counter)

    @classmethod
    def now(cls, settings: Settings, use_case: str, tree: Path) -> Ledger:
        """From now on."""
        start = minute_of(datetime.now(UTC))
        before = cls(settings, use_case, tree, start).since()
        return cls(settings, use_case, tree, start, before)

    def since(self) -> Counter[str]:
        """What was counted since then; every minute must balance."""
        end = datetime.now(UTC) + MINUTE
        status, sums = audit(self.settings, self.use_case, self.start, end, tree=self.tree)
        assert status == 0, sums
        sums.subtract(self.before)
        return sums
