"""The time that a run is measured by begins with its records."""

from sdpctl.backfill.job import watch


def seconds(*read: int) -> float:
    """The reported progress of a run polled every ten seconds, with these numbers of records."""
    clock, looks, reported = iter(range(0, 1000, 10)), iter(read), []
    ended = iter([*(False for _ in read), True])
    found = watch(
        lambda: next(ended),
        lambda: next(looks),
        reported.append,
        lambda: next(clock),
        lambda _: None,
    )
    assert reported == list(read)
    return found


def test_the_start_of_the_job_is_not_counted() -> None:
    """Records are seen at the fourth look: they began to flow after the third, at 30 s."""
    assert seconds(0, 0, 0, 5, 9) == 60 - 30


def test_a_job_too_short_to_be_seen_reading_is_measured_as_a_whole() -> None:
    assert seconds(0, 0) == 30
