"""A Chromium, and a reader of the page with the keys of the running platform."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from sdpctl.local.outputs import Outputs
from sdpctl.settings import ROOT

AXE = ROOT / "dashboard/node_modules/axe-core/axe.min.js"
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
# As the page lists them.
VIEWS = (
    "overview",
    "reports",
    "series",
    "decisions",
    "definitions",
    "models",
    "ledger",
    "dead-letters",
    "keys",
)
PATIENCE_MS = 180_000  # the machine is busy


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; its own sandbox is off, since tests may run as root."""
    found = subprocess.run(
        [ROOT / "scripts/find-browser", "--install"], check=True, capture_output=True, text=True
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.stdout.strip(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Reader:
    """A reader of the page; remembers each request and each complaint of the browser."""

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, view: str, **parameters: str) -> None:
        """Go to a view."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        self.page.goto(f"{self.url}/#/{view}{query}")

    def type_keys(self, keys: Mapping[str, str]) -> None:
        """Enter the keys as a person does."""
        self.open("keys")
        for name, value in keys.items():
            self.page.get_by_label(name).fill(value)
        self.page.get_by_role("button", name="Use these keys").click()

    def violations(self, *rules: str) -> list[str]:
        """What the accessibility check finds in the view that is shown; by default by all rules."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        check = "async (options) => (await axe.run(options)).violations"
        found = self.page.evaluate(check, {"runOnly": list(rules)} if rules else {})
        return [f"{v['id']}: {v['help']}: {[n['html'] for n in v['nodes']][:3]}" for v in found]

    def is_wider_than_the_screen(self) -> bool:
        """Whether the page scrolls sideways."""
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wide

    @property
    def strangers(self) -> list[str]:
        """Requests to another host than the page's."""
        own = urlsplit(self.url).netloc
        return [url for url in self.requests if urlsplit(url).netloc != own]


def keys_of(outputs: Outputs) -> dict[str, str]:
    """The keys that the page needs, by name."""
    found = outputs.as_dict()
    return {name: found[name] or "" for name in ("ApiKey", "DashboardKey", "DefinitionsKey")}


@contextmanager
def reader(browser: Browser, url: str, **options: Any) -> Iterator[Reader]:
    """Someone without keys; `options` are those of a browser's context."""
    context = browser.new_context(**{"viewport": DESK, "timezone_id": "Europe/Berlin", **options})
    context.set_default_timeout(PATIENCE_MS)
    try:
        page = context.new_page()
        found = Reader(page, url)
        page.on("request", lambda request: found.requests.append(request.url))
        page.on(
            "console",
            lambda message: (
                found.complaints.append(message.text) if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        yield found
    finally:
        context.close()
