"""Nothing outside `usecases/` knows what the events are about."""

import re
import subprocess
from pathlib import Path

import pytest

import usecases

ROOT = Path(__file__).parent.parent.parent
# Tests, benchmarks and pages for readers show the platform at work on a real use case; cdk.json
# chooses one.
EXEMPT = re.compile(
    r"^(usecases|tests|docs|bench|schemas)/|/src/test/|(^|/)(README|CHANGELOG)\.md$|"
    r"^(requirements/|(dashboard/)?package-lock\.json|cdk\.json|LICENSE)"
)
WORDS = {
    *("ad", "ads", "advertiser", "auction", "auctions", "bid", "bids", "bidder", "campaign"),
    *("campaigns", "card", "click", "clicks", "creative", "imp", "impression", "impressions"),
    *("merchant", "spend", "tx", "bcns", "fraud", "payment", "adtech", "shopping"),
    "reactions",
}
# Words of use cases that are words of the platform, or of everybody, too.
COMMON = {
    "acceptance",
    "balance",
    "customer",
    "kinds",
    "machines",
    "measurement",
    "page-view",
    "transaction",
}
# Words of browsers, in the page's code.
BROWSER = {"click", "clicks"}
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def _tracked() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if not EXEMPT.search(name)]


def domain_words(text: str) -> set[str]:
    """The domain's words in a text, also inside identifiers of either spelling."""
    return {part.lower() for part in _PART.findall(text)} & WORDS


def test_no_file_of_the_platform_has_a_word_of_a_use_case():
    found = []
    for name in _tracked():
        path = ROOT / name
        if path.is_symlink() or not path.is_file():
            continue
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
            words = domain_words(line) - (BROWSER if name.startswith("dashboard/") else set())
            if words:
                found.append(f"{name}:{number}: {', '.join(sorted(words))}: {line.strip()[:80]}")
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("text", ["campaign_item_id", "class BidPrice", "on Click", "TX_ID", "imp"])
def test_a_word_is_found_inside_identifiers(text):
    assert domain_words(text)


@pytest.mark.parametrize("text", ["import", "forbidden", "simple", "add", "download", "discard"])
def test_a_word_that_only_contains_one_is_none(text):
    assert not domain_words(text)


def test_the_list_has_every_event_and_report_of_the_catalog():
    for use_case in usecases.load().use_cases:
        names = {use_case.name, *(e.type for e in use_case.events)}
        assert names | {r.path for r in use_case.reports} <= WORDS | COMMON
