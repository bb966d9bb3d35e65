"""One run of the shopping pipeline on a mini-cluster, for bench/patterns.py, which starts it.

    .venv/flink/bin/python -P bench/patterns_job.py OPTIONS.json

The packaged SQL, RocksDB and two cores as in bench/stream. Business events and decisions are
written to a sink that notes the time of each; all other results are dropped.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyflink.table import EnvironmentSettings, TableEnvironment

from analytics_app.configuration import configuration
from analytics_app.connectors import Files
from analytics_app.rendering import functions, render
from bench.stream.job import recorded, runtime
from usecases import load


@dataclass(frozen=True)
class Bench(Files):
    """Reads a recorded stream, paced or not; `path` has the definitions and gets the times."""

    input: str = ""
    paced: bool = False
    metadata: bool = True

    def source(self, use_case: str, stream: str) -> dict[str, str]:
        """The generated events."""
        return {**recorded(self.input), "paced": str(self.paced).lower()}

    def sink(self, use_case: str, stream: str) -> dict[str, str]:
        """Times of what is found and decided."""
        if stream in ("business-events", "decisions"):
            return {"connector": "timed", "path": f"{self.path}/times/{stream}"}
        return {"connector": "blackhole"}


def run(options: dict[str, Any]) -> None:
    """Builds the job and waits for its end."""
    work, catalog = Path(options["work"]), load(("shopping",))
    env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    settings = configuration(catalog.configured(options["parameters"]))
    settings |= runtime(work, options["port"]) | options["settings"]
    for key, value in settings.items():
        env.get_config().set(key, value)
    (use_case,) = catalog.use_cases
    connector = Bench(str(work), input=options["input"], paced=options["paced"])
    sql = render(use_case, use_case.configured(options["parameters"]), connector)
    for statement in (*functions(), *sql.definitions):
        env.execute_sql(statement)
    together = env.create_statement_set()
    for insert in sql.inserts:
        together.add_insert_sql(insert)
    together.execute().wait()


if __name__ == "__main__":
    run(json.loads(Path(sys.argv[1]).read_text()))
