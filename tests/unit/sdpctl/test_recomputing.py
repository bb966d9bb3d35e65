"""What a backfill and a replay refuse alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glue import Catalog, schema_of
from glue.schema import Kind
from infra.topology import Topology
from sdpctl.commands.recomputing import use_case_of
from sdpctl.errors import CommandError
from usecases import load


def test_a_use_case_without_reports_is_refused_with_those_that_have_some() -> None:
    whole = load(("adtech", "shopping"))
    shopping = whole.use_case("shopping")
    others = tuple(c for c in shopping.classes if schema_of(c).kind is not Kind.REPORT)
    without = Catalog((whole.use_case("adtech"), replace(shopping, classes=others)))
    topology = Topology("sdp", without)
    assert use_case_of(topology, None).name == "adtech"
    with pytest.raises(CommandError, match=r"--use-case shopping: it has no .* reports: adtech"):
        use_case_of(topology, "shopping")
    with pytest.raises(CommandError, match="--use-case other: not deployed; use cases: adtech, sh"):
        use_case_of(topology, "other")
