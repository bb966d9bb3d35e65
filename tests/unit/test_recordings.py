"""Recordings that others made: what is read of them, moved, sent, and found in them by force."""

import json
from collections import Counter

import pytest

from glue.instants import from_millis, to_wire
from sdpctl.errors import CommandError
from tests import asof, recordings
from tests.flink import pipelines
from tests.local import recorded
from tests.local.recorded import Flow, Outcome
from tests.recordings import SPEED, TORQUE, Recording, Sample

END = 1_780_000_000_000


@pytest.fixture(scope="module")
def recording():
    return Recording.load(None, "", "")


def samples_of(text):
    """`r1 s2`: a speed at 1 ms and a torque at 2 ms."""
    names = {"r": SPEED, "s": TORQUE}
    return [Sample("m", names[each[0]], int(each[1:]), float(each[1:])) for each in text.split()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r1 s2 r3 s4", "r1-s2 r3-s2 r3-s4"),
        ("r1 r2 r5 s3 s4", "r1-s3 r2-s3 r2-s4 r5-s3 r5-s4"),
        ("r5 s5", "r5-s5"),
        ("r1 s1001 s1002 r2003", "r1-s1001"),
    ],
)
def test_the_documented_cases_have_their_pairs(text, expected):
    found = recordings.pairs(samples_of(text))
    assert {f"r{r}-s{s}" for _, r, _, s, _ in found} == set(expected.split())


def test_force_and_asof_joins_find_the_same_pairs(recording):
    found = recordings.pairs(recording.samples)
    samples = [(s.thing, s.quantity, s.moment, s.result) for s in recording.samples]
    assert {pair[:5] for pair in asof.pairs(samples)} == found
    assert len(found) > 300
    assert any(r == s for _, r, _, s, _ in found)
    assert max(Counter((thing, r) for thing, r, *_ in found).values()) > 2


def test_a_recording_that_is_moved_has_as_many_pairs_and_no_pauses(recording):
    moved = recording.moved(END)
    assert {s.thing: END for s in moved.samples} == _last(moved.samples)
    assert moved.lasts < recording.lasts / 100
    found, before = recordings.pairs(moved.samples), recordings.pairs(recording.samples)
    assert _without_times(found) == _without_times(before)
    with pytest.raises(
        ValueError, match="pause 1000 ms: must be longer than 1000 ms, the distance"
    ):
        recording.moved(END, recordings.DISTANCE_MS)


def _last(samples):
    return {s.thing: max(o.moment for o in samples if o.thing == s.thing) for s in samples}


def _without_times(pairs):
    return Counter((thing, r - s, one, other) for thing, r, one, s, other in pairs)


def test_what_is_sent_is_out_of_order_by_less_than_the_delay_and_a_fifth_is_repeated(recording):
    moved = recording.moved(END)
    sent = moved.sent("run", 1)
    tail = sent[-3 * len(_last(moved.samples)) :]
    copies = Counter(event["event_id"] for event in sent)
    assert copies.keys() - {e["event_id"] for e in tail} == {
        s.event("run")["event_id"] for s in moved.samples
    }
    assert 0.15 < sum(n - 1 for n in copies.values()) / len(moved.samples) < 0.25
    newest, most = "", 0
    for event in sent:
        newest = max(newest, event["occurred_at"])
        most += event["occurred_at"] < newest
    assert most > len(moved.samples) / 3
    assert recordings.pairs(moved.samples) == recordings.pairs(
        [*moved.samples, *_samples(tail, "run-")]
    )


def _samples(events, prefix):
    for event in events:
        moment = pipelines.at(event)
        yield Sample(event["thing"].removeprefix(prefix), event["quantity"], moment, 1.0)


def test_lines_that_are_no_measurements_are_named():
    with pytest.raises(ValueError, match=r"line 2: .*give an object with Thing, Timestamp"):
        recordings.read(['{"Thing": "a", "Timestamp": 1, "x": 1}', '{"Thing": "a"}'], {})
    with pytest.raises(ValueError, match="no line has rpm; quantities: x"):
        recordings.read(['{"Thing": "a", "Timestamp": 1, "x": 1}'], {"rpm": SPEED})


def test_texts_and_truths_are_no_quantities():
    line = json.dumps({"Thing": 7, "Timestamp": 1, "mode": "on", "up": True, "x": 1, "id": "a"})
    assert recordings.read([line, ""], {"x": SPEED}) == [Sample("7", SPEED, 1, 1.0)]


@pytest.fixture
def flow(recording):
    return Flow.of("run", recording.moved(END))


def outcome(flow, pairs, letters, again=()):
    """Pairs as the stream has them, and dead letters of the events with these ids.

    Events `again` are stored once more.
    """
    rows = [
        {
            "thing": thing,
            "r_time": to_wire(from_millis(r)),
            "r_result": r_result,
            "s_time": to_wire(from_millis(s)),
            "s_result": s_result,
        }
        for thing, r, r_result, s, s_result in pairs
    ]
    stored = Counter(event["event_id"] for event in flow.events)
    stored.update(again)
    named = [{"event_id": name, "reason": why} for name, why in letters]
    return Outcome(flow, rows, named, stored)


def duplicates(flow):
    copies = Counter(event["event_id"] for event in flow.joined)
    return [(name, "duplicate") for name, n in copies.items() for _ in range(n - 1)]


def test_an_outcome_is_exact_if_each_pair_is_there_once_and_each_copy_a_duplicate(flow):
    exact = outcome(flow, flow.expected, duplicates(flow))
    assert exact.is_exact and exact.is_explained
    assert "0 missing, 0 others, 0 twice" in str(exact)
    twice = outcome(flow, [*flow.expected, next(iter(flow.expected))], duplicates(flow))
    assert not twice.is_exact and not twice.is_explained
    assert "1 twice" in str(twice)
    assert not outcome(flow, flow.expected, duplicates(flow)[1:]).is_exact


def test_a_request_that_was_sent_again_adds_dead_letters_and_loses_nothing(flow):
    again = [event["event_id"] for event in flow.joined[:20]]
    late = [(name, "late") for name in again]
    assert outcome(flow, flow.expected, [*duplicates(flow), *late], again).is_exact
    assert not outcome(flow, flow.expected, [*duplicates(flow), *late]).is_exact
    assert not outcome(flow, flow.expected, duplicates(flow), again).is_exact


def test_missing_pairs_are_explained_by_late_measurements_and_by_nothing_else(flow):
    lost = next(s for s in flow.recording.samples if s.quantity == SPEED)
    name = lost.event("run")["event_id"]
    kept = [s for s in flow.recording.samples if s != lost]
    copies = sum(event["event_id"] == name for event in flow.events)
    others = [letter for letter in duplicates(flow) if letter[0] != name]
    late = outcome(flow, recordings.pairs(kept, "run"), [*others, *[(name, "late")] * copies])
    assert (late.is_exact, late.is_explained) == (False, True)
    assert f"{copies} late; explained by 1 measurements" in str(late)
    unnamed = outcome(flow, recordings.pairs(kept, "run"), duplicates(flow))
    assert not unnamed.is_explained and "not all of it explained" in str(unnamed)


def test_a_file_that_is_no_recording_is_named(tmp_path, capsys):
    file = tmp_path / "other.ndjson"
    assert recorded.main([str(file)]) == 2
    file.write_text('{"Thing": "a", "Timestamp": 1, "x": 1}\n')
    assert recorded.main([str(file), "--r", "rpm", "--s", "x"]) == 2
    missing, without = capsys.readouterr().err.splitlines()
    assert "No such file" in missing
    assert without == f"{file}: no line has rpm; quantities: x"


def test_a_recording_that_is_longer_than_final_after_is_refused(recording):
    moved = recording.moved(END)
    recorded.check(moved, {"FinalAfter": "PT2H"})
    with pytest.raises(
        CommandError, match=r"older than FinalAfter \(PT1M\) is late: run 'make up'"
    ):
        recorded.check(moved, {"FinalAfter": "PT1M"})
