"""Made-up card holders and sessions: the same each time, with a truth that holds by force."""

import json
import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

import usecases
from datagen import Generation, Settings
from glue.targets.pydantic import event_model
from tests.flink import pipelines, shopping
from usecases.shopping import demonstration, generator

SHOPPING = usecases.load(("shopping",)).use_case("shopping")
START = datetime(2026, 11, 21, 10, tzinfo=UTC)
SETTINGS = Settings(events=4000, start=START, rate=2.0, seed=7)


def generated(**changed):
    settings = Settings(**{**vars(SETTINGS), **changed})
    generation = Generation(SHOPPING, generator, settings)
    return list(generation), generation.truth()


@pytest.fixture(scope="module")
def usual():
    return generated()


def test_the_same_settings_give_the_same_events(usual):
    assert usual == generated()
    assert usual != generated(seed=8)


def test_every_event_is_one_that_ingestion_accepts(usual):
    models = {e.type: event_model(e) for e in SHOPPING.events}
    events, _ = usual
    for event in events:
        models[event["type"]].model_validate(event)
    assert {e["type"] for e in events} == set(models)


def test_the_business_events_are_those_found_by_force(usual):
    events, truth = usual
    rows = {r["id"]: r for r in truth["records"]["business-events"]}
    expected = shopping.business_events(events)
    assert rows.keys() == expected.keys()
    for id_, row in expected.items():
        assert {**rows[id_], "occurred_at": pipelines.at(rows[id_])} == pytest.approx(row)
    assert len({r["kind"] for r in rows.values()}) == 3


def test_a_stuck_session_is_that_of_its_last_page_with_a_customer(usual):
    events, truth = usual
    pages = {e["event_id"]: e.get("customer_id") for e in events if e["type"] == "page-view"}
    seen = set()
    for row in truth["records"]["business-events"]:
        if row["kind"] == "stuck_in_form":
            first, second = (pages[id_] for id_ in json.loads(row["causes"]))
            assert row.get("customer_id") == (second or first)
            seen.add((first is None, second is None, first == second))
    nobody, one, signed_in, two = (1, 1, 1), (0, 0, 1), (1, 0, 0), (0, 0, 0)
    assert seen == {nobody, one, signed_in, two}
    assert {c for c in pages.values() if c} <= {f"{SETTINGS.start_ms:x}-7-k{n}" for n in range(66)}


def test_the_report_counts_the_business_events(usual):
    _, truth = usual
    rows = truth["records"]["business-events"]
    kinds = Counter(row["kind"] for row in rows)
    assert {k: r["found"] for k, r in truth["reports"]["kinds"].items()} == kinds
    buckets = Counter()
    for row in rows:
        second = pipelines.at(row) // 1000
        buckets[row["kind"], second - second % 300] += 1
    assert {(p["kind"], p["period"]): p["found"] for p in truth["periods"]["kinds"]} == buckets


def test_each_business_event_is_decided_once_and_none_passes(usual):
    events, truth = usual
    found = shopping.business_events(events)
    # Without definitions no rule is in force.
    expected = shopping.reactions({**row, "passed": False} for row in found.values())
    rows = truth["periods"]["reactions"]
    counts = {(r["kind"], r["period"]): shopping.reaction(r) for r in rows}
    assert counts == expected
    totals = truth["reports"]["reactions"]
    for kind, row in truth["reports"]["kinds"].items():
        assert shopping.reaction(totals[kind]) == (row["found"], 0, 0)


def test_the_rule_of_the_demonstration_is_for_none_of_these_customers(usual):
    events, _ = usual
    segments = {e["segment"] for e in events if e["type"] == "customer"}
    assert segments == set(generator.SEGMENTS)
    assert demonstration.SEGMENT not in segments


def test_disorder_changes_no_business_event(usual):
    events, truth = generated(shuffle=timedelta(seconds=4), duplicates=0.2)
    assert truth["records"] == usual[1]["records"]
    assert events[: len(usual[0])] != usual[0]
    counted = Counter(e["event_id"] for e in events)
    copies = sum(n - 1 for n in counted.values())
    home = {e["event_id"] for e in usual[0] if e.get("page") == "home"}
    other = sum(n - 1 for id_, n in counted.items() if id_ in home)  # they are no duplicates
    filtered = truth["dead_letters"]["filtered"] - usual[1]["dead_letters"]["filtered"]
    assert truth["dead_letters"]["duplicate"] == copies - filtered - other
    assert truth["sent"] == len(events)


def late_cards(**changed):
    """The cards with late events and what is sent of each, which are late, and the truth."""
    events, truth = generated(late=0.05, rate=50.0, **changed)
    late = {e["event_id"] for e in events if pipelines.at(e) < SETTINGS.start_ms}
    cards = {e["card_id"]: [] for e in events if e["event_id"] in late}
    for event in events:
        if event.get("card_id") in cards:
            cards[event["card_id"]].append(event)
    return cards, late, events, truth


def by_force(events, late=()):
    distinct = {e["event_id"]: e for e in events}
    return shopping.business_events(list(distinct.values()), late=late)


@pytest.mark.parametrize("shuffle", [0, 4])
def test_late_events_change_the_balance_of_what_their_cards_spend_after_them(shuffle):
    disorder = {"shuffle": timedelta(seconds=shuffle), "duplicates": 0.2 * bool(shuffle)}
    cards, late, events, truth = late_cards(late_by=timedelta(hours=1), **disorder)
    rows = {r["id"]: r for r in truth["records"]["business-events"]}
    expected = by_force(events, late)
    assert rows.keys() == expected.keys()
    for id_, row in expected.items():
        assert {**rows[id_], "occurred_at": pipelines.at(rows[id_])} == pytest.approx(row)
    own = [r for r in rows.values() if r["subject"] in cards]
    # from 150: five times 10 in time, 10 late, and 20 late of before the balance
    assert len(own) > 20 and {r["balance"] for r in own} == {90.0}
    assert rows.keys() != by_force([e for e in events if e["event_id"] not in late]).keys()
    sent = sum(e["event_id"] in late for e in events)
    assert truth["dead_letters"]["late"] == sent and (sent > len(late)) == bool(shuffle)
    assert truth["sent"] == len(events)


def test_late_events_that_are_too_old_to_be_known_change_nothing():
    cards, late, events, truth = late_cards(duplicates=0.2)
    assert all(
        SETTINGS.start_ms - pipelines.at(e) > shopping.WINDOW
        for e in events
        if e["event_id"] in late
    )
    rows = {r["id"]: r for r in truth["records"]["business-events"]}
    assert rows.keys() == by_force([e for e in events if e["event_id"] not in late]).keys()
    assert not any(row["subject"] in cards for row in rows.values())
    assert truth["dead_letters"]["late"] == sum(e["event_id"] in late for e in events) > len(late)
    spent = [len([e for e in own if e["type"] == "transaction"]) for own in cards.values()]
    assert len(cards) > 20 and max(spent) >= 7


def test_a_lasting_change_of_level_is_found_and_then_usual(usual):
    events, truth = usual
    anomalies = [r for r in truth["records"]["business-events"] if r["kind"] == "spending_anomaly"]
    changed = Counter(r["subject"] for r in anomalies if int(r["subject"].split("-c")[1]) % 4 == 1)
    debits = Counter(e["card_id"] for e in events if e["type"] == "transaction")
    assert changed and all(n <= debits[card] / 8 for card, n in changed.items())


def offers(events, truth):
    """For each shopper in want: whether they took the offer, and how likely that was."""
    taken = {e["business_event_id"] for e in events if e["type"] == "acceptance"}
    known = {e["card_id"]: e for e in events if e["type"] == "customer"}
    for row in truth["records"]["business-events"]:
        if row["kind"] == "shopping":
            of = {name: known[row["subject"]][name] for name in ("segment", "age")}
            yield row["id"] in taken, {"balance": row["balance"], **of}


def test_shoppers_take_offers_as_likely_as_the_truth_says():
    events, truth = generated(events=20_000)
    found = [(a, generator.accept_probability(**of)) for a, of in offers(events, truth)]
    likely = [p for _, p in found]
    spread = sum(p * (1 - p) for p in likely) ** 0.5
    assert abs(sum(a for a, _ in found) - sum(likely)) < 4 * spread
    base = sum(likely) / len(likely)
    loss = -sum(math.log(p if a else 1 - p) for a, p in found) / len(found)
    assert loss < 0.8 * -(base * math.log(base) + (1 - base) * math.log(1 - base))


def test_an_acceptance_names_its_business_event_and_comes_after_it(usual):
    """Without a rule nothing is offered, so the truth has them as unmatched."""
    events, truth = usual
    rows = {row["id"]: row for row in truth["records"]["business-events"]}
    answers = [e for e in events if e["type"] == "acceptance"]
    assert truth["dead_letters"]["unmatched"] == len(answers) > 20
    for answer in answers:
        assert pipelines.at(rows[answer["business_event_id"]]) < pipelines.at(answer)


def test_a_drift_changes_who_takes_offers():
    given = {"balance": 10.0, "segment": "student", "age": 20}
    usual, changed = (generator.accept_probability(**given, drift=d) for d in (0.0, 1.0))
    assert usual > 0.9 and changed < 0.1


def test_causes_are_a_json_list_of_events_of_the_subject(usual):
    events, truth = usual
    subjects = {e["event_id"]: {e.get("card_id"), e.get("session_id")} for e in events}
    for row in truth["records"]["business-events"]:
        causes = json.loads(row["causes"])
        assert all(row["subject"] in subjects[id_] for id_ in causes)
        assert row["trace_id"] in causes
