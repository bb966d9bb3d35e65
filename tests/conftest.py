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
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from sdpctl.local import service_models

pytest_plugins = ["tests.ending"]

service_models.install()


TOGETHER = ("tests/infrastructure", "tests/sagemaker")  # their files share what takes long to make


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """The tests of a file go to one process, and those of all files in one of the folders."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    """Instead of what `--dist loadfile` has."""
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


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
