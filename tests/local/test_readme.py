"""The README's examples work as they are printed: each block is run by bash, word for word."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sdpctl.settings import ROOT, Settings
from tests.local.commands import bash
from tests.local.driver import wait_until

README = (ROOT / "README.md").read_text()
SETUP, *_ = SHELL = re.findall(r"^```bash\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SENDING = [block for block in SHELL if "$UrlForAPI" in block]
REPORTS = next(block for block in SHELL if "$UrlForReports" in block)
LETTERS = next(block for block in SHELL if "dead-letters" in block)
OTHERS = [block for block in SHELL if block not in (SETUP, *SENDING, REPORTS, LETTERS)]
PRINTED = re.search(r'^(\{"campaign_item_id":77,.*\})$', README, re.MULTILINE)


def _run(settings: Settings, block: str, setup: str = SETUP, folder: Path = ROOT) -> str:
    """What a reader sees who has set the variables and then pastes the block."""
    environment = settings.aws_environment()
    return bash(f"{setup}\n{block}", folder=folder, environment=environment, seconds=300)


def _answers(text: str) -> list[dict[str, Any]]:
    """The JSON documents that follow each other in the output."""
    found, decoder = [], json.JSONDecoder()
    while text := text.strip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


@pytest.fixture(scope="module")
def sent(settings: Settings) -> list[dict[str, Any]]:
    """The answers to all examples that send events, in their order."""
    return [answer for block in SENDING for answer in _answers(_run(settings, block))]


def test_the_first_block_sets_the_variables_that_the_others_use(settings: Settings) -> None:
    names = sorted(set(re.findall(r"\$\{?([A-Z]\w+)", "".join(SENDING) + REPORTS)))
    assert {"ApiKey", "UrlForAPI", "UrlForReports"} <= set(names)
    shown = _run(settings, "".join(f'test -n "${name}"; ' for name in names))
    assert shown == ""


def test_the_events_that_are_sent_are_answered_as_it_says(sent: list[dict[str, Any]]) -> None:
    lines = len((ROOT / "usecases/adtech/samples/events.ndjson").read_text().splitlines())
    assert [(a["accepted"], a["rejected"]) for a in sent] == [
        (1, 0), (1, 0), (1, 0), (lines, 0), (1, 1),
    ]  # fmt: skip
    assert sent[-1]["results"][1]["error"]["field"] == "/win_price"


def test_the_report_is_the_one_that_is_printed(
    settings: Settings, sent: list[dict[str, Any]]
) -> None:
    assert sent and PRINTED
    printed = {**json.loads(PRINTED[1]), "complete_through": None}
    seen: list[dict[str, Any]] = []

    def shown() -> bool:
        seen[:] = _answers(_run(settings, REPORTS))
        return {**seen[0], "complete_through": None} == printed

    wait_until(shown, 120, lambda: f"{seen}")
    [row] = [row for row in seen[1]["rows"] if row["bids"]]
    assert {name: row[name] for name in printed if name in row} == {
        name: value for name, value in printed.items() if name in row
    }
    assert row["period_start"].endswith(("+01:00", "+02:00"))


def test_the_dead_letters_are_counted_and_listed(
    settings: Settings, sent: list[dict[str, Any]]
) -> None:
    assert "letters" in _run(settings, LETTERS, setup="")


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("block", OTHERS)
def test_each_other_block_runs(settings: Settings, tmp_path: Path, block: str) -> None:
    for entry in ROOT.iterdir():  # what a block writes is not in the project's folder
        (tmp_path / entry.name).symlink_to(entry)
    assert _run(settings, block, folder=tmp_path)


def test_every_path_that_the_readme_links_is_there() -> None:
    links = re.findall(r"\]\(([^):#]+)\)", README)
    assert links and [link for link in links if not (ROOT / Path(link)).exists()] == []
