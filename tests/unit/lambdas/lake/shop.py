"""A made-up use case and one look at its lake."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson

from glue import UseCase, event, report
from glue.targets.lake import lake_tables
from lambdas.lake.handler import Look
from lambdas.settings import Settings
from tests.unit.lambdas.lake.memory import MemoryBucket, MemoryCatalog, MemoryStream

NOW = datetime(2026, 3, 9, 10, 7, tzinfo=UTC)
CONVERSION = "format-conversion-failed"


@event(key="id", stream="sales")
class Sale:
    """Something was sold."""

    id: Annotated[str, "Which sale."]
    price: Annotated[int | None, "For how much."] = None
    at: Annotated[datetime | None, "When it was agreed."] = None


@report(path="prices", key="price", period="bucket")
class Price:
    """How often a price was paid."""

    price: Annotated[int, "The price."]
    bucket: Annotated[int, "Start of the bucket."]
    sales: Annotated[int, "Sales."]


SHOP = UseCase("shop", "A shop.", Path(), (Sale, Price))
TABLES = {table.stream: table for table in lake_tables(SHOP)}


@dataclass
class Shop:
    """The lake of the shop, and how to put things into it."""

    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    letters: MemoryStream = field(default_factory=MemoryStream)
    catalog: MemoryCatalog = field(
        default_factory=lambda: MemoryCatalog(
            [name for t in TABLES.values() for name in (t.parquet, t.raw)]
        )
    )

    retention: timedelta = timedelta(days=1)

    def look(self, now: datetime = NOW, **options: Any) -> dict[str, int]:
        settings = Settings(
            streams={"shop/dead-letters": "sdp-shop-dead-letters"}, retention=self.retention
        )
        look = Look(self.bucket, self.catalog, self.letters, settings)
        return look(SHOP, now, **options)

    def deliver(self, folder: str, hour: str = "date=2026-03-09/hour=10/", name: str = "a") -> None:
        self.bucket.stored[f"shop/{folder}/{hour}{name}"] = b""

    def refuse(
        self,
        *records: bytes,
        record: str = "sales",
        kind: str = CONVERSION,
        name: str = "e",
        **more: Any,
    ) -> None:
        lines = [
            json.dumps(
                {
                    "attemptsMade": 1,
                    "arrivalTimestamp": 1773050000000,
                    "attemptEndingTimestamp": 1773050061000,
                    "lastErrorCode": "DataFormatConversion.MalformedData",
                    "lastErrorMessage": "Data does not match the schema.",
                    "rawData": base64.b64encode(data).decode(),
                    "sequenceNumber": f"49{number}",
                    **more,
                }
            )
            for number, data in enumerate(records)
        ]
        key = f"shop/errors/{record}/{kind}/date=2026-03-09/hour=10/{name}"
        self.bucket.stored[key] = "\n".join(lines).encode()

    def reported(self) -> list[dict[str, Any]]:
        assert {stream for stream, _ in self.letters.entries} <= {"sdp-shop-dead-letters"}
        return [orjson.loads(entry.data) for _, entry in self.letters.entries]
