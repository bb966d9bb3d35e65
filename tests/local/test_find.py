"""`./sdp find` on the running platform: where an event is, by what the lake and event time say."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from glue.instants import parse
from lambdas.finding import moment
from sdpctl.settings import Settings
from tests.local.commands import sdp
from tests.local.conftest import Refused
from tests.local.driver import Auctions, Driver, Event, wait_until

SECONDS = 600  # a key is open for three minutes; the lake has what came two minutes ago


def _find(settings: Settings, text: str) -> list[dict[str, str]]:
    shown = sdp(settings, "find", text, "--json").stdout
    return [json.loads(line) for line in shown.splitlines()]


def _await(settings: Settings, text: str, state: str | None, *words: str) -> dict[str, str]:
    """The only event of an id, once it has this state, if any, and its detail has these words."""
    found: list[dict[str, str]] = []

    def holds() -> bool:
        found[:] = _find(settings, text)
        return any(
            v["state"] == (state or v["state"]) and all(w in v["detail"] for w in words)
            for v in found
        )

    wait_until(holds, SECONDS, lambda: f"{text}: {found}")
    [event] = found
    return event


def test_a_counted_event_names_its_row_by_its_id_and_by_its_key(
    early: Auctions, settings: Settings
) -> None:
    impression = early.impressions[0]
    row = f"campaigns {early.campaign} from {impression['occurred_at'][:16]}:00.000Z"
    found = _await(settings, impression["event_id"], "counted", row)
    assert (found["type"], found["key"]) == ("imp", impression["tx_id"])
    of_the_key = _find(settings, impression["tx_id"])
    assert {event["type"] for event in of_the_key} >= {"bid", "imp"}
    assert found in of_the_key


def test_an_event_that_was_sent_twice_counts_its_duplicate(
    early: Auctions, settings: Settings
) -> None:
    bid = early.bids[0]["event_id"]
    _await(settings, bid, None, "; 1 duplicate not counted")
    # Nothing but the missing dead letter says that a bid is counted, and that may take minutes.
    _await(settings, bid, "counted", "; 1 duplicate not counted")


def test_an_event_that_is_sent_again_after_its_key_has_closed_stays_counted(
    driver: Driver, early: Auctions, settings: Settings
) -> None:
    impression = early.impressions[1]
    _await(settings, impression["event_id"], "counted")
    wait_until(lambda: _has_closed(driver, impression), SECONDS, lambda: "its key is open")
    driver.send([impression])
    _await(settings, impression["event_id"], "counted", "; 1 late not counted")


def _has_closed(driver: Driver, event: Event) -> bool:
    closed = (row["tx_id"] for row in driver.records("transactions"))
    return event["tx_id"] in closed


def test_an_event_that_is_not_counted_has_the_reason_in_a_senders_words(
    refused: Refused, settings: Settings
) -> None:
    _await(settings, refused.late["event_id"], "not counted", "late: occurred ")
    taken = "duplicate: this tx_id already has its bid"
    _await(settings, refused.duplicate["event_id"], "not counted", taken)
    reason = "unmatched: no bid with this tx_id within 1 minute"
    _await(settings, refused.unmatched["event_id"], "not counted", reason)


def test_an_event_that_nobody_has_sent_is_an_error_with_what_to_do(settings: Settings) -> None:
    done = sdp(settings, "find", "nobody-has-sent-this")
    assert done.returncode == 1
    assert "no event of adtech with this event_id or key within 7 days" in done.stderr
    assert "an accepted event is listed a minute or two later" in done.stderr


def _letters(settings: Settings, *chosen: str) -> list[dict[str, Any]]:
    shown = sdp(settings, "dead-letters", *chosen, "--json").stdout
    return [json.loads(line) for line in shown.splitlines()]


def test_its_dead_letter_is_listed_by_event_id_and_by_key_with_the_time_of_the_decision(
    refused: Refused, settings: Settings
) -> None:
    event = refused.unmatched
    _await(settings, event["event_id"], "not counted", "unmatched: ")
    [letter] = _letters(settings, "--event-id", event["event_id"])
    assert _letters(settings, "--key", event["tx_id"]) == [letter]
    open_for = moment(letter["failed_at"]) - parse(event["occurred_at"])
    assert open_for >= timedelta(minutes=3)  # CorrelationWindow and AllowedLateness
    shown = sdp(settings, "dead-letters", "show", letter["id"]).stdout
    assert event["event_id"] in shown
