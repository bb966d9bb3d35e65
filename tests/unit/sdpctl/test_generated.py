"""Generated files: fresh in the repository, and never past an incompatible change."""

import json

import usecases
from glue.released import check_released
from sdpctl.generated import ROOT, main, rendered, stale


def test_the_generated_files_in_the_repository_are_fresh():
    catalog = usecases.load()
    check_released(ROOT, catalog)
    files = rendered(catalog)
    assert stale(ROOT, files) == []
    pages = ("catalogue.md", "commands.md", "openapi.json", "parameters.md")
    assert {f"docs/{page}" for page in pages} == {n for n in files if n.startswith("docs/")}


def test_what_was_written_passes_the_check_until_something_differs(tmp_path, capsys):
    assert main(["--check"], tmp_path) == 1
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    (tmp_path / "docs/catalogue.md").write_text("old")
    assert main(["--check"], tmp_path) == 1
    assert "docs/catalogue.md: stale" in capsys.readouterr().err


def test_a_change_that_is_not_additive_is_not_written_over(tmp_path, capsys):
    main([], tmp_path)
    path = tmp_path / "schemas/adtech/Click.json"
    released = json.loads(path.read_text())
    released["properties"]["button"] = {"type": "string"}
    path.write_text(json.dumps(released))
    assert main([], tmp_path) == 1
    assert "Click.button: was removed" in capsys.readouterr().err
    assert "button" in path.read_text()
