"""When the live job had passed a moment of event time: its progress, as it published it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lambdas.result_records import Malformed, progress
from sdpctl import streams


@dataclass(frozen=True)
class Passage:
    """The progress that a use case's job has published since `since`; `kinesis` is a client."""

    kinesis: Any
    stream: str
    use_case: str
    since: datetime

    def reached(self, watermark: datetime) -> datetime | None:
        """When it was first published that the job's watermark is at or behind that; None: not yet.

        All that the job wrote about earlier records had been a heartbeat under way by then.
        """
        found = (row.at for row in self._rows() if self._watermark(row) >= watermark)
        first = min(found, default=None)
        return None if first is None else first.astimezone(UTC)

    def _rows(self) -> list[streams.Arrived]:
        rows = streams.since(self.kinesis, self.stream, self.since)
        return [row for row in rows if "watermark" in row.row]  # the ledger's are in it as well

    def _watermark(self, arrived: streams.Arrived) -> datetime:
        try:
            return progress(self.use_case, arrived.row).watermark
        except Malformed:
            return datetime.min.replace(tzinfo=UTC)
