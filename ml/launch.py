"""For people: start a training job on SageMaker, or try a model, from a terminal or a notebook.

    python -m ml.launch train --data s3://BUCKET/USE_CASE/parquet/RECORD/ --role ARN
    python -m ml.launch ask ENDPOINT '{"winPrice": 2000, …}'
    python -m ml.launch open model.tar.gz '{"winPrice": 2000, …}'

`train` and `ask` use the SageMaker Python SDK, version 3, which nothing else here does and which
is not part of the platform's environment: install requirements/notebook.txt into one of your own
(700 MB). `open` needs no account: it answers from an archive on this machine. A model that is
trained this way has not passed the gate; `./sdp train` runs the whole workflow.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import usecases
from glue import PlatformError, instants
from ml import package
from ml.errors import JobError

IMAGE = "3.2-0"
"""The XGBoost framework container; its xgboost is the one that is tested here."""
INSTANCE = "ml.m5.large"


class MissingSdk(PlatformError):
    """The SageMaker Python SDK is not installed."""

    def __init__(self, error: ImportError) -> None:
        super().__init__(
            f"the SageMaker Python SDK is needed ({error}): make an environment with "
            "`python -m venv notebook && notebook/bin/pip install --require-hashes "
            "-r requirements/notebook.txt`, and run this with its Python"
        )


def trainer(
    *,
    use_case: str,
    role: str,
    output: str | None = None,
    hyperparameters: Mapping[str, str] | None = None,
    instance: str = INSTANCE,
    session: Any = None,
) -> Any:
    """A `sagemaker.train.ModelTrainer` for the use case's training job.

    `output`: S3 URI for the model (the session's default bucket where None). `hyperparameters`
    as `ml.train` takes them. Raises MissingSdk where the SDK is not installed, PlatformError where
    the use case declares no model.
    """
    try:
        from sagemaker.core import image_uris
        from sagemaker.core.helper.session_helper import Session
        from sagemaker.core.training.configs import Compute, OutputDataConfig, SourceCode
        from sagemaker.train import ModelTrainer
    except ImportError as error:
        raise MissingSdk(error) from error
    # The SDK would refuse a role without rights to MLflow, hubs and networks: the job needs none.
    os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
    session = session or Session()
    region = session.boto_region_name
    archive = package.build(usecases.load().use_case(use_case))
    return ModelTrainer(
        training_image=image_uris.retrieve("xgboost", region, version=IMAGE),
        source_code=SourceCode(
            source_dir=str(archive), entry_script="train.py", requirements="requirements.txt"
        ),
        compute=Compute(instance_type=instance, instance_count=1),
        output_data_config=OutputDataConfig(s3_output_path=output) if output else None,
        hyperparameters=dict(hyperparameters or {}),
        role=role,
        base_job_name=f"sdp-{use_case}",
        sagemaker_session=session,
    )


def train(model_trainer: Any, data: str, *, wait: bool = True, dry_run: bool = False) -> None:
    """Start the job on the Parquet files under `data` (S3 URI); `dry_run` only checks it."""
    from sagemaker.core.training.configs import InputData

    channel = InputData(channel_name="train", data_source=data)
    model_trainer.train(input_data_config=[channel], wait=wait, logs=wait, dry_run=dry_run)


def ask(endpoint: str, instances: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """An endpoint's response: `predictions` and `model_version`. Raises MissingSdk."""
    try:
        from sagemaker.core.resources import Endpoint
    except ImportError as error:
        raise MissingSdk(error) from error
    body = json.dumps({"instances": list(instances)})
    found = Endpoint(endpoint_name=endpoint).invoke(
        body=body, content_type="application/json", accept="application/json"
    )
    answer: dict[str, Any] = json.loads(found.body.read())
    return answer


def answer_from(archive: Path, instances: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The response of a model.tar.gz on this machine. Raises ArtifactError if it is not one."""
    from ml.artifact import Trained, unpack
    from ml.inference import predict_fn

    with tempfile.TemporaryDirectory() as folder:
        return predict_fn(list(instances), Trained.load(unpack(archive, Path(folder))))


def _instances(text: str) -> list[Mapping[str, Any]]:
    document = json.loads(text, object_pairs_hook=_object)
    instances: list[Mapping[str, Any]] = document if isinstance(document, list) else [document]
    return instances


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of these pairs. Raises ValueError for a repeated key, as the API refuses it."""
    names = [name for name, _ in pairs]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"key {repeated!r} is repeated; send it once")
    return dict(pairs)


def _time(text: str) -> str:
    """The time as the job reads it. Raises ArgumentTypeError with what is wrong."""
    try:
        return instants.to_wire(instants.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ml.launch", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    job = commands.add_parser("train", help="start a training job")
    job.add_argument("--use-case", default=usecases.NAMES[0])
    job.add_argument("--data", required=True, help="S3 URI of the Parquet files")
    job.add_argument("--role", required=True, help="ARN of the job's role")
    job.add_argument("--output", help="S3 URI for the model")
    job.add_argument("--from", dest="start", type=_time, help="RFC 3339")
    job.add_argument("--to", dest="end", type=_time, help="RFC 3339, not included")
    job.add_argument("--seed", default="1")
    job.add_argument("--instance", default=INSTANCE)
    job.add_argument("--no-wait", action="store_true")
    job.add_argument("--dry-run", action="store_true", help="check everything, start nothing")
    for name, target in (("ask", "endpoint"), ("open", "archive")):
        asking = commands.add_parser(name, help=f"an answer of this {target}")
        asking.add_argument("target", metavar=target.upper())
        asking.add_argument("instances", help="a JSON object, or an array of them")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one of the commands; returns 2 on an error."""
    options = _arguments(arguments)
    try:
        if options.command == "train":
            ends = {"from": options.start, "to": options.end}
            parameters = {n: v for n, v in ends.items() if v} | {"seed": options.seed}
            model_trainer = trainer(
                use_case=options.use_case,
                role=options.role,
                output=options.output,
                hyperparameters=parameters,
                instance=options.instance,
            )
            train(model_trainer, options.data, wait=not options.no_wait, dry_run=options.dry_run)
            return 0
        requested = _instances(options.instances)
        from_archive = options.command == "open"
        answer = (
            answer_from(Path(options.target), requested)
            if from_archive
            else ask(options.target, requested)
        )
    except (PlatformError, JobError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(answer, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
