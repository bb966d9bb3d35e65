"""Rules that people change while things fail: each change is made once its answer is known."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from glue.instants import from_millis, parse, to_millis, to_wire
from sdpctl.local import outputs
from sdpctl.settings import Settings
from tests.local import shoppers
from tests.local.shoppers import SPENDING, Put, Version

SECONDS, PAUSE = 90.0, 0.5  # for a change, with all its requests
BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Changing(Put):
    """The versions, and of each of the rule that changes which form it has."""

    forms: dict[int, int] = field(default_factory=dict)

    def form(self, at: int) -> int:
        """That of the version in force."""
        return self.forms[self.of(SPENDING, at)]


class Rules:
    """The definitions of a deployment."""

    def __init__(self, settings: Settings) -> None:
        found = outputs.read(settings)
        self._url = f"{found.url_for_definitions}/definitions/shopping"
        key = found.definitions_key or ""
        self._http = httpx.Client(timeout=60, headers={"x-api-key": key})
        self.put = Changing({})

    def begin(self) -> int:
        """Put all templates and rules; since when (epoch ms) all of them are valid."""
        for kind, documents in (("template", shoppers.TEMPLATES), ("rule", shoppers.RULES)):
            for name, document in documents.items():
                self.put.versions[name] = self._put(kind, name, document)
        self.put.forms.update({version.number: 0 for version in self.put.versions[SPENDING]})
        return max(v.valid_from for versions in self.put.versions.values() for v in versions)

    def change(self, valid_from: int) -> Version:
        """A new version of the rule that changes, of its next form; valid from then on."""
        form = (max(self.put.forms.items())[1] + 1) % len(shoppers.FORMS)
        document = {**shoppers.RULES[SPENDING], "expression": shoppers.expression(form)}
        document["valid_from"] = to_wire(from_millis(valid_from))
        found = self._put("rule", SPENDING, document)
        self.put.versions[SPENDING] = found
        for version in found:
            self.put.forms.setdefault(version.number, form)
        return found[-1]

    def _put(self, kind: str, name: str, document: Mapping[str, Any]) -> list[Version]:
        """All versions after this one; there are two of it where an answer was lost."""
        path = f"{self._url}/{kind}/{name}"
        self._until("PUT", path, 201, json=document)
        found = self._until("GET", path, 200, params={"history": "true", "limit": "100"})
        assert not found["next"], f"{name} has more than a hundred versions"
        valid = {v["version"]: to_millis(parse(v["valid_from"])) for v in found["versions"]}
        return [Version(number, valid[number]) for number in sorted(valid)]

    def _until(self, method: str, path: str, status: int, **request: Any) -> dict[str, Any]:
        until, said = time.monotonic() + SECONDS, ""
        while time.monotonic() < until:
            try:
                answer = self._http.request(method, path, **request)
            except httpx.RequestError as error:
                said = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code == status:
                    return dict(answer.json())
                said = f"{answer.status_code} {answer.text}"
                assert answer.status_code in BUSY, f"{method} {path}: {said}"
            time.sleep(PAUSE)
        raise AssertionError(f"{method} {path}: {said} for {SECONDS:.0f} s")
