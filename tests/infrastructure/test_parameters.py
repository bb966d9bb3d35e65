"""docs/parameters.md: each parameter with meaning, default and bounds, and the bounds hold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import usecases
from glue.errors import ParameterError
from glue.parameters import LARGEST_AMOUNT, PLATFORM
from infra import parameters
from infra.settings import Settings, described, names

ROOT = Path(__file__).parents[2]
NUMBERS = {
    name: (int(found[1]), int(found[2]))
    for name, (_, allowed) in described().items()
    if (found := re.match(r"must be a whole number from (\d+) to (\d+)", allowed))
}
# They also depend on each other: a run has two jobs, and a history of limited length.
DEPENDENT = {"trainingMinutesPerDay", "trainingMaxMinutes", "trainingPollSeconds"}


def test_every_parameter_of_cdk_json_is_on_the_page() -> None:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    page = parameters.page(usecases.load())
    for name, value in context.items():
        if not name.startswith("@"):
            assert f"| `{name}` | {f'`{value}`' if value else 'empty'} |" in page


def test_a_parameter_without_a_meaning_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {title: dict(group) for title, group in parameters.GROUPS.items()}
    del fewer["Streams"]["streamShards"]
    monkeypatch.setattr(parameters, "GROUPS", fewer)
    with pytest.raises(ParameterError, match="streamShards: describe"):
        parameters.page(usecases.load())


def test_every_parameter_says_what_is_allowed() -> None:
    assert all(allowed for _, allowed in described().values())
    own = {p.name for u in usecases.load().use_cases for p in (*PLATFORM, *u.settings)}
    assert names() == own | {name for group in parameters.GROUPS.values() for name in group}


@pytest.mark.parametrize("name", sorted(NUMBERS.keys() - DEPENDENT))
def test_the_bounds_on_the_page_are_those_that_are_checked(name: str) -> None:
    low, high = NUMBERS[name]
    Settings.parse({name: str(low)})
    Settings.parse({name: str(high)})
    for wrong in (low - 1, high + 1):
        with pytest.raises(ParameterError, match=f"{name}={wrong}: must be a whole number"):
            Settings.parse({name: str(wrong)})


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("CorrelationWindow", "P30D", "P31D"),
        ("CorrelationWindow", "PT1S", "PT0S"),
        ("AllowedLateness", "PT0S", "P30DT1S"),
        ("MaxAmount", str(LARGEST_AMOUNT), str(LARGEST_AMOUNT + 1)),
        ("MaxAmount", "1", "0"),
        ("lakeGrace", "PT35M", "PT34M"),
        ("retrainDrift", "100", "nan"),
        ("retrainDrift", "0.01", "1e1"),
        ("regions", "us-east-1,eu-west-1", "us-east-1,"),
        ("resultShards", "same", "equal"),
    ],
)
def test_the_other_bounds_hold_too(name: str, right: str, wrong: str) -> None:
    Settings.parse({name: right})
    with pytest.raises(ParameterError, match=name):
        Settings.parse({name: wrong})
