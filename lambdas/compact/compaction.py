"""The steps of compacting one hour. Each can be the last one of a killed run.

1. Merge what readers see with what was delivered since, into the folder of a new generation.
   Readers do not look there; the folder's name follows from its content, so a later run goes on.
2. Write the manifest: which delivered objects the generation has absorbed.
3. Point the partition at the folder: the one step that readers notice.
4. After the grace time, remove what was replaced: first older generations and leftovers of killed
   runs, then the absorbed objects. While one of those is left, the hour is looked at again.
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
from lambdas.compact.hours import Hour
from lambdas.compact.lease import Lease, Leases
from lambdas.compact.manifest import NOTHING, Manifest, Merged
from lambdas.compact.plan import Limits, Plan, State, manifest_key, plan
from lambdas.compact.ports import Merger, Objects, Partitions, Placement

# More objects than this many times arriving during one run are left to the next one.
ROUNDS = 3


class Action(StrEnum):
    """What became of an hour."""

    COMPACTED = "compacted"
    CLEANED = "cleaned"
    NOTHING = "nothing to do"
    PLANNED = "would be compacted"
    UNFINISHED = "to be continued"
    BUSY = "another run has it"
    UNREGISTERED = "not a partition yet"
    OPEN = "not closed yet"


@dataclass(frozen=True)
class Outcome:
    """What a run did to an hour. `bytes_read` counts files merged, `removed` objects deleted."""

    hour: Hour
    action: Action
    files_read: int = 0
    bytes_read: int = 0
    merged: Merged = NOTHING
    removed: int = 0


class LostLease(PlatformError):
    """The run took longer than its lease; nothing was changed for readers."""


@dataclass(frozen=True)
class Compaction:
    """Compacts hours of the lake. `folder` is for local files, `clock` tells the time, UTC."""

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
        """Do what there is to do for the hour; raises PlatformError.

        It is left to a later run where `enough_time` says so before one of the longer steps.
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
        """The hour as it is now; None while it is no partition."""
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
        # Lost by accident: merging everything once more drops the rows that come twice by that.
        files = tuple(self.objects.objects(placement.location))
        return Manifest(placement.generation, Merged(files, 0, 0), ())

    def _dry(self, state: State) -> Outcome:
        found = plan(state, self.limits, self.merger.engine)
        if found is None:
            return Outcome(state.hour, Action.NOTHING)
        return Outcome(state.hour, Action.PLANNED, len(found.sources), found.bytes)

    def _work(self, hour: Hour, lease: Lease, enough_time: Callable[[], bool]) -> Outcome:
        outcome = Outcome(hour, Action.UNFINISHED)
        for _ in range(ROUNDS):
            state = self.look(hour)
            if state is None:
                return Outcome(hour, Action.UNREGISTERED)
            found = plan(state, self.limits, self.merger.engine)
            if found is None:
                return self._finished(outcome, self._clean(state))
            manifest = self._made(found, enough_time)
            if manifest is None:
                return Outcome(hour, Action.UNFINISHED, len(found.sources), found.bytes)
            if self._moved(state, found, manifest, lease):
                sources = len(found.sources), found.bytes
                outcome = Outcome(hour, Action.COMPACTED, *sources, manifest.merged)
        return outcome

    def _finished(self, outcome: Outcome, removed: int) -> Outcome:
        if outcome.action is Action.COMPACTED:
            return replace(outcome, removed=removed)
        return Outcome(outcome.hour, Action.CLEANED if removed else Action.NOTHING, removed=removed)

    def _made(self, found: Plan, enough_time: Callable[[], bool]) -> Manifest | None:
        """The generation's manifest, stored; None if time ran out before it was complete."""
        key = manifest_key(found.hour, found.generation)
        if (stored := self.objects.read(key)) is not None:
            return Manifest.from_json(stored[0])
        making = Making(found, self.objects, self.merger, self.folder, enough_time)
        try:
            merged = making()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        if merged is None:
            return None
        manifest = Manifest(found.generation, merged, found.absorbed)
        self.objects.write(key, manifest.to_json())
        return manifest

    def _moved(self, state: State, found: Plan, manifest: Manifest, lease: Lease) -> bool:
        """Show the generation to readers; False if that would hide what they see now."""
        self._require_complete(found, manifest)
        if state.shows_delivered:
            now = {(o.key, o.etag) for o in self.objects.objects(found.hour.delivered)}
            if now - {(o.key, o.etag) for o in manifest.absorbed}:
                return False
        if not lease.holds(self.clock()):
            raise LostLease(f"{found.hour}: took longer than its lease; it is tried again")
        self.partitions.move(found.hour, Placement(found.folder, found.generation, self.clock()))
        return True

    def _require_complete(self, found: Plan, manifest: Manifest) -> None:
        """The folder holds the manifest's files and no others: a killed run may have left some."""
        wanted = {(o.key, o.size) for o in manifest.merged.files}
        there = {(o.key, o.size) for o in self.objects.objects(found.folder)}
        self.objects.delete(sorted(key for key, _ in there - wanted))
        if missing := sorted(key for key, _ in wanted - there):
            self.objects.delete(
                [manifest_key(found.hour, found.generation)]
                + [o.key for o in self.objects.objects(found.work)]
            )
            raise PlatformError(f"{found.hour}: {missing} were removed; they are made again")

    def _clean(self, state: State) -> int:
        """Remove what no reader needs; how many objects that were."""
        if state.manifest is None or not state.removable(self.clock(), self.limits.grace):
            return 0
        hour, generation = state.hour, state.placement.generation
        kept = {o.key for o in state.manifest.merged.files}
        kept |= {manifest_key(hour, generation), f"{hour.compacted}lease.json"}
        replaced = [o.key for o in self.objects.objects(hour.compacted) if o.key not in kept]
        self.objects.delete(replaced)
        # Last, for as long as there is one of these, the hour is looked at again.
        self.objects.delete([o.key for o in state.absorbed])
        return len(replaced) + len(state.absorbed)
