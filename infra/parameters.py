"""The meaning of each parameter of a deployment: docs/parameters.md is rendered from here.

Defaults and bounds are not written here: they are those of `Settings`, of glue's `PLATFORM` and of
the use cases, which describe their parameters themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from glue import Catalog
from glue.actions import PARAMETERS as ACTIONS
from glue.errors import ParameterError
from glue.parameters import PLATFORM, Parameter
from infra.settings import described


class Meaning(NamedTuple):
    """A parameter's unit, and what it decides."""

    unit: str
    text: str


_DURATION, _COUNT, _DAYS = "ISO 8601 duration", "number", "days"

GROUPS: Mapping[str, Mapping[str, Meaning]] = {
    "Deployment": {
        "prefix": Meaning("text", "Prefix of the names of all deployed resources."),
        "regions": Meaning("regions", "The regions with a stage."),
        "useCases": Meaning("use cases", "The use cases that are deployed."),
        "applications": Meaning(
            "applications",
            "Use cases that share a Flink application, or an application's own name. Each other "
            "use case has an application of its own, named by it.",
        ),
        "removal": Meaning(
            "",
            "Whether data (streams, tables, lake, keys) stays when its stack is deleted. "
            "`destroy` is for trials.",
        ),
        "logRetentionDays": Meaning(_DAYS, "How long logs are kept."),
        "alarmEmail": Meaning("address", "Recipient of alarm mails; empty for none."),
    },
    "Streams": {
        "streamShards": Meaning(
            "shards",
            "Shards of the event streams. A shard accepts 1,000 records or 1 MB per second.",
        ),
        "streamRetentionHours": Meaning(
            "hours", "Retention of events: the longest replay, and the longest outage."
        ),
        "resultShards": Meaning("shards", "Shards of each result stream; progress always has one."),
        "resultRetentionHours": Meaning(
            "hours", "Retention of results: how long persist or the lake may be down."
        ),
    },
    "APIs": {
        "rateLimit": Meaning(
            "requests a second", "Rate limit of each API and of the deployment's key."
        ),
        "burstLimit": Meaning("requests", "Burst above the rate."),
        "ingestConcurrency": Meaning(
            "executions", "Executions reserved for ingestion, and its limit; 0 reserves none."
        ),
        "reportsConcurrency": Meaning(
            "executions", "Executions reserved for the reports, and their limit; 0 reserves none."
        ),
        "predictionsConcurrency": Meaning(
            "executions", "Executions reserved for predictions, and their limit; 0 reserves none."
        ),
        "definitionsConcurrency": Meaning(
            "executions",
            "Executions reserved for the definitions, and their limit; 0 reserves none.",
        ),
    },
    "Actions": {
        "actionConcurrency": Meaning(
            "executions", "Maximum concurrent executions for each destination of actions."
        ),
        "webhookAddresses": Meaning(
            "",
            "`public`: webhooks are https, and only addresses of the internet are connected to. "
            "`any` allows http and private addresses: for receivers in a network of your own.",
        ),
    },
    "Flink": {
        "flinkParallelism": Meaning(
            "subtasks", "Parallelism of the job; the initial one with autoscaling."
        ),
        "flinkParallelismPerKPU": Meaning("subtasks", "Parallel tasks per KPU (1 CPU, 4 GiB)."),
        "flinkAutoscaling": Meaning(
            "", "Whether Managed Flink adds and removes KPUs automatically."
        ),
        "stateLoss": Meaning(
            "",
            "Whether a deployment that cannot restore all state of a running job is refused. "
            "`allow` drops that state: give it for this deployment only.",
        ),
        "flinkMetricSeconds": Meaning(
            "seconds",
            "Interval of Flink's metrics; a deployment waits for three. 60 on AWS.",
        ),
    },
    "Lake": {
        "lakeBufferSeconds": Meaning(
            "seconds", "How long Firehose buffers records for a file; 10 on one machine."
        ),
        "lakeRawDays": Meaning(_DAYS, "How long the original JSON is kept."),
        "lakeParquetDays": Meaning(_DAYS, "How long Parquet is kept, merged or not."),
        "lakeErrorDays": Meaning(_DAYS, "How long records that could not be delivered are kept."),
        "lakeReplacedDays": Meaning(
            _DAYS, "How long overwritten or deleted objects can be restored."
        ),
        "lakeClosedAfter": Meaning(
            _DURATION, "The time after an hour's end when its files are merged."
        ),
        "lakeGrace": Meaning(
            _DURATION, "How long replaced files stay for running queries; see compaction."
        ),
        "lakeFileMiB": Meaning("MiB", "Approximate size of merged files."),
        "athenaResultDays": Meaning(_DAYS, "How long query results are kept."),
        "athenaScanLimitMiB": Meaning(
            "MiB", "The most that a query may read; then it is cancelled."
        ),
    },
    "Models": {
        "trainingInstance": Meaning("instance type", "Instance type of the jobs."),
        "trainingImage": Meaning(
            "image", "An image in Amazon ECR instead of AWS's; the jobs may pull it."
        ),
        "trainingDays": Meaning(_DAYS, "The newest days of rows that a training reads."),
        "trainingRows": Meaning(
            _COUNT, "Maximum rows of a training: of more, the newest and some of every hour."
        ),
        "trainingsPerDay": Meaning(_COUNT, "Maximum runs per day."),
        "trainingMinutesPerDay": Meaning(
            "minutes", "Maximum job minutes per day; at least twice trainingMaxMinutes."
        ),
        "trainingMaxMinutes": Meaning("minutes", "Maximum runtime of a job; then it is stopped."),
        "trainingPollSeconds": Meaning(
            "seconds", "Poll interval of a job; must be longer if trainingMaxMinutes is long."
        ),
        "retrainEvery": Meaning(_DURATION, "A run starts after this time, if there are new rows."),
        "retrainRows": Meaning("rows", "A run starts after this many new rows."),
        "retrainDrift": Meaning(
            "index", "A run starts above this population stability index of a feature or score."
        ),
        "retrainLeastRows": Meaning("rows", "No run starts with fewer new rows."),
        "retrainCheckMinutes": Meaning("minutes", "Interval of the decision whether to start."),
        "endpointMemoryMiB": Meaning("MiB", "Memory of the serverless endpoint."),
        "endpointMaxConcurrency": Meaning(
            "requests", "Maximum concurrent requests of the endpoint."
        ),
    },
}

_HEAD = """# Parameters
What a deployment may choose. Rendered from `infra/parameters.py`; do not edit: run
`python -m sdpctl.generated`.

On AWS: `npx cdk deploy 'sdp-eu-west-1/*' -c CorrelationWindow=PT30M`, or in `cdk.json`. On one
machine: `make up PARAMETERS="CorrelationWindow=PT1M AllowedLateness=PT1M"`. `Name` sets a parameter
for every use case that has it, `use_case.Name` for one of them; `flinkParallelism`,
`flinkParallelismPerKPU` and `flinkAutoscaling` can be set for one application in the same way, as
`NAME.flinkParallelism=8`. An unknown name or an invalid value is refused before anything is
deployed.
"""

_PICTURE = """
## When an event counts, and when a row is final
Event time, one key; its first record has the time `t`.

```text
 event time of one key ------------------------------------------------------------------->
 |                              |                                       |
 t: its first record            t + CorrelationWindow                   + AllowedLateness
 |<---- records here join ------>|                                       |
 |<---- and may arrive while the watermark is here -------------------->| the key closes: what
                                                                          is alone is unmatched

 event time of the stream ----------------------------------------------------------------->
          |<------------ AllowedLateness ------------>|
          an event of this time or later counts       the watermark: the time that
          (an older one: dead letter `late`)          every shard has reached

 event time of a report ------------------------------------------------------------------->
 |<- AggregationPeriod ->|<- CorrelationWindow + AllowedLateness ->|
 a bucket                its end                                   its row is final
```

- **CorrelationWindow** is about the records of one key *among each other*: how long after the
  first stage a later one may come. Longer: more is joined, but open keys stay in memory longer
  and rows are final later.
- **AllowedLateness** is about records and *the clock of the stream*: how late a sender may be.
  Longer: fewer dead letters `late`; the same costs.
- A row of a report is `final` when the watermark has passed its end by both; a backfill can count a
  range from then on. With the defaults that is two hours.
"""


_COLUMNS = "| parameter | default | allowed | unit | meaning |\n|---|---|---|---|---|"


def page(catalog: Catalog) -> str:
    """docs/parameters.md. Raises ParameterError for undescribed or removed parameters."""
    lines = [_HEAD, *_declared("Every use case", PLATFORM)]
    lines += _declared("Every use case with actions", ACTIONS)
    for use_case in catalog.use_cases:
        if use_case.own_parameters:
            lines += _declared(f"Use case {use_case.name}", use_case.own_parameters)
    return "\n".join([*lines, *_sections(), _PICTURE.strip("\n")]) + "\n"


def _declared(title: str, parameters: Iterable[Parameter]) -> Iterator[str]:
    yield f"## {title}\n"
    yield _COLUMNS
    for p in parameters:
        yield f"| `{p.name}` | `{p.default}` | {p.allowed} | {p.unit} | {p.doc} |"
    yield ""


def _sections() -> Iterator[str]:
    known = described()
    written = {name for group in GROUPS.values() for name in group}
    if wrong := sorted(known.keys() ^ written):
        raise ParameterError(
            f"{', '.join(wrong)}: describe each parameter of a deployment, and no other, in GROUPS "
            "of infra/parameters.py"
        )
    for title, group in GROUPS.items():
        yield f"## {title}\n"
        yield _COLUMNS
        for name, meaning in group.items():
            default, allowed = known[name]
            shown = f"`{default}`" if default else "empty"
            bounds = allowed.removeprefix("must be ")
            yield f"| `{name}` | {shown} | {bounds} | {meaning.unit} | {meaning.text} |"
        yield ""
