"""What the tests and the programs they start put into the temporary folder goes with pytest's own.

pytest removes its folder when all tests have passed (pyproject.toml: tmp_path_retention_policy).

Each request of a test to AWS is held to the service's model (`sdpctl.local.service_models`), and
SIGTERM ends what they have started with them (`tests.ending`).

The JVMs that tests start live for seconds or minutes. Without the second compiler (the tests of
rescaling: 232 s instead of 296) and with the serial collector (the tests of plan and submission:
69 s instead of 74) they take less CPU time.
"""

import tempfile
from collections.abc import Iterator

import pytest

from sdpctl.local import service_models

pytest_plugins = ["tests.ending"]

service_models.install()


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For Python and its child processes, and for the JVM that PyFlink starts."""
    folder = str(tmp_path_factory.mktemp("tmp"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TMPDIR", folder)
        environment.setenv("JVM_ARGS", f"-Djava.io.tmpdir={folder}")
        environment.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        environment.setattr(tempfile, "tempdir", None)
        yield
