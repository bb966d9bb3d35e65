"""The made-up auctions: deterministic, plausible, and with a truth that an oracle agrees with."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

import usecases
from datagen import Generation, Settings
from glue.errors import ParameterError
from usecases.adtech import generator

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
ADTECH = usecases.load().use_case("adtech")


def _made(**changes):
    settings = Settings(**({"events": 6000, "start": START, "seed": 3, "rate": 20.0} | changes))
    generation = Generation(ADTECH, generator, settings)
    return list(generation), generation.truth(), settings


def _oracle(events, settings):
    """The reports by brute force: only from what was sent."""
    bids, seen, totals = {}, set(), defaultdict(Counter)
    for event in events:
        if event["type"] == "bid":
            bids[event["tx_id"]] = event["campaign_item_id"]
    for event in events:
        occurred = datetime.fromisoformat(event["occurred_at"])
        if event["event_id"] in seen or occurred < settings.start:
            continue
        seen.add(event["event_id"])
        bucket = int(occurred.timestamp()) // 300 * 300
        counts = totals[bids[event["tx_id"]], bucket]
        counts[{"bid": "bids", "imp": "impressions", "click": "clicks"}[event["type"]]] += 1
        counts["spend"] += event["win_price"] if event["type"] == "imp" else 0
    return totals


def test_the_truth_is_what_an_oracle_counts_from_the_events():
    events, truth, settings = _made(duplicates=0.1, shuffle=timedelta(seconds=5), late=0.05)
    rows = {(r["campaign_item_id"], r["period"]): r for r in truth["periods"]["campaigns"]}
    expected = _oracle(events, settings)
    assert rows.keys() == expected.keys()
    for key, counts in expected.items():
        measures = ("bids", "impressions", "clicks", "spend")
        assert [rows[key][m] for m in measures] == [counts[m] for m in measures]
    for total in truth["reports"]["campaigns"].values():
        of = [r for r in rows.values() if r["campaign_item_id"] == total["campaign_item_id"]]
        assert total["spend"] == sum(r["spend"] for r in of)


def test_every_record_sent_has_exactly_one_expected_outcome():
    events, truth, _ = _made(duplicates=0.1, late=0.05)
    sent = Counter(event["type"] for event in events)
    assert {kind: sum(o.values()) for kind, o in truth["outcomes"].items()} == sent
    assert truth["sent"] == len(events)
    assert truth["distinct"] == len({event["event_id"] for event in events}) == 6000
    assert all(o["late"] for o in truth["outcomes"].values())


def test_unmatched_events_belong_to_no_auction_and_add_nothing_to_the_reports():
    events, truth, settings = _made(unmatched=0.03, duplicates=0.1)
    bids = {event["tx_id"] for event in events if event["type"] == "bid"}
    orphans = {e["event_id"]: e["type"] for e in events if e["tx_id"] not in bids}
    assert 100 < len(orphans) < 300
    kinds = Counter(orphans.values())
    assert {kind: o["unmatched"] for kind, o in truth["outcomes"].items()} == {**kinds, "bid": 0}
    rows = {(r["campaign_item_id"], r["period"]): r for r in truth["periods"]["campaigns"]}
    expected = _oracle([e for e in events if e["tx_id"] in bids], settings)
    assert {k: r["impressions"] for k, r in rows.items()} == {
        k: counts["impressions"] for k, counts in expected.items()
    }


def test_the_dead_letters_to_expect_are_told_by_reason():
    events, truth, _ = _made(unmatched=0.03, duplicates=0.1, late=0.05)
    assert truth["dead_letters"] == {
        reason: sum(o[reason] for o in truth["outcomes"].values())
        for reason in ("duplicate", "late", "unmatched")
    }
    counted = sum(o["matched"] for o in truth["outcomes"].values())
    assert counted + sum(truth["dead_letters"].values()) == len(events) == truth["sent"]


def test_the_same_settings_give_the_same_events_and_others_share_no_id():
    events, truth, _ = _made(duplicates=0.1, shuffle=timedelta(seconds=5))
    assert _made(duplicates=0.1, shuffle=timedelta(seconds=5))[:2] == (events, truth)
    ids = {event["event_id"] for event in events}
    for change in ({"seed": 4}, {"start": START + timedelta(minutes=10)}):
        assert ids.isdisjoint(event["event_id"] for event in _made(**change)[0])


def test_shuffling_moves_arrival_but_nothing_further_than_its_span():
    events, _, _ = _made(shuffle=timedelta(seconds=5))
    newest, disordered = "", 0
    for event in events:
        newest = max(newest, event["occurred_at"])
        back = datetime.fromisoformat(newest) - datetime.fromisoformat(event["occurred_at"])
        assert back <= timedelta(seconds=5)
        disordered += back > timedelta(0)
    assert disordered > 1000


def test_a_click_comes_after_its_impression_and_that_after_its_bid():
    at = {}
    for event in _made()[0]:
        at[event["type"], event["tx_id"]] = event["occurred_at"]
    for kind, tx_id in at:
        if kind != "bid":
            before = {"imp": "bid", "click": "imp"}[kind]
            assert at[before, tx_id] <= at[kind, tx_id]


def test_late_events_are_older_than_the_start_and_in_the_second_half():
    events, _, _ = _made(late=0.05)
    late = [n for n, event in enumerate(events) if event["occurred_at"] < "2026-11-21T10"]
    assert 150 < len(late) < 450
    assert min(late) >= 3000


def test_higher_prices_win_more_often_and_features_matter():
    low, high = (generator.win_probability(price=p, domain="goal.example") for p in (500, 5000))
    assert 0 < low < high < 1
    assert len({generator.win_probability(price=2000, domain=d) for d in generator.DOMAINS}) > 10


def test_the_share_of_wins_is_the_probability():
    events, _, _ = _made(events=20000, rate=1000.0)
    bids = [e for e in events if e["type"] == "bid" and e["occurred_at"] < "2026-11-21T10:00:15"]
    won = {e["tx_id"] for e in events if e["type"] == "imp"}
    names = ("domain", "creative_id", "creative_category")
    expected = sum(
        generator.win_probability(price=b["win_price"], **{n: b[n] for n in names}) for b in bids
    )
    assert sum(b["tx_id"] in won for b in bids) == pytest.approx(expected, rel=0.03)


def test_drift_turns_what_is_liked_and_raises_prices_but_a_higher_price_still_wins_more():
    before, after = (
        [generator.win_probability(price=3000, domain=d, drift=x) for d in generator.DOMAINS]
        for x in (0.0, 1.0)
    )
    assert before.index(max(before)) == after.index(min(after))
    low, high = (generator.win_probability(price=p, drift=1.0) for p in (500, 5000))
    assert low < high
    prices = [
        sum(e["win_price"] for e in _made(drift=x)[0] if e["type"] == "bid") for x in (0.0, 1.0)
    ]
    assert prices[1] > 1.2 * prices[0]


def test_settings_out_of_range_are_refused_by_name():
    with pytest.raises(ParameterError, match="duplicates"):
        Settings(events=1, start=START, duplicates=1.5)
    with pytest.raises(ParameterError, match="rate"):
        Settings(events=1, start=START, rate=0)
