"""Each bug can be planted: its text is in its file once, and what has to notice it is there."""

from __future__ import annotations

import pytest

from tests.fault_mutants import BUGS
from tests.local.faults.flows import FLOWS
from tests.mutants import MUTANTS, Mutant
from tests.trees import ROOT


@pytest.mark.parametrize("mutant", [*MUTANTS, *BUGS], ids=lambda mutant: mutant.name)
def test_a_bug_can_be_planted(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text().count(mutant.instead_of) == 1
    assert mutant.plant != mutant.instead_of


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_there_is_a_test_to_notice_a_bug(mutant: Mutant) -> None:
    java = ROOT.glob(f"analytics_app/jvm/src/test/java/**/{mutant.noticed_by}.java")
    assert (ROOT / mutant.noticed_by).is_file() or len(list(java)) == 1


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_faults_can_happen_to_the_use_cases_of_a_bug(bug: Mutant) -> None:
    names = bug.noticed_by.split(",")
    assert names[0] == "adtech" and set(names) <= set(FLOWS)
