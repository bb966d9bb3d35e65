"""What the tests and the programs they start put into the temporary folder goes with pytest's own.

pytest removes its folder when all tests have passed (pyproject.toml: tmp_path_retention_policy).

Each request of a test to AWS is held to the service's model (`sdpctl.local.service_models`).

`make unit` runs the tests in two processes. What shares something that takes long to make stays in
one of them: a template, an emulator, a Flink cluster by folder, everything else by file.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdpctl.local import service_models

service_models.install()

TESTS = Path(__file__).parent
SHARED_BY_FOLDER = ("infrastructure", "sagemaker", "flink", "connector", "emulator")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Assign each test to the group that runs in one process."""
    for item in items:
        path = item.path.relative_to(TESTS)
        group = path.parts[0] if path.parts[0] in SHARED_BY_FOLDER else str(path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For Python and its child processes, and for the JVM that PyFlink starts."""
    folder = str(tmp_path_factory.mktemp("tmp"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TMPDIR", folder)
        environment.setenv("JVM_ARGS", f"-Djava.io.tmpdir={folder}")
        environment.setattr(tempfile, "tempdir", None)
        yield
