"""What each parameter of a deployment means: docs/parameters.md is rendered from here.

Defaults and bounds are not written here: they are those of `Settings`, of glue's `PLATFORM` and of
the use cases, which describe their parameters themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from glue import Catalog
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
        "prefix": Meaning("text", "Begins the name of everything that is deployed."),
        "regions": Meaning("regions", "Where stages are synthesized."),
        "removal": Meaning(
            "",
            "Whether data (streams, tables, lake, keys) stays when its stack is deleted. "
            "`destroy` is for trials.",
        ),
        "logRetentionDays": Meaning(_DAYS, "How long logs are kept."),
        "alarmEmail": Meaning("address", "Who gets mail of alarms; nobody where it is empty."),
    },
    "Streams": {
        "streamShards": Meaning(
            "shards", "Of the event streams. A shard takes 1,000 records or 1 MB a second."
        ),
        "streamRetentionHours": Meaning(
            "hours", "How long events can be read again: the reach of a replay, and of an outage."
        ),
        "resultShards": Meaning("shards", "Of each stream of results; progress always has one."),
        "resultRetentionHours": Meaning(
            "hours", "How long results can be read: how long persist or the lake may be down."
        ),
    },
    "APIs": {
        "rateLimit": Meaning("requests a second", "Of each API and of the deployment's key."),
        "burstLimit": Meaning("requests", "At once, above the rate."),
        "ingestConcurrency": Meaning(
            "executions", "Reserved for ingestion, and its bound; 0 reserves none."
        ),
        "reportsConcurrency": Meaning(
            "executions", "Reserved for the reports, and their bound; 0 reserves none."
        ),
        "predictionsConcurrency": Meaning(
            "executions", "Reserved for predictions, and their bound; 0 reserves none."
        ),
    },
    "Flink": {
        "flinkParallelism": Meaning("subtasks", "Of the job; with autoscaling its start."),
        "flinkParallelismPerKPU": Meaning("subtasks", "That share a KPU (1 CPU, 4 GiB)."),
        "flinkAutoscaling": Meaning("", "Whether Managed Flink adds and removes KPUs by itself."),
        "flinkMetricSeconds": Meaning(
            "seconds",
            "Between reports of Flink's metrics; a deployment waits for three. 60 on AWS.",
        ),
    },
    "Lake": {
        "lakeBufferSeconds": Meaning(
            "seconds", "How long Firehose gathers records for a file; 10 on one machine."
        ),
        "lakeRawDays": Meaning(_DAYS, "How long the original JSON is kept."),
        "lakeParquetDays": Meaning(_DAYS, "How long Parquet is kept, merged or not."),
        "lakeErrorDays": Meaning(_DAYS, "How long records that could not be delivered are kept."),
        "lakeReplacedDays": Meaning(
            _DAYS, "How long objects that were overwritten or deleted can be restored."
        ),
        "lakeClosedAfter": Meaning(_DURATION, "After its end, an hour's files are merged."),
        "lakeGrace": Meaning(
            _DURATION, "How long replaced files stay for queries that have begun; see compaction."
        ),
        "lakeFileMiB": Meaning("MiB", "Size of merged files, about."),
        "athenaResultDays": Meaning(_DAYS, "How long results of queries are kept."),
        "athenaScanLimitMiB": Meaning("MiB", "What one query may read; it is cancelled above it."),
    },
    "Models": {
        "trainingInstance": Meaning("instance type", "On which jobs run."),
        "trainingImage": Meaning(
            "image", "In Amazon ECR, in the place of AWS's; the jobs may pull it."
        ),
        "trainingDays": Meaning(_DAYS, "Of rows that a training reads, the newest."),
        "trainingRows": Meaning(
            _COUNT, "Rows a training takes at most: of more, the newest and some of every hour."
        ),
        "trainingsPerDay": Meaning(_COUNT, "Runs a day at most."),
        "trainingMinutesPerDay": Meaning(
            "minutes", "Of jobs a day at most; at least twice trainingMaxMinutes."
        ),
        "trainingMaxMinutes": Meaning("minutes", "A job may take; it is stopped then."),
        "trainingPollSeconds": Meaning(
            "seconds", "Between two looks at a job; more where trainingMaxMinutes is long."
        ),
        "retrainEvery": Meaning(_DURATION, "A run starts after so long, if there are new rows."),
        "retrainRows": Meaning("rows", "A run starts after so many new rows."),
        "retrainDrift": Meaning(
            "index", "A run starts above this population stability index of a feature or score."
        ),
        "retrainLeastRows": Meaning("rows", "Below so many new rows no run starts."),
        "retrainCheckMinutes": Meaning("minutes", "Between two decisions whether to start."),
        "endpointMemoryMiB": Meaning("MiB", "Of the serverless endpoint."),
        "endpointMaxConcurrency": Meaning("requests", "At once that the endpoint takes."),
    },
}

_HEAD = """# Parameters
What a deployment may choose. Rendered from `infra/parameters.py`; do not edit: run
`python -m sdpctl.generated`.

On AWS: `npx cdk deploy 'sdp-eu-west-1/*' -c CorrelationWindow=PT30M`, or in `cdk.json`. On one
machine: `make up PARAMETERS="CorrelationWindow=PT1M AllowedLateness=PT1M"`. `Name` sets a parameter
for every use case that has it, `use_case.Name` for one of them. An unknown name or an invalid value
is refused before anything is deployed.
"""

_PICTURE = """
## When an event counts, and when a row is final
Event time, one key; its first record has the time `t`.

```text
 event time of one key ------------------------------------------------------------------->
 |                              |                                       |
 t: its first record            t + CorrelationWindow                   + AllowedLateness
 |<---- what lies here joins -->|                                       |
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
  first stage a later one may come. Longer: more is joined; open keys stay in memory for longer,
  rows are final later.
- **AllowedLateness** is about records and *the clock of the stream*: how late a sender may be.
  Longer: fewer dead letters `late`; the same costs.
- A row of a report is `final` when the watermark has passed its end by both; a backfill can count a
  range from then on. With the defaults that is two hours.
"""


_COLUMNS = "| parameter | default | allowed | unit | meaning |\n|---|---|---|---|---|"


def page(catalog: Catalog) -> str:
    """docs/parameters.md. ParameterError names what has no meaning here, or no longer exists."""
    lines = [_HEAD, *_declared("Every use case", PLATFORM)]
    for use_case in catalog.use_cases:
        if use_case.parameters:
            lines += _declared(f"Use case {use_case.name}", use_case.parameters)
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
