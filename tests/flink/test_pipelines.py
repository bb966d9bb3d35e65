"""Use cases of all shapes, each one folder, run by Flink from events to results.

The packaged application with the folders of the tests beside the platform's own, all as one job;
what it writes equals what an oracle finds by force.
"""

import base64
import json
import shutil
import zipfile
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from analytics_app.package import build
from glue.ledger import OUTCOMES
from sdpctl import new_use_case
from sdpctl.settings import ROOT
from tests import asof
from tests.flink import application, machines, pipelines, shopping
from tests.flink.files import write, written
from tests.flink.pipelines import Made

FOLDER = Path(__file__).parents[1] / "usecases"
MADE = {"parcels": pipelines.parcels, "doors": pipelines.doors, "rides": pipelines.rides}
OWN = {"shopping": shopping.made, "machines": machines.made}  # the platform's
PAGE = "doormen"  # the use case of docs/use-cases.md under another name
PASSAGES = [
    {
        "type": "passage",
        "event_id": f"p{n % 50}",  # each twice
        "occurred_at": f"2026-11-21T10:{n % 50 // 5:02}:{n % 50:02}.000Z",
        "gate": f"g{n % 2}",
        "people": 1 + n % 50,
    }
    for n in range(100)
]
MALFORMED = {**PASSAGES[0], "event_id": "malformed", "people": 0}
REDELIVERED = 3  # of the passages, each once more with its receipt
WRONG = {"type": "attempt", "event_id": "wrong", "occurred_at": "2026-11-21T10:00:00.000Z"}


def _newest(rows: list[dict], *key: str) -> dict:
    ranked = sorted(rows, key=lambda r: r["version"])
    return {tuple(row[name] for name in key): row for row in ranked}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of the run, and what was made for each use case."""
    folder = tmp_path_factory.mktemp("pipelines")
    with zipfile.ZipFile(build()) as archive:
        archive.extractall(folder / "code")
    made: dict[str, tuple[Made, dict]] = {}
    for name in MADE:
        shutil.copytree(FOLDER / name, folder / "code" / "usecases" / name)
    for name, make in (MADE | OWN).items():
        one = make()
        made[name] = one, one.sent(seed=1)
    doors = _doors()
    made["doors"] = doors.in_time, {"attempts": doors.attempts}
    for name in made:
        for stream, events in made[name][1].items():
            extra = [WRONG] if stream == "attempts" else []
            write(folder, name, stream, events + extra)
    for path, text in new_use_case.files((ROOT / new_use_case.PAGE).read_text(), PAGE).items():
        (folder / "code" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "code" / path).write_text(text)
    write(folder, PAGE, "passages", [*PASSAGES, MALFORMED], again=REDELIVERED)
    lines = (json.dumps(version) + "\n" for version in shopping.definitions())
    (folder / "data" / "shopping" / "definitions.ndjson").write_text("".join(lines))
    lines = (json.dumps(version) + "\n" for version in machines.definitions())
    (folder / "data" / "machines" / "definitions.ndjson").write_text("".join(lines))
    places = {"connector": "files", "files.path": str(folder / "data")}
    names = ",".join([*MADE, *OWN, PAGE])
    application.start(folder, "main.py", {"use_cases": names, **places})
    return folder, made


def _doors() -> pipelines.Arrived:
    made = pipelines.doors()
    return pipelines.at_the_watermark(made, made.sent(seed=1)["attempts"])


def test_a_correlation_counts_each_step_once_and_only_after_those_before_it(run):
    folder, made = run
    expected = pipelines.count_parcels(made["parcels"][0])
    newest = _newest(written(folder, "parcels", "aggregates"), "shop", "period")
    counts = {k: (r["ordered"], r["sent"], r["turnover"]) for k, r in newest.items()}
    assert {k: v for k, v in counts.items() if any(v)} == expected.shops
    rows = written(folder, "parcels", "sendings")
    assert {r["event_id"]: r for r in rows} == expected.sendings
    assert len(rows) == len(expected.sendings)


def test_what_a_correlation_refuses_is_in_its_dead_letters(run):
    folder, made = run
    one, sent = made["parcels"]
    letters = written(folder, "parcels", "dead-letters")
    assert {r["event_id"] for r in letters if r["reason"] == "unmatched"} == (
        pipelines.count_parcels(one).unmatched
    )
    reasons = Counter(r["reason"] for r in letters)
    assert reasons["duplicate"] == pipelines.copies(sent["steps"])
    assert set(reasons) == {"unmatched", "duplicate"}


def test_a_pattern_is_found_in_the_order_of_event_time(run):
    folder, made = run
    rows = written(folder, "doors", "entries")
    found = [pipelines.entry(row) for row in rows]
    expected = pipelines.forced_entries(made["doors"][0])
    assert len(expected) > 10 and max(e[3] for e in expected) > 3
    assert sorted(found) == sorted(expected)


def test_what_is_too_late_for_a_pattern_is_a_dead_letter_and_no_part_of_it(run):
    """Up to the watermark; what is 1 ms after it is in the pattern."""
    folder, made = run
    late = _doors().late
    assert len(late) > 30
    letters = [r for r in written(folder, "doors", "dead-letters") if r["reason"] == "late"]
    assert Counter(r["event_id"] for r in letters) == dict.fromkeys(late, 1)
    sent = {e["event_id"]: e for e in made["doors"][1]["attempts"]}
    for letter in letters:
        payload = json.loads(base64.b64decode(letter["payload"]))
        assert sent[letter["event_id"]].items() <= payload.items()
    badges = {pipelines.entry(row)[0] for row in written(folder, "doors", "entries")}
    assert sum(badge.startswith("timely") for badge in badges) == len(late) // 6 > 5


def test_a_malformed_event_of_any_pipeline_is_a_dead_letter(run):
    folder, _ = run
    letters = written(folder, "doors", "dead-letters")
    (letter,) = [row for row in letters if row["reason"] != "late"]
    assert (letter["reason"], letter["field"], letter["event_id"]) == (
        "malformed",
        "/badge",
        "wrong",
    )
    assert letter["source"]["stream"] == "attempts"


def test_two_streams_are_joined_in_time(run):
    folder, made = run
    expected = pipelines.drives(made["rides"][0])
    rows = written(folder, "rides", "drives")
    assert len(rows) == len(expected) > 100
    for row in rows:
        drive = expected[row["event_id"]]
        assert (row["ride"], row["zone"], row["fare"]) == (
            drive["ride"],
            drive["zone"],
            drive["fare"],
        )
        assert pipelines.moment(row["requested_at"]) == pipelines.moment(drive["requested"])
        assert pipelines.moment(row["picked_at"]) == pipelines.moment(drive["occurred_at"])


def test_reports_hold_decimals_exactly_and_the_newest_values(run):
    folder, made = run
    zones = _newest(written(folder, "rides", "aggregates"), "zone", "period")
    assert {k: (r["rides"], r["fares"]) for k, r in zones.items()} == pipelines.zones(
        made["rides"][0]
    )
    fares = _newest(written(folder, "rides", "last-fares"), "zone", "period")
    assert {k: (r["ride"], r["fare"]) for k, r in fares.items()} == pipelines.last_fares(
        made["rides"][0]
    )


def test_the_use_case_of_the_page_counts_each_event_once(run):
    folder, _ = run
    newest = _newest(written(folder, PAGE, "aggregates"), "gate", "period")
    expected = Counter()
    for passage in PASSAGES[:50]:
        second = pipelines.at(passage) // 1000
        expected[passage["gate"], second - second % 300] += passage["people"]
    assert {key: row["people"] for key, row in newest.items()} == expected
    assert sum(row["version"] for row in newest.values()) == 50


def test_each_event_of_the_use_case_of_the_page_has_one_outcome(run):
    folder, _ = run
    minutes = _newest(written(folder, PAGE, "ledger"), "minute")
    received = Counter(pipelines.at(passage) // 60_000 * 60 for passage in PASSAGES)
    for (minute,), row in minutes.items():
        first = minute == pipelines.at(PASSAGES[0]) // 60_000 * 60
        again, malformed = (REDELIVERED, 1) if first else (0, 0)
        assert row["read"] == received[minute] + malformed + again
        assert row["counted"] == row["duplicate"] == received[minute] // 2
        assert (row["malformed"], row["redelivered"]) == (malformed, again)
        assert not (row["late"] or row["unmatched"] or row["filtered"])
    assert len(minutes) == len(received)
    letters = Counter(row["reason"] for row in written(folder, PAGE, "dead-letters"))
    assert letters == {"duplicate": 50 + REDELIVERED, "malformed": 1}


def test_the_events_were_out_of_order_and_repeated(run):
    _, made = run
    for _, sent in made.values():
        for events in sent.values():
            assert not pipelines.in_order(events) and pipelines.copies(events)


@pytest.mark.parametrize("use_case", OWN)
def test_each_event_has_one_outcome_in_the_minute_of_its_receipt(run, use_case):
    folder, made = run
    events = [event for stream in made[use_case][1].values() for event in stream]
    minutes = _newest(written(folder, use_case, "ledger"), "minute")
    received = Counter(pipelines.at(event) // 60_000 * 60 for event in events)
    assert {minute: row["read"] for (minute,), row in minutes.items()} == received
    for row in minutes.values():
        assert sum(row[name] for name in OUTCOMES) == row["read"] and not row["redelivered"]
    letters = Counter(row["reason"] for row in written(folder, use_case, "dead-letters"))
    left_out = sum(1 for event in events if _is_left_out(event))
    found = {name: sum(row[name] for row in minutes.values()) for name in OUTCOMES}
    assert found["duplicate"] == letters["duplicate"] > 0 and found["filtered"] == left_out > 0
    assert found["unmatched"] == letters["unmatched"] and not (found["late"] or found["malformed"])
    assert (found["unmatched"] > 0) == (use_case == "shopping")


def _is_left_out(event: dict) -> bool:
    """Of no account, on another page, of no join."""
    kind = event["type"]
    return (
        event.get("acc_num") == 0
        or (kind == "page-view" and event["page"] not in shopping.PAGES)
        or (kind == "measurement" and not machines.is_taken(event, machines.JOINS))
    )


# shopping: patterns in the events of cards and sessions ------------------------------------------


@pytest.fixture(scope="module")
def found(run):
    """The rows of business events, by id."""
    folder, _ = run
    rows = written(folder, "shopping", "business-events")
    by_id = {row["id"]: row for row in rows}
    assert len(by_id) == len(rows)
    return by_id


def _golden(found: dict, subject: str) -> list[dict]:
    return [row for row in found.values() if row["subject"].startswith(f"golden-{subject}")]


def test_business_events_of_any_seed_are_those_found_by_force(run, found):
    _, made = run
    expected = shopping.business_events(made["shopping"][0].streams["activity"])
    assert found.keys() == expected.keys()
    for id_, row in expected.items():
        written = {**found[id_], "occurred_at": pipelines.at(found[id_])}
        assert written == pytest.approx(row) if "deviation" in row else written == row
    counts = Counter(row["kind"] for row in expected.values())
    assert counts.keys() == {"shopping", "stuck_in_form", "spending_anomaly"}
    assert min(counts.values()) > 40


def test_each_seed_came_in_an_order_of_its_own(run):
    """As many of each kind: at random, in order, backwards within seconds, and pushed apart."""
    _, made = run
    activity = made["shopping"][1]["activity"]
    seeds: dict[str, list[dict]] = defaultdict(list)
    for event in activity:
        seeds[event["event_id"].partition("-")[0]].append(event)
    orders = [seeds[str(seed)] for seed in range(shopping.SEEDS)]
    steps = [[pipelines.at(b) - pipelines.at(a) for a, b in pairwise(own)] for own in orders]
    back = [sum(step < 0 for step in own) for own in steps]
    assert all((n == 0) == (seed % 4 == 1) for seed, n in enumerate(back))
    assert sum(back) > 3 * shopping.SEEDS
    assert -pipelines.DELAY_MS <= min(map(min, steps)) < -pipelines.SHUFFLE_MS
    assert all(pipelines.copies(own) for own in orders)


def test_five_debits_are_one_business_event_with_the_balance_and_six_are_two(found):
    (five,) = _golden(found, "five")
    assert (five["kind"], five["balance"], five["count"]) == ("shopping", 150.0, 5)
    assert json.loads(five["causes"]) == [f"golden-five-{n}" for n in range(5)]
    assert sorted(row["balance"] for row in _golden(found, "six")) == [140.0, 150.0]


def test_cards_do_not_mix_and_what_is_too_slow_or_of_no_account_is_none(found):
    interleaved = Counter(row["subject"] for row in _golden(found, "interleaved"))
    assert interleaved == {f"golden-interleaved-{card}": 1 for card in range(6)}
    assert not [row for name in ("slow", "four", "one", "none") for row in _golden(found, name)]


def test_a_session_is_stuck_when_its_time_is_over_and_only_then(found):
    (stuck,) = _golden(found, "silent")
    assert pipelines.at(stuck) == pipelines.START + shopping.TIMEOUT
    for name in ("in-time", "without-second", "out-of-order"):
        assert not _golden(found, name)


def test_a_session_is_that_of_the_customer_of_its_last_page_that_names_one(run, found):
    """Whatever has the same id: a card, a customer, a session."""
    folder, _ = run
    rows = {row["id"]: row for row in written(folder, "shopping", "decisions")}
    expected = {
        "silent": (None, None, None),
        "guest": ("k-guest", "k-guest", "guest-profile"),
        "second-of-two": ("k-guest", "k-guest", "guest-profile"),
        "first-of-two": ("k-1", "k-1", None),
        "at-one-time": ("k-guest", "k-guest", "guest-profile"),
        "namesake": ("golden-six", "golden-six", "namesake-profile"),
        "holder": ("k-golden-five", "k-golden-five", "next-profile"),
        "of-a-card": ("golden-five", "golden-five", None),
    }
    for name, customers in expected.items():
        (stuck,) = _golden(found, name)
        row = rows[stuck["id"]]
        decided = (row.get("customer_id"), row.get("profile_id"))
        assert (stuck.get("customer_id"), *decided) == customers, name
    taken = {row["kind"]: rows[row["id"]].get("profile_id") for row in _golden(found, "taken")}
    assert taken == {"shopping": "taken-profile", "stuck_in_form": None}
    assert all("profile_id" not in rows[row["id"]] for row in _golden(found, "six"))


def test_the_last_page_of_a_form_was_sent_before_the_others(run):
    _, made = run
    sent = [e["event_id"] for e in made["shopping"][1]["activity"]]
    third, second, first = (sent.index(f"out-of-order-page{n}") for n in (3, 2, 1))
    assert third < second < first


def test_what_is_refused_of_patterns_is_in_the_dead_letters(run):
    folder, made = run
    _, sent = made["shopping"]
    letters = Counter(r["reason"] for r in written(folder, "shopping", "dead-letters"))
    filtered = [e for e in sent["activity"] if e.get("acc_num") == 0]
    others = [e for e in sent["activity"] if e.get("acc_num") != 0 and e.get("page") != "home"]
    offered = {row["business_event_id"] for row in written(folder, "shopping", "actions")}
    without = {
        e["event_id"] for e in others if e.get("business_event_id", "") not in {"", *offered}
    }
    assert without
    assert letters == {
        "filtered": len(filtered),
        "duplicate": pipelines.copies(others),
        "unmatched": len(without),
    }


def test_each_business_event_is_decided_by_what_was_in_force_at_its_own_time(run, found):
    folder, made = run
    rows = {row["id"]: row for row in written(folder, "shopping", "decisions")}
    events = made["shopping"][0].streams["activity"]
    known = {id_: {**row, "occurred_at": pipelines.at(row)} for id_, row in found.items()}
    decided, acted = shopping.decisions(events, known)
    assert len(written(folder, "shopping", "decisions")) == len(rows)
    assert {id_: shopping.written(row) for id_, row in rows.items()} == decided
    actions = written(folder, "shopping", "actions")
    assert len(actions) == len(acted) > 20
    assert {row["id"]: {**row, "occurred_at": pipelines.at(row)} for row in actions} == acted
    results = Counter(
        (rule["name"], rule["version"], rule["result"])
        for row in decided.values()
        for rule in row["rules"]
    )
    for version in (1, 2):
        assert results["spender", version, "true"] and results["spender", version, "false"]
    assert min(results["reserve", 1, result] for result in ("true", "false", "error")) > 3
    assert results["spender", 2, "error"] and results["student", 1, "true"] == 0
    details = Counter(d for row in decided.values() for d in row.get("detail", "").split("; "))
    assert len(details) == 5, details
    assert {r for name, _, r in results if name == "unusual"} == {"true", "false"}


def test_a_decision_says_why_and_its_action_what_to_do(run, found):
    folder, _ = run
    (five,) = _golden(found, "five")
    (decision,) = [
        row for row in written(folder, "shopping", "decisions") if row["id"] == five["id"]
    ]
    assert (decision["profile_id"], decision["passed"], decision["score"]) == (
        "own-profile",
        True,
        0.5,
    )
    assert decision["detail"] == "there is no model: the default score applies"
    (action,) = [
        row for row in written(folder, "shopping", "actions") if row["subject"] == "golden-five"
    ]
    assert action == {
        "id": f"{five['id']}:spender",
        "kind": "shopping",
        "subject": "golden-five",
        "customer_id": "k-golden-five",
        "time_zone": "Asia/Tokyo",
        "channel": "push",
        "title": "Low",
        "message": "You have 150.00: shall we transfer 100.00?",
        "score": 0.5,
        "rule": "spender",
        "rule_version": 1,
        "template_version": 1,
        "business_event_id": five["id"],
        "occurred_at": five["occurred_at"],
        "trace_id": five["trace_id"],
    }


def test_each_action_is_a_row_to_learn_from_with_what_its_decision_saw(run, found):
    folder, made = run
    events = made["shopping"][0].streams["activity"]
    taken = {e["business_event_id"]: e for e in events if e["type"] == "acceptance"}
    known = {e["event_id"]: e for e in events if e["type"] == "customer"}
    decided = {row["id"]: row for row in written(folder, "shopping", "decisions")}
    actions = {row["business_event_id"]: row for row in written(folder, "shopping", "actions")}
    rows = written(folder, "shopping", "offers")
    assert sorted(row["business_event_id"] for row in rows) == sorted(actions)
    for row in rows:
        id_ = row["business_event_id"]
        profile = known.get(decided[id_].get("profile_id"), {})
        assert row == {
            "business_event_id": id_,
            "kind": found[id_]["kind"],
            "action": TEMPLATES[found[id_]["kind"]],
            "score": actions[id_]["score"],
            "offered_at": found[id_]["occurred_at"],
            "accepted": id_ in taken,
            **_of(found[id_], "balance"),
            **_of(profile, "age", "segment", "average_monthly_expenditures"),
            **({"accepted_at": row["accepted_at"]} if id_ in taken else {}),
        }
        if id_ in taken:
            assert pipelines.at({"occurred_at": row["accepted_at"]}) == pipelines.at(taken[id_])
    assert 5 < sum(row["accepted"] for row in rows) < len(rows) - 5


TEMPLATES = {"shopping": "transfer", "spending_anomaly": "alert", "stuck_in_form": "help"}


def _of(row: dict, *names: str) -> dict:
    return {name: row[name] for name in names if name in row}


def test_business_events_are_counted_by_kind_and_time(run, found):
    folder, _ = run
    newest = _newest(written(folder, "shopping", "aggregates"), "kind", "period")
    expected = Counter()
    for row in found.values():
        second = pipelines.at(row) // 1000
        expected[row["kind"], second - second % 300] += 1
    assert {key: row["found"] for key, row in newest.items()} == expected


def test_decisions_are_counted_by_kind_and_time_with_what_passed_and_acts(run, found):
    folder, made = run
    newest = _newest(written(folder, "shopping", "reaction-counts"), "kind", "period")
    known = {id_: {**row, "occurred_at": pipelines.at(row)} for id_, row in found.items()}
    decided, _ = shopping.decisions(made["shopping"][0].streams["activity"], known)
    expected = shopping.reactions(decided.values())
    assert {key: shopping.reaction(row) for key, row in newest.items()} == expected
    decisions, passed, actions = _sums(expected, "shopping")
    assert decisions > passed > actions > 20  # not every rule has an action
    decisions, passed, actions = _sums(expected, "spending_anomaly")
    assert decisions > passed > actions > 40  # a threshold stops some, while it is in force
    decisions, passed, actions = _sums(expected, "stuck_in_form")
    assert decisions == passed > 40 and passed > actions > 10  # the template names the customer


def _sums(reactions: dict, kind: str) -> list[int]:
    own = [counts for (of, _), counts in reactions.items() if of == kind]
    return [sum(counts) for counts in zip(*own, strict=True)]


# machines: series joined in time, by joins that change -------------------------------------------


def _pair(row: dict) -> tuple:
    times = {name: pipelines.at({"occurred_at": row[name]}) for name in ("r_time", "s_time")}
    return tuple(sorted({**row, **times}.items()))


def test_pairs_of_any_seed_are_those_found_by_force(run):
    folder, made = run
    expected = machines.pairs(made["machines"][0].streams["measurements"], machines.JOINS)
    rows = [r for r in written(folder, "machines", "pairs") if r["status"] == "final"]
    assert sorted(map(_pair, rows)) == sorted(tuple(sorted(p.items())) for p in expected)
    versions = Counter((row["join_name"], row["join_version"]) for row in expected)
    assert set(versions) == {(join.name, join.version) for join in machines.JOINS}
    assert len(expected) > 2_000 and min(versions.values()) > 100


def test_pairs_of_any_seed_are_those_of_asof_joins(run):
    folder, made = run
    events = made["machines"][0].streams["measurements"]
    samples = [(e["thing"], e["quantity"], pipelines.at(e), e["result"]) for e in events]
    rows = [r for r in written(folder, "machines", "pairs") if r["status"] == "final"]
    found = {asof.pair_of(dict(_pair(row))) for row in rows}
    assert found == asof.pairs(samples, [join.for_asof() for join in machines.JOINS])


def test_the_documented_cases_of_the_join_give_their_pairs(run):
    folder, _ = run
    found = {number: [] for number in range(len(machines.GOLDEN))}
    for row in written(folder, "machines", "pairs"):
        if row["thing"].startswith("golden-") and row["status"] == "final":
            r, s = (pipelines.at({"occurred_at": row[f"{n}_time"]}) for n in "rs")
            text = f"r{r - pipelines.START}-s{s - pipelines.START}"
            found[int(row["thing"].partition("-")[2])].append(text)
    expected = [sorted(pairs.split()) for pairs in machines.GOLDEN.values()]
    assert [sorted(pairs) for pairs in found.values()] == expected


def test_each_final_pair_is_power_at_its_mean_time(run):
    folder, made = run
    expected = [
        tuple(machines.power(pair).values())
        for pair in machines.pairs(
            made["machines"][0].streams["measurements"], machines.of_power(machines.JOINS)
        )
    ]
    rows = written(folder, "machines", "power")
    assert sorted((r["thing"], pipelines.at(r), r["power"]) for r in rows) == sorted(expected)


def test_measurements_of_one_time_and_repeated_ones_are_duplicates(run):
    folder, made = run
    one, sent = made["machines"]
    letters = Counter(r["reason"] for r in written(folder, "machines", "dead-letters"))
    joined = [e for e in sent["measurements"] if machines.is_taken(e, machines.JOINS)]
    competitors = machines.refused(one.streams["measurements"], machines.JOINS)
    assert competitors > 100
    assert letters == {"duplicate": pipelines.copies(joined) + competitors}


def test_the_power_of_a_machine_is_counted_summed_and_banded(run):
    folder, made = run
    newest = _newest(written(folder, "machines", "aggregates"), "thing", "period")
    expected = machines.reports(made["machines"][0].streams["measurements"], machines.JOINS)
    assert newest.keys() == expected.keys()
    for key, row in expected.items():
        assert {name: newest[key][name] for name in row} == row
