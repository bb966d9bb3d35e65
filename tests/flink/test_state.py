"""The operators with state that a build finds, by Flink's own planner."""

import json
from pathlib import Path

import pytest

from analytics_app import state
from analytics_app.package import build as build_code
from glue.state import read


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build_code()
    return state.build(tmp_path_factory.mktemp("state") / "state.json")


def test_each_operator_with_state_has_an_id_and_words_for_people(built: Path) -> None:
    operators = read(built)["adtech"]
    assert sorted(o.label for o in operators) == [
        "the GROUP BY for report campaigns",
        "the GROUP BY for the ledger",
        "the correlation adtech-correlate",
        "the function for the progress",
        "the reading of the events of bcns",
        "the writing of record EnrichedClick",
        "the writing of record EnrichedImpression",
        "the writing of record Transaction",
        "the writing of report campaigns",
        "the writing of the dead letters",
        "the writing of the ledger",
        "the writing of the progress",
    ]


def test_no_two_operators_of_a_use_case_have_one_id(built: Path) -> None:
    for operators in read(built).values():
        assert len({o.id for o in operators}) == len(operators)


def test_the_layout_is_what_must_stay(built: Path) -> None:
    layouts = {o.label: o.layout for o in read(built)["adtech"] if o.layout}
    assert layouts == {"the correlation adtech-correlate": "tx_id: bid, imp, click"}


def test_the_layout_of_patterns_and_decisions_is_their_key_names_and_kinds(built: Path) -> None:
    layouts = {o.label: o.layout for o in read(built)["shopping"] if o.layout}
    assert layouts == {
        "the patterns shopping-cards": (
            "card_id: {shopping count-in-window, spending_anomaly anomaly}"
        ),
        "the patterns shopping-sessions": "session_id: {stuck_in_form missing-step 3}",
        "the decisions shopping-decisions": "key",
        "the correlation shopping-offers": "business_event_id: offer, acceptance",
    }
    assert "the definitions of shopping-decisions" in {o.label for o in read(built)["shopping"]}


def test_only_what_the_planner_named_has_a_former_id(built: Path) -> None:
    former = [o.label for o in read(built)["adtech"] if o.former]
    assert former == ["the GROUP BY for report campaigns", "the GROUP BY for the ledger"]


def test_what_has_not_changed_is_not_planned_again(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path) -> None:
        raise AssertionError(f"planned in {folder}")

    monkeypatch.setattr(state, "_run", fail)
    state.build(built)
    changed = json.loads(built.read_text())
    changed["adtech"]["content"] = "other"
    built.write_text(json.dumps(changed))
    with pytest.raises(AssertionError, match="planned in"):
        state.build(built)
