"""The settings of retraining and serving models."""

from __future__ import annotations

from dataclasses import dataclass

from glue.errors import ParameterError

MEMORY_MIB = ("1024", "2048", "3072", "4096", "5120", "6144")  # of serverless endpoints
RELEASE_MINUTES = 60  # what a run may take beside its two jobs
# Step Functions' limit of events per execution. A poll has nine: a Wait entered and left, a
# function's task entered, scheduled, started, succeeded and left, a Choice entered and left.
HISTORY_EVENTS = 25_000
EVENTS_PER_POLL = 9
OTHER_EVENTS = 1_000  # of all other states, and of retried calls


@dataclass(frozen=True, kw_only=True)
class Training:
    """`every` (ISO 8601), `rows` and `psi` are what starts a run, looked at each `look_minutes`.

    A run has two jobs of at most `minutes_per_job`; a day at most `runs_per_day` runs, with
    `minutes_per_day` of jobs in all.
    Rows of the last `days` are trained on, of more than `sample_rows` a sample. `image` replaces
    the region's training image.
    """

    instance: str = "ml.m5.xlarge"
    image: str = ""
    days: int = 30
    sample_rows: int = 2_000_000
    runs_per_day: int = 8
    minutes_per_day: int = 240
    minutes_per_job: int = 30
    every: str = "P1D"
    rows: int = 100_000
    psi: float = 0.2
    min_rows: int = 1_000
    look_minutes: int = 15
    poll_seconds: int = 5
    endpoint_memory_mib: int = 2_048
    endpoint_concurrency: int = 10

    def __post_init__(self) -> None:
        if self.minutes_per_run > self.minutes_per_day:
            raise ParameterError(
                f"trainingMinutesPerDay={self.minutes_per_day}: one run may take "
                f"{self.minutes_per_run}, two jobs of trainingMaxMinutes"
            )
        self._check_history()

    def _check_history(self) -> None:
        """Raises ParameterError if a run could exceed the limit of its history."""
        events = EVENTS_PER_POLL * 60 * self.run_minutes
        minimum = -(-events // (HISTORY_EVENTS - OTHER_EVENTS))
        if self.poll_seconds < minimum:
            raise ParameterError(
                f"trainingPollSeconds={self.poll_seconds}: a run of up to {self.run_minutes} "
                f"minutes (trainingMaxMinutes={self.minutes_per_job} for each of two jobs, and "
                f"{RELEASE_MINUTES}) would have {events // self.poll_seconds:,} events of "
                f"history; Step Functions keeps {HISTORY_EVENTS:,}: set {minimum} seconds or more, "
                "or fewer trainingMaxMinutes"
            )

    @property
    def minutes_per_run(self) -> int:
        """The maximum minutes of jobs in a run: training and evaluation."""
        return 2 * self.minutes_per_job

    @property
    def run_minutes(self) -> int:
        """The minutes after which a run is over, and its lock expires."""
        return self.minutes_per_run + RELEASE_MINUTES
