"""The local platform's folders, ports and region. The only reader of the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sdpctl.errors import CommandError

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
ACCOUNT = "000000000000"
PORTS = {
    "SDP_EMULATOR_PORT": 4566,
    "SDP_FLINK_PORT": 8081,
    "SDP_SAGEMAKER_PORT": 8082,
    "SDP_MQTT_PORT": 1883,
}
PORTS_FILE = "ports.json"


@dataclass(frozen=True)
class Settings:
    """The local platform's settings; `home` contains all of its state."""

    root: Path
    home: Path
    emulator_port: int
    flink_port: int
    sagemaker_port: int
    mqtt_port: int = PORTS["SDP_MQTT_PORT"]
    prefix: str = "sdp"
    region: str = REGION
    account: str = ACCOUNT

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read SDP_HOME and the ports, SDP_…_PORT. Raises CommandError.

        A port that is not set is the one that the platform was started with.
        """
        env = os.environ if environ is None else environ
        home = Path(env.get("SDP_HOME") or ROOT / ".sdp").resolve()
        defaults = PORTS | started_with(home)
        ports = {name: _port(env, name, defaults[name]) for name in PORTS}
        _require_different(ports)
        return cls(
            root=ROOT,
            home=home,
            emulator_port=ports["SDP_EMULATOR_PORT"],
            flink_port=ports["SDP_FLINK_PORT"],
            sagemaker_port=ports["SDP_SAGEMAKER_PORT"],
            mqtt_port=ports["SDP_MQTT_PORT"],
        )

    @property
    def ports(self) -> dict[str, int]:
        """Each port by the name of its variable."""
        ports = (self.emulator_port, self.flink_port, self.sagemaker_port, self.mqtt_port)
        return dict(zip(PORTS, ports, strict=True))

    def remember_ports(self) -> None:
        """Store the ports for commands without these variables, as in another terminal."""
        (self.home / PORTS_FILE).write_text(json.dumps(self.ports))

    def forget_ports(self) -> None:
        """Forget them: the next start uses the defaults, unless set."""
        (self.home / PORTS_FILE).unlink(missing_ok=True)

    @property
    def endpoint(self) -> str:
        """The emulator's URL, for every AWS client."""
        return f"http://127.0.0.1:{self.emulator_port}"

    @property
    def sagemaker_endpoint(self) -> str:
        """The SageMaker stand-in's URL."""
        return f"http://127.0.0.1:{self.sagemaker_port}"

    @property
    def stage(self) -> str:
        """The CDK stage that is deployed locally."""
        return f"{self.prefix}-{self.region}"

    @property
    def logs(self) -> Path:
        """The folder of all logs."""
        return self.home / "logs"

    def python(self, environment: str) -> Path:
        """The interpreter of one of the environments under `.venv`."""
        return self.root / ".venv" / environment / "bin" / "python"

    def aws_environment(self) -> dict[str, str]:
        """This process's environment, pointed at the emulator instead of any AWS account."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.endpoint,
            # The emulator has no SageMaker; its functions inherit this.
            "AWS_ENDPOINT_URL_SAGEMAKER": self.sagemaker_endpoint,
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": self.sagemaker_endpoint,
            # By path: names below localhost have an address on few machines only.
            "AWS_ENDPOINT_URL_EXECUTE_API": f"{self.endpoint}/_aws/execute-api",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SDP_HOME": str(self.home),
            "SDP_EMULATOR_PORT": str(self.emulator_port),
            "SDP_FLINK_PORT": str(self.flink_port),
            "SDP_SAGEMAKER_PORT": str(self.sagemaker_port),
            "SDP_MQTT_PORT": str(self.mqtt_port),
            "PATH": f"{self.python('dev').parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }


def started_with(home: Path) -> dict[str, int]:
    """The ports that the platform was started with, by variable; empty if unknown."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        ports = json.loads((home / PORTS_FILE).read_text())
        return {name: int(port) for name, port in ports.items() if name in PORTS}
    return {}


def _require_different(ports: Mapping[str, int]) -> None:
    names = {port: name for name, port in ports.items()}
    for name, port in ports.items():
        if names[port] != name:
            raise CommandError(f"{name} and {names[port]} are both {port}: each needs its own")


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name) or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65_536:
        raise CommandError(f"{name}={value!r} is not a port number")
    return int(value)
