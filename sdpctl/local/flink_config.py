"""The part of Flink's configuration that Managed Flink decides on AWS: here, the worker does."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from sdpctl.errors import CommandError
from sdpctl.local import logs
from sdpctl.settings import Settings


@dataclass(frozen=True)
class Memory:
    """What a job's process may have, in MiB: Java's heap, and RocksDB's memory beside it.

    With Flink's default of 128 for RocksDB a job is ten times slower. Code, threads and network
    buffers take about 400 more.
    """

    heap: int
    managed: int


# What AllowNonRestoredState of Managed Flink is in Flink's configuration.
DROPS_STATE = {"execution.state-recovery.ignore-unclaimed-state": "true"}
# What may differ from one start to the next without another plan.
_OF_A_START = ("rest.port", "rest.bind-port", "execution.state-recovery.", "sdp.plan.path")
ALONE, PAIR, SEVERAL = Memory(1536, 1024), Memory(1024, 640), Memory(768, 384)


def memory(jobs: int) -> Memory:
    """What each job may have where this number of them runs."""
    return {0: ALONE, 1: ALONE, 2: PAIR}.get(jobs, SEVERAL)


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that is complete: only such a one has `_metadata`."""
    checkpoints = [(p.stat().st_mtime_ns, p.parent) for p in folder.glob("*/chk-*/_metadata")]
    return max(checkpoints)[1] if checkpoints else None


def forget_older_jobs(folder: Path, kept: Path) -> None:
    """Remove the checkpoints of jobs before the one that `kept` belongs to.

    A restored job's first checkpoint copies all it needs, so it never refers to older ones.
    """
    for job in folder.iterdir():
        if job.is_dir() and job != kept.parent:
            shutil.rmtree(job, ignore_errors=True)


def flink_home(python: Path) -> Path:
    """The folder of Flink in the environment of a Python."""
    return next(python.parent.parent.glob("lib/python3*/site-packages/pyflink"))


def write(
    folder: Path,
    *,
    flink_home: Path,
    checkpoints: Path,
    port: int,
    parallelism: int,
    scratch: Path,
    log: Path,
    memory: Memory = ALONE,
    changes: Mapping[str, str] | None = None,
) -> Path | None:
    """Write config.yaml and the log configuration; the checkpoint that it restores, if any.

    `log` is Flink's own log, of the job manager and the task managers. `changes` win over what a
    job on this machine has usually.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoints.mkdir(parents=True, exist_ok=True)
    restored = newest_checkpoint(checkpoints)
    options = {**_options(checkpoints, port, parallelism, memory), **(changes or {})}
    options["io.tmp.dirs"] = str(scratch)
    options["state.backend.rocksdb.localdir"] = str(_short_path(scratch / "rocksdb"))
    options["web.log.path"] = str(log)
    options["env.java.opts.all"] = java_options(flink_home)
    if restored:
        forget_older_jobs(checkpoints, restored)
        options["execution.state-recovery.path"] = restored.as_uri()
    (folder / "config.yaml").write_text("")
    append(folder, options)
    (folder / "log4j-cli.properties").write_text(logs.log4j(log))
    return restored


def surroundings(
    settings: Settings, name: str, conf: Path, scratch: Path, target: str, java: str
) -> dict[str, str]:
    """The environment of a program of Flink's: the emulator's AWS, and what Flink's scripts read.

    `target` is where the program's job is executed; `java` are options of its JVM.
    """
    base = settings.aws_environment()
    return {
        **base,
        "PATH": f"{settings.python('flink').parent}:{base['PATH']}",
        "SUBMIT_ARGS": f"remote -t {target}",
        "FLINK_CONF_DIR": str(conf),
        "FLINK_LOG_DIR": str(scratch),  # where RocksDB writes logs; Flink's is configured
        "FLINK_IDENT_STRING": name,
        "JVM_ARGS": f"{java} -Djava.io.tmpdir={scratch}",
        "TMPDIR": str(scratch),
    }


def append(folder: Path, options: Mapping[str, str]) -> None:
    """Adds options to config.yaml."""
    with (folder / "config.yaml").open("a") as file:
        file.writelines(f"{k}: {v}\n" for k, v in options.items())


def fingerprint(folder: Path, flink_home: Path, surroundings: Mapping[str, str]) -> str:
    """Names what a job's plan depends on beside its code: options, Flink, and where AWS is."""
    lines = (folder / "config.yaml").read_text().splitlines()
    options = sorted(line for line in lines if not line.startswith(_OF_A_START))
    flink = sorted(path.name for path in (flink_home / "lib").iterdir())
    aws = sorted(kv for kv in surroundings.items() if kv[0].startswith("AWS_"))
    return blake2b(repr((options, flink, aws)).encode(), digest_size=8).hexdigest()


def clear(scratch: Path) -> None:
    """Remove Flink's temporary files, which a killed process leaves behind."""
    _link(scratch / "rocksdb").unlink(missing_ok=True)
    shutil.rmtree(scratch, ignore_errors=True)


def _short_path(folder: Path) -> Path:
    """A link to a new folder, with a short path.

    RocksDB names its log after the whole path of a database, and a file's name has at most 255
    bytes: in a folder with a long path no state could be opened, or none restored from another
    parallelism, which opens databases one level deeper. The files stay on the disk of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    link = _link(folder)
    link.unlink(missing_ok=True)
    link.symlink_to(folder, target_is_directory=True)
    return link


def _link(folder: Path) -> Path:
    name = blake2b(str(folder.absolute()).encode(), digest_size=6).hexdigest()
    return Path(tempfile.gettempdir()) / f"sdp-{name}"


def _options(checkpoints: Path, port: int, parallelism: int, memory: Memory) -> dict[str, str]:
    return {
        "parallelism.default": str(parallelism),
        "rest.port": str(port),
        "rest.bind-port": str(port),
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.host": "127.0.0.1",
        "jobmanager.bind-host": "127.0.0.1",
        "jobmanager.rpc.address": "127.0.0.1",
        "state.backend.type": "rocksdb",
        "taskmanager.memory.managed.size": f"{memory.managed}m",
        "execution.checkpointing.interval": "3 s",
        "execution.checkpointing.dir": checkpoints.as_uri(),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.incremental": "true",
        "execution.checkpointing.num-retained": "2",
        "restart-strategy.type": "exponential-delay",
    }


def java_options(flink_home: Path) -> str:
    """The module openings that Flink itself ships for Java 17; without them it does not start."""
    shipped = (flink_home / "conf" / "config.yaml").read_text()
    match = re.search(r"^ +all: (--add.*)$", shipped, re.MULTILINE)
    if not match:
        raise CommandError(f"no env.java.opts.all in {flink_home}/conf/config.yaml")
    return match.group(1)
