"""docs/use-cases.md, followed to the letter: its files make a use case that is taken in."""

import re
import shutil
import sys

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import usecases
from analytics_app.connectors import Files
from analytics_app.rendering import render
from lambdas.ingest.app import create_app
from sdpctl import new_use_case
from sdpctl.cli import app
from sdpctl.errors import CommandError
from sdpctl.settings import ROOT
from tests.unit.test_new_use_case import START, Memory

PAGE = (ROOT / new_use_case.PAGE).read_text("utf-8")


@pytest.fixture
def root(tmp_path):
    """A project with the page and the catalog."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "usecases").mkdir()
    shutil.copy(ROOT / new_use_case.PAGE, tmp_path / "docs")
    shutil.copy(ROOT / "usecases" / "__init__.py", tmp_path / "usecases")
    return tmp_path


@pytest.fixture
def made(root, monkeypatch):
    """The use case `doormen`, made by the command."""
    monkeypatch.setattr("sdpctl.commands.new_use_case.ROOT", root)
    done = CliRunner().invoke(app("new-use-case"), ["new-use-case", "doormen"])
    assert done.exit_code == 0, done.output
    monkeypatch.setattr(usecases, "__path__", [str(root / "usecases"), *usecases.__path__])
    yield usecases.load(("doormen",))
    for name in [n for n in sys.modules if n.startswith("usecases.doormen")]:
        del sys.modules[name]


def test_the_command_writes_the_files_of_the_page_under_the_name(made, root):
    files = new_use_case.files(PAGE, "doormen")
    assert sorted(files) == [
        "usecases/doormen/__init__.py",
        "usecases/doormen/pipeline/10_gates.sql",
        "usecases/doormen/pipeline/20_outcomes.sql",
    ]
    for path, text in files.items():
        assert (root / path).read_text() == text
        assert new_use_case.EXAMPLE not in text
    names = ", ".join(f'"{name}"' for name in (*usecases.NAMES, "doormen"))
    assert f"NAMES = ({names})" in (root / "usecases" / "__init__.py").read_text()


def test_its_events_are_taken_in_and_its_bounds_hold(made):
    stream = Memory()
    api = TestClient(create_app(catalog=made, stream=stream, clock=lambda: START))
    sent = [{"gate": "north", "people": 2}, {"gate": "north", "people": 0}]
    answer = api.post("/passage", json=sent)
    assert [r["status"] for r in answer.json()["results"]] == ["accepted", "rejected"]
    assert [name for name, _ in stream.stored] == ["doormen/passages"]


def test_its_sql_has_all_that_it_declares(made):
    use_case = made.use_case("doormen")
    sql = render(use_case, use_case.configured({}), Files("/data"))
    written = [insert.split()[2].strip("`") for insert in sql.inserts]
    letters = ["dead_letters", "dead_letters"]  # of what is refused, of what is malformed
    assert written == ["sdp_decided", "aggregates", "progress", *letters, "sdp_ledger"]


def test_it_has_a_ledger(made):
    use_case = made.use_case("doormen")
    assert use_case.is_audited
    sql = render(use_case, use_case.configured({}), Files("/data"))
    (counted,) = [i for i in sql.inserts if i.startswith("INSERT INTO `sdp_decided`")]
    assert "'malformed'\nFROM `checked`" in counted
    assert counted.endswith("`outcome`\nFROM `decided`")
    (totals,) = [d for d in sql.definitions if "VIEW `sdp_ledger_totals` " in d]
    assert totals.endswith("FROM `sdp_decided_outcomes`\nGROUP BY `minute`")


def test_the_page_is_as_short_as_it_says():
    lines = [
        line
        for text in new_use_case.files(PAGE, "x").values()
        for line in text.splitlines()
        if line.strip() and not re.match(r'\s*(--|"""|from |import |\)|FROM \()', line)
    ]
    assert len(lines) <= 30


@pytest.mark.parametrize("name", ["Doormen", "9doors", "door-men", "a" * 21, ""])
def test_a_name_that_cannot_be_is_refused_with_what_can(root, name):
    with pytest.raises(CommandError, match="a name has 1 to 20 lower case letters"):
        new_use_case.create(root, name)


def test_a_folder_that_exists_is_left_alone(root):
    new_use_case.create(root, "doormen")
    with pytest.raises(CommandError, match=r"usecases/doormen exists already; choose another name"):
        new_use_case.create(root, "doormen")
