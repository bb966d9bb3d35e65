"""The champion as a definition of kind `model`: which model scores in the stream from when on.

It is a version in the same table as rules, with the same frontier: so live, after a crash and in a
replay the same model scores an event (docs/adr/0032-scores.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glue.errors import PlatformError
from lambdas.lakestore.objects import Objects, content
from lambdas.model_names import Names
from lambdas.ports.definitions import DefinitionsStore, FrontierPassed, Overtaken, Version

KIND = "model"
GRAPH = "model.onnx"
ATTEMPTS = 10


class AnnouncingError(PlatformError):
    """Other writers were first, again and again."""


@dataclass(frozen=True)
class Announcer:
    """Writes into a use case's table of definitions. `name` is the model's; `lead` is in ms."""

    store: DefinitionsStore
    table: str
    name: str
    lead: int
    objects: Objects
    names: Names

    def announce(self, version: str, now: int) -> int:
        """From which instant (epoch ms) the stream scores by the version.

        Of a version without a graph it is the end of the former one: the stream then has no model,
        and never one that is not the champion. A version that was announced last stays as it is.
        Raises AnnouncingError.
        """
        body = self._body(version)
        for _ in range(ATTEMPTS):
            head = self.store.head(self.table, KIND, self.name)
            if head is not None and dict(head.body) == body:
                return head.valid_from
            if head is None and "uri" not in body:
                return now  # the stream has no model, and gets none
            following = self._following(head, body, now)
            try:
                self.store.write(self.table, following)
            except (FrontierPassed, Overtaken):
                continue
            return following.valid_from
        raise AnnouncingError(
            f"{version}: {ATTEMPTS} attempts to write to {self.table} lost to other writers; "
            "promote it again"
        )

    def _body(self, version: str) -> dict[str, Any]:
        key = self.names.key(version, GRAPH)
        graph = content(self.objects, key)
        body = {"model_version": version}
        if graph is None:
            return body
        fingerprint = hashlib.sha256(graph).hexdigest()
        return {**body, "uri": self.names.uri(key), "fingerprint": fingerprint}

    def _following(self, head: Version | None, body: Mapping[str, Any], now: int) -> Version:
        frontier = self.store.frontier(self.table)
        return Version(
            kind=KIND,
            name=self.name,
            version=1 + (head.version if head else 0),
            valid_from=max(now, frontier.instant) + self.lead,
            mode="live",
            ended="uri" not in body,
            body=body,
            written_at=now,
            sequence=frontier.sequence + 1,
        )
