"""Rows for training put straight into the lake, and runs of the retraining workflow."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glue.definitions import PARAMETERS
from glue.instants import to_wire
from glue.parameters import parse_duration
from sdpctl.clock import now
from sdpctl.commands.train import follow
from sdpctl.local import aws, outputs
from sdpctl.retraining import Place
from sdpctl.settings import Settings
from tests.local.driver import HTTP, Driver, wait_until
from tests.unit.ml.auctions import CARRIED, after, auctions, request

START = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = auctions(6_000, start=START)
UNTIL = after(ROWS)
REQUEST = request(ROWS[0])
LEAD = parse_duration(PARAMETERS[0].default)
Row = dict[str, Any]
ABSENT: Row = {"app_uid": "app-1", "clicked": False, "won_at": None, "clicked_at": None}


@dataclass(frozen=True)
class Modelling:
    """The model of a use case on a running platform; `url` and `key` of predictions.

    It learns from the rows of a stream, whose column `time` has their time. `absent` are columns of
    the table that made-up rows do not have.
    """

    place: Place
    url: str
    key: str
    stream: str = "transactions"
    time: str = "bid_at"
    absent: Row = field(default_factory=lambda: ABSENT)

    def fill(self, rows: Sequence[Row], name: str) -> None:
        """Rows into the lake, hour by hour of their time, each hour registered."""
        hours: dict[str, list[Row]] = {}
        for row in rows:
            hours.setdefault(f"{row[self.time]:date=%Y-%m-%d/hour=%H}", []).append(row)
        for hour, found in hours.items():
            folder = f"{self.place.use_case}/parquet/{self.stream}/{hour}/"
            out = io.BytesIO()
            pq.write_table(pa.Table.from_pylist([_in_utc(row | self.absent) for row in found]), out)
            self.place.clients("s3").put_object(
                Bucket=self.place.names.bucket, Key=f"{folder}{name}.parquet", Body=out.getvalue()
            )
            self._register(hour, folder)

    def _register(self, hour: str, folder: str) -> None:
        glue = self.place.clients("glue")
        database, name = f"sdp_{self.place.use_case}", f"parquet_{self.stream}"
        table = glue.get_table(DatabaseName=database, Name=name)["Table"]
        location = f"s3://{self.place.names.bucket}/{folder}"
        values = [part.partition("=")[2] for part in hour.split("/")]
        descriptor = {**table["StorageDescriptor"], "Location": location}
        try:
            glue.create_partition(
                DatabaseName=database,
                TableName=name,
                PartitionInput={"Values": values, "StorageDescriptor": descriptor},
            )
        except glue.exceptions.AlreadyExistsException:
            return

    def run(self, *, until: datetime, since: datetime | None = None, **given: Any) -> Row:
        """One run of the workflow over rows of that range; what it ended with."""
        given["to"] = until.isoformat(timespec="milliseconds")
        if since:
            given["from"] = since.isoformat(timespec="milliseconds")
        return self.ended(self.place.start(now(), given))

    def decide(self) -> str | None:
        """Let the deciding function look; the ARN of the run that it started, if it did."""
        name = self.place.decide()["started"]
        return (
            f"{self.place.machine.replace(':stateMachine:', ':execution:')}:{name}"
            if name
            else None
        )

    def await_step(self, arn: str, step: str) -> None:
        """Wait until a run has come to a step."""
        wait_until(
            lambda: step in (name for _, name in self.place.steps(arn, 0)),
            60,
            lambda: f"{arn} is not at {step}: {self.place.execution(arn)}",
        )

    def ended(self, arn: str) -> Row:
        """Wait until a run has ended; what it ended with."""
        ended = follow(self.place, arn, lambda step: None)
        if ended["status"] != "SUCCEEDED":
            return {"status": "failed", "cause": ended.get("cause"), "execution": arn}
        found: Row = json.loads(ended["output"])
        return found

    def ask(self, body: Any) -> httpx.Response:
        """POST to the prediction API."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"x-api-key": self.key, "content-type": "application/json"}
        return HTTP.post(self.url, content=content, headers=headers)

    def scores(self, rows: Sequence[Row]) -> list[float]:
        """The score of each row, requested in batches."""
        found: list[float] = []
        for first in range(0, len(rows), 500):
            requested = {"instances": [request(row) for row in rows[first : first + 500]]}
            answer = self.ask(requested)
            assert answer.status_code == 200, answer.text
            found += [p["score"] for p in answer.json()["predictions"]]
        return found


@pytest.fixture(scope="session")
def modelling(settings: Settings) -> Modelling:
    """A platform whose first model is in service."""
    found = outputs.read(settings)
    place = place_of(settings, "adtech")
    made = Modelling(place, found.url_for_predictions, found.api_key)
    made.fill(ROWS, "model")
    if place.champion():  # a platform that runs while tests are being written
        return made
    before = made.ask(REQUEST)
    assert before.status_code == 503, before.text
    ended = made.run(since=START, until=UNTIL)
    assert ended["status"] == "promoted", ended
    return made


def place_of(settings: Settings, use_case: str) -> Place:
    """The model of a use case of the running platform."""
    stacks = aws.client(settings, "cloudformation").describe_stacks()["Stacks"]
    given = {o["OutputKey"]: o["OutputValue"] for s in stacks for o in s.get("Outputs", [])}
    return Place(lambda s: aws.client(settings, s), given, settings.prefix, use_case)


@dataclass(frozen=True)
class Bid:
    """A bid, and what the endpoint says of it."""

    tx_id: str
    score: float
    model_version: str


@pytest.fixture(scope="session")
def scored(modelling: Modelling, driver: Driver) -> Bid:
    """One that is placed when the champion scores in the stream; it closes minutes later."""
    row = ROWS[0]
    answer = modelling.ask(request(row)).json()
    made = Bid(f"scored-{uuid4()}", answer["predictions"][0]["score"], answer["model_version"])
    at = now() + LEAD + timedelta(seconds=5)
    carried = {name: row[name] for name in CARRIED}
    event = {"type": "bid", "occurred_at": to_wire(at), "tx_id": made.tx_id, "app_uid": "a"}
    driver.send([{**event, **carried, "win_price": row["bid_price"]}])
    return made


def _in_utc(row: Row) -> Row:
    """A row whose times are what a lake's file has: in UTC, without saying so."""
    return {k: v.replace(tzinfo=None) if isinstance(v, datetime) else v for k, v in row.items()}
