"""Each bug of `make mutants` can be planted: its text is in its file once; its test is there."""

from __future__ import annotations

import pytest

from tests.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_can_be_planted(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text().count(mutant.instead_of) == 1
    assert mutant.plant != mutant.instead_of
    java = ROOT.glob(f"analytics_app/jvm/src/test/java/**/{mutant.noticed_by}.java")
    assert (ROOT / mutant.noticed_by).is_file() or len(list(java)) == 1
