"""The process of a job: planned once by the application's program, then run from its plan.

Python and the planner take most of a start. So a program that is run for the first time writes
its plan (sdp.local in the jar module), and the process becomes the JVM that runs it; when that
JVM dies, the next one starts with the plan.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sdpctl.local import flink_config
from sdpctl.settings import Settings

# Plans unless the plan is there, and becomes the job: one process, with one pid, for both.
_SCRIPT = '[ -e "$1" ] || "$2" "$3" || exit; shift 3; exec "$@"'


@dataclass(frozen=True)
class Job:
    """What the process of one start needs."""

    settings: Settings
    name: str
    main: Path
    plans: Path
    """A folder for plans of this version of the code."""
    conf: Path
    scratch: Path
    memory: flink_config.Memory

    @property
    def plan(self) -> Path:
        """The file of the plan; with other options it is another."""
        surroundings = self.settings.aws_environment()
        return self.plans / f"plan-{flink_config.fingerprint(self.conf, self._home, surroundings)}"

    def command(self) -> list[str | Path]:
        """Plans where there is no plan, then runs it."""
        self.plans.mkdir(exist_ok=True)
        flink_config.append(self.conf, {"sdp.plan.path": str(self.plan)})
        return ["/bin/sh", "-c", _SCRIPT, self.name, self.plan, self._python, self.main, *self._jvm]

    def environment(self) -> dict[str, str]:
        """For both steps."""
        # Planning takes seconds: without the second compiler it takes half the CPU time.
        java = f"-Xmx{self.memory.heap}m -XX:TieredStopAtLevel=1"
        return {
            **flink_config.surroundings(
                self.settings, self.name, self.conf, self.scratch, "sdp-plan", java
            ),
            "HADOOP_CLASSPATH": str(self._jar),  # how Flink's scripts take a jar from elsewhere
        }

    @property
    def _jvm(self) -> list[str]:
        classes = [str(path) for path in sorted((self._home / "lib").glob("*.jar"))]
        log = f"-Dlog4j.configurationFile={(self.conf / 'log4j-cli.properties').as_uri()}"
        options = flink_config.java_options(self._home).split()
        classpath = os.pathsep.join([*classes, str(self._jar)])
        run = ["-cp", classpath, "sdp.local.PlanRunner", str(self.conf), str(self.plan)]
        limits = [f"-Xmx{self.memory.heap}m", f"-Djava.io.tmpdir={self.scratch}"]
        return [_java(), *limits, *options, log, *run]

    @property
    def _python(self) -> Path:
        return self.settings.python("flink")

    @property
    def _home(self) -> Path:
        return flink_config.flink_home(self._python)

    @property
    def _jar(self) -> Path:
        return self.settings.root / "analytics_app" / "jvm" / "target" / "sdp-local.jar"


def _java() -> str:
    """As Flink's scripts choose it."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else "java"
