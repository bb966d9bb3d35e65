"""What a machine lacks is named, each with the version that is needed, and nothing is begun."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "require-tools"
BASICS = ("bash", "dirname", "sed", "env")
TOOLS = {
    "python3.11": f'exec {sys.executable} "$@"',
    "mvn": "",
    "npm": "",
    "node": "echo v22.1.0",
    "java": "echo 'openjdk version \"17.0.9\" 2023-10-17' >&2",
    "javac": "",
    "git": "",
}


def _missing(folder: Path, **changes: str | None) -> tuple[int, list[str]]:
    """Exit status and messages on a machine with these tools and no others."""
    for name in BASICS:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    for name, does in {**TOOLS, **changes}.items():
        if does is not None:
            (folder / name).write_text(f"#!/usr/bin/env bash\n{does}\n")
            (folder / name).chmod(0o755)
    done = subprocess.run(
        [SCRIPT], env={"PATH": str(folder)}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr.splitlines()


def test_a_machine_that_has_them_all_is_told_nothing(tmp_path: Path) -> None:
    assert _missing(tmp_path) == (0, [])


def test_options_that_java_notes_before_its_version_are_no_obstacle(tmp_path: Path) -> None:
    noted = "echo 'NOTE: Picked up JDK_JAVA_OPTIONS: -Xmx1g' >&2; "
    assert _missing(tmp_path, java=noted + TOOLS["java"]) == (0, [])


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"python3.11": None}, "Python 3.11 or 3.12 with its venv module"),
        ({"python3.11": "exit 1"}, "Python 3.11 or 3.12 with its venv module"),
        ({"mvn": None}, "Maven 3.8 or later (mvn)"),
        ({"npm": None}, "Node.js 20 or later (node, npm)"),
        ({"node": "echo v18.19.1"}, "Node.js 20 or later (node, npm)"),
        ({"java": None, "javac": None}, "a JDK, 17 or later (java, javac)"),
        ({"java": "echo 'java version \"11.0.2\"' >&2"}, "a JDK, 17 or later (java, javac)"),
        ({"java": "echo 'java version \"1.8.0_392\"' >&2"}, "a JDK, 17 or later (java, javac)"),
        ({"git": None}, "git"),
        ({"javac": None}, "a JDK: there is only a Java runtime (javac)"),
    ],
)
def test_what_is_missing_or_too_old_is_named(
    tmp_path: Path, changes: dict[str, str | None], missing: str
) -> None:
    assert _missing(tmp_path, **changes) == (1, [f"missing: {missing}"])


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    status, lines = _missing(tmp_path, mvn=None, node=None, java=None, git=None)
    assert (status, len(lines)) == (1, 4)
