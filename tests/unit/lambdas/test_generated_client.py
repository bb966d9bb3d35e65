"""A client generated from docs/openapi.json speaks to the three APIs, errors included."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import usecases
from glue.instants import to_millis
from glue.targets.dynamodb import Item
from lambdas.ingest import app as ingestion
from lambdas.reports import app as reports
from lambdas.tables import Tables
from tests.unit.lambdas.ingest.gateway import BID, NOW, Memory
from tests.unit.lambdas.predict.test_app import Place

ROOT = Path(__file__).parents[3]
CATALOG = usecases.load(("adtech",))
CONFIG = "package_name_override: sdp_client\npost_hooks: []\n"


class Counted:
    """A store with one bucket of campaign 7."""

    def get(self, table: str, key: Item) -> Item | None:
        if table == "progress":
            return {"watermark": {"N": str(to_millis(datetime(2026, 11, 21, 12, tzinfo=UTC)))}}
        return None

    def items(
        self,
        table: str,
        key: tuple[str, Any],
        between: tuple[str, int, int],
        *,
        descending: bool = False,
    ) -> Iterator[Item]:
        name, low, high = between
        bucket = int(NOW.timestamp())
        if key[1] == {"N": "7"} and low <= bucket <= high:
            counts = {m: {"N": "3"} for m in ("bids", "impressions", "clicks", "spend")}
            identity = {key[0]: key[1], name: {"N": str(bucket)}}
            yield {**identity, **counts, "version": {"N": "9"}, "generation": {"N": "0"}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Imports a module of the generated client.

    The generator says of each way to send events that it leaves out NDJSON, and nothing else.
    """
    folder = tmp_path_factory.mktemp("generated")
    (folder / "config.yml").write_text(CONFIG)
    generator = ROOT / ".venv/clients/bin/openapi-python-client"
    page, target = ROOT / "docs/openapi.json", folder / "sdp_client"
    options = ["--meta", "none", "--config", folder / "config.yml"]
    done = subprocess.run(
        [generator, "generate", "--path", page, "--output-path", target, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    warnings = [line for line in done.stdout.splitlines() if line.startswith("WARNING")]
    assert all("within events" in line for line in warnings), done.stdout
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"sdp_client.{name}" if name else "sdp_client")
    sys.path.remove(str(folder))


def client(made: Any, app: Any) -> Any:
    """The generated client of one API, which runs in this process."""
    http = TestClient(app, base_url="https://api", raise_server_exceptions=False)
    return made("").Client(base_url="https://api").set_httpx_client(http)


@pytest.fixture
def stream() -> Memory:
    return Memory()


@pytest.fixture
def sending(made: Any, stream: Memory) -> Any:
    app = ingestion.create_app(catalog=CATALOG, stream=stream, clock=lambda: NOW)
    return client(made, app)


@pytest.fixture
def reading(made: Any) -> Any:
    tables = Tables({"adtech/campaigns": "campaigns"}, "progress")
    app = reports.create_app(CATALOG, Counted(), CATALOG.configured({}), tables)
    return client(made, app)


def test_an_event_is_sent_and_its_result_is_read(made: Any, sending: Any, stream: Memory) -> None:
    models = made("models")
    send = made("api.events.send_bid").sync
    answer = send(client=sending, body=models.Bid.from_dict(BID))
    assert (answer.accepted, answer.results[0].status.value) == (1, "accepted")
    assert stream.records[0]["tx_id"] == "t1"
    refused = send(client=sending, body=models.Bid.from_dict({**BID, "campaign_item_id": -1}))
    assert refused.results[0].error.field == "/campaign_item_id"
    assert refused.results[0].error.code.value == "out_of_range"


def test_mixed_events_have_models_that_need_their_type(made: Any, sending: Any) -> None:
    models = made("models")
    bid = models.AnyBid.from_dict({**BID, "type": "bid"})
    click = models.AnyClick.from_dict({"tx_id": "t1", "type": "click"})
    answer = made("api.events.send_events").sync(client=sending, body=[bid, click])
    assert answer.accepted == 2
    with pytest.raises(KeyError):
        models.AnyBid.from_dict(BID)


def test_a_problem_document_is_read_as_one(made: Any, sending: Any, reading: Any) -> None:
    problem = made("models").Problem
    none = made("api.events.send_events").sync(client=sending, body=[])
    assert isinstance(none, problem)
    assert (none.status, none.type_) == (400, "about:blank")
    unknown = made("api.reports.get_campaigns").sync("8", client=reading)
    assert (unknown.status, isinstance(unknown, problem)) == (404, True)
    wrong = made("api.reports.get_campaigns_period").sync("7", client=reading, timezone="Nowhere")
    assert (wrong.status, wrong.parameter) == (400, "timezone")


def test_reports_are_read_as_numbers_and_rows(made: Any, reading: Any) -> None:
    totals = made("api.reports.get_campaigns").sync("7", client=reading)
    assert (totals.campaign_item_id, totals.bids, totals.spend) == (7, 3, 3)
    page = made("api.reports.get_campaigns_period").sync("7", client=reading)
    assert [(row.bids, row.final) for row in page.rows] == [(3, False)]


def test_predictions_have_a_model(made: Any) -> None:
    place = Place(up=False)
    sending = client(made, place.client.app)
    models = made("models")
    one = models.AdtechInstance.from_dict({"campaignItemId": "77", "winPrice": 2400})
    predict = made("api.predictions.predict").sync
    answer = predict(client=sending, body=one)
    assert 0 <= answer.predictions[0].score <= 1
    assert answer.served_by.value == "fallback"
    many = models.AdtechInstances(instances=[one, one])
    assert len(predict(client=sending, body=many).predictions) == 2
    wrong = predict(client=sending, body=models.AdtechInstance("77", -1))
    assert (wrong.status, wrong.field) == (400, "/winPrice")
