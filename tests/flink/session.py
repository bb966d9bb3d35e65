"""A Flink session cluster: the application is submitted over REST, as Managed Flink submits it.

main() then runs inside the job manager, without an attached client: it must hand its job over and
end. Each process listens on 127.0.0.1 only, on ports that were free, and is ended with the test.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from analytics_app.package import build
from sdpctl.local import flink_config
from sdpctl.local.processes import free_port, last_lines
from tests.flink.application import PYTHON

START_SECONDS = 180
SUBMIT_SECONDS = 300
DRIVER = "org.apache.flink.client.python.PythonDriver"
JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
HEAPS = {JOB_MANAGER: "700m", TASK_MANAGER: "700m"}
# What Flink's own start script computes for a task manager of this size.
_MEMORY = {
    "taskmanager.cpu.cores": "1.0",
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "128m",
    "taskmanager.memory.task.heap.size": "512m",
    "taskmanager.memory.task.off-heap.size": "0b",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
}


@dataclass
class Restartable:
    """A process of the cluster, and how another one is started in its place."""

    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes]

    def end(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait()

    def replace(self) -> None:
        """Kills it as a machine that fails does, and starts another one."""
        self.end()
        self.process = self.start()


@dataclass(frozen=True)
class Cluster:
    """A running cluster; `folder` has its configuration, logs and the unpacked application."""

    folder: Path
    http: httpx.Client
    task_manager: Restartable

    def submit(self, code: str = "code", savepoint: str = "") -> httpx.Response:
        """What the cluster answers to the application in this folder, with its jar and main.py."""
        jar = self.folder / code / "lib" / "sdp.jar"
        with jar.open("rb") as file:
            content = {"jarfile": (jar.name, file, "application/x-java-archive")}
            uploaded = self.http.post("/jars/upload", files=content).raise_for_status().json()
        main = self.folder / code / "main.py"
        program = {"entryClass": DRIVER, "programArgsList": ["-py", str(main)]}
        if savepoint:
            program["savepointPath"] = savepoint
        name = Path(uploaded["filename"]).name
        return self.http.post(f"/jars/{name}/run", json=program, timeout=SUBMIT_SECONDS)

    def stop(self, job: str) -> str:
        """Ends a job with a savepoint; returns the savepoint's URI."""
        folder = {"targetDirectory": (self.folder / "savepoints").as_uri(), "drain": False}
        trigger = self.http.post(f"/jobs/{job}/stop", json=folder).raise_for_status().json()
        deadline = time.monotonic() + START_SECONDS
        while True:
            path = f"/jobs/{job}/savepoints/{trigger['request-id']}"
            answer = self.http.get(path).raise_for_status().json()
            if answer["status"]["id"] == "COMPLETED":
                break
            assert time.monotonic() < deadline, f"no savepoint: {answer}\n{self.log()}"
            time.sleep(0.2)
        assert "location" in answer["operation"], f"{answer}\n{self.log()}"
        return str(answer["operation"]["location"])

    def cancel(self, job: str) -> None:
        """Ends a job without a savepoint, and waits for it."""
        self.http.patch(f"/jobs/{job}", params={"mode": "cancel"}).raise_for_status()
        self.final_state(job)

    def final_state(self, job: str) -> str:
        """The state in which a job ends."""
        deadline = time.monotonic() + START_SECONDS
        while (state := self._job(job)["state"]) not in ("FINISHED", "FAILED", "CANCELED"):
            assert time.monotonic() < deadline, f"the job is still {state}\n{self.log()}"
            time.sleep(0.2)
        return str(state)

    def _job(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/jobs/{job}").raise_for_status().json()
        return found

    def log(self) -> str:
        """The end of each process's log, for an error message."""
        return "\n".join(last_lines(path, 40) for path in sorted(self.folder.glob("*.log")))


@contextmanager
def session_cluster(
    folder: Path,
    properties: Mapping[str, str],
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """A cluster for the packaged application with these properties; ended on leaving.

    `environment` is added to that of both processes; main() runs in the job manager's. `options`
    are added to the configuration.
    """
    with zipfile.ZipFile(build()) as archive:
        archive.extractall(folder / "code")
    port = _configure(folder, options or {})
    groups = [{"PropertyGroupId": "sdp", "PropertyMap": dict(properties)}]
    (folder / "properties.json").write_text(json.dumps(groups))
    processes: list[Restartable] = []
    try:
        for entry in (JOB_MANAGER, TASK_MANAGER):
            start = partial(_start, entry, folder, environment or {})
            processes.append(Restartable(start, start()))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            cluster = Cluster(folder, http, processes[-1])
            _await_slots(cluster, processes)
            yield cluster
    finally:
        for process in processes:
            process.end()


def _start(entry: str, folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    home = flink_config.flink_home(PYTHON)
    java = ["java", f"-Xmx{HEAPS[entry]}", f"-Djava.io.tmpdir={folder / 'tmp'}"]
    java.append(f"-Dlog4j.configurationFile={folder / 'conf' / 'log4j.properties'}")
    classes = f"{home}/lib/*:{next(home.glob('opt/flink-python-*.jar'))}"
    java += [*flink_config.java_options(home).split(), "-cp", classes, entry]
    with (folder / f"{entry.rpartition('.')[2]}.log").open("wb") as log:
        return subprocess.Popen(
            [*java, "--configDir", str(folder / "conf")],
            env={**_environment(home, folder), **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )


def _environment(home: Path, folder: Path) -> dict[str, str]:
    """As Flink's start script sets it; PyFlink finds its jars by these names."""
    return {
        **os.environ,
        "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}",
        "FLINK_HOME": str(home),
        "FLINK_CONF_DIR": str(folder / "conf"),
        "FLINK_OPT_DIR": str(home / "opt"),
        "FLINK_LIB_DIR": str(home / "lib"),
        "SDP_APPLICATION_PROPERTIES": str(folder / "properties.json"),
    }


def _configure(folder: Path, options: Mapping[str, str]) -> int:
    """Write the configuration of both processes; the port of the REST interface."""
    port, rpc, blobs = free_port(), free_port(), free_port()
    (folder / "tmp").mkdir()
    configured = {
        **_MEMORY,
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.rpc.port": str(rpc),
        "jobmanager.bind-host": "127.0.0.1",
        "blob.server.port": str(blobs),
        "rest.port": str(port),
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.host": "127.0.0.1",
        "taskmanager.numberOfTaskSlots": "1",
        "web.upload.dir": str(folder / "tmp"),
        "python.client.executable": str(PYTHON),
        "python.executable": str(PYTHON),
        "io.tmp.dirs": str(folder / "tmp"),
        **options,
    }
    conf = folder / "conf"
    conf.mkdir()
    (conf / "config.yaml").write_text("".join(f"{k}: {v}\n" for k, v in configured.items()))
    (conf / "log4j.properties").write_text(
        "rootLogger.level = INFO\nrootLogger.appenderRef.out.ref = out\n"
        "appender.out.name = out\nappender.out.type = CONSOLE\n"
        "appender.out.layout.type = PatternLayout\n"
        "appender.out.layout.pattern = %p %c{1} %m%n%throwable\n"
    )
    shutil.copy(conf / "log4j.properties", conf / "log4j-cli.properties")
    return port


def _await_slots(cluster: Cluster, processes: list[Restartable]) -> None:
    """Wait until a task manager has offered its slot."""
    deadline = time.monotonic() + START_SECONDS
    while not _slots(cluster.http):
        ended = [p.process.returncode for p in processes if p.process.poll() is not None]
        assert not ended and time.monotonic() < deadline, cluster.log()
        time.sleep(0.2)


def _slots(http: httpx.Client) -> int:
    try:
        return int(http.get("/overview").json().get("slots-total", 0))
    except (httpx.HTTPError, ValueError):
        return 0
