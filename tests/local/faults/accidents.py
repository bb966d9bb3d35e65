"""How each fault is made to happen to a running platform, and how the platform is whole again.

A fault ends by itself or before its function returns: what follows is only the recovery.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import psutil
from botocore.exceptions import ClientError

from bench.flood import emulator_processes, function_of
from lambdas.adapters.kinesis import BUDGET_SECONDS
from sdpctl.local import emulator, flink_status, workers
from sdpctl.local.applications import parse
from sdpctl.local.delivery import service as delivery
from sdpctl.local.processes import Service
from sdpctl.settings import Settings
from tests.local.driver import Driver, wait_until
from tests.local.faults.clocks import Clocks
from tests.local.faults.injection import Injection
from tests.local.faults.schedule import Planned

START_SECONDS = 120  # until there is a process to kill, on a busy machine
MET_SECONDS = 5  # until a request meets with a fault
CALLED_SECONDS = 40  # until a function makes the call in which it is killed, if Flink is away too
ATTEMPTS = 3  # at what must have happened once in a run
HEALTHY_SECONDS = 240  # from the last fault until everything runs
CHECKPOINT_SECONDS = 12  # until a checkpoint is complete, if the job runs
RESTORED_SECONDS = 60  # until the workers have started Flink, and it is at work
# A clock is wrong by this much at most: an event may be dated five minutes ahead (glue.limits).
LARGEST_JUMP = 240
PARALLELISMS = (1, 2, 3)
# In a run each of these must have hit at least once what it aims at.
AIMED = (
    "kill ingest",
    "kill persist",
    "Kinesis takes no records",
    "Flink's newest checkpoint is lost",
)


@dataclass(frozen=True)
class Targets:
    """What requests that are to fail name, and what shards are changed of."""

    events: Sequence[str]
    """Streams of events."""
    results: Sequence[str]
    """Streams of rows of reports."""
    tables: Sequence[str]
    """Of reports whose rows persist writes within seconds, as those of the first flow are."""

    @property
    def streams(self) -> Sequence[str]:
        """All that shards are changed of."""
        return (*self.events, *self.results)


class Accidents:
    """What may happen to the processes of a platform.

    With `clocks` it is a platform that nobody uses afterwards: its clocks jump, and it is changed.
    """

    def __init__(
        self, settings: Settings, driver: Driver, targets: Targets, clocks: Clocks | None = None
    ) -> None:
        self._settings, self._driver, self._targets = settings, driver, targets
        self._kind = ""
        self._hits = Counter[str]()
        self._injection = Injection(settings)
        stores = {"service": "kinesis", "action": "PutRecords"}
        writes = {"service": "dynamodb", "action": "TransactWriteItems"}
        self.kinds: dict[str, Callable[[Random], str]] = {
            "kill Flink": self._kill_flink,
            "kill the emulator": self._kill_emulator,
            "kill the workers": self._kill_workers,
            "kill the delivery": self._kill_delivery,
            "kill ingest in a call": partial(self._kill_function, "Ingest", stores, targets.events),
            "kill persist in a batch": partial(
                self._kill_function, "Persist", writes, targets.tables
            ),
            "Kinesis fails": partial(self._fail, "kinesis"),
            "Kinesis takes no records": partial(self._take_none, stores, targets.events),
            "DynamoDB fails": partial(self._fail, "dynamodb"),
            "S3 fails": partial(self._fail, "s3"),
            "the emulator's disk is full": self._fill_emulator,
            "Flink's disk is full": self._fill_flink,
            "a stream is split and merged": self._reshard,
            "Flink's newest checkpoint is lost": self._lose_checkpoint,
        }
        if clocks:
            self.kinds |= {
                "a function's clock jumps": partial(self._jump_function, clocks),
                "a service's clock jumps": partial(self._jump_service, clocks),
                "Flink has another parallelism": self._rescale_running,
                "Flink's newest checkpoint is lost, and it has another parallelism": partial(
                    self._lose_checkpoint, is_rescaled=True
                ),
            }

    def happen(self, planned: Planned) -> str:
        """Make the fault happen; what was done, for people."""
        self._kind = planned.kind
        return self.kinds[planned.kind](Random(planned.dice))

    def missed(self, planned: Sequence[Planned]) -> list[str]:
        """The kinds that never did what they are there for, often as they happened."""
        kinds = {one.kind for one in planned if one.kind.startswith(AIMED)}
        return sorted(kind for kind in kinds if not self._hits[kind])

    def await_health(self) -> None:
        """Wait until everything runs again, as it did before the first fault."""
        workers.start(self._settings)
        wait_until(
            lambda: flink_status.running(self._settings) and bool(self._delivery().process()),
            HEALTHY_SECONDS,
            lambda: f"not running: {flink_status.states(self._settings)}",
        )

    def _kill_flink(self, random: Random) -> str:
        return self.kill_job(random.choice(self._jobs()))

    def kill_job(self, name: str) -> str:
        """`kill -9` of the process of an application's job."""
        return f"{name}, {self._kill(flink_status.service(self._settings, name))}"

    def _jobs(self) -> list[str]:
        return flink_status.names(self._settings)

    def _kill_emulator(self, _: Random) -> str:
        """Its functions stay: what starts it again ends them."""
        return self._kill(emulator.service(self._settings))

    def _kill_workers(self, random: Random) -> str:
        """Nothing restarts it but who has started it: an operator, seconds later."""
        done = self._kill(workers.service(self._settings))
        pause = random.uniform(0, 5)
        time.sleep(pause)
        workers.start(self._settings)
        return f"{done}, started again {pause:.1f} s later"

    def _kill_delivery(self, random: Random) -> str:
        """While it waits for an answer of S3, if it stores something within seconds."""
        self._await_emulator()
        slow = {"service": "s3", "kind": "delay", "action": "", "count": 1, "seconds": 2.0}
        met = self._injection.await_met(self._injection.begin([slow]), 1, random.uniform(2, 8))
        return f"{self._kill(self._delivery())}, {met} calls were slow"

    def _delivery(self) -> Service:
        return delivery.service(self._settings)

    def _kill(self, service: Service) -> str:
        """`kill -9` of the process alone, in whatever it does, also in its start."""
        return self._end(service, self._awaited(service))

    def _end(self, service: Service, process: psutil.Process | None) -> str:
        if process is None:
            return f"{service.name} had ended"
        age = time.time() - process.create_time()
        with suppress(psutil.NoSuchProcess):
            process.kill()
        psutil.wait_procs([process], timeout=10)
        return f"pid {process.pid}, {age:.0f} s old"

    def _awaited(self, service: Service) -> psutil.Process | None:
        """The service's process, once there is one."""
        running = service.process
        wait_until(lambda: running() is not None, START_SECONDS, lambda: f"no {service.name}")
        return running()

    def _await_emulator(self) -> None:
        """Wait until it answers: it may have been killed seconds ago."""
        wait_until(
            lambda: emulator.healthy(self._settings), START_SECONDS, lambda: "no emulator answers"
        )

    def end(self) -> Counter[str]:
        """Nothing happens any more; how many requests have met with each kind of fault."""
        self._injection.end()
        return self._injection.met()

    # --- functions

    def _kill_function(
        self, part: str, call: dict[str, Any], names: Sequence[str], random: Random
    ) -> str:
        """`kill -9` of all processes of a function while it waits for the answer to this call.

        It names one of these. Once the call is done by then, and once it is not.
        """
        found = [self._kill_in(part, call, kind, names, random) for kind in ("late", "delay")]
        self._hits[self._kind] += all(hit for hit, _ in found)
        return "; ".join(said for _, said in found)

    def _kill_in(
        self, part: str, call: dict[str, Any], kind: str, names: Sequence[str], random: Random
    ) -> tuple[bool, str]:
        """Whether it hit, and what was done; `kind` of fault keeps the answer away."""
        for attempt in range(1, ATTEMPTS + 1):
            self._await_emulator()
            name = random.choice(names)
            slow = {**call, "names": name, "kind": kind, "count": 1, "seconds": 2.0}
            met = self._injection.await_met(self._injection.begin([slow]), 1, CALLED_SECONDS)
            time.sleep(random.uniform(0, 0.5))
            killed = sum(map(_killed, self._of_function(part)))
            if met and killed:
                done = f"{killed} processes in {call['action']}, {kind}, at attempt {attempt}"
                return True, f"{done}: {name}"
        return False, f"{killed} processes, but {met} of {call['action']}"

    def _of_function(self, part: str) -> list[psutil.Process]:
        """Its processes; there are none for seconds after a kill of the emulator."""
        found, until = list[psutil.Process](), time.monotonic() + MET_SECONDS
        while not found and time.monotonic() < until:
            found = [p for p in emulator_processes(self._settings) if part in function_of(p)]
            time.sleep(0.1)
        return found

    # --- services

    def _fail(self, service: str, random: Random) -> str:
        """Requests meet with each kind of fault, one after the other, now or later."""
        self._await_emulator()
        faults = self._injection.all_kinds(service, random)
        numbers = self._injection.begin(faults)
        count = sum(fault["count"] for fault in faults)
        return f"{self._injection.await_met(numbers, count, MET_SECONDS)} of {count} requests"

    def _take_none(self, call: dict[str, Any], names: Sequence[str], random: Random) -> str:
        """For longer than the door tries again, calls for some stream fail, whole or in part.

        The door must not call accepted what it has not stored then.
        """
        self._await_emulator()
        kind, seconds = random.choice(("refuse", "part")), random.uniform(1.2, 1.8) * BUDGET_SECONDS
        fault = {**call, "kind": kind, "count": 1_000_000, "seconds": 0.0}
        numbers = self._injection.begin([fault | {"names": name} for name in names])
        self._injection.await_met(numbers, 1, CALLED_SECONDS)
        time.sleep(seconds)
        met = self._injection.stop(numbers)
        self._hits[self._kind] += met > 1
        return f"{met} calls for {seconds:.1f} s: {kind}"

    # --- disks

    def _fill_emulator(self, random: Random) -> str:
        done = self._fill(emulator.service(self._settings), random)
        self._injection.begin([])  # what requests met with it could not log: that is due again
        return done

    def _fill_flink(self, random: Random) -> str:
        job = random.choice(self._jobs())
        return self._fill(flink_status.service(self._settings, job), random)

    def _fill(self, service: Service, random: Random) -> str:
        """For seconds the process can write nothing to any file, as on a full disk."""
        process = self._awaited(service)
        if process is None:
            return f"{service.name} had ended"
        pause = random.uniform(1, 4)
        with suppress(psutil.NoSuchProcess):
            _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
            process.rlimit(psutil.RLIMIT_FSIZE, (1, hard))
            time.sleep(pause)
            process.rlimit(psutil.RLIMIT_FSIZE, (hard, hard))
        self._free_children(process)
        return f"pid {process.pid}, for {pause:.1f} s"

    def _free_children(self, process: psutil.Process) -> None:
        """What was started meanwhile has the limit, too."""
        with suppress(psutil.NoSuchProcess):
            for child in process.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    _, hard = child.rlimit(psutil.RLIMIT_FSIZE)
                    child.rlimit(psutil.RLIMIT_FSIZE, (hard, hard))

    def _lose_checkpoint(self, random: Random, *, is_rescaled: bool = False) -> str:
        """Flink dies, and starts again from the checkpoint before the newest, if there is one."""
        self._await_emulator()
        name = random.choice(self._jobs())
        service = flink_status.service(self._settings, name)
        self._awaited(service)
        self._await_two_checkpoints(name)
        self._kill(workers.service(self._settings))  # they would start Flink at once
        done = self._end(service, service.process())
        complete = _complete(self._checkpoints(name))
        for newest in complete[1:][-1:]:
            newest.unlink()
        change = f", {self._rescale(name, random)}" if is_rescaled else ""
        workers.start(self._settings)
        done += f", {len(complete)} checkpoints were complete{change}"
        if len(complete) < 2 or not self._is_restored(name, complete[-2].parent):
            return done
        self._hits[self._kind] += 1
        return f"{done}, restored from {complete[-2].parent.name}"

    def _is_restored(self, name: str, checkpoint: Path) -> bool:
        """Whether the workers start the job from it, within a minute."""
        process = flink_status.service(self._settings, name).process
        until = time.monotonic() + RESTORED_SECONDS
        while time.monotonic() < until:
            states = {state["name"]: state for state in flink_status.states(self._settings)}
            if process() and states.get(name, {}).get("restored_from") == str(checkpoint):
                return True
            time.sleep(0.2)
        return False

    # --- shards

    def _reshard(self, random: Random) -> str:
        """Split a shard of a stream and merge the halves; Flink dies in between, or after it.

        It then goes on from a checkpoint that has the one shard, the halves, or both.
        """
        self._await_emulator()
        kinesis = self._driver.client("kinesis")
        stream = random.choice(self._targets.streams)
        shard = random.choice(_open_shards(kinesis, stream))
        low, high = (int(n) for n in shard["HashKeyRange"].values())
        low, high = min(low, high), max(low, high)
        half = str((low + high) // 2)
        split = {"ShardToSplit": shard["ShardId"], "NewStartingHashKey": half}
        _answered_or_not(partial(kinesis.split_shard, StreamName=stream, **split))
        name, is_between = random.choice(self._jobs()), random.random() < 0.5
        self._await_checkpoint(name)
        if is_between:
            self._kill(flink_status.service(self._settings, name))
        now = _open_shards(kinesis, stream)
        one, other = (s["ShardId"] for s in now if s.get("ParentShardId") == shard["ShardId"])
        merge = {"ShardToMerge": one, "AdjacentShardToMerge": other}
        _answered_or_not(partial(kinesis.merge_shards, StreamName=stream, **merge))
        if not is_between:
            time.sleep(random.uniform(0, 4))
            self._kill(flink_status.service(self._settings, name))
        place = "before" if is_between else "after"
        return f"{shard['ShardId']} of {stream}, killed {place} the merge"

    def _await_checkpoint(self, name: str) -> None:
        """Wait until a checkpoint is complete that was begun after now, if the job completes any.

        The next one may have been begun before.
        """
        folder, until = self._checkpoints(name), time.monotonic() + CHECKPOINT_SECONDS
        newest, left = _newest(folder), 2
        while left and time.monotonic() < until:
            if (found := _newest(folder)) != newest:
                newest, left = found, left - 1
            time.sleep(0.1)

    def _await_two_checkpoints(self, name: str) -> None:
        """Wait until two are complete, also if the job is only about to start."""
        until = time.monotonic() + RESTORED_SECONDS
        while time.monotonic() < until:
            with suppress(FileNotFoundError):  # Flink removes one of them
                if len(_complete(self._checkpoints(name))) > 1:
                    return
            time.sleep(0.1)

    def _checkpoints(self, name: str) -> Path:
        return self._settings.home / "flink" / name / "checkpoints"

    def _rescale_running(self, random: Random) -> str:
        """As autoscaling does: another version of the application, from the newest checkpoint."""
        self._await_emulator()
        return self._rescale(random.choice(self._jobs()), random)

    def _rescale(self, name: str, random: Random) -> str:
        flink = self._driver.client("kinesisanalyticsv2")
        found = flink.describe_application(ApplicationName=name)["ApplicationDetail"]
        before = parse(found).parallelism
        now = random.choice([n for n in PARALLELISMS if n != before])
        change = {"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": now}
        flink.update_application(
            ApplicationName=name,
            CurrentApplicationVersionId=found["ApplicationVersionId"],
            ApplicationConfigurationUpdate={
                "FlinkApplicationConfigurationUpdate": {"ParallelismConfigurationUpdate": change}
            },
        )
        return f"{name} from {before} to {now}"

    # --- clocks

    def _jump_function(self, clocks: Clocks, random: Random) -> str:
        part = random.choice(("Ingest", "Persist"))
        found = self._of_function(part)
        return f"{part}, {len(found)} processes, {_jump(clocks, found, random)}"

    def _jump_service(self, clocks: Clocks, random: Random) -> str:
        jobs = [flink_status.service(self._settings, name) for name in self._jobs()]
        others = (emulator.service, workers.service, delivery.service)
        service = random.choice([*jobs, *(of(self._settings) for of in others)])
        process = self._awaited(service)
        return f"{service.name}, {_jump(clocks, [process] if process else [], random)}"


def _jump(clocks: Clocks, processes: list[psutil.Process], random: Random) -> str:
    """For seconds these clocks are wrong; then they jump back."""
    seconds = random.choice((-1, 1)) * random.randint(1, LARGEST_JUMP)
    pids, pause = [process.pid for process in processes], random.uniform(1, 8)
    clocks.set(pids, seconds)
    try:
        time.sleep(pause)
    finally:
        clocks.set(pids, 0)
    return f"{seconds:+} s for {pause:.1f} s"


def _killed(process: psutil.Process) -> bool:
    """`kill -9`; whether there was a process to kill."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    psutil.wait_procs([process], timeout=10)  # on a busy machine its parent is late to notice
    return True


def _complete(folder: Path) -> list[Path]:
    """The complete checkpoints of a job, the newest last."""
    found = {path: path.stat().st_mtime_ns for path in folder.glob("*/chk-*/_metadata")}
    return sorted(found, key=lambda path: found[path])


def _newest(folder: Path) -> Path | None:
    """None while Flink removes one of them."""
    with suppress(FileNotFoundError):
        return next(reversed(_complete(folder)), None)
    return None


def _answered_or_not(change: Callable[[], object]) -> None:
    """Make a change; the client makes it again if the answer is lost, and then it is refused."""
    with suppress(ClientError):
        change()


def _open_shards(kinesis: Any, stream: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kinesis.list_shards(
        StreamName=stream, ShardFilter={"Type": "AT_LATEST"}
    )["Shards"]
    return found
