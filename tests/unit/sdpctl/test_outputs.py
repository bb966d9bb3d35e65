"""What was deployed, as URLs that can be called; a catalog without a model has no predictions."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from glue.errors import ParameterError
from sdpctl import deployment
from sdpctl.connection import base
from sdpctl.errors import CommandError
from sdpctl.local.outputs import Outputs, of
from sdpctl.settings import ROOT, Settings
from tests.local.commands import bash

RAW = {
    "UrlForAPI": "https://abc.execute-api.us-east-1.amazonaws.com/v1/",
    "UrlForReports": "https://def.execute-api.us-east-1.amazonaws.com/v1/",
    "ApiKeyId": "k1",
}
PAGE = {"UrlForDashboard": "https://d1abc.cloudfront.net", "DashboardKeyId": "k3"}
MODEL = {"UrlForPredictions": "https://ghi.execute-api.us-east-1.amazonaws.com/v1/predictions"}


def _outputs(raw: dict[str, str]) -> Outputs:
    return of(raw, lambda which: f"value of {which}", Settings.load({"SDP_EMULATOR_PORT": "4999"}))


def test_urls_are_the_emulators_and_the_key_is_its_value() -> None:
    found = _outputs(RAW | MODEL)
    here = "http://127.0.0.1:4999/restapis"
    assert found.url_for_api == f"{here}/abc/v1/_user_request_"
    assert found.url_for_predictions == f"{here}/ghi/v1/_user_request_/predictions"
    assert found.api_key == "value of k1"
    assert base(found, "url_for_predictions", None) == found.url_for_predictions


def test_the_page_is_at_a_path_of_the_emulator() -> None:
    found = _outputs(RAW | PAGE)
    assert found.url_for_dashboard == "http://127.0.0.1:4999/_cloudfront/d1abc"
    assert found.as_dict()["DashboardKey"] == "value of k3"


def test_a_deployment_without_the_page_says_how_to_get_it() -> None:
    assert "UrlForDashboard    none: deployed by an earlier version; run 'make up'" in str(
        _outputs(RAW)
    )


def test_the_deployed_parameters_are_among_the_outputs() -> None:
    parameters = {"AllowedLateness": "PT1M", "MaxAmount": "1000"}
    found = _outputs(RAW | parameters)
    assert parameters.items() <= found.as_dict().items()
    assert "AllowedLateness    PT1M" in str(found).splitlines()


@pytest.mark.parametrize("page", ["README.md", "docs/use-cases.md"])
def test_a_pages_variables_are_set_where_use_cases_differ_in_a_parameter(
    page: str, tmp_path: Path
) -> None:
    deployed = {"UrlForAPI": "http://here", "adtech.AllowedLateness": "PT1H", "ApiKey": "k"}
    (tmp_path / "sdp").write_text(f"#!/bin/sh\necho '{json.dumps(deployed)}'\n")
    (tmp_path / "sdp").chmod(0o755)
    found = re.search(
        r'^eval "\$\(./sdp outputs.*?^[^\n]*\)"$', (ROOT / page).read_text(), re.M | re.S
    )
    assert found
    script = f'{found[0]}\necho "$UrlForAPI $ApiKey"'
    printed = bash(script, folder=tmp_path, environment={"PATH": os.environ["PATH"]}, seconds=60)
    assert printed == "http://here k\n"


def test_what_is_deployed_is_read_from_the_outputs() -> None:
    found = _outputs(RAW | {"UseCases": "adtech", "Applications": "all=adtech"})
    assert [u.name for u in found.topology.catalog.use_cases] == ["adtech"]
    assert found.topology.application("adtech") == "sdp-all"
    assert found.as_dict()["UseCases"] == "adtech"


def test_an_older_deployment_has_one_application() -> None:
    assert _outputs(RAW).topology.application("adtech") == "sdp-analytics"


def test_a_deployment_with_a_use_case_that_this_version_lacks_is_an_error_that_names_both() -> None:
    with pytest.raises(ParameterError, match="use cases adtech,shops, this version adtech"):
        _outputs(RAW | {"UseCases": "adtech,shops"})


def test_the_choices_of_use_case_are_the_deployed_ones() -> None:
    topology = _outputs(RAW | {"UseCases": "adtech"}).topology
    assert deployment.use_case(topology, None).name == "adtech"
    with pytest.raises(CommandError, match="--use-case shops: not deployed; use cases: adtech"):
        deployment.use_case(topology, "shops")


def test_without_a_model_there_is_everything_else() -> None:
    found = _outputs(RAW)
    assert found.as_dict()["UrlForPredictions"] is None
    assert found.as_dict()["UrlForAPI"]
    assert "UrlForPredictions  none: no use case has a model" in str(found).splitlines()
    with pytest.raises(CommandError, match="no deployed use case has a model"):
        base(found, "url_for_predictions", None)
    assert base(found, "url_for_predictions", "http://elsewhere") == "http://elsewhere"


def test_the_definitions_have_an_address_and_a_key_of_their_own() -> None:
    url = "https://jkl.execute-api.us-east-1.amazonaws.com/v1"
    found = _outputs(RAW | {"UrlForDefinitions": url, "DefinitionsKeyId": "k2"})
    assert found.url_for_definitions == "http://127.0.0.1:4999/restapis/jkl/v1/_user_request_"
    assert found.as_dict()["DefinitionsKey"] == "value of k2" != found.as_dict()["ApiKey"]


def test_without_definitions_there_is_everything_else() -> None:
    found = _outputs(RAW)
    assert found.as_dict()["UrlForDefinitions"] is None
    assert "DefinitionsKey     none: no use case has definitions" in str(found).splitlines()
    with pytest.raises(CommandError, match="no deployed use case has definitions"):
        base(found, "url_for_definitions", None)


def test_what_is_not_deployed_is_said() -> None:
    with pytest.raises(CommandError, match="run 'make up'"):
        _outputs({**MODEL, "ApiKeyId": "k1"})
