"""What runs with a bare PATH finds the README's tools and none that was installed by hand."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "bare-path"
REQUIRED = ("python3", "java", "javac", "mvn", "node", "npm", "npx", "git", "make")


def _run(*command: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [SCRIPT, *command], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("tool", REQUIRED)
def test_a_tool_that_the_readme_requires_is_found(tool: str) -> None:
    assert _run("sh", "-c", f"command -v {tool}").returncode == 0


@pytest.mark.parametrize("tool", ["uv", "poetry", "my-own-tool"])
def test_a_tool_that_was_installed_by_hand_is_not_found(tmp_path: Path, tool: str) -> None:
    installed = tmp_path / tool
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    assert _run("sh", "-c", f"command -v {tool}", path=str(tmp_path)).returncode != 0


def test_python_runs_as_itself_so_that_environments_made_from_it_outlive_the_command() -> None:
    found = Path(_run("python3", "-c", "import sys; print(sys.executable)").stdout.strip())
    assert found.is_file()


def test_the_command_decides_the_exit_status() -> None:
    assert _run("sh", "-c", "exit 7").returncode == 7


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([SCRIPT, "true"], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


def test_without_a_command_it_shows_its_usage() -> None:
    done = _run()
    assert (done.returncode, "Usage: scripts/bare-path" in done.stderr) == (2, True)


def test_continuous_integration_builds_with_it_first() -> None:
    steps = [
        line
        for line in (ROOT / ".ci" / "run").read_text().splitlines()
        if not line.startswith(("#", "set ", "cd "))
    ]
    assert steps[0] == "scripts/bare-path make build"
