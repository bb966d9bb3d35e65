"""`make screenshots`: a picture of each view of the running platform, to be looked at.

`python -m tests.page.screenshots`; on a desk in light and dark, and on a phone.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any

from sdpctl.local import outputs
from sdpctl.settings import Settings
from tests.page.browser import DESK, PHONE, Reader, chromium, keys_of, reader

VIEWS = ("reports", "dead-letters", "definitions", "keys")
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
                person.open(view)
                _choose(person, view)
                file = folder / f"{view}-{form}.png"
                person.page.screenshot(path=file, full_page=True)
                sys.stdout.write(f"{file}\n")


def _choose(person: Reader, view: str) -> None:
    """The first thing that a view has to choose from."""
    page = person.page
    page.wait_for_load_state("networkidle")
    first = {"reports": ".choices a", "dead-letters": "tbody a"}.get(view)
    if first and page.locator(first).count():
        page.locator(first).first.click()
        page.wait_for_load_state("networkidle")
    if view == "dead-letters" and page.locator("summary").count():
        page.locator("summary").first.click()
        page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    main()
