"""How far a delivery has come, on disk.

A batch is written down before its objects are, and its end becomes the position only after them.
A worker that is killed in between reads the very same records again and puts the very same
objects again, over the ones that are there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sdpctl.local.delivery.batches import Span, Spans


@dataclass
class Journal:
    """One delivery stream's file. `positions`: the last delivered sequence number by shard."""

    path: Path
    positions: dict[str, str] = field(default_factory=dict)
    begun: dict[str, Span] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> Journal:
        """What the file says; a stream not delivered from yet has none."""
        if not path.exists():
            return cls(path)
        positions = json.loads(path.read_bytes())
        begun = {shard: Span(*span) for shard, span in positions["begun"].items()}
        return cls(path, dict(positions["positions"]), begun)

    def begin(self, spans: Spans) -> None:
        """Remember a batch whose objects are about to be written."""
        self._write(self.positions, spans)
        self.begun = dict(spans)

    def commit(self) -> None:
        """The objects of the batch that was begun are in S3."""
        after = {**self.positions, **{shard: span.last for shard, span in self.begun.items()}}
        self._write(after, {})
        self.positions, self.begun = after, {}

    def _write(self, positions: Mapping[str, str], begun: Spans) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        with draft.open("w") as file:
            json.dump({"positions": dict(positions), "begun": dict(begun)}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
