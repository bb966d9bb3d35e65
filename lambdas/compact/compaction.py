"""The steps of compacting one hour. Each can be the last one of a killed run.

1. Merge the files that readers see with those delivered since, into a new generation's folder.
   Readers do not look there; its name is derived from its content, so a later run can continue.
2. Write the manifest: the delivered objects that the generation contains.
3. Point the partition at the folder: the only step that readers see.
4. After the grace time, remove what was replaced: first older generations and leftovers of killed
   runs, then the merged objects. The hour stays due while one of those is left.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from glue import PlatformError
from lambdas.compact.generation import Making
from lambdas.compact.lease import Lease, Leases
from lambdas.compact.plan import Limits, Plan, State, manifest_key, plan
from lambdas.compact.ports import Merger
from lambdas.lakestore.hours import Hour
from lambdas.lakestore.manifest import NOTHING, Manifest, Merged
from lambdas.lakestore.objects import Objects
from lambdas.lakestore.partitions import Partitions, Placement

# Attempts at a plan while new objects keep arriving; after that the next run continues.
ROUNDS = 3


class Action(StrEnum):
    """The outcome of a run for an hour."""

    COMPACTED = "compacted"
    CLEANED = "cleaned"
    NOTHING = "nothing to do"
    PLANNED = "would be compacted"
    UNFINISHED = "unfinished"
    BUSY = "locked by another run"
    UNREGISTERED = "not a partition yet"
    OPEN = "not closed yet"


@dataclass(frozen=True)
class Outcome:
    """What a run did with an hour. `bytes_read`: of merged files. `removed`: objects deleted."""

    hour: Hour
    action: Action
    files_read: int = 0
    bytes_read: int = 0
    merged: Merged = NOTHING
    removed: int = 0


class LostLease(PlatformError):
    """The run outlived its lease; readers see no change."""


@dataclass(frozen=True)
class Compaction:
    """Compacts hours of the lake. `folder` is for local files, `clock` returns the time, UTC."""

    objects: Objects
    partitions: Partitions
    merger: Merger
    leases: Leases
    clock: Callable[[], datetime]
    limits: Limits
    folder: Path

    def __call__(
        self, hour: Hour, enough_time: Callable[[], bool] = lambda: True, *, dry_run: bool = False
    ) -> Outcome:
        """Do all that is due for the hour. Raises PlatformError.

        Stops before a long step if `enough_time` returns false; a later run continues.
        """
        if not hour.closed(self.clock(), self.limits.closed_after):
            return Outcome(hour, Action.OPEN)
        state = self.look(hour)
        if state is None:
            return Outcome(hour, Action.UNREGISTERED)
        if state.idle(self.clock(), self.limits.grace):
            return Outcome(hour, Action.NOTHING)
        if dry_run:
            return self._dry(state)
        lease = self.leases.take(f"{hour.compacted}lease.json")
        if lease is None:
            return Outcome(hour, Action.BUSY)
        try:
            return self._work(hour, lease, enough_time)
        finally:
            self.leases.release(lease)

    def look(self, hour: Hour) -> State | None:
        """The current state of the hour; None if it has no partition."""
        placement = self.partitions.find(hour)
        if placement is None:
            return None
        delivered = tuple(self.objects.objects(hour.delivered))
        return State(hour, placement, self._manifest(hour, placement), delivered)

    def _manifest(self, hour: Hour, placement: Placement) -> Manifest | None:
        if placement.location == hour.delivered:
            return None
        stored = self.objects.read(manifest_key(hour, placement.generation))
        if stored is not None:
            return Manifest.from_json(stored[0])
        # The manifest was lost: merging everything again drops the rows that this repeats.
        files = tuple(self.objects.objects(placement.location))
        return Manifest(placement.generation, Merged(files, 0, 0), ())

    def _dry(self, state: State) -> Outcome:
        planned = plan(state, self.limits, self.merger.engine)
        if planned is None:
            return Outcome(state.hour, Action.NOTHING)
        return Outcome(state.hour, Action.PLANNED, len(planned.sources), planned.bytes)

    def _work(self, hour: Hour, lease: Lease, enough_time: Callable[[], bool]) -> Outcome:
        outcome = Outcome(hour, Action.UNFINISHED)
        for _ in range(ROUNDS):
            state = self.look(hour)
            if state is None:
                return Outcome(hour, Action.UNREGISTERED)
            planned = plan(state, self.limits, self.merger.engine)
            if planned is None:
                return self._finished(outcome, self._clean(state))
            manifest = self._made(planned, enough_time)
            if manifest is None:
                return Outcome(hour, Action.UNFINISHED, len(planned.sources), planned.bytes)
            if self._moved(state, planned, manifest, lease):
                sources = len(planned.sources), planned.bytes
                outcome = Outcome(hour, Action.COMPACTED, *sources, manifest.merged)
        return outcome

    def _finished(self, outcome: Outcome, removed: int) -> Outcome:
        if outcome.action is Action.COMPACTED:
            return replace(outcome, removed=removed)
        return Outcome(outcome.hour, Action.CLEANED if removed else Action.NOTHING, removed=removed)

    def _made(self, planned: Plan, enough_time: Callable[[], bool]) -> Manifest | None:
        """Stores the generation and returns its manifest; None if time ran out first."""
        key = manifest_key(planned.hour, planned.generation)
        if (stored := self.objects.read(key)) is not None:
            return Manifest.from_json(stored[0])
        making = Making(planned, self.objects, self.merger, self.folder, enough_time)
        try:
            merged = making()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        if merged is None:
            return None
        manifest = Manifest(planned.generation, merged, planned.absorbed)
        self.objects.write(key, manifest.to_json())
        return manifest

    def _moved(self, state: State, planned: Plan, manifest: Manifest, lease: Lease) -> bool:
        """Show the generation to readers. Returns False if that would hide rows they see now."""
        self._require_complete(planned, manifest)
        if state.shows_delivered:
            now = {(o.key, o.etag) for o in self.objects.objects(planned.hour.delivered)}
            if now - {(o.key, o.etag) for o in manifest.absorbed}:
                return False
        if not lease.holds(self.clock()):
            raise LostLease(f"{planned.hour}: the run outlived its lease; the next run retries it")
        self.partitions.move(
            planned.hour, Placement(planned.folder, planned.generation, self.clock())
        )
        return True

    def _require_complete(self, planned: Plan, manifest: Manifest) -> None:
        """Check that the folder has exactly the manifest's files: a killed run may leave others."""
        expected = {(o.key, o.size) for o in manifest.merged.files}
        there = {(o.key, o.size) for o in self.objects.objects(planned.folder)}
        self.objects.delete(sorted(key for key, _ in there - expected))
        if missing := sorted(key for key, _ in expected - there):
            self.objects.delete(
                [manifest_key(planned.hour, planned.generation)]
                + [o.key for o in self.objects.objects(planned.work)]
            )
            raise PlatformError(f"{planned.hour}: missing {missing}; the next run re-creates them")

    def _clean(self, state: State) -> int:
        """Remove the objects that no reader needs. Returns how many."""
        if state.manifest is None or not state.removable(self.clock(), self.limits.grace):
            return 0
        hour, generation = state.hour, state.placement.generation
        kept = {o.key for o in state.manifest.merged.files}
        kept |= {manifest_key(hour, generation), f"{hour.compacted}lease.json"}
        replaced = [o.key for o in self.objects.objects(hour.compacted) if o.key not in kept]
        self.objects.delete(replaced)
        # Last: the hour stays due as long as one of these exists.
        self.objects.delete([o.key for o in state.absorbed])
        return len(replaced) + len(state.absorbed)
