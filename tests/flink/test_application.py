"""The packaged application, run by Flink over files: exact in any order, nothing lost.

Bounded input has no end of time: the last watermark is the end of all time, so every key closes.
"""

import base64
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from datagen import Generation, Settings
from glue.instants import to_wire
from glue.targets.flink import HEARTBEAT
from ml import inference
from ml.rows import Range, read
from ml.train import Settings as Training
from ml.train import train
from ml.trees import Growth
from tests.flink import files
from tests.flink.application import run as run_application
from tests.unit.ml import auctions
from usecases import load
from usecases.adtech import generator

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
RANK = {"click": 0, "imp": 1, "bid": 2}
# The first ones may be read before there is any watermark.
BEATS, BEAT = 20_000, timedelta(milliseconds=3)


def _record(event):
    fields = {"received_at": event["occurred_at"], **event}
    data = base64.b64encode(json.dumps(fields).encode()).decode()
    return {**fields, "data": data, "shard_id": "shard-0"}


def _forged(kind):
    """Both times of the record lie in the future of its arrival."""
    far = "2999-01-01T00:00:00.000Z"
    arrived = "2026-11-21T10:00:01.000Z"
    return {"type": kind, "occurred_at": far, "received_at": far, "arrival_timestamp": arrived}


def _poison():
    at = "2026-11-21T10:00:01.000Z"
    common = {"event_id": "x", "occurred_at": at, "received_at": at, "tx_id": "poison"}
    return [
        {**common, "type": "imp", "win_price": -1},
        {**common, "type": "bid", "app_uid": "a"},
        {**common, "type": "unheard-of"},
        {**common, "type": "click", "occurred_at": "2999-01-01T00:00:00.000Z"},
        {**common, "type": "click", "occurred_at": None},
        {**common, **_forged("click"), "event_id": "forged"},
        {**common, **_forged(HEARTBEAT), "event_id": "forged"},
        {**common, "type": "click", "tx_id": "nobody's"},
    ]


NOT_SHOWN = 999_999  # its campaign


def _not_shown():
    """A bid and a click without the impression between them."""
    at = "2026-11-21T10:00:02.000Z"
    common = {"occurred_at": at, "received_at": at, "tx_id": "not shown"}
    bid = {"type": "bid", "event_id": "n-bid", "app_uid": "a", "campaign_item_id": NOT_SHOWN}
    return [{**common, **bid}, {**common, "type": "click", "event_id": "n-click"}]


def _run(folder: Path, records: list[dict], **properties: str) -> None:
    source = folder / "data" / "adtech" / "bcns"
    source.mkdir(parents=True)
    (source / "events.json").write_text("".join(json.dumps(r) + "\n" for r in records))
    places = {"connector": "files", "files.path": str(folder / "data")}
    run_application(folder, "main.py", {"use_cases": "adtech", **places, **properties})


def _written(folder: Path, stream: str) -> list[dict]:
    return files.written(folder, "adtech", stream)


# The first model is promoted, then one whose file is corrupt, then the first again.
PROMOTED, CORRUPT, AGAIN = (START + timedelta(seconds=n) for n in (3, 6, 9))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a model, as training writes it."""
    folder = tmp_path_factory.mktemp("model")
    lake = auctions.write(auctions.auctions(3_000), folder / "lake")
    within = Range.parse("", "")
    definition = load(("adtech",)).use_case("adtech").model.definition
    rows = read(lake, definition, within).rows
    trained, _ = train(rows, definition, Training(within, version="v1", growth=Growth(rounds=20)))
    trained.save(folder)
    (folder / "corrupt.onnx").write_bytes(b"no graph")
    return folder


def _promote(folder: Path, model: Path) -> None:
    """What promotion writes, as lines of a file."""

    def line(number: int, valid_from: datetime, name: str) -> str:
        graph = model / name
        fingerprint = sha256(graph.read_bytes()).hexdigest()
        body = {"model_version": f"v{number}", "uri": graph.as_uri(), "fingerprint": fingerprint}
        at = round(valid_from.timestamp() * 1000)
        version = {"kind": "model", "name": "win", "version": number, "valid_from": at}
        return json.dumps({**version, "body": body}) + "\n"

    lines = (
        line(1, PROMOTED, "model.onnx"),
        line(2, CORRUPT, "corrupt.onnx"),
        line(3, AGAIN, "model.onnx"),
    )
    (folder / "definitions.ndjson").write_text("".join(lines))


@pytest.fixture(scope="module", params=["shuffled", "clicks before impressions before bids"])
def run(request, tmp_path_factory, model):
    folder = tmp_path_factory.mktemp("flink")
    (folder / "data" / "adtech").mkdir(parents=True)
    _promote(folder / "data" / "adtech", model)
    settings = Settings(
        events=2000,
        start=START,
        rate=200.0,
        duplicates=0.1,
        shuffle=timedelta(seconds=4),
        unmatched=0.02,
    )
    generation = Generation(load(("adtech",)).use_case("adtech"), generator, settings)
    records = [_record(event) for event in generation]
    if request.param != "shuffled":
        records.sort(key=lambda r: RANK[r["type"]])
    beat = {"type": HEARTBEAT, "event_id": "h", "received_at": "2026-11-21T10:01:00.000Z"}
    last = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
    beats = [{**beat, "occurred_at": to_wire(last - n * BEAT)} for n in reversed(range(BEATS))]
    added = [_record(r) for r in [*_poison(), *_not_shown()]]
    _run(folder, records[:500] + added + records[500:] + beats)
    return folder, generation.truth()


def test_reports_equal_the_truth(run):
    folder, truth = run
    newest = {}
    for row in sorted(_written(folder, "aggregates"), key=lambda r: r["version"]):
        newest[row["campaign_item_id"], row["period"]] = row
    names = ("campaign_item_id", "period", "bids", "impressions", "clicks", "spend")
    counts = [row[n] for row in newest.values() for n in names[2:] if row[names[0]] == NOT_SHOWN]
    assert counts == [1, 0, 0, 0]
    found = {tuple(r[n] for n in names) for r in newest.values() if r[names[0]] != NOT_SHOWN}
    assert found == {tuple(p[n] for n in names) for p in truth["periods"]["campaigns"]}


def test_each_auction_ends_as_one_transaction(run):
    folder, truth = run
    outcomes = truth["outcomes"]
    rows = _written(folder, "transactions")
    assert len({r["tx_id"] for r in rows}) == len(rows) == outcomes["bid"]["matched"] + 1
    assert sum(r["won"] for r in rows) == outcomes["imp"]["matched"]
    assert sum(r["clicked"] for r in rows) == outcomes["click"]["matched"]


def test_a_transaction_has_the_score_of_the_model_in_force_when_the_bid_was_placed(run, model):
    """It is that of the endpoint; without a model, or with a corrupt one, there is none."""
    folder, _ = run
    endpoint = inference.model_fn(str(model))
    versions = Counter()
    for row in _written(folder, "transactions"):
        at = datetime.fromisoformat(row["bid_at"])
        in_force = "v1" if PROMOTED <= at < CORRUPT else "v3" if at >= AGAIN else None
        if row["campaign_item_id"] == NOT_SHOWN:  # its bid has no price
            in_force = None
        assert row.get("model_version") == in_force
        assert ("win_probability" in row) == (in_force is not None)
        if in_force:
            sent = auctions.request({"creative_id": None, "creative_category": None, **row})
            (prediction,) = inference.predict_fn([sent], endpoint)["predictions"]
            assert row["win_probability"] == pytest.approx(prediction["score"], abs=1e-6)
        versions[in_force] += 1
    assert min(versions["v1"], versions["v3"]) > 50 < versions[None]


def test_enriched_records_are_written_once(run):
    folder, truth = run
    for stream, kind in (("impressions", "imp"), ("clicks", "click")):
        rows = _written(folder, stream)
        assert len({r["tx_id"] for r in rows}) == len(rows) == truth["outcomes"][kind]["matched"]


def test_what_is_not_counted_is_a_dead_letter_with_its_bytes(run):
    folder, truth = run
    rows = _written(folder, "dead-letters")
    assert Counter(r["reason"] for r in rows) == {
        "duplicate": truth["dead_letters"]["duplicate"],
        "malformed": 7,
        "unmatched": truth["dead_letters"]["unmatched"] + 2,
    }
    fields = {r["field"] for r in rows if r["reason"] == "malformed"}
    assert fields == {"/win_price", "/campaign_item_id", "/type", "/occurred_at"}
    for row in rows:
        sent = json.loads(base64.b64decode(row["payload"]))
        assert sent.get("event_id") == row["event_id"]
        assert row["source"]["shard"] == "shard-0"


UNMATCHED = {
    "no bid with this tx_id within 1 hour",
    "no impression with this tx_id within 1 hour of its bid",
}
DUPLICATE = re.compile(
    "this tx_id already has its (bid|impression|click)|another (impression|click) with this tx_id "
    "and the same time is already waiting for its bid"
)


def test_a_dead_letter_says_why_in_words_and_when_it_was_decided(run):
    """The records are days old by their own times and by those of their arrival."""
    folder, _ = run
    rows = _written(folder, "dead-letters")
    assert {r["detail"] for r in rows if r["reason"] == "unmatched"} == UNMATCHED
    assert all(DUPLICATE.fullmatch(r["detail"]) for r in rows if r["reason"] == "duplicate")
    written = (folder / "properties.json").stat().st_mtime
    assert all(datetime.fromisoformat(r["failed_at"]).timestamp() >= written for r in rows)
    assert all(r.get("field") is None for r in rows if r["reason"] != "malformed")


def test_a_record_dated_after_its_arrival_is_no_event_and_moves_no_time(run):
    """Had it moved the watermark, what came after it would be late."""
    folder, _ = run
    rows = [r for r in _written(folder, "dead-letters") if r["event_id"] == "forged"]
    assert [(r["reason"], r["field"]) for r in rows] == [("malformed", "/occurred_at")] * 2


def test_a_heartbeat_tells_the_watermark_of_the_one_before(run):
    folder, _ = run
    rows = sorted(_written(folder, "progress"), key=lambda row: _moment(row["heartbeat_at"]))
    assert rows[-1]["heartbeat_at"] == "2026-11-21T10:02:00Z"
    for row in rows:
        assert _moment(row["watermark"]) <= _moment(row["heartbeat_at"]) - BEAT


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


LARGEST = 10**15
ENOUGH = 9_224  # of the largest price: their sum is beyond 64 bits


def _auction(number: int, campaign: int, price: int) -> list[dict]:
    at = "2026-11-21T10:00:01.000Z"
    times = {"occurred_at": at, "received_at": at, "tx_id": f"{campaign}-{number}"}
    bid = {"type": "bid", "event_id": f"b{number}", "app_uid": "a", "campaign_item_id": campaign}
    imp = {"type": "imp", "event_id": f"i{number}", "win_price": price}
    return [{**times, **bid}, {**times, **imp}]


def test_a_sum_beyond_64_bits_stays_at_the_greatest_number_and_goes_on(tmp_path):
    auctions = [_auction(n, 1, LARGEST) for n in range(ENOUGH)]
    auctions += [_auction(n, 2, LARGEST) for n in range(9_000)]
    auctions += [_auction(1, 3, LARGEST), _auction(2, 3, LARGEST + 1)]
    records = [_record(event) for auction in auctions for event in auction]
    _run(tmp_path, records, MaxAmount=str(LARGEST))
    rows = _written(tmp_path, "aggregates")
    spend = {n: [r["spend"] for r in rows if r["campaign_item_id"] == n] for n in (1, 2, 3)}
    assert min(spend[1]) >= 0
    assert max(spend[1]) == 2**63 - 1
    assert max(spend[2]) == 9_000 * LARGEST
    assert spend[3][-1] == LARGEST
    (letter,) = [r for r in _written(tmp_path, "dead-letters") if r["reason"] == "malformed"]
    assert (letter["field"], letter["event_id"]) == ("/win_price", "i2")
