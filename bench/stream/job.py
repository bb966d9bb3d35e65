"""One run of one topology on a mini-cluster: `job.py platform|ancestor INPUT WORK PORT`.

The runtime's settings are the same for both; the platform's own come from its application.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template

from pyflink.table import EnvironmentSettings, StatementSet, TableEnvironment

from analytics_app.configuration import configuration
from analytics_app.connectors import Files
from analytics_app.rendering import render
from glue.parameters import Parameters
from usecases import load

HERE = Path(__file__).resolve().parent
JAR = HERE.parents[1] / "analytics_app" / "jvm" / "target" / "sdp.jar"
PARAMETERS = {
    "AggregationPeriod": "PT1M",
    "CorrelationWindow": "PT20S",
    "AllowedLateness": "PT10S",
}


@dataclass(frozen=True)
class Bench(Files):
    """Reads files; keeps the aggregates, to be checked, and drops every other result."""

    input: str = ""
    kept: str = "aggregates"

    def source(self, use_case: str, stream: str) -> dict[str, str]:
        """The generated events, whatever the stream is called."""
        return {**super().source(use_case, stream), "path": self.input}

    def sink(self, use_case: str, stream: str) -> dict[str, str]:
        """A file for what is checked, a black hole for the rest."""
        if stream == self.kept:
            return super().sink(use_case, stream)
        return {"connector": "blackhole"}


def runtime(work: Path, port: str) -> dict[str, str]:
    """What the runtime decides: two cores, RocksDB, checkpoints to disk."""
    return {
        "parallelism.default": "2",
        "rest.port": port,
        "rest.bind-address": "127.0.0.1",
        "state.backend.type": "rocksdb",
        "state.backend.rocksdb.localdir": str(work / "rocksdb"),
        "taskmanager.memory.managed.size": "2g",
        "taskmanager.memory.network.max": "256m",
        "execution.checkpointing.interval": "10 s",
        "execution.checkpointing.incremental": "true",
        "execution.checkpointing.dir": (work / "checkpoints").as_uri(),
        "metrics.fetcher.update-interval": "500",
        "pipeline.jars": JAR.as_uri(),
    }


def platform(env: TableEnvironment, source: Path, work: Path) -> StatementSet:
    """The packaged application's SQL."""
    for name, function in (("CORRELATE", "Correlate"), ("PROGRESS", "Progress")):
        env.execute_sql(f"CREATE TEMPORARY SYSTEM FUNCTION {name} AS 'sdp.functions.{function}'")
    use_case = load(("adtech",)).use_cases[0]
    connector = Bench(path=str(work), input=str(source))
    sql = render(use_case, Parameters.parse(PARAMETERS), connector)
    return _statements(env, [*sql.definitions, *sql.inserts])


def ancestor(env: TableEnvironment, source: Path, work: Path) -> StatementSet:
    """The interval joins and windows."""
    files = [HERE / "tables.sql", HERE / "ancestor.sql"]
    text = ";".join(Template(f.read_text()).substitute(input=source) for f in files)
    return _statements(env, text.split(";"))


def _statements(env: TableEnvironment, statements: list[str]) -> StatementSet:
    together = env.create_statement_set()
    for statement in statements:
        lines = [line for line in statement.splitlines() if not line.startswith("--")]
        sql = "\n".join(lines).strip()
        if sql.startswith("INSERT"):
            together.add_insert_sql(sql)
        else:
            env.execute_sql(sql)
    return together


def run(topology: str, source: Path, work: Path, port: str) -> None:
    """Builds the job and waits for its end."""
    env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    settings = configuration(Parameters.parse(PARAMETERS)) | runtime(work, port)
    for key, value in settings.items():
        env.get_config().set(key, value)
    build = {"platform": platform, "ancestor": ancestor}[topology]
    statements = build(env, source, work)
    (work / "plan.txt").write_text(statements.explain())
    statements.execute().wait()


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
