"""The variables and arguments that SageMaker's framework containers give to a user's script.

Names and forms are those of the SageMaker Training Toolkit (`sagemaker-training`): each
hyperparameter is a command line option and a variable, `sagemaker_…` ones are for the container.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdpctl.local.sagemaker.errors import invalid
from sdpctl.local.sagemaker.store import Document

HOST = "algo-1"


@dataclass(frozen=True)
class Folders:
    """A job's folders, which in the container lie under /opt/ml."""

    root: Path

    @property
    def code(self) -> Path:
        """The unpacked source archive; also the working directory."""
        return self.root / "code"

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz."""
        return self.root / "model"

    @property
    def output(self) -> Path:
        """What becomes output.tar.gz."""
        return self.root / "output" / "data"

    @property
    def failure(self) -> Path:
        """Why the script failed: the toolkit's words, never the script's own."""
        return self.root / "output" / "failure"

    def channel(self, name: str) -> Path:
        """A channel's files."""
        return self.root / "input" / "data" / name

    def make(self) -> None:
        """Create those that scripts write to."""
        for folder in (self.code, self.model, self.output):
            folder.mkdir(parents=True, exist_ok=True)


def program(settings: Document) -> tuple[str, str]:
    """Script and source archive (an s3:// URI), from hyperparameters or a model's environment."""
    lower = {name.lower(): _decoded(value) for name, value in settings.items()}
    try:
        return str(lower["sagemaker_program"]), str(lower["sagemaker_submit_directory"])
    except KeyError as error:
        raise invalid(f"script mode needs {error}: the script and where its archive is") from None


def arguments(hyperparameters: Document) -> list[str]:
    """The script's command line options."""
    return [part for k, v in _own(hyperparameters).items() for part in (f"--{k}", _text(v))]


def training_environment(job: Document, folders: Folders) -> dict[str, str]:
    """The `SM_…` variables of a job."""
    own = _own(job.get("HyperParameters", {}))
    channels = [c["ChannelName"] for c in job.get("InputDataConfig", [])]
    return {
        "SM_MODEL_DIR": str(folders.model),
        "SM_OUTPUT_DIR": str(folders.output.parent),
        "SM_OUTPUT_DATA_DIR": str(folders.output),
        "SM_INPUT_DIR": str(folders.root / "input"),
        "SM_CHANNELS": json.dumps(channels),
        **{f"SM_CHANNEL_{name.upper()}": str(folders.channel(name)) for name in channels},
        "SM_HPS": json.dumps(own),
        **{f"SM_HP_{k.upper().replace('-', '_')}": _text(v) for k, v in own.items()},
        "SM_HOSTS": json.dumps([HOST]),
        "SM_CURRENT_HOST": HOST,
        "SM_NUM_CPUS": "1",
        "SM_NUM_GPUS": "0",
        "SM_MODULE_DIR": str(folders.code),
        "TRAINING_JOB_NAME": job["TrainingJobName"],
        "TRAINING_JOB_ARN": job["TrainingJobArn"],
        **job.get("Environment", {}),
    }


def _own(hyperparameters: Document) -> dict[str, Any]:
    kept = {k: v for k, v in hyperparameters.items() if not k.startswith("sagemaker_")}
    return {name: _decoded(value) for name, value in kept.items()}


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
