"""The report command: its requests, all pages, and the API's own errors."""

from contextlib import redirect_stdout
from io import StringIO
from urllib.parse import unquote

import httpx
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

import usecases
from sdpctl.answers import console
from sdpctl.commands.report import fetch, report, table
from sdpctl.errors import CommandError

ROW = {"period_start": "2026-11-21T10:00:00Z", "bids": 12345, "final": True}


def _client(handler):
    return httpx.Client(base_url="https://api.example", transport=httpx.MockTransport(handler))


def _text(answer, width=120):
    screen = Console(record=True, width=width)
    screen.print(table(answer))
    return screen.export_text()


def test_totals_are_asked_without_a_period_and_shown_in_one_row():
    def api(request):
        assert request.url.path == "/reports/campaigns/1463517"
        return httpx.Response(200, json={"campaign_item_id": 1463517, "bids": 20000})

    text = _text(fetch(_client(api), "campaigns", "1463517", {}))
    assert "1463517" in text
    assert "20,000" in text


def test_totals_of_a_range_are_asked_with_it():
    def api(request):
        assert request.url.path == "/reports/campaigns/7"
        assert dict(request.url.params) == {"from": "0"}
        return httpx.Response(200, json={"campaign_item_id": 7, "spend": 2})

    assert fetch(_client(api), "campaigns", "7", {"from": "0"}, total=True)["spend"] == 2


def test_numbers_beyond_64_bits_are_shown_exactly():
    def api(request):
        return httpx.Response(200, content=b'{"campaign_item_id":7,"spend":18446744073709551617}')

    assert "18,446,744,073,709,551,617" in _text(fetch(_client(api), "campaigns", "7", {}))


def test_all_pages_are_read():
    def api(request):
        assert request.url.path.endswith("/period")
        more = None if request.url.params.get("next") else "token"
        return httpx.Response(200, json={"period": "HOURS", "rows": [ROW], "next": more})

    answer = fetch(_client(api), "campaigns", "1", {"period": "hours"})
    assert len(answer["rows"]) == 2
    assert "12,345" in _text(answer)
    assert "yes" in _text(answer)


def test_the_error_of_the_api_is_one_line_with_its_status():
    problem = {"title": "Not Found", "status": 404, "detail": "campaign_item_id 1: not counted"}

    def api(request):
        return httpx.Response(404, json=problem)

    with pytest.raises(CommandError) as refused:
        fetch(_client(api), "campaigns", "1", {})
    assert str(refused.value) == "404: campaign_item_id 1: not counted"


@pytest.mark.parametrize("content", [b"<html>", b"[]", b""])
def test_an_answer_that_is_none_of_the_apis_is_no_traceback(content):
    with pytest.raises(
        CommandError, match=r"reports/campaigns/1: the response is not a JSON object"
    ):
        fetch(_client(lambda _: httpx.Response(200, content=content)), "campaigns", "1", {})


@pytest.mark.parametrize("key", ["77?x=1", "a/b", "a b", "50%", "ü#1"])
def test_a_key_is_escaped_into_the_url(key):
    def api(request):
        path = request.url.raw_path.decode()
        assert unquote(path.rpartition("/")[2]) == key
        assert path.startswith("/reports/campaigns/")
        assert path.count("/") == 3
        return httpx.Response(200, json={"campaign_item_id": key})

    assert fetch(_client(api), "campaigns", key, {}) == {"campaign_item_id": key}


def test_no_value_is_cut_where_the_table_is_wider_than_the_terminal():
    answer = {f"a_rather_long_name_{n}": 1_234_567 * n for n in range(6)}
    answer["complete_through"] = "2026-11-21T10:00:00.000Z"
    shown = _text(answer, width=80)
    assert "…" not in shown
    column = [line.split("│")[-2].strip() for line in shown.splitlines() if "│" in line]
    assert "".join(column) == "2026-11-21T10:00:00.000Z"


def test_what_is_not_a_terminal_gets_every_row_in_a_line():
    answer = {f"a_rather_long_name_{n}": "2026-11-21T10:00:00.000Z" for n in range(9)}
    with redirect_stdout(StringIO()) as piped:
        console().print(table(answer))
    (row,) = [line for line in piped.getvalue().splitlines() if "2026" in line]
    assert row.count("2026-11-21T10:00:00.000Z") == 9


def test_what_is_no_url_is_refused_by_its_option():
    app = typer.Typer()
    app.command()(report)
    requested = ["campaigns", "1", "--url", "notaurl", "--api-key", "x"]
    result = CliRunner().invoke(app, requested)
    assert isinstance(result.exception, CommandError)
    assert "--url 'notaurl': must start with http://" in str(result.exception)


def _refused(*arguments):
    app = typer.Typer()
    app.command()(report)
    options = ["--url", "http://127.0.0.1:1", "--api-key", "secret"]
    return str(CliRunner().invoke(app, [*arguments, *options]).exception)


def test_a_report_of_another_use_case_is_refused_with_the_choices():
    assert _refused("machines", "7", "--use-case", "adtech") == (
        "--use-case adtech: it has no report 'machines'; reports: campaigns"
    )


def test_an_unknown_use_case_is_refused_with_the_choices():
    assert _refused("campaigns", "7", "--use-case", "shops") == (
        f"--use-case shops: not deployed; use cases: {', '.join(usecases.NAMES)}"
    )
