"""How far records are read before and behind a range."""

from datetime import UTC, datetime, timedelta
from typing import Any

from glue.instants import to_millis
from lambdas.ports.definitions import Version
from sdpctl.backfill.reach import reach
from tests.unit.lambdas.definitions.memory import Memory
from usecases import load

MACHINES = load(("machines",)).use_case("machines")
OWN = MACHINES.configured({"MaxDistance": "PT2S"})
UNTIL = datetime(2026, 11, 21, tzinfo=UTC)


def written(store: Memory, name: str, number: int, distance: str, **more: Any) -> None:
    """Adds a version; valid an hour before the end of the range."""
    at = to_millis(UNTIL) - 3_600_000
    body = {"r": "speed", "s": "torque", "distance": distance}
    fields: dict[str, Any] = {"valid_from": at, "mode": "live", "ended": False, **more}
    sequence = len(store.versions) + 1
    store.versions.append(
        Version("join", name, number, body=body, written_at=0, sequence=sequence, **fields)
    )


def test_the_longest_distance_that_is_valid_before_the_end_counts() -> None:
    store = Memory()
    assert reach(MACHINES, OWN, store, "t", UNTIL) == timedelta(seconds=2)
    for number in range(150):
        written(store, f"j{number}", 1, "PT1S")
    assert reach(MACHINES, OWN, store, "t", UNTIL) == timedelta(seconds=2)
    written(store, "j140", 2, "PT7S")
    written(store, "j140", 3, "PT1S")
    written(store, "later", 1, "PT1H", valid_from=to_millis(UNTIL))
    written(store, "over", 1, "PT1H", ended=True)
    assert reach(MACHINES, OWN, store, "t", UNTIL) == timedelta(seconds=7)


def test_without_definitions_it_is_that_of_the_parameters() -> None:
    adtech = load(("adtech",)).use_case("adtech")
    own = adtech.configured({})
    assert reach(adtech, own, Memory(), None, UNTIL) == own.reach
