"""Each link of a page leads to a file that exists, and to a heading that the file has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("usecases/*/*.md")])
README = (ROOT / "README.md").read_text()
# What a new user looks for, by the words of the question: the commands that answer it.
ANSWERS = {
    "an event not counted": ["./sdp find", "./sdp dead-letters"],
    "does it cost": ["./sdp cost"],
    "A key for a partner": ["./sdp keys create", "./sdp keys revoke"],
    "Remove it": ["make clean", "npx cdk destroy"],
}


def _prose(page: Path) -> str:
    """The page without its code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`]*`", lambda code: "" if "](" in code[0] else code[0], text)


def _links(page: Path) -> Iterator[tuple[str, str]]:
    """Path and heading of each link to a file."""
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if "://" not in target:
            path, _, heading = target.partition("#")
            yield path, heading


def _headings(page: Path) -> set[str]:
    """As GitHub makes names of them."""
    titles = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_somewhere(page: Path) -> None:
    for path, heading in _links(page):
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), path
        assert not heading or heading in _headings(linked), f"{path}#{heading}"


def test_a_heading_that_a_page_lacks_is_found() -> None:
    page = ROOT / "docs/operations.md"
    assert "remove-everything" in _headings(page)
    assert "what-an-account-needs" in _headings(page)
    assert "aws-dynamodb-list-backups" not in _headings(page)


@pytest.mark.parametrize("question", ANSWERS)
def test_the_readme_answers_what_a_new_user_looks_for(question: str) -> None:
    [paragraph] = [part for part in README.split("**") if question in part]
    after = README.split(paragraph + "**")[1].partition("\n**")[0]
    assert all(command in after for command in ANSWERS[question])
