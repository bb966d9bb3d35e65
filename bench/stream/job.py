"""One run of one topology on a mini-cluster: `bench.stream.job platform|ancestor INPUT WORK PORT`.

The runtime's settings are the same for both; the platform's own come from its application.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template

from pyflink.table import EnvironmentSettings, StatementSet, TableEnvironment

from analytics_app.configuration import configuration
from analytics_app.connectors import JSON, SOURCE_JSON, Files
from analytics_app.rendering import functions, render
from glue.state import CHECKPOINT_INTERVAL
from usecases import load

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "analytics_app" / "jvm" / "target"
PARAMETERS = {
    "AggregationPeriod": "PT5M",
    "CorrelationWindow": "PT5M",
    "AllowedLateness": "PT5M",
}
"""The ancestor's window and bucket; lateness, which it has none of, doubles what we remember."""


MANAGED_MEMORY = "2g"


@dataclass(frozen=True)
class Bench(Files):
    """Reads a recorded stream; keeps the aggregates, to be checked, and drops all other results."""

    input: str = ""
    kept: tuple[str, ...] = ("aggregates",)
    metadata: bool = True

    def source(self, use_case: str, stream: str) -> dict[str, str]:
        """The generated events, whatever the stream is called."""
        return recorded(self.input)


def recorded(folder: str) -> dict[str, str]:
    """Options of the source of both topologies: the connector's own reader, without a network."""
    return {"connector": "recorded", "path": folder, **SOURCE_JSON}


def runtime(work: Path, port: str) -> dict[str, str]:
    """What the runtime decides: two cores, RocksDB, checkpoints to disk as often as on AWS."""
    return {
        "parallelism.default": "2",
        "rest.port": port,
        "rest.bind-address": "127.0.0.1",
        "state.backend.type": "rocksdb",
        "state.backend.rocksdb.localdir": str(work / "rocksdb"),
        "taskmanager.memory.managed.size": MANAGED_MEMORY,
        "taskmanager.memory.network.max": "256m",
        "execution.checkpointing.interval": f"{CHECKPOINT_INTERVAL.total_seconds():.0f} s",
        "execution.checkpointing.incremental": "true",
        "execution.checkpointing.dir": (work / "checkpoints").as_uri(),
        "metrics.fetcher.update-interval": "1000",
        "pipeline.jars": (TARGET / "sdp.jar").as_uri(),
        "pipeline.classpaths": f"{(TARGET / 'test-classes').as_uri()}/",
    }


def platform(env: TableEnvironment, source: Path, work: Path) -> StatementSet:
    """The packaged application's SQL."""
    use_case = load(("adtech",)).use_cases[0]
    connector = Bench(path=str(work), input=str(source))
    sql = render(use_case, use_case.configured(PARAMETERS), connector)
    return _statements(env, [*functions(), *sql.definitions, *sql.inserts])


def ancestor(env: TableEnvironment, source: Path, work: Path) -> StatementSet:
    """The interval joins and windows; each join once, for its stream and for its counts."""
    env.get_config().set("table.optimizer.reuse-optimize-block-with-digest-enabled", "true")
    counts = {"connector": "filesystem", "path": str(work / "counts"), **JSON}
    options = {"source": _options(recorded(str(source))), "counts": _options(counts)}
    files = [HERE / "tables.sql", HERE / "ancestor.sql"]
    text = ";".join(Template(f.read_text()).substitute(options) for f in files)
    return _statements(env, text.split(";"))


def _options(options: dict[str, str]) -> str:
    return ", ".join(f"'{key}' = '{value}'" for key, value in options.items())


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
    settings = configuration(load(("adtech",)).configured(PARAMETERS)) | runtime(work, port)
    for key, value in settings.items():
        env.get_config().set(key, value)
    build = {"platform": platform, "ancestor": ancestor}[topology]
    statements = build(env, source, work)
    (work / "plan.txt").write_text(statements.explain())
    statements.execute().wait()


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
