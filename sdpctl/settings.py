"""Where the local platform lives: folders, ports, region. The one reader of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sdpctl.errors import CommandError

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Settings:
    """The local platform's places; `home` holds all of its state."""

    root: Path
    home: Path
    emulator_port: int
    flink_port: int
    sagemaker_port: int
    prefix: str = "sdp"
    region: str = REGION
    account: str = ACCOUNT

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read SDP_HOME and the ports, SDP_…_PORT; raises CommandError."""
        env = os.environ if environ is None else environ
        return cls(
            root=ROOT,
            home=Path(env.get("SDP_HOME") or ROOT / ".sdp").resolve(),
            emulator_port=_port(env, "SDP_EMULATOR_PORT", 4566),
            flink_port=_port(env, "SDP_FLINK_PORT", 8081),
            sagemaker_port=_port(env, "SDP_SAGEMAKER_PORT", 8082),
        )

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
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SDP_HOME": str(self.home),
            "SDP_EMULATOR_PORT": str(self.emulator_port),
            "SDP_FLINK_PORT": str(self.flink_port),
            "SDP_SAGEMAKER_PORT": str(self.sagemaker_port),
            "PATH": f"{self.python('dev').parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name) or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65_536:
        raise CommandError(f"{name}={value!r} is not a port number")
    return int(value)
