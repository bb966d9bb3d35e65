"""What a definition makes of the business events of a range: counts, and those that differ.

Nothing is left out silently: `events` is how many there are, `tested` how many of them were tested,
the newest first, and `notes` says what was left out and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from glue.instants import to_wire
from lambdas.ports.business_events import BusinessEvent

MAX_EVENTS = 10_000
MAX_SHOWN = 20
# API Gateway waits 29 seconds, for the start of the function too: the lake has 15 of them to answer
# in, and what is not tested after 22 is left out.
QUERY_SECONDS = 15.0
SECONDS = 22.0


@dataclass(frozen=True)
class Outcome:
    """What a version makes of an event: its result, or why there is none."""

    result: Any = None
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it is returned."""
        return {"error": self.error} if self.error else {"result": self.result}

    @property
    def column(self) -> str:
        """Where it is counted."""
        if self.error:
            return "errors"
        return "not_passed" if self.result is False else "passed"


@dataclass
class Tally:
    """Counts of a range; `total` is how many business events it has."""

    total: int
    has_profiles: bool
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("passed", "not_passed", "errors", "differing", "without_profile", "undecided"), 0
        )
    )
    examples: list[dict[str, Any]] = field(default_factory=list)
    oldest: datetime | None = None

    def add(self, event: BusinessEvent, mine: Outcome, deciding: Mapping[str, Any]) -> None:
        """Count the outcome of one; `deciding`: that of the version in force, and if it differs."""
        self.oldest = event.fields["occurred_at"]
        self.counts[mine.column] += 1
        self.counts["without_profile"] += self.has_profiles and event.profile is None
        if deciding["differs"]:
            self.counts["differing"] += 1
            if len(self.examples) < MAX_SHOWN:
                self.examples.append({**_shown(event), **mine.to_json(), **deciding})

    def leave_out(self) -> None:
        """Count one of which the lake does not tell how it was decided."""
        self.counts["undecided"] += 1

    @property
    def tested(self) -> int:
        """How many were tested."""
        return sum(self.counts[name] for name in ("passed", "not_passed", "errors"))

    def to_json(self) -> dict[str, Any]:
        """As it is returned."""
        return {
            "events": self.total,
            "tested": self.tested,
            "complete": self.tested == self.total,
            **self.counts,
            "oldest_tested": self.oldest and to_wire(self.oldest),
            "notes": list(self._notes()),
            "examples": self.examples,
        }

    def _notes(self) -> Iterator[str]:
        undecided, differing = self.counts["undecided"], self.counts["differing"]
        looked_at = self.tested + undecided
        if looked_at < self.total:
            yield (
                f"only the newest {looked_at} of {self.total} business events were looked at; a "
                f"test takes at most {MAX_EVENTS}, and as many as it can in {SECONDS:.0f} seconds: "
                "test a shorter range"
            )
        if undecided:
            yield (
                f"{undecided} were not tested: the lake does not have their decision or its "
                "profile; it has them a few minutes later, unless they were late for the stream"
            )
        if differing > len(self.examples):
            yield f"{len(self.examples)} of the {differing} that differ are examples"


def _shown(event: BusinessEvent) -> dict[str, Any]:
    at = to_wire(event.fields["occurred_at"])
    return {"id": event.fields["id"], "occurred_at": at, "profile_id": event.profile_id}
