"""Where an event is: counted in which row, waiting until when, or refused and why."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

import usecases
from lambdas.event_queries import events_queries, results_query
from lambdas.finding import SAME_ID, Evidence, Verdict, records_of_events

ADTECH = usecases.load().use_case("adtech")
PARAMETERS = ADTECH.configured({"AllowedLateness": "PT10M", "CorrelationWindow": "PT20M"})
SINCE = datetime(2026, 11, 20, tzinfo=UTC)
THROUGH = datetime(2026, 11, 21, 10, tzinfo=UTC)
PRESENT = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


def _event(id_: str, at: str = "10:07:31.500", **more: Any) -> dict[str, Any]:
    base = {"event_id": id_, "type": "imp", "tx_id": "t1", "campaign_item_id": None}
    occurred = f"2026-11-21 {at}"
    return {**base, "occurred_at": occurred, "received_at": occurred, **more}


def _letter(id_: str, reason: str, payload: bytes = b"") -> dict[str, Any]:
    letter = {"event_id": id_, "reason": reason, "detail": f"why {reason}", "id": f"s:1:{reason}"}
    packed = {"payload": base64.b64encode(payload).decode(), "encoding": None}
    return {"stage": "flink", **letter, **packed}


def _verdicts(events: list[Any], **more: Any) -> list[Verdict]:
    facts = {"now": PRESENT, "through": THROUGH, "letters": [], "results": [], **more}
    use_case = facts.pop("use_case", ADTECH)
    return Evidence(use_case, PARAMETERS, events=events, **facts).verdicts()


def test_an_event_with_a_result_is_counted_in_the_row_of_its_time() -> None:
    result = {"event_id": "e1", "campaign_item_id": 77}
    [found] = _verdicts([_event("e1")], results=[result])
    assert (found.state, found.key) == ("counted", "t1")
    assert found.detail == "campaigns 77 from 2026-11-21T10:05:00.000Z"


def test_an_event_that_event_time_has_passed_without_a_letter_is_counted() -> None:
    [found] = _verdicts([_event("e1", "09:59:59", type="bid", campaign_item_id=5)])
    assert found.state == "counted"
    assert found.detail == "campaigns 5 from 2026-11-21T09:55:00.000Z"


@pytest.mark.parametrize("through", [THROUGH, None])
def test_an_event_that_is_not_decided_says_until_when(through: datetime | None) -> None:
    [found] = _verdicts([_event("e1")], through=through)
    assert found.state == "waiting"
    assert "until 2026-11-21T10:37:31.500Z" in found.detail


@pytest.mark.parametrize(("at", "state"), [("09:00:01", "waiting"), ("08:59:54", "counted")])
def test_an_answer_waits_for_what_it_answers_and_other_events_do_not(at: str, state: str) -> None:
    """`AnswerWindow` and `WatermarkDelay` after its own time it would be `unmatched`."""
    use_case = usecases.load().use_case("shopping")
    parameters = use_case.configured({"AnswerWindow": "PT1H"})
    answer = _event("e1", at, type="acceptance", business_event_id="shopping:c1:e0")
    debit = _event("e2", at, type="transaction", card_id="c1")
    evidence = Evidence(use_case, parameters, PRESENT, THROUGH, [answer, debit], [], [])
    found, other = evidence.verdicts()
    assert (found.key, found.state, other.state) == ("shopping:c1:e0", state, "counted")
    waits = "waiting for what it answers until 2026-11-21T10:00:06.000Z of event time"
    assert (waits in found.detail) == (state == "waiting")


@pytest.mark.parametrize("type_", ["imp", "click"])
def test_an_event_with_a_result_record_is_not_counted_without_it(type_: str) -> None:
    [found] = _verdicts([_event("e1", "09:00:00", type=type_)])
    assert found.state == "waiting"
    assert "try again after 2026-11-21T10:35:00.000Z" in found.detail


def test_a_bid_that_arrived_late_waits_until_its_dead_letter_would_be_in_the_lake() -> None:
    late = _event("e1", "08:00:00", type="bid", received_at="2026-11-21 10:27:00")
    [found] = _verdicts([late])
    assert found.state == "waiting"
    assert found.detail.endswith("reaches the lake by 2026-11-21T10:32:00.000Z")
    [refused] = _verdicts([late], letters=[_letter("e1", "late")])
    assert refused.state == "not counted"


def test_a_late_bid_that_a_pipeline_with_a_backlog_has_not_read_is_not_counted() -> None:
    # Event time is at 10:30 of the stream; the wall clock is four hours further.
    late = _event("e1", "08:00:00", type="bid", received_at="2026-11-21 12:00:00")
    [found] = _verdicts([late], now=datetime(2026, 11, 21, 14, 30, tzinfo=UTC))
    assert found.state == "waiting"
    assert found.detail.endswith("event time has passed 2026-11-21T12:05:00.000Z")


def test_an_event_without_a_time_waits_for_its_dead_letter() -> None:
    [found] = _verdicts([_event("e1", occurred_at=None)])
    assert found.state == "waiting"
    assert "no valid event time" in found.detail


def test_each_impression_and_click_has_a_record_and_a_bid_has_none() -> None:
    assert {record.event for record in records_of_events(ADTECH)} == {"imp", "click"}


@pytest.mark.parametrize("reason", ["late", "unmatched", "malformed"])
def test_a_refused_event_says_why_and_names_its_letter(reason: str) -> None:
    [found] = _verdicts([_event("e1")], letters=[_letter("e1", reason), _letter("e2", "late")])
    assert found.state == "not counted"
    assert found.detail == f"{reason}: why {reason} (s:1:{reason})"


def test_a_repetition_is_shown_with_the_event_it_repeats() -> None:
    events = [_event("e1"), _event("e1"), _event("e0", "10:08:00")]
    result = {"event_id": "e1", "campaign_item_id": 77}
    first, second = _verdicts(events, results=[result], letters=[_letter("e1", "duplicate")])
    assert (first.event_id, second.event_id) == ("e1", "e0")
    assert first.detail.endswith("; 1 duplicate not counted")


def _bid(id_: str, at: str = "09:59:59", **more: Any) -> dict[str, Any]:
    return _event(id_, at, type="bid", campaign_item_id=5, **more)


DUPLICATE = [_letter("e2", "duplicate")]


def test_another_event_that_took_the_stage_of_the_key_leaves_no_copy_counted() -> None:
    [found] = _verdicts([_bid("e2")], letters=DUPLICATE, others=[_bid("e1"), _bid("e2")])
    assert (found.event_id, found.state) == ("e2", "not counted")
    assert found.detail == "duplicate: why duplicate (s:1:duplicate)"


def test_the_one_that_took_the_stage_is_counted_though_both_were_sent_twice() -> None:
    letters = [_letter("e1", "duplicate"), *DUPLICATE, *DUPLICATE]
    both = [_bid("e1"), _bid("e1"), _bid("e2"), _bid("e2")]
    first, second = _verdicts(both, letters=letters)
    assert (first.event_id, first.state) == ("e1", "counted")
    assert first.detail.endswith("; 1 duplicate not counted")
    assert (second.event_id, second.state) == ("e2", "not counted")


def test_of_two_whose_copies_were_merged_the_one_that_came_first_is_counted() -> None:
    early, late = _bid("e1", received_at="2026-11-21 10:00:00"), _bid("e2")
    late["received_at"] = "2026-11-21 10:00:01"
    letters = [_letter("e1", "duplicate"), *DUPLICATE]
    states = {v.event_id: v.state for v in _verdicts([late, early], letters=letters)}
    assert states == {"e1": "counted", "e2": "not counted"}


@pytest.mark.parametrize(
    "other",
    [_bid("e1", tx_id="t2"), _bid("e1", "08:00:00"), _event("e1", "09:59:59")],
    ids=["another key", "a key that had closed", "another type"],
)
def test_an_event_whose_copies_were_merged_is_counted_beside_others(other: dict[str, Any]) -> None:
    [found] = _verdicts([_bid("e2")], letters=DUPLICATE, others=[other])
    assert found.state == "counted"


def test_a_copy_that_was_late_does_not_hide_the_one_that_is_counted() -> None:
    letters = [_letter("e1", "late"), _letter("e1", "duplicate")]
    [found] = _verdicts([_bid("e1"), _bid("e1"), _bid("e1")], letters=letters)
    assert found.state == "counted"
    assert found.detail.endswith("; 1 duplicate, 1 late not counted")
    result = {"event_id": "e1", "type": "imp", "tx_id": "t1", "campaign_item_id": 77}
    [shown] = _verdicts([_event("e1")], letters=letters[:1], results=[result])
    assert shown.state == "counted"


def test_a_copy_of_the_same_event_is_no_other_event() -> None:
    """Patterns call only a repeated event_id a duplicate: a key has many events of one type."""
    letter = _letter("e2", "duplicate") | {"detail": SAME_ID}
    [found] = _verdicts([_bid("e2")], letters=[letter], others=[_bid("e1")])
    assert found.state == "counted"
    java = Path("analytics_app/jvm/src/main/java/sdp/patterns/Evaluation.java").read_text()
    assert f'Refusal.DUPLICATE, packed, "{SAME_ID}"' in java


def test_the_other_events_are_read_only_where_they_decide() -> None:
    def contested(events: list[Any], letters: list[Any]) -> set[str]:
        evidence = Evidence(ADTECH, PARAMETERS, PRESENT, THROUGH, events, letters, [])
        return evidence.contested()

    assert contested([_bid("e2")], DUPLICATE) == {"t1"}
    assert contested([_bid("e2"), _bid("e2")], DUPLICATE) == set()
    assert contested([_bid("e2")], [_letter("e2", "late")]) == set()


def test_no_row_is_named_where_no_report_has_one_for_the_event() -> None:
    event = _event("e1", "09:00:00", type="transaction", card_id="c1")
    [found] = _verdicts([event], use_case=usecases.load().use_case("shopping"))
    assert (found.use_case, found.key, found.state) == ("shopping", "c1", "counted")
    assert found.detail == "processed; no report has a row for this event alone"


@pytest.mark.parametrize("other", [{"type": "click"}, {"tx_id": "t2"}])
def test_events_of_another_type_or_key_may_have_the_same_id(other: dict[str, Any]) -> None:
    events = [_event("e1"), _event("e1", **other)]
    letter = _letter("e1", "unmatched", orjson.dumps({"type": "imp", "tx_id": "t1", **other}))
    result = {"event_id": "e1", "type": "imp", "tx_id": "t1", "campaign_item_id": 77}
    counted, refused = _verdicts(events, letters=[letter], results=[result])
    assert (counted.type, counted.key, counted.state) == ("imp", "t1", "counted")
    assert {"type": refused.type, "tx_id": refused.key}.items() >= other.items()
    assert refused.state == "not counted"


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[1]"])
def test_a_letter_whose_bytes_are_no_record_is_found_by_its_id(payload: bytes) -> None:
    [found] = _verdicts([_event("e1")], letters=[_letter("e1", "malformed", payload)])
    assert found.state == "not counted"


def test_an_event_that_was_put_into_the_stream_without_an_id_is_unknown() -> None:
    [found] = _verdicts([_event("e1", event_id=None)], letters=[_letter("e2", "late")])
    assert (found.event_id, found.state) == ("", "unknown")
    assert "without an event_id" in found.detail


def test_an_event_without_a_time_or_a_key_is_shown_too() -> None:
    event = _event("e1", occurred_at=None, tx_id=None)
    [found] = _verdicts([event], letters=[_letter("e1", "malformed")])
    assert (found.occurred_at, found.key, found.state) == ("", "", "not counted")


def test_the_queries_find_by_id_and_by_key() -> None:
    with duckdb.connect() as lake:
        lake.execute(
            "CREATE TABLE parquet_bcns AS SELECT 'e''1' AS event_id, 'bid' AS type, 't1' AS tx_id, "
            "7 AS campaign_item_id, TIMESTAMP '2026-11-21 10:00:00' AS occurred_at, "
            "TIMESTAMP '2026-11-21 10:00:01' AS received_at, "
            "'2026-11-21' AS date"
        )
        for text in ("e'1", "t1"):
            [row] = lake.execute(*events_queries(ADTECH, [text], SINCE)).fetchall()
            assert row[0] == "e'1"
            assert row[-1].isoformat() == "2026-11-21T10:00:01"
        assert not lake.execute(*events_queries(ADTECH, ["bid"], SINCE)).fetchall()
        for texts, rows in ((["t0", "t1"], 1), (["e'1"], 0)):
            [sql] = events_queries(ADTECH, texts, SINCE, keys_only=True)
            assert len(lake.execute(sql).fetchall()) == rows
        for record in records_of_events(ADTECH):
            lake.execute(
                f"CREATE TABLE parquet_{record.stream} AS SELECT 'e1' AS event_id, 't1' AS tx_id, "
                "77 AS campaign_item_id, '2026-11-21' AS date"
            )
            found = lake.execute(results_query(ADTECH, record, ["e0", "e1"], SINCE)).fetchall()
            assert found == [("e1", "t1", 77, record.event)]
