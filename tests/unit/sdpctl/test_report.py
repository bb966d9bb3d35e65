"""The report command: what is asked, all pages, and the API's own errors."""

import httpx
import pytest
import typer
from rich.console import Console

from sdpctl.commands.report import fetch, table

ROW = {"period_start": "2026-11-21T10:00:00Z", "bids": 12345, "final": True}


def _client(handler):
    return httpx.Client(base_url="https://api.example", transport=httpx.MockTransport(handler))


def _text(answer):
    console = Console(record=True, width=120)
    console.print(table(answer))
    return console.export_text()


def test_totals_are_asked_without_a_period_and_shown_in_one_row():
    def api(request):
        assert request.url.path == "/reports/campaigns/1463517"
        return httpx.Response(200, json={"campaign_item_id": 1463517, "bids": 20000})

    text = _text(fetch(_client(api), "campaigns", "1463517", {}))
    assert "1463517" in text
    assert "20,000" in text


def test_all_pages_are_read():
    def api(request):
        assert request.url.path.endswith("/period")
        more = None if request.url.params.get("next") else "token"
        return httpx.Response(200, json={"period": "HOURS", "rows": [ROW], "next": more})

    answer = fetch(_client(api), "campaigns", "1", {"period": "hours"})
    assert len(answer["rows"]) == 2
    assert "12,345" in _text(answer)
    assert "yes" in _text(answer)


def test_the_error_of_the_api_is_shown_as_it_is(capsys):
    def api(request):
        return httpx.Response(404, json={"title": "no such campaign"})

    with pytest.raises(typer.Exit):
        fetch(_client(api), "campaigns", "1", {})
    assert "no such campaign" in capsys.readouterr().err
