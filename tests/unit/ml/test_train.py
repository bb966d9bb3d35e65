"""Training: as good as can be, the same each time, rising with the price, and a clear no."""

import json
import math
import zlib
from itertools import pairwise

import numpy as np
import pytest

import usecases
from features.drift import Reference
from ml import package
from ml.artifact import Trained
from ml.figures import figures
from ml.rows import Range, read
from ml.train import NotTrained, Settings, reference, run, score, train
from tests.unit.ml.auctions import after, auctions, chance, request, write
from usecases.adtech.generator import CAMPAIGNS

ALL = Range.parse("", "")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The jobs' source as a container unpacks it."""
    return package.tree(usecases.load().use_case("adtech"), tmp_path_factory.mktemp("code"))


def _test_rows(history, slices):
    return history[-len(slices.test) :]


def test_the_model_is_within_three_percent_of_the_best_possible(trained, history):
    model, slices = trained
    scores, fallback = score(model, slices.test)
    best = figures(
        np.array([chance(r) for r in _test_rows(history, slices)]), slices.test.label
    ).log_loss
    found = figures(scores, slices.test.label)
    assert found.rows == 10_000
    assert found.log_loss < 1.03 * best
    assert figures(fallback, slices.test.label).log_loss < 1.03 * best
    assert found.calibration_error < 0.02


def test_the_score_rises_with_the_price_for_every_campaign(trained, history):
    model, _ = trained
    prices = [0, 1, 10, 300, 600, 1_000, 1_500, 2_000, 4_000, 6_000, 9_000, 30_000, 10**6]
    for campaign in [*CAMPAIGNS, "unknown"]:
        rows = [request(history[7], campaignItemId=campaign, winPrice=p) for p in prices]
        for found in (model.predict(rows), model.fallback.predict(rows)):
            scores = [p["score"] for p in found]
            assert all(a < b for a, b in pairwise(scores))


def test_trees_rise_with_the_price_where_they_bend(definition, tmp_path):
    rows = auctions(12_000)
    for row in rows:  # an interaction and a step that no straight line has
        liked = row["domain"] < "g"
        row["won"] = zlib.crc32(row["tx_id"].encode()) % 100 < (
            90 if liked and row["bid_price"] > 2000 else 10
        )
    model, slices = train(read(write(rows, tmp_path), definition, ALL).rows, definition, _quick())
    assert model.metadata["rounds"] > 5
    scores, fallback = score(model, slices.test)
    losses = [figures(s, slices.test.label).log_loss for s in (scores, fallback)]
    assert losses[0] < 0.95 * losses[1]
    for campaign in CAMPAIGNS:
        for domain in ("atlas.example", "weather.example"):
            fields = {"campaignItemId": campaign, "domain": domain}
            given = [request(rows[0], **fields, winPrice=p) for p in range(0, 8_000, 50)]
            found = [p["score"] for p in model.predict(given)]
            assert all(a <= b for a, b in pairwise(found))


def _quick():
    return Settings(ALL)


def test_an_unknown_domain_gets_a_score_and_is_marked(trained, history):
    model, _ = trained
    (known,) = model.predict([request(history[0])])
    (unknown,) = model.predict([request(history[0], domain="nobody.example")])
    (absent,) = model.predict([{"campaignItemId": "1463500", "winPrice": 2000}])
    assert known["unseen"] == absent["unseen"] == []
    assert unknown["unseen"] == ["domain"]
    assert 0 < unknown["score"] < 1


def test_the_same_range_and_seed_give_the_same_bytes(lake, root, tmp_path):
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        assert run(lake, root, folder / "model", folder / "data", Settings(ALL, "v1")) == 0
        names = ("model/metrics.json", "model/fallback.json", "data/predictions.csv")
        written.append([(folder / n).read_bytes() for n in names])
    assert written[0] == written[1]


def test_a_model_that_was_saved_gives_the_same_scores(trained, tmp_path):
    model, slices = trained
    model.save(tmp_path)
    read_again = Trained.load(tmp_path)
    assert (score(read_again, slices.test)[0] == score(model, slices.test)[0]).all()
    assert read_again.version == "v1"
    assert read_again.fitted_through == slices.check.time[-1]


def test_slices_follow_each_other_in_time(trained):
    _, slices = trained
    parts = [slices.fit, slices.check, slices.test]
    for before, later in pairwise(parts):
        assert before.time[-1] < later.time[0]


def test_after_a_change_of_behaviour_only_what_came_later_is_learned_from(definition, tmp_path):
    old = auctions(20_000)
    new = auctions(20_000, drift=1.0, start=after(old))
    rows = read(write(old + new, tmp_path), definition, ALL).rows
    model, slices = train(rows, definition, _quick())
    assert model.metadata["window_rows"] < len(slices.fit) / 2
    best = np.array([chance(r, drift=1.0) for r in new[-len(slices.test) :]])
    found = figures(score(model, slices.test)[0], slices.test.label)
    assert found.log_loss < 1.03 * figures(best, slices.test.label).log_loss


def test_where_nothing_changed_all_is_learned_from(trained):
    model, slices = trained
    assert model.metadata["window_rows"] == len(slices.fit)


def test_an_empty_range_is_a_success_without_a_model(lake, root, tmp_path):
    nothing = Range.parse("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
    status = run(lake, root, tmp_path / "model", tmp_path / "data", Settings(nothing))
    assert status == 0
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["result.json"]
    result = json.loads((tmp_path / "model" / "result.json").read_text())
    assert (result["status"], result["rows"]["outside"]) == ("empty", 50_000)
    assert result["reason"] == "no rows in the range"


def test_too_few_rows_or_one_label_are_no_training_range(definition, tmp_path):
    few = read(write(auctions(500), tmp_path / "few"), definition, ALL).rows
    with pytest.raises(NotTrained, match="500 rows; 1000 are needed"):
        train(few, definition, _quick())
    lost = [r | {"won": False} for r in auctions(1_500)]
    with pytest.raises(NotTrained, match="only one label"):
        train(read(write(lost, tmp_path / "lost"), definition, ALL).rows, definition, _quick())


def test_prices_beyond_all_bounds_have_a_score(trained, history):
    model, _ = trained
    rows = [request(history[0], winPrice=p) for p in (10**15, 2**63 - 1, 1e300)]
    assert all(math.isfinite(p["score"]) for p in model.predict(rows))


def test_a_model_keeps_histograms_of_what_it_learned_from(trained, history):
    model, slices = trained
    kept = Reference.from_json(json.loads(json.dumps(reference(model, slices).to_json())))
    for rows, most in ((history[-10_000:], 0.1), (auctions(10_000, seed=9, drift=1.0), None)):
        sample = {name: [r[name] for r in rows] for name in (*model.definition.columns, "won")}
        sample["won"] = [str(won).lower() for won in sample["won"]]
        moved = kept.moved(model.fallback, sample)
        assert moved.keys() == {*model.definition.columns, "won", "score"}
        assert (max(moved.values()) < most) if most else (max(moved.values()) > 0.2)
