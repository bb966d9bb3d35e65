"""`./sdp sql` as it is typed, against Athena in the emulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdpctl.settings import Settings

ROOT = Path(__file__).parents[2]
LONG = "SELECT count(*) AS n FROM range(100000000) a(x), range(100000000) b(y) WHERE x * y % 7 = 1"


@pytest.fixture(scope="module")
def athena(client: Callable[[str], Any], workgroup: str) -> Any:
    """Athena with the workgroup of the use case."""
    return client("athena")


@pytest.fixture
def sdp(settings: Settings, athena: Any) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command line."""

    def start(*arguments: str, stdin: Any = None) -> subprocess.Popen[str]:
        places = {"SDP_HOME": str(settings.home), "SDP_EMULATOR_PORT": str(settings.emulator_port)}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [ROOT / "sdp", "sql", *arguments],
            env=os.environ | places,
            text=True,
            stdin=stdin,
            stdout=pipe,
            stderr=pipe,
            preexec_fn=_hear_ctrl_c,
        )

    return start


def _hear_ctrl_c() -> None:
    """A shell starts what it puts into the background deaf to it, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


Sdp = Callable[..., subprocess.Popen[str]]


def test_rows_go_to_standard_output_and_the_rest_to_standard_error(sdp: Sdp) -> None:
    out, err = sdp("SELECT 1 AS n, 'x' AS t, CAST(NULL AS BIGINT) AS m", "--json").communicate()
    assert json.loads(out) == [{"n": 1, "t": "x", "m": None}]
    assert "n integer, t varchar, m bigint" in err
    assert "1 row in" in err
    assert "scanned" in err


def test_sql_comes_from_standard_input_or_a_file(sdp: Sdp, tmp_path: Path) -> None:
    piped = sdp("-", "--csv", stdin=subprocess.PIPE)
    assert piped.communicate("SELECT 1 AS n, 0.5 AS x")[0] == "n,x\n1,0.5\n"
    (tmp_path / "a.sql").write_text("SELECT 2 AS n")
    assert sdp(str(tmp_path / "a.sql"), "--csv").communicate()[0] == "n\n2\n"


def test_pages_are_read_to_the_end_or_to_the_limit(sdp: Sdp) -> None:
    numbers = "SELECT n FROM UNNEST(sequence(1, 2500)) AS t(n)"
    assert len(json.loads(sdp(numbers, "--json").communicate()[0])) == 2500
    out, err = sdp(numbers, "--json", "--max-rows", "7").communicate()
    assert len(json.loads(out)) == 7
    assert "7 rows, more available" in err


def test_an_error_of_athena_is_shown_as_it_is(sdp: Sdp) -> None:
    process = sdp("SELECT nothing FROM nowhere")
    out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert "TABLE_NOT_FOUND: line 1:21: Table 'awsdatacatalog.sdp_adtech.nowhere'" in err
    assert "Traceback" not in err


def test_the_saved_queries_are_listed_with_their_parameters(sdp: Sdp) -> None:
    out, _ = sdp("--list").communicate()
    assert "campaign_funnel  How many of a campaign's bids are shown" in out
    assert "limit integer, default 100: How many campaigns" in out


def test_an_unknown_name_of_a_saved_query_or_parameter_is_said(sdp: Sdp) -> None:
    assert (
        "saved query 'x' is unknown; choose from campaign_funnel"
        in sdp("--saved", "x").communicate()[1]
    )
    process = sdp("--saved", "exact_counts", "--param", "form=1")
    assert "unknown parameter 'form'; parameters: ['from', 'to']" in process.communicate()[1]


def test_ctrl_c_stops_the_query_in_athena(sdp: Sdp, athena: Any) -> None:
    process = sdp(LONG)
    query_id = _await_running(athena)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    found = athena.get_query_execution(QueryExecutionId=query_id)
    assert found["QueryExecution"]["Status"]["State"] == "CANCELLED"


def _await_running(athena: Any) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for query_id in athena.list_query_executions(WorkGroup="sdp-adtech")["QueryExecutionIds"]:
            found = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if found["Query"] == LONG and found["Status"]["State"] == "RUNNING":
                return str(query_id)
        time.sleep(0.1)
    raise AssertionError("the query does not run")
