"""The settings of a deployment, read from the CDK context; errors name the setting."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

import usecases
from glue import Catalog, UseCase
from glue.actions import Dispatching
from glue.errors import ParameterError
from glue.parameters import PLATFORM, Parameters, format_duration, parse_duration
from infra import applications
from infra.applications import Application, Scale
from infra.images import Image
from infra.training import MEMORY_MIB, Training

REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1")

T = TypeVar("T")
_PREFIX = re.compile(r"[a-z][a-z0-9-]{0,19}")
_LOG_RETENTIONS = ("1", "3", "5", "7", "14", "30", "60", "90", "180", "365", "731", "3653")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One deployment. `parameters` are those of each of its use cases.

    `applications` are the Flink applications that run them, `scales` what each of those has of
    Managed Flink.

    `shards` are those of the event streams, `result_shards` those of a stream of results; 0 stands
    for on-demand streams. Rates are requests a second.
    `…_concurrency` executions at once are reserved for the function behind an API, and bound it;
    0 reserves none.

    `lake_…_days` are how long a class of data stays in the lake, None for ever; `replaced` are
    the versions of objects that were overwritten or deleted. Firehose gathers records for
    `lake_buffer_seconds` before it writes a file. `lake_closed_after` the end of an hour its files
    are merged into files of about `lake_file_mib`; for `lake_grace` the replaced ones stay for
    running queries. `alarm_email` receives alarms, if it is not empty. `state_loss` is what
    becomes of a deployment that cannot restore all state: `refuse` or `allow`. Flink's metrics
    are reported every `metric_seconds`: 60 on AWS; the local platform reports more often.
    `dispatching` is how each use case with actions sends them, with at most `action_concurrency`
    executions for each destination; `webhook_addresses` are `public` or `any`.
    """

    parameters: Mapping[str, Parameters]
    applications: tuple[Application, ...] = ()
    scales: Mapping[str, Scale] = field(default_factory=dict)
    prefix: str = "sdp"
    regions: tuple[str, ...] = REGIONS
    retain_data: bool = True
    shards: int = 2
    stream_retention_hours: int = 72
    result_shards: int = 2
    result_retention_hours: int = 24
    log_retention_days: int = 30
    rate_limit: int = 1_000
    burst_limit: int = 2_000
    ingest_concurrency: int = 0
    reports_concurrency: int = 0
    predictions_concurrency: int = 0
    definitions_concurrency: int = 0
    state_loss: str = "refuse"
    metric_seconds: int = 60
    lake_buffer_seconds: int = 60
    lake_raw_days: int | None = 365
    lake_parquet_days: int | None = None
    lake_error_days: int | None = 90
    lake_replaced_days: int = 7
    lake_closed_after: timedelta = timedelta(minutes=15)
    lake_grace: timedelta = timedelta(hours=1)
    lake_file_mib: int = 128
    athena_result_days: int = 7
    athena_scan_limit_mib: int = 102_400
    alarm_email: str = ""
    training: Training = Training()  # noqa: RUF009  it is frozen
    dispatching: Mapping[str, Dispatching] = field(default_factory=dict)
    action_concurrency: int = 10
    webhook_addresses: str = "public"

    @property
    def use_cases(self) -> tuple[str, ...]:
        """The deployed use cases, in the catalog's order."""
        return tuple(self.parameters)

    @property
    def metrics_namespace(self) -> str:
        """The namespace in CloudWatch of the functions' own metrics."""
        return f"SDP/{self.prefix}"

    @classmethod
    def parse(cls, context: Mapping[str, object], catalog: Catalog | None = None) -> Settings:
        """Settings from the context. Raises ParameterError with the invalid key.

        The CDK keeps keys of its own in the context, so only keys that are written like a
        parameter's name, or like a setting of one application, are refused as unknown. cdk.json has
        those of every use case, whichever are deployed. `catalog`: the use cases of the deployment;
        by default those that `useCases` names.
        """
        read = _Reader(context)
        if catalog is None:
            catalog = usecases.load(_chosen(read))
        known = Catalog(_united(usecases.load(), catalog))
        known.check_names(context)
        settings = cls.read(read, catalog)
        for dispatching in settings.dispatching.values():
            check_webhook(dispatching, settings.webhook_addresses)
        names = [u.name for u in known.use_cases]
        applications.check_scoped(context, settings.applications, _SCALE, names)
        return settings

    @classmethod
    def read(cls, read: _Reader, catalog: Catalog) -> Settings:
        """Each setting from its key."""
        shards = read("streamShards", "2", _shards)
        parts = read("applications", "", _applications([u.name for u in catalog.use_cases]))
        return cls(
            applications=parts,
            scales={part.name: _scale(read.of(part.name)) for part in parts},
            prefix=read("prefix", "sdp", _prefix),
            regions=read("regions", ",".join(REGIONS), _regions),
            parameters=catalog.configured(read.context),
            retain_data=read("removal", "retain", _one_of("retain", "destroy")) == "retain",
            shards=shards,
            stream_retention_hours=read("streamRetentionHours", "72", _number(24, 8760)),
            result_shards=read("resultShards", "same", _same_or_shards(shards)),
            result_retention_hours=read("resultRetentionHours", "24", _number(24, 8760)),
            log_retention_days=read("logRetentionDays", "30", _log_retention),
            rate_limit=read("rateLimit", "1000", _number(1, 10_000)),
            burst_limit=read("burstLimit", "2000", _number(1, 10_000)),
            ingest_concurrency=read("ingestConcurrency", "0", _number(0, 100_000)),
            reports_concurrency=read("reportsConcurrency", "0", _number(0, 100_000)),
            predictions_concurrency=read("predictionsConcurrency", "0", _number(0, 100_000)),
            definitions_concurrency=read("definitionsConcurrency", "0", _number(0, 100_000)),
            state_loss=read("stateLoss", "refuse", _one_of("refuse", "allow")),
            metric_seconds=int(read("flinkMetricSeconds", "60", _one_of("5", "10", "30", "60"))),
            lake_buffer_seconds=read("lakeBufferSeconds", "60", _number(0, 900)),
            lake_raw_days=read("lakeRawDays", "365", _days),
            lake_parquet_days=read("lakeParquetDays", "forever", _days),
            lake_error_days=read("lakeErrorDays", "90", _days),
            lake_replaced_days=read("lakeReplacedDays", "7", _number(1, 3650)),
            lake_closed_after=read("lakeClosedAfter", "PT15M", _duration("PT1M", "P7D")),
            lake_grace=read("lakeGrace", "PT1H", _duration("PT35M", "P7D")),
            lake_file_mib=read("lakeFileMiB", "128", _number(8, 1024)),
            athena_result_days=read("athenaResultDays", "7", _number(1, 3650)),
            athena_scan_limit_mib=read("athenaScanLimitMiB", "102400", _number(10, 100_000_000)),
            alarm_email=read("alarmEmail", "", _email),
            training=_training(read),
            dispatching=catalog.dispatching(read.context),
            action_concurrency=read("actionConcurrency", "10", _number(2, 1_000)),
            webhook_addresses=read("webhookAddresses", "public", _one_of("public", "any")),
        )

    @property
    def longest_retention(self) -> timedelta:
        """The age at which a record of any stream has certainly expired."""
        return timedelta(hours=max(self.stream_retention_hours, self.result_retention_hours))


def check_webhook(dispatching: Dispatching, allowed: str) -> None:
    """ParameterError for a URL that no action would be sent to."""
    url = dispatching.webhook
    if url is None or allowed == "any":
        return
    host = urlsplit(url).hostname or ""
    if not url.startswith("https://") or host == "localhost" or _is_private(host):
        raise ParameterError(
            f"ActionWebhook={url}: must be https and a host of the internet; for a receiver in a "
            "private network set webhookAddresses=any"
        )


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False


def _united(known: Catalog, catalog: Catalog) -> tuple[UseCase, ...]:
    return tuple({u.name: u for u in (*known.use_cases, *catalog.use_cases)}.values())


def names() -> frozenset[str]:
    """Every key that a deployment reads, but for those of one use case or one application."""
    own = {p.name for u in usecases.load().use_cases for p in u.settings}
    return frozenset(described()) | {p.name for p in PLATFORM} | own


def described() -> dict[str, tuple[str, str]]:
    """Default and allowed values of each setting, as in its error message."""
    read = _Reader({})
    _chosen(read)
    _scale(read)
    Settings.read(read, Catalog(()))
    return {name: (default, _refusal(check)) for name, (default, check) in read.known.items()}


def _refusal(check: Callable[[str], object]) -> str:
    try:
        check("\0")
    except ValueError as error:
        return str(error)
    return ""


class _Reader:
    """Reads one key with its check; errors of the check are reported with the key's name."""

    def __init__(self, context: Mapping[str, object], application: str = "") -> None:
        self.context = context
        self.application = application
        self.known: dict[str, tuple[str, Callable[[str], object]]] = {}

    def of(self, application: str) -> _Reader:
        """Reads what an application has of its own (`application.name`) before the deployment's."""
        return _Reader(self.context, application)

    def __call__(self, name: str, default: str, check: Callable[[str], T]) -> T:
        self.known[name] = default, check
        own = f"{self.application}.{name}"
        key = own if own in self.context else name
        value = self.context.get(key, default)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        try:
            return check(text)
        except ValueError as error:
            raise ParameterError(f"{key}={text}: {error}") from error


# What an application may have of its own.
_SCALE = ("flinkParallelism", "flinkParallelismPerKPU", "flinkAutoscaling")


def _scale(read: _Reader) -> Scale:
    parallelism, per_kpu, autoscaling = _SCALE
    return Scale(
        parallelism=read(parallelism, "2", _number(1, 256)),
        parallelism_per_kpu=read(per_kpu, "1", _number(1, 8)),
        autoscaling=read(autoscaling, "true", _one_of("true", "false")) == "true",
    )


def _chosen(read: _Reader) -> tuple[str, ...]:
    return read("useCases", usecases.NAMES[0], usecases.chosen)


def _applications(deployed: list[str]) -> Callable[[str], tuple[Application, ...]]:
    return lambda text: applications.parse(text, deployed, usecases.NAMES)


def _training(read: _Reader) -> Training:
    return Training(
        instance=read("trainingInstance", "ml.m5.xlarge", _instance),
        image=read("trainingImage", "", _image),
        days=read("trainingDays", "30", _number(1, 3650)),
        sample_rows=read("trainingRows", "2000000", _number(10_000, 20_000_000)),
        runs_per_day=read("trainingsPerDay", "8", _number(1, 1_000)),
        minutes_per_day=read("trainingMinutesPerDay", "240", _number(1, 100_000)),
        minutes_per_job=read("trainingMaxMinutes", "30", _number(1, 1_440)),
        every=format_duration(read("retrainEvery", "P1D", _duration("PT1M", "P365D"))),
        rows=read("retrainRows", "100000", _number(1, 10**12)),
        psi=read("retrainDrift", "0.2", _share),
        min_rows=read("retrainLeastRows", "1000", _number(1, 10**9)),
        look_minutes=read("retrainCheckMinutes", "15", _number(2, 1_440)),
        poll_seconds=read("trainingPollSeconds", "5", _number(1, 300)),
        endpoint_memory_mib=int(read("endpointMemoryMiB", "2048", _one_of(*MEMORY_MIB))),
        endpoint_concurrency=read("endpointMaxConcurrency", "10", _number(1, 200)),
    )


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError("must be 1 to 20 lower case letters, digits and hyphens, a letter first")
    return text


def _regions(text: str) -> tuple[str, ...]:
    regions = tuple(text.split(","))
    if set(regions) - set(REGIONS):
        raise ValueError(f"must be one or more of {', '.join(REGIONS)}, comma-separated")
    return regions


def _one_of(*choices: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return check


def _number(low: int, high: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return check


def _email(text: str) -> str:
    if text and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise ValueError("must be a mail address, or empty")
    return text


def _image(text: str) -> str:
    return Image.parse(text).uri if text else ""


def _instance(text: str) -> str:
    if not re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9]+", text):
        raise ValueError("must be a SageMaker instance type, like ml.m5.xlarge")
    return text


def _share(text: str) -> float:
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", text, re.ASCII) or not 0 < float(text) <= 100:
        raise ValueError("must be a number above 0 and at most 100")
    return float(text)


def _days(text: str) -> int | None:
    if text == "forever":
        return None
    try:
        return _number(1, 36_500)(text)
    except ValueError as error:
        raise ValueError(f"{error}, or 'forever'") from None


def _duration(low: str, high: str) -> Callable[[str], timedelta]:
    def check(text: str) -> timedelta:
        try:
            duration = parse_duration(text)
        except ValueError:
            duration = None
        if duration is None or not parse_duration(low) <= duration <= parse_duration(high):
            raise ValueError(f"must be an ISO 8601 duration from {low} to {high}")
        return duration

    return check


def _log_retention(text: str) -> int:
    if text not in _LOG_RETENTIONS:
        raise ValueError(f"must be one of {', '.join(_LOG_RETENTIONS)}")
    return int(text)


def _shards(text: str) -> int:
    if text == "on-demand":
        return 0
    try:
        return _number(1, 500)(text)
    except ValueError as error:
        raise ValueError(f"{error}, or 'on-demand'") from None


def _same_or_shards(shards: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        if text == "same":
            return shards
        try:
            return _shards(text)
        except ValueError as error:
            raise ValueError(f"{error}, or 'same' as streamShards") from None

    return check
