"""`make screenshots`: a picture of each view of the running platform, to be looked at.

`python -m tests.page.screenshots`; on a desk in light and dark, and on a phone.
"""

from __future__ import annotations

import itertools
import re
import sys
from typing import Any

from playwright.sync_api import Page, expect

from sdpctl.local import outputs
from sdpctl.settings import Settings
from tests.page.browser import DESK, PHONE, VIEWS, Reader, chromium, keys_of, reader

# What is chosen first in a view, and then.
CHOICES: dict[str, tuple[str, ...]] = {
    "reports": (".choices a",),
    "series": (".choices a",),
    "decisions": ("summary",),
    "definitions": ("tbody a", "button:text-is('Change')"),
    "models": ("tbody a",),
    "dead-letters": ("tbody a", "summary"),
}
LOADING = re.compile("(Still l|L)oading")
LOAD_MS = 60_000
SETTLED_MS = 300  # charts are drawn after what was loaded
FORMS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESK, "color_scheme": "light"},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light"},
}


def main() -> None:
    """Write them into the platform's folder."""
    settings = Settings.load()
    current = outputs.read(settings)
    folder = settings.home / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for (form, options), view in itertools.product(FORMS.items(), VIEWS):
            with reader(browser, current.url_for_dashboard or "", **options) as person:
                person.type_keys(keys_of(current))
                person.open(view, paused="1")
                _choose(person, view)
                file = folder / f"{view}-{form}.png"
                person.page.screenshot(path=file, full_page=True)
                sys.stdout.write(f"{file}\n")


def _choose(person: Reader, view: str) -> None:
    """The first things that a view has to choose from."""
    page = person.page
    _await_loaded(page)
    for selector in CHOICES.get(view, ()):
        if page.locator(selector).count():
            page.locator(selector).first.click()
            _await_loaded(page)
    page.wait_for_timeout(SETTLED_MS)


def _await_loaded(page: Page) -> None:
    """By its text: the page's policy forbids scripts that are made of strings."""
    expect(page.locator("main")).not_to_contain_text(LOADING, timeout=LOAD_MS)


if __name__ == "__main__":
    main()
