"""The packaged application, unpacked into a folder and run there by Flink as one process.

As a replay runs it: one task reads a stream's file. Others would have nothing to read and hold back
the watermark until they have ended, so what is late would now and then be in time.
"""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

from analytics_app.package import ROOT, build
from analytics_app.properties import AWAIT_VARIABLE

PYTHON = ROOT / ".venv" / "flink" / "bin" / "python"
SECONDS = 900


def run(
    folder: Path, program: str | Path, properties: Mapping[str, str], parallelism: int = 1
) -> str:
    """What the program prints; `folder` gets `code`, `conf` and `properties.json`."""
    with zipfile.ZipFile(build()) as archive:
        archive.extractall(folder / "code")
    return start(folder, program, properties, parallelism)


def start(
    folder: Path, program: str | Path, properties: Mapping[str, str], parallelism: int = 1
) -> str:
    """What the program prints; `folder` has the unpacked application in `code`."""
    _configure(folder / "conf", parallelism)
    path = folder / "properties.json"
    path.write_text(json.dumps([{"PropertyGroupId": "sdp", "PropertyMap": dict(properties)}]))
    environment = {
        **os.environ,
        "SUBMIT_ARGS": "remote -t local",
        "FLINK_CONF_DIR": str(folder / "conf"),
        "FLINK_LOG_DIR": str(folder),
        AWAIT_VARIABLE: "1",
        "SDP_APPLICATION_PROPERTIES": str(path),
    }
    done = subprocess.run(
        [PYTHON, program],
        cwd=folder / "code",
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + _reasons(done.stderr)
    return done.stdout


def _reasons(text: str) -> str:
    """The end of what a program printed, but for the calls of Java's traces."""
    return "\n".join(n for n in text.splitlines() if not n.startswith("\tat "))[-3000:]


def _configure(folder: Path, parallelism: int) -> None:
    home = subprocess.check_output(
        [PYTHON, "-c", "import pyflink, sys; sys.stdout.write(pyflink.__path__[0])"], text=True
    )
    theirs = (Path(home) / "conf" / "config.yaml").read_text().splitlines()
    opens = next(line.split(": ", 1)[1] for line in theirs if line.strip().startswith("all: "))
    folder.mkdir()
    (folder / "log4j-cli.properties").write_text("rootLogger.level = OFF\n")
    (folder / "config.yaml").write_text(
        f"env.java.opts.all: {opens}\nparallelism.default: {parallelism}\n"
        "rest.port: 0\nrest.bind-address: 127.0.0.1\n"
    )
