"""One run of the pipeline of `machines` on a mini-cluster, for bench/join.py, which starts it.

    .venv/flink/bin/python -P bench/join_job.py OPTIONS.json

The packaged SQL, RocksDB and two cores as in bench/stream. Pairs are written to files as they are
to streams, in JSON; all other results are dropped, or not computed at all (`only_pairs`).
"""

from __future__ import annotations

import json
import re
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

_JOIN = ("joined", "pairs")  # into the operator, and out of it
_INTO = re.compile(r"INSERT INTO `?(\w+)`?")


@dataclass(frozen=True)
class Bench(Files):
    """Reads a recorded stream; `path` has the definitions and gets the pairs."""

    input: str = ""
    metadata: bool = True

    def source(self, use_case: str, stream: str) -> dict[str, str]:
        """The generated events."""
        return recorded(self.input)


def run(options: dict[str, Any]) -> None:
    """Builds the job and waits for its end."""
    work, catalog = Path(options["work"]), load(("machines",))
    env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    settings = configuration(catalog.configured({})) | runtime(work, options["port"])
    for key, value in settings.items():
        env.get_config().set(key, value)
    (use_case,) = catalog.use_cases
    connector = Bench(str(work), kept=("pairs",), input=options["input"])
    sql = render(use_case, use_case.configured({}), connector)
    for statement in (*functions(), *sql.definitions):
        env.execute_sql(statement)
    together = env.create_statement_set()
    for insert in sql.inserts:
        target = _INTO.match(insert)
        assert target, insert
        if not options["only_pairs"] or target.group(1) in _JOIN:
            together.add_insert_sql(insert)
    together.execute().wait()


if __name__ == "__main__":
    run(json.loads(Path(sys.argv[1]).read_text()))
