"""`cdk deploy` of the unchanged app to the emulator, skipped when nothing has changed."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.parameter_outputs import parameters_in, topology_in
from infra.topology import Topology
from sdpctl.errors import CommandError
from sdpctl.local import aws
from sdpctl.local.processes import last_lines
from sdpctl.settings import Settings

LOCAL = {
    "lakeBufferSeconds": "10",  # on this machine nobody pays for a file
    "flinkMetricSeconds": "5",  # a deployment waits for three reports
    # Each execution is a process of some 75 MB here.
    "ingestConcurrency": "16",
    "reportsConcurrency": "8",
    "predictionsConcurrency": "8",
    "actionConcurrency": "2",
    "webhookAddresses": "any",  # receivers are on this machine
}
_FAILED = re.compile(r"\| (?:CREATE|UPDATE|DELETE)_FAILED +\|[^|]+\| (.+)")


def synth(settings: Settings, parameters: Mapping[str, str]) -> Path:
    """Render the templates, unless nothing they are made of has changed; raises CommandError."""
    parameters = {**LOCAL, **parameters}
    out, mark = settings.home / "cdk.out", settings.home / "synthesised"
    digest = sources(settings, parameters)
    if mark.exists() and mark.read_text() == digest and (out / "manifest.json").exists():
        return out
    mark.unlink(missing_ok=True)
    context = [part for name, value in parameters.items() for part in ("-c", f"{name}={value}")]
    _cdk(settings, "synth", settings.root, ["synth", "--quiet", "--output", str(out), *context])
    mark.write_text(digest)
    return out


def sources(settings: Settings, parameters: Mapping[str, str]) -> str:
    """A digest of everything that the templates are rendered from."""
    root, digest = settings.root, hashlib.sha256(repr(sorted(parameters.items())).encode())
    paths = [root / "app.py", root / "cdk.json", root / "build" / "analytics.zip"]
    paths.append(root / "build/lambdas/lake.stamp")  # stands for 150 MB that seldom change
    ours = ("infra", "usecases", "glue", "features", "schemas")
    for folder in (*ours, "build/lambdas/bundle", "build/ml", "build/dashboard"):
        paths += (p for p in (root / folder).rglob("*") if p.suffix not in (".pyc", ".pyo"))
    for path in sorted(p for p in paths if p.is_file()):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def bootstrap(settings: Settings) -> None:
    """Create the bucket and roles that CDK deploys with, once."""
    if "CDKToolkit" not in stack_states(settings):
        target = f"aws://{settings.account}/{settings.region}"
        # Not where cdk.json is: there it would render the whole app first.
        _cdk(settings, "bootstrap", settings.home, ["bootstrap", target])


def deploy(settings: Settings, assembly: Path) -> bool:
    """Deploy the local stage's stacks; False if they are there already, unchanged."""
    mark, digest = settings.home / "deployed", fingerprint(assembly)
    if mark.exists() and mark.read_text() == digest and complete(settings):
        return False
    mark.unlink(missing_ok=True)
    # A use case that is added again finds the tables that it left.
    options = ["--require-approval", "never", "--import-existing-resources"]
    options += ["--concurrency", "3", "--progress", "events"]
    app = ["--app", str(assembly)]
    _cdk(settings, "deploy", settings.home, ["deploy", f"{settings.stage}/*", *app, *options])
    mark.write_text(digest)
    return True


def fingerprint(assembly: Path) -> str:
    """A digest of the templates and the contents of the assets they name."""
    digest = hashlib.sha256()
    for path in sorted(assembly.rglob("*.json")):
        if path.name.endswith((".template.json", ".assets.json")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def stack_states(settings: Settings) -> dict[str, str]:
    """Each stack's name and status in the emulator; CommandError if it does not answer."""
    return {s["StackName"]: s["StackStatus"] for s in _stacks(settings)}


def stack_versions(settings: Settings) -> frozenset[tuple[str, str, str]]:
    """Each of our stacks: its name, status and the time of its last change.

    Raises CommandError if the emulator does not answer.
    """
    return frozenset(
        (s["StackName"], s["StackStatus"], str(s.get("LastUpdatedTime", "")))
        for s in _stacks(settings)
        if s["StackName"].startswith(settings.stage)
    )


def _stacks(settings: Settings) -> list[dict[str, Any]]:
    try:
        pages = aws.client(settings, "cloudformation").get_paginator("describe_stacks").paginate()
        return [s for page in pages for s in page["Stacks"]]
    except (BotoCoreError, ClientError) as error:
        raise aws.unanswered(error) from error


def outputs(settings: Settings) -> dict[str, str]:
    """The outputs of our stacks, by name; CommandError if the emulator does not answer."""
    ours = [s for s in _stacks(settings) if s["StackName"].startswith(settings.stage)]
    return {o["OutputKey"]: o["OutputValue"] for s in ours for o in s.get("Outputs", [])}


def parameters(settings: Settings) -> dict[str, str]:
    """The parameters that were deployed, by name; CommandError if the emulator does not answer."""
    deployed = outputs(settings)
    return parameters_in(deployed, topology_in(settings.prefix, deployed).catalog)


def topology(settings: Settings) -> Topology:
    """What is deployed; CommandError if the emulator does not answer."""
    return topology_in(settings.prefix, outputs(settings))


def complete(settings: Settings) -> bool:
    """Whether the stage's stacks are there and none of them is in a failed state."""
    states = [v for k, v in stack_states(settings).items() if k.startswith(settings.stage)]
    return bool(states) and all(s in ("CREATE_COMPLETE", "UPDATE_COMPLETE") for s in states)


def is_rolled_back(settings: Settings) -> bool:
    """Whether the update of a stack of the stage has failed and was undone."""
    states = {v for k, v in stack_states(settings).items() if k.startswith(settings.stage)}
    return "UPDATE_ROLLBACK_COMPLETE" in states and not any(s.endswith("FAILED") for s in states)


def _cdk(settings: Settings, step: str, cwd: Path, arguments: list[str]) -> None:
    log = settings.logs / f"{step}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **settings.aws_environment(),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "CDK_DEFAULT_ACCOUNT": settings.account,
        "CDK_DEFAULT_REGION": settings.region,
        "CI": "1",
        # The CDK's check of templates takes a half of the time; the tests of the stacks have it.
        "CDK_VALIDATION": "false",
    }
    cdk = settings.root / "node_modules" / ".bin" / "cdk"
    with log.open("wb") as out:
        ended = subprocess.run(
            [cdk, "--no-version-reporting", "--no-notices", *arguments],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if ended.returncode:
        why = "\n".join(failures(log)) or last_lines(log, 25)
        raise CommandError(f"cdk {step} failed\n{why}\nlog: {log}")


def failures(log: Path) -> list[str]:
    """Each resource that a deployment failed for and why, once: far above the end of the log."""
    with suppress(OSError):
        lines = log.read_text(errors="replace").splitlines()
        return list(dict.fromkeys(line[1].strip() for line in map(_FAILED.search, lines) if line))
    return []
