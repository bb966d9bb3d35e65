"""A field that is added to the bid is written in one place, and is everywhere."""

import shutil
import sys

import pytest

import usecases
from analytics_app.connectors import Files
from analytics_app.rendering import render
from glue.targets.jsonschema import json_schema
from glue.targets.lake import lake_tables
from glue.targets.pydantic import event_model
from sdpctl.settings import ROOT

BEFORE = '    win_price: Annotated[int | None, Ge(0), Amount, "Price offered, micro-USD."] = None\n'
ADDED = '    placement: Annotated[str | None, MaxLen(64), "Where on the page."] = None\n'


@pytest.fixture
def changed(tmp_path, monkeypatch):
    """Ad auctions with one more line in events.py."""
    folder = tmp_path / "auctions"
    shutil.copytree(ROOT / "usecases" / "adtech", folder)
    for path in folder.glob("*.py"):
        path.write_text(path.read_text().replace("usecases.adtech", "usecases.auctions"))
    events = folder / "events.py"
    assert BEFORE in events.read_text()
    events.write_text(events.read_text().replace(BEFORE, ADDED + BEFORE))
    monkeypatch.setattr(usecases, "__path__", [*usecases.__path__, str(tmp_path)])
    yield usecases.load(("auctions",)).use_cases[0]
    for name in [n for n in sys.modules if n.startswith("usecases.auctions")]:
        del sys.modules[name]


def test_it_is_in_the_api_in_every_stream_and_in_every_table_of_the_lake(changed):
    assert "placement" in event_model(changed.events[0]).model_fields
    for schema in (changed.events[0], *changed.records):
        assert "placement" in json_schema(schema)["properties"], schema.name
    tables = {t.stream: [c.name for c in t.columns] for t in lake_tables(changed)}
    with_it = {stream for stream, names in tables.items() if "placement" in names}
    assert with_it == {"bcns", "impressions", "clicks", "transactions"}


def test_it_is_in_every_statement_that_reads_or_writes_the_bids_fields(changed):
    sql = render(changed, changed.configured({}), Files("/data"))
    created = [d for d in sql.definitions if "`placement` STRING" in d]
    written = [i.split()[2].strip("`") for i in sql.inserts if "`placement`" in i]
    # The events, three streams of results, the join and its four ports, scoring and its port.
    assert len(created) == 11
    assert written == ["auctions", "scoring", "impressions", "clicks", "transactions"]
    checked = [d for d in sql.definitions if "\nbid placement max-length 64 is longer than 64" in d]
    assert len(checked) == 2  # by the join, and in the view of checked events
