"""A record as a stream delivers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from glue.deadletter import Reason
from lambdas.dead_letters import Source, dead_letter
from lambdas.ports.stream import Entry


@dataclass(frozen=True)
class StreamRecord:
    """One record as delivered: its bytes, and where they were read."""

    use_case: str
    kind: str
    stream: str
    shard: str
    sequence_number: str
    data: bytes

    def dead_letter(
        self, *, reason: Reason, detail: str, field: str | None, failed_at: datetime
    ) -> Entry:
        """Its dead letter; the id is the same at each delivery."""
        return dead_letter(
            Source(self.stream, self.shard, self.sequence_number),
            self.data,
            use_case=self.use_case,
            stage="persist",
            reason=reason,
            detail=detail,
            field=field,
            failed_at=failed_at,
        )
