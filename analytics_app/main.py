"""The Flink application: one job that runs the use cases its properties name.

Sets only configuration that Managed Flink allows in code; parallelism, checkpoints, state backend
and restarts are the runtime's. Defines the job, hands it over and ends, because Managed Flink runs
main() inside its job manager, where a result cannot be awaited; raises, so exits non-zero, if the
job cannot be defined. A program that owns the cluster sets SDP_AWAIT_RESULT (see properties).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from pyflink.table import EnvironmentSettings, StatementSet, TableEnvironment  # noqa: E402

from analytics_app import configuration, properties, rendering  # noqa: E402
from analytics_app.connectors import connector  # noqa: E402
from glue import Catalog  # noqa: E402
from usecases import load  # noqa: E402


def environment(given: properties.Properties) -> TableEnvironment:
    """A table environment with the job's settings and the platform's functions."""
    env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    config = env.get_config()
    parameters = _catalog(given).configured(given.parameters)
    settings = configuration.configuration(
        parameters,
        int(config.get("parallelism.default", "1")),
        bounded=given.connector == "files",
    )
    settings |= configuration.jars(config.get("pipeline.jars", ""), HERE / "lib" / "sdp.jar")
    for key, value in settings.items():
        config.set(key, value)
    for function in rendering.functions():
        env.execute_sql(function)
    return env


def statements(env: TableEnvironment, given: properties.Properties) -> StatementSet:
    """All inserts of all use cases, as one job."""
    together = env.create_statement_set()
    catalog = _catalog(given)
    parameters = catalog.configured(given.parameters)
    for use_case in catalog.within(parameters).use_cases:
        sql = rendering.render(use_case, parameters[use_case.name], connector(given))
        for definition in sql.definitions:
            env.execute_sql(definition)
        for insert in sql.inserts:
            together.add_insert_sql(insert)
    return together


def _catalog(given: properties.Properties) -> Catalog:
    return load(given.use_cases)


def main() -> None:
    """Reads the properties, builds the job and hands it over."""
    path = os.environ.get("SDP_APPLICATION_PROPERTIES", properties.DEFAULT_PATH)
    given = properties.Properties.read(Path(path))
    result = statements(environment(given), given).execute()
    if properties.awaits_result(os.environ):
        result.wait()


if __name__ == "__main__":
    main()
